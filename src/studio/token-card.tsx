// What the model thought of at one place: the token it took and those it might have taken.
import type { JSX } from "preact";
import type { Choice, Token } from "./completion-stream.ts";
import type { Numbers } from "./numbers.ts";
import { type PlacedPiece, probability } from "./token-text.ts";
import type { Words } from "./words.ts";

interface TokenCardProps {
  readonly words: Words;
  readonly numbers: Numbers;
  readonly pieces: readonly PlacedPiece[];
  readonly current: PlacedPiece | undefined;
  readonly busy: boolean;
  onLook(piece: PlacedPiece): void;
  /** Go on from this place with another token. */
  onTake(piece: PlacedPiece, choice: Choice): void;
}

/** Control tokens by the usual looks of their names. They end texts or part speakers, and cannot be written as text. */
const isControl = (text: string) => /^(<\|[^|]+\|>|<\/?s>)$/.test(text);

const isPart = (text: string) => text.includes("\uFFFD");

/** A token's text with its white space to be seen. */
function Visible({ text, words }: { text: string; words: Words }): JSX.Element {
  if (isPart(text)) return <i class="muted">{words.partOfCharacter}</i>;
  if (isControl(text)) return <i class="muted">{words.controlToken}</i>;
  const shown = text.replaceAll("\n", "⏎").replaceAll("\t", "⇥");
  const blank = /^\s+/.exec(shown)?.[0] ?? "";
  return (
    <span class="visible">
      <span class="muted">{"␣".repeat(blank.length)}</span>
      {shown.slice(blank.length)}
    </span>
  );
}

export function TokenCard({ words, numbers, pieces, current, busy, onLook, onTake }: TokenCardProps): JSX.Element {
  const index = current ? pieces.indexOf(current) : -1;
  if (!current || index < 0) {
    return (
      <section class="card token-card" aria-labelledby="token-title">
        <h2 id="token-title">{words.token}</h2>
        <div class="token-place token-hint muted">
          <p>{words.tokenHint}</p>
          <p>{words.takeHint}</p>
        </div>
      </section>
    );
  }
  const step = (label: string, sign: string, piece: PlacedPiece | undefined) => (
    <button type="button" class="quiet" aria-label={label} title={label} disabled={!piece} onClick={() => onLook(piece!)}>
      {sign}
    </button>
  );
  return (
    <section class="card token-card" aria-labelledby="token-title">
      <header>
        <h2 id="token-title">{words.token}</h2>
        <span class="muted">{words.tokenOf(numbers.whole(index + 1), numbers.whole(pieces.length))}</span>
        <span class="group">
          {step(words.previous, "‹", pieces[index - 1])}
          {step(words.next, "›", pieces[index + 1])}
        </span>
      </header>
      <div class="token-place">
        <p class="token-head" aria-live="polite">
          <strong>
            <Visible text={current.text} words={words} />
          </strong>
          <span>
            <span class="muted">{words.probability} </span>
            {numbers.percent(probability(current))}
          </span>
        </p>
        {current.tokens.map((token, i) => (
          <Alternatives
            key={`${current.start}-${i}`}
            token={token}
            words={words}
            numbers={numbers}
            // Only where the token is the piece is another token another way to go on.
            onTake={
              !busy && current.tokens.length === 1 && token.text === current.text
                ? (choice) => onTake(current, choice)
                : undefined
            }
          />
        ))}
      </div>
    </section>
  );
}

interface AlternativesProps {
  readonly token: Token;
  readonly words: Words;
  readonly numbers: Numbers;
  readonly onTake: ((choice: Choice) => void) | undefined;
}

function Alternatives({ token, words, numbers, onTake }: AlternativesProps): JSX.Element {
  return (
    <ol class="alternatives">
      {token.alternatives.map((choice) => {
        const share = Math.exp(choice.logprob);
        const chosen = choice.text === token.text;
        const takeable = onTake && !chosen && !isPart(choice.text) && !isControl(choice.text);
        const row = (
          <>
            <span class="bar" style={{ width: `${Math.max(share * 100, 0.5)}%` }} />
            <span class="choice">
              <Visible text={choice.text} words={words} />
              {chosen && <span class="muted"> · {words.chosen}</span>}
            </span>
            <span class="share">{numbers.percent(share)}</span>
          </>
        );
        return (
          <li key={choice.text} class={chosen ? "chosen" : ""}>
            {takeable ? (
              <button type="button" title={words.take(`“${choice.text}”`)} onClick={() => onTake(choice)}>
                {row}
              </button>
            ) : (
              <div>{row}</div>
            )}
          </li>
        );
      })}
    </ol>
  );
}
