// An editable text in which generated tokens keep their probabilities, for as long as the text before them is unchanged.
import type { Piece } from "./completion-stream.ts";

/** A generated piece at its place in the text. */
export interface PlacedPiece extends Piece {
  /** UTF-16 units before it. */
  readonly start: number;
}

/** The lowest probabilities of the five tints, from likely to surprising. */
const tints = [0.5, 0.2, 0.05, 0.01, 0];

export const probability = (piece: Piece) => Math.exp(piece.tokens.reduce((sum, { logprob }) => sum + logprob, 0));

export const tintOf = (share: number) => tints.findIndex((lowest) => share >= lowest);

const end = (piece: PlacedPiece) => piece.start + piece.text.length;

function commonPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/**
 * Owns the content of an editable element. The browser edits the text; after each edit the pieces that follow it are no
 * longer what the model would have said there, so they become plain text.
 */
export class TokenText {
  readonly #root: HTMLElement;
  #text = "";
  #pieces: PlacedPiece[] = [];
  readonly #placed = new WeakMap<Node, PlacedPiece>();

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  get text(): string {
    return this.#text;
  }

  get pieces(): readonly PlacedPiece[] {
    return this.#pieces;
  }

  append(piece: Piece): void {
    const placed = { ...piece, start: this.#text.length };
    this.#text += piece.text;
    this.#pieces.push(placed);
    this.#root.append(this.#span(placed));
  }

  /** Replaces the text; pieces that lie in the part that stays the same are kept. */
  set(text: string): void {
    this.#forgetAfter(commonPrefix(this.#text, text), text);
    this.#draw();
  }

  /** Takes over what the browser has done to the element. */
  readEdit(): void {
    // A browser leaves a line break behind in an emptied element.
    const text = this.#root.textContent === "\n" ? "" : this.#root.textContent;
    const kept = commonPrefix(this.#text, text);
    const before = this.#pieces.length;
    this.#forgetAfter(kept, text);
    const extended = [...this.#root.children].some(
      (span) => this.#placed.has(span) && span.textContent !== this.#placed.get(span)!.text,
    );
    if (text !== "" && before === this.#pieces.length && !extended) return;
    // Drawing anew loses the browser's own history of edits, so it is done only where tokens were touched.
    const caret = this.caret();
    this.#draw();
    if (caret !== undefined) this.placeCaret(caret);
  }

  /** The piece that a node of the document lies in. */
  pieceOf(node: Node | null): PlacedPiece | undefined {
    const span = node instanceof Element ? node.closest("span") : node?.parentElement?.closest("span");
    return span ? this.#placed.get(span) : undefined;
  }

  /** The piece that the caret stands in or right after. */
  pieceAtCaret(): PlacedPiece | undefined {
    const caret = this.caret();
    return caret === undefined ? undefined : this.#pieces.find((piece) => piece.start < caret && caret <= end(piece));
  }

  /** Where the caret stands in the text; undefined where it is elsewhere or something is selected. */
  caret(): number | undefined {
    const selection = getSelection();
    if (!selection?.isCollapsed || !selection.anchorNode || !this.#root.contains(selection.anchorNode)) return undefined;
    const range = document.createRange();
    range.setStart(this.#root, 0);
    range.setEnd(selection.anchorNode, selection.anchorOffset);
    return range.toString().length;
  }

  placeCaret(offset: number): void {
    const walker = document.createTreeWalker(this.#root, NodeFilter.SHOW_TEXT);
    let left = offset;
    let node = walker.nextNode();
    while (node && left > node.textContent!.length) {
      left -= node.textContent!.length;
      node = walker.nextNode();
    }
    if (node) getSelection()?.collapse(node, left);
    else getSelection()?.collapse(this.#root, this.#root.childNodes.length);
  }

  /** Marks one piece, and no other. */
  mark(piece: PlacedPiece | undefined): void {
    for (const span of this.#root.querySelectorAll(".current")) span.classList.remove("current");
    if (piece) [...this.#root.children].find((span) => this.#placed.get(span) === piece)?.classList.add("current");
  }

  #forgetAfter(kept: number, text: string): void {
    this.#text = text;
    this.#pieces = this.#pieces.filter((piece) => end(piece) <= kept);
  }

  #draw(): void {
    const nodes: Node[] = [];
    let at = 0;
    for (const piece of this.#pieces) {
      if (piece.start > at) nodes.push(document.createTextNode(this.#text.slice(at, piece.start)));
      nodes.push(this.#span(piece));
      at = end(piece);
    }
    if (at < this.#text.length) nodes.push(document.createTextNode(this.#text.slice(at)));
    this.#root.replaceChildren(...nodes);
  }

  #span(piece: PlacedPiece): HTMLSpanElement {
    const span = document.createElement("span");
    span.className = `token tint-${tintOf(probability(piece))}`;
    span.textContent = piece.text;
    this.#placed.set(span, piece);
    return span;
  }
}
