// Post-processors of `tokenizer.json`: the control tokens around a text or a pair of texts, and blanks trimmed from offsets.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { Component, choose, settings } from "./components.ts";

/** One piece of a frame: one of the two texts, or control tokens; `type` tells a model which text a token belongs to. */
type Piece = { readonly text: "A" | "B"; readonly type: number } | { readonly ids: readonly number[]; readonly type: number };

/** What stands around one text, and around two. */
export interface Frame {
  readonly single: readonly Piece[];
  readonly pair: readonly Piece[];
}

/** Ids of one or two texts with the control tokens of their frame; `typeIds` say for each which text it belongs to. */
export interface FramedText {
  ids: Int32Array<ArrayBuffer>;
  typeIds: Int32Array<ArrayBuffer>;
}

export interface PostProcessor {
  frame?: Frame;
  /** Offsets of byte-level tokens leave out the blanks around a word; `prefix`: the first blank is not of the text. */
  trim?: { readonly prefix: boolean };
}

/** Without a post-processor two texts are laid end to end. */
export const bareFrame: Frame = {
  single: [{ text: "A", type: 0 }],
  pair: [
    { text: "A", type: 0 },
    { text: "B", type: 1 },
  ],
};

const Piece = z.union([
  z.object({ Sequence: z.object({ id: z.enum(["A", "B"]), type_id: z.int().min(0) }) }),
  z.object({ SpecialToken: z.object({ id: z.string(), type_id: z.int().min(0) }) }),
]);
const TemplateSettings = z.looseObject({
  single: z.array(Piece),
  pair: z.array(Piece).default([]),
  special_tokens: z.record(z.string(), z.looseObject({ ids: z.array(z.int().min(0)) })),
});
const Named = z.tuple([z.string(), z.int().min(0)]);
const Trimming = z.looseObject({ trim_offsets: z.boolean().default(true), add_prefix_space: z.boolean().default(true) });

const kinds: Record<string, (component: Component) => PostProcessor> = {
  TemplateProcessing(component) {
    const { single, pair, special_tokens } = settings(component, TemplateSettings);
    const pieces = (template: z.infer<typeof Piece>[]) =>
      template.map((piece): Piece => {
        if ("Sequence" in piece) return { text: piece.Sequence.id, type: piece.Sequence.type_id };
        const { id, type_id: type } = piece.SpecialToken;
        const ids = Object.hasOwn(special_tokens, id) ? special_tokens[id]?.ids : undefined;
        if (ids) return { ids, type };
        throw new InputError(`its post-processor's template names the token ${id}, which its own list (special_tokens) lacks`);
      });
    return { frame: { single: pieces(single), pair: pieces(pair) } };
  },
  BertProcessing(component) {
    const { single, close } = classified(component);
    return { frame: { single, pair: [...single, { text: "B", type: 1 }, { ...close, type: 1 }] } };
  },
  RobertaProcessing(component) {
    const { single, close } = classified(component);
    return { frame: { single, pair: [...single, close, { text: "B", type: 0 }, close] }, ...trimming(component) };
  },
  ByteLevel: (component) => trimming(component),
  Sequence(component) {
    const all = settings(component, z.looseObject({ processors: z.array(Component) })).processors.map(make);
    if (all.filter(({ frame }) => frame).length > 1)
      throw new InputError("its post-processor puts control tokens around a text more than once, which slovo does not run");
    return Object.assign({}, ...all) as PostProcessor;
  },
};

/** A text between the token that a classifier reads and the one that separates texts. */
function classified(component: Component): { single: Piece[]; close: { ids: number[]; type: number } } {
  const { cls, sep } = settings(component, z.looseObject({ cls: Named, sep: Named }));
  const close = { ids: [sep[1]], type: 0 };
  return { single: [{ ids: [cls[1]], type: 0 }, { text: "A", type: 0 }, close], close };
}

function trimming(component: Component): PostProcessor {
  const { trim_offsets, add_prefix_space } = settings(component, Trimming);
  return trim_offsets ? { trim: { prefix: add_prefix_space } } : {};
}

function make(component: Component): PostProcessor {
  return choose("post-processor", kinds, component)(component);
}

/**
 * The post-processor that a file describes.
 * @param knows whether an id belongs to the tokenizer
 * @throws InputError for kinds and settings that are not known, and for control tokens that are not there
 */
export function postProcessor(component: Component | null | undefined, knows: (id: number) => boolean): PostProcessor {
  if (!component) return {};
  const made = make(component);
  for (const piece of [...(made.frame?.single ?? []), ...(made.frame?.pair ?? [])])
    for (const id of "ids" in piece ? piece.ids : [])
      if (!knows(id)) throw new InputError(`its post-processor adds the token with the id ${id}, which its vocabulary lacks`);
  return made;
}

/** A control token's text and id. */
export type SpecialToken = readonly [text: string, id: number];

/** The post-processor of a file that puts one token before each text and one after it; `secondType` is of a pair's second text. */
export function frameTemplate({
  bos,
  eos,
  secondType,
}: {
  readonly bos?: SpecialToken | undefined;
  readonly eos?: SpecialToken | undefined;
  readonly secondType: 0 | 1;
}) {
  const piece = ([id]: SpecialToken, type_id: number) => ({ SpecialToken: { id, type_id } });
  const around = (id: "A" | "B", type_id: number) => [
    ...(bos ? [piece(bos, type_id)] : []),
    { Sequence: { id, type_id } },
    ...(eos ? [piece(eos, type_id)] : []),
  ];
  const tokens = [bos, eos].filter((token) => token !== undefined);
  return {
    type: "TemplateProcessing",
    single: around("A", 0),
    pair: [...around("A", 0), ...around("B", secondType)],
    special_tokens: Object.fromEntries(tokens.map(([text, id]) => [text, { id: text, ids: [id], tokens: [text] }])),
  };
}

/** Fills a frame with one or two texts. */
export function fill(frame: Frame, first: ArrayLike<number>, second?: ArrayLike<number>): FramedText {
  const pieces = second ? frame.pair : frame.single;
  if (second && pieces.length === 0) throw new InputError("the tokenizer's post-processor has no template for two texts (pair)");
  const parts = pieces.map((piece) => ("ids" in piece ? piece.ids : piece.text === "A" ? first : (second ?? [])));
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const ids = new Int32Array(length);
  const typeIds = new Int32Array(length);
  let at = 0;
  for (const [i, part] of parts.entries()) {
    ids.set(part, at);
    typeIds.fill(pieces[i]!.type, at, at + part.length);
    at += part.length;
  }
  return { ids, typeIds };
}
