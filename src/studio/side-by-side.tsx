// One question to a base and to its adapter, and what each makes of it: the one goes on with it, the other answers it.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { answerQuestion, continueText, type Sampling } from "./completion-stream.ts";
import { exampleQuestion, type Words } from "./words.ts";

interface SideBySideProps {
  readonly words: Words;
  /** The id of the base, and those of its adapters. */
  readonly base: string;
  readonly adapters: readonly string[];
  readonly sampling: Sampling;
}

/** What one of the two has written so far. */
interface Written {
  readonly text: string;
  readonly problem?: string;
}

const nothing: Written = { text: "" };

async function* textsOf(pieces: ReturnType<typeof continueText>): AsyncGenerator<string> {
  for await (const { text } of pieces) yield text;
}

export function SideBySide({ words, base, adapters, sampling }: SideBySideProps): JSX.Element {
  const [question, setQuestion] = useState<string>(exampleQuestion);
  /** What the panes are about, whatever has been chosen or written since. */
  const [asked, setAsked] = useState<{ readonly question: string; readonly adapter: string }>();
  const [chosen, setChosen] = useState<string>();
  const adapter = adapters.find((id) => id === chosen) ?? adapters[0]!;
  const [continued, setContinued] = useState(nothing);
  const [answered, setAnswered] = useState(nothing);
  const [running, setRunning] = useState<AbortController>();

  useEffect(() => () => running?.abort(), [running]);

  async function ask(): Promise<void> {
    if (running || question.trim() === "") return;
    const abort = new AbortController();
    setRunning(abort);
    setAsked({ question, adapter });
    const write = async (pieces: AsyncGenerator<string>, show: (written: Written) => void) => {
      let text = "";
      show(nothing);
      try {
        for await (const piece of pieces) {
          text += piece;
          show({ text });
        }
      } catch (error) {
        if (abort.signal.aborted) return;
        show({ text, problem: error instanceof TypeError ? words.serverGone : (error as Error).message });
      }
    };
    await Promise.all([
      write(textsOf(continueText(base, question, sampling, abort.signal)), setContinued),
      write(answerQuestion(adapter, question, sampling, abort.signal), setAnswered),
    ]);
    setRunning(undefined);
  }

  /** As for the sheet, and in its place while the cursor is here. */
  const shortcut = (event: KeyboardEvent) => {
    if (event.key === "Escape") running?.abort();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void ask();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const pane = (id: string, role: string, before: string | undefined, { text, problem }: Written) => (
    <article class="pane" aria-label={id} aria-busy={running !== undefined}>
      <h3>
        {id} <span class="role muted">{role}</span>
      </h3>
      <p class="written">
        {before && <span class="muted">{before}</span>}
        {text}
      </p>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </article>
  );

  return (
    <section class="card sides" aria-label={words.sideBySide}>
      <header>
        <h2>{words.sideBySide}</h2>
        {adapters.length > 1 && (
          <select aria-label={words.adapter} value={adapter} onChange={(event) => setChosen(event.currentTarget.value)}>
            {adapters.map((id) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        )}
      </header>
      <form
        class="ask"
        onKeyDown={shortcut}
        onSubmit={(event) => {
          event.preventDefault();
          if (running) running.abort();
          else void ask();
        }}
      >
        <input
          type="text"
          aria-label={words.question}
          maxLength={1000}
          value={question}
          onInput={(event) => setQuestion(event.currentTarget.value)}
        />
        <button type="submit" class="primary" disabled={!running && question.trim() === ""}>
          {running ? words.stop : words.askBoth}
        </button>
      </form>
      <div class="panes">
        {pane(base, words.goesOn, asked?.question, continued)}
        {pane(asked?.adapter ?? adapter, words.answers, undefined, { ...answered, text: answered.text.trimStart() })}
      </div>
    </section>
  );
}
