// The sheet that is written on, by the reader and the model in turn.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type PlacedPiece, TokenText } from "./token-text.ts";
import type { Words } from "./words.ts";

interface EditorProps {
  readonly words: Words;
  readonly busy: boolean;
  readonly tinted: boolean;
  readonly current: PlacedPiece | undefined;
  /** Called once, with the text that the sheet shows. */
  onReady(text: TokenText): void;
  onEdit(): void;
  /** The reader looks at another piece: by the pointer, or by the cursor. */
  onLook(piece: PlacedPiece): void;
}

export function Editor({ words, busy, tinted, current, onReady, onEdit, onLook }: EditorProps): JSX.Element {
  const root = useRef<HTMLDivElement>(null);
  const text = useRef<TokenText>(undefined);
  const look = useRef(onLook);
  look.current = onLook;

  useEffect(() => {
    text.current = new TokenText(root.current!);
    onReady(text.current);
    const lookAtCaret = () => {
      const piece = text.current!.pieceAtCaret();
      if (piece) look.current(piece);
    };
    document.addEventListener("selectionchange", lookAtCaret);
    return () => document.removeEventListener("selectionchange", lookAtCaret);
  }, []);

  useEffect(() => text.current?.mark(current), [current]);

  // Whoever stayed in the sheet while the model wrote goes on writing after it.
  useEffect(() => {
    if (!busy && document.activeElement === root.current) text.current?.placeCaret(text.current.text.length);
  }, [busy]);

  const readEdit = () => {
    text.current!.readEdit();
    onEdit();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a textarea cannot hold tokens that can be looked at
    <div
      ref={root}
      class={tinted ? "sheet tinted" : "sheet"}
      role="textbox"
      tabIndex={0}
      aria-multiline="true"
      aria-label={words.text}
      aria-busy={busy}
      aria-readonly={busy}
      contentEditable={busy ? "false" : "plaintext-only"}
      spellcheck={false}
      data-placeholder={words.placeholder}
      onInput={(event) => {
        if (!(event as unknown as InputEvent).isComposing) readEdit();
      }}
      onCompositionEnd={readEdit}
      onPointerOver={(event) => {
        const piece = text.current!.pieceOf(event.target as Node);
        if (piece) onLook(piece);
      }}
    />
  );
}
