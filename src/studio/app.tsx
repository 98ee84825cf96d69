// The page: a sheet to write on with a model, what it thought of at each token, and how it learnt.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Choice, continueText } from "./completion-stream.ts";
import { Editor } from "./editor.tsx";
import { type Numbers, numbersIn } from "./numbers.ts";
import { RunCard } from "./run-card.tsx";
import { Settings, useSampling } from "./settings.tsx";
import { SideBySide } from "./side-by-side.tsx";
import { TokenCard } from "./token-card.tsx";
import type { PlacedPiece, TokenText } from "./token-text.ts";
import { examplePrompts, firstLanguage, type Language, languages, type Words } from "./words.ts";

interface Model {
  readonly id: string;
  readonly context_length: number;
  /** Of an adapter, its base. */
  readonly parent?: string;
}

/** Of the continuation that is being written or was written last. */
interface Progress {
  readonly tokens: number;
  /** Sum of the natural logarithms of their probabilities. */
  readonly logprob: number;
  readonly tokensPerSecond: number | undefined;
}

export function App(): JSX.Element {
  const [language, setLanguage] = useState<Language>(firstLanguage);
  const words = languages[language];
  const numbers = numbersIn(language);
  const [models, setModels] = useState<readonly Model[]>([]);
  const [modelName, setModelName] = useState<string>();
  const model = models.find(({ id }) => id === modelName) ?? models[0];
  const base = model?.parent ?? model?.id;
  const adapters = models.filter(({ parent }) => parent !== undefined && parent === base).map(({ id }) => id);
  const [sampling, changeSampling] = useSampling();
  const [tinted, setTinted] = useState(true);
  const [current, setCurrent] = useState<PlacedPiece>();
  const [progress, setProgress] = useState<Progress>();
  const [problem, setProblem] = useState<string>();
  const [running, setRunning] = useState<AbortController>();
  const text = useRef<TokenText>(undefined);
  const [empty, setEmpty] = useState(true);

  useEffect(() => {
    document.documentElement.lang = language;
    localStorage.setItem("language", language);
  }, [language]);

  useEffect(() => {
    const look = () =>
      fetch("/v1/models")
        .then((response) => response.json())
        .then(({ data }) => setModels(data))
        .catch(() => setProblem(words.serverGone));
    void look();
    // Adapters may have come and gone while the reader was elsewhere.
    addEventListener("focus", look);
    return () => removeEventListener("focus", look);
  }, []);

  async function goOn(): Promise<void> {
    if (running || !model || !text.current) return;
    const abort = new AbortController();
    setRunning(abort);
    setProblem(undefined);
    setProgress(undefined);
    setCurrent(undefined);
    let [tokens, logprob, firstAt] = [0, 0, 0];
    try {
      const length = Math.min(sampling.length, model.context_length);
      for await (const piece of continueText(model.id, text.current.text, { ...sampling, length }, abort.signal)) {
        const follow = endIsInView();
        text.current.append(piece);
        if (follow) document.querySelector(".sheet > :last-child")?.scrollIntoView({ block: "nearest" });
        if (tokens === 0) firstAt = performance.now();
        const before = tokens;
        tokens += piece.tokens.length;
        for (const token of piece.tokens) logprob += token.logprob;
        const seconds = (performance.now() - firstAt) / 1000;
        setProgress({ tokens, logprob, tokensPerSecond: before > 0 ? (tokens - 1) / seconds : undefined });
        setEmpty(false);
      }
      if (tokens === 0) setProgress({ tokens, logprob, tokensPerSecond: undefined });
    } catch (error) {
      if (!abort.signal.aborted) setProblem(error instanceof TypeError ? words.serverGone : (error as Error).message);
    } finally {
      setRunning(undefined);
    }
  }

  function write(content: string): void {
    text.current!.set(content);
    setEmpty(content === "");
    setCurrent(undefined);
    setProgress(undefined);
    setProblem(undefined);
    const sheet = document.querySelector<HTMLElement>(".sheet")!;
    sheet.focus();
    text.current!.placeCaret(content.length);
  }

  function take(piece: PlacedPiece, choice: Choice): void {
    const { alternatives } = piece.tokens[0]!;
    text.current!.set(text.current!.text.slice(0, piece.start));
    text.current!.append({ text: choice.text, tokens: [{ ...choice, alternatives }] });
    goOn();
  }

  const shortcut = (event: KeyboardEvent) => {
    if (event.key === "Escape") running?.abort();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      goOn();
    }
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: only shortcuts are heard here; every one has its button
    <div class="page" onKeyDown={shortcut}>
      <header class="top">
        <h1>
          slovo <span class="muted">{words.tagline}</span>
        </h1>
        <span class="group">
          {models.length > 1 ? (
            <select aria-label={words.model} value={model?.id} onChange={(event) => setModelName(event.currentTarget.value)}>
              {models.map(({ id }) => (
                <option key={id}>{id}</option>
              ))}
            </select>
          ) : (
            <span class="model">{model?.id}</span>
          )}
          {model && <span class="muted">{words.contextLength(numbers.whole(model.context_length))}</span>}
        </span>
        <fieldset class="switch">
          <legend class="hidden">{words.language}</legend>
          {(Object.keys(languages) as Language[]).map((code) => (
            <button key={code} type="button" lang={code} aria-pressed={code === language} onClick={() => setLanguage(code)}>
              {code === "en" ? "English" : "Русский"}
            </button>
          ))}
        </fieldset>
      </header>

      <main>
        {base !== undefined && adapters.length > 0 && (
          <SideBySide key={base} words={words} base={base} adapters={adapters} sampling={sampling} />
        )}
        <Editor
          words={words}
          busy={running !== undefined}
          tinted={tinted}
          current={current}
          onReady={(ready) => {
            text.current = ready;
          }}
          onEdit={() => setEmpty(text.current!.text === "")}
          onLook={setCurrent}
        />
        {empty && (
          <p class="examples">
            <span class="muted">{words.examples}</span>
            {examplePrompts.map((prompt) => (
              <button key={prompt} type="button" class="chip" onClick={() => write(prompt)}>
                {prompt}
              </button>
            ))}
          </p>
        )}
        <div class="toolbar">
          {running ? (
            <button type="button" class="primary" onClick={() => running.abort()}>
              {words.stop}
            </button>
          ) : (
            <button type="button" class="primary" disabled={!model} title={words.shortcut} onClick={goOn}>
              {words.continue}
            </button>
          )}
          <button type="button" disabled={empty || running !== undefined} onClick={() => write("")}>
            {words.clear}
          </button>
          <p class="status muted" role="status" aria-busy={running !== undefined}>
            {progress && <Status progress={progress} words={words} numbers={numbers} />}
          </p>
          <label class="tint" title={words.tint}>
            <input type="checkbox" checked={tinted} onChange={() => setTinted(!tinted)} />
            <span class="hidden">{words.tint}</span>
            <span class="scale" aria-hidden="true">
              {words.likely}
              <span class="tinted">
                {[0, 1, 2, 3, 4].map((tint) => (
                  <i key={tint} class={`tint-${tint}`} />
                ))}
              </span>
              {words.surprising}
            </span>
          </label>
        </div>
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <Settings
          words={words}
          numbers={numbers}
          sampling={sampling}
          contextLength={model?.context_length ?? 1024}
          onChange={changeSampling}
        />
      </main>

      <aside>
        <TokenCard
          words={words}
          numbers={numbers}
          pieces={text.current?.pieces ?? []}
          current={current}
          busy={running !== undefined}
          onLook={setCurrent}
          onTake={take}
        />
        <RunCard words={words} numbers={numbers} />
      </aside>
    </div>
  );
}

interface StatusProps {
  readonly progress: Progress;
  readonly words: Words;
  readonly numbers: Numbers;
}

function Status({ progress: { tokens, logprob, tokensPerSecond }, words, numbers }: StatusProps): JSX.Element {
  if (tokens === 0) return <>{words.ended}</>;
  const facts = [
    words.tokens(numbers.whole(tokens), numbers.plural(tokens)),
    tokensPerSecond && words.speed(numbers.whole(tokensPerSecond)),
    words.perplexity(numbers.short(Math.exp(-logprob / tokens))),
  ];
  return <>{facts.filter(Boolean).join(" · ")}</>;
}

/** Whether the reader sees the end of the text, and so wants to go on seeing it. */
function endIsInView(): boolean {
  const sheet = document.querySelector(".sheet");
  return sheet !== null && sheet.getBoundingClientRect().bottom <= innerHeight + 80;
}
