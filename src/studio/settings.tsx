// The dials of sampling; they are kept between visits.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Sampling } from "./completion-stream.ts";
import type { Numbers } from "./numbers.ts";
import type { Words } from "./words.ts";

const defaults: Sampling = { temperature: 0.8, topP: 0.95, topK: 0, length: 80, seed: undefined, stop: "" };

function saved(): Sampling {
  try {
    return { ...defaults, ...JSON.parse(localStorage.getItem("sampling") ?? "{}") };
  } catch {
    return defaults;
  }
}

export function useSampling(): [Sampling, (change: Partial<Sampling>) => void] {
  const [sampling, setSampling] = useState(saved);
  useEffect(() => localStorage.setItem("sampling", JSON.stringify(sampling)), [sampling]);
  return [sampling, (change) => setSampling((before) => ({ ...before, ...change }))];
}

interface SettingsProps {
  readonly words: Words;
  readonly numbers: Numbers;
  readonly sampling: Sampling;
  readonly contextLength: number;
  onChange(change: Partial<Sampling>): void;
}

export function Settings({ words, numbers, sampling, contextLength, onChange }: SettingsProps): JSX.Element {
  const slider = (name: "temperature" | "topP", most: number, least: number) => (
    <label class="dial" title={words[`${name}Hint`]}>
      <span>
        {words[name]}
        <span class="value">{numbers.hundredths(sampling[name])}</span>
      </span>
      <input
        type="range"
        min={least}
        max={most}
        step={0.05}
        value={sampling[name]}
        onInput={(event) => onChange({ [name]: event.currentTarget.valueAsNumber })}
      />
    </label>
  );
  const whole = (name: "topK" | "length" | "seed", least: number, most: number, placeholder?: string) => (
    <label class="dial" title={words[`${name}Hint`]}>
      <span>{words[name]}</span>
      <input
        type="number"
        inputMode="numeric"
        min={least}
        max={most}
        step={1}
        placeholder={placeholder}
        value={sampling[name] ?? ""}
        onChange={(event) => {
          const value = event.currentTarget.valueAsNumber;
          const inRange = Math.min(Math.max(Math.round(value), least), most);
          const change = Number.isFinite(value) ? inRange : defaults[name];
          event.currentTarget.value = String(change ?? "");
          onChange({ [name]: change });
        }}
      />
    </label>
  );
  return (
    <section class="card settings" aria-label={words.settings}>
      {slider("temperature", 2, 0)}
      {slider("topP", 1, 0.05)}
      {whole("topK", 0, 1000)}
      {whole("length", 1, contextLength)}
      {whole("seed", 0, 2 ** 32 - 1, words.random)}
      <label class="dial" title={words.stopAtHint}>
        <span>{words.stopAt}</span>
        <input
          type="text"
          maxLength={100}
          placeholder={words.nothing}
          value={sampling.stop}
          onInput={(event) => onChange({ stop: event.currentTarget.value })}
        />
      </label>
    </section>
  );
}
