// Reads SentencePiece's own model file (`spiece.model`, `tokenizer.model`) as what `tokenizer.json` would say.
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { InputError } from "../errors.ts";
import { frameTemplate, type SpecialToken } from "./post-processor.ts";
import { type TokenizerConfig, TokenizerFile } from "./tokenizer-file.ts";

/** What a piece is, as sentencepiece_model.proto numbers it; others are ordinary. */
const control = 3;
const userDefined = 4;

interface Piece {
  text: string;
  score: number;
  type: number;
}

/** The parts of the model that decide how it cuts, with the defaults of sentencepiece_model.proto. */
interface SentencePieceModel {
  pieces: Piece[];
  /** 1 is Unigram, 2 is BPE. */
  kind: number;
  byteFallback: boolean;
  unknown: number;
  bos: number;
  eos: number;
  charsmap: Uint8Array;
  addDummyPrefix: boolean;
  removeExtraWhitespaces: boolean;
}

/** Reads the fields of a message of `length` bytes; `read` answers whether it took the field. */
function fields(reader: BinaryReader, length: number, read: (field: number, type: WireType) => boolean): void {
  const end = reader.pos + length;
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (!read(field, type)) reader.skip(type, field);
  }
  if (reader.pos !== end) throw new RangeError(`a message ends ${reader.pos - end} bytes late`);
}

function readPiece(reader: BinaryReader): Piece {
  const piece: Piece = { text: "", score: 0, type: 1 };
  fields(reader, reader.uint32(), (field, type) => {
    if (field === 1 && type === WireType.LengthDelimited) piece.text = reader.string();
    else if (field === 2 && type === WireType.Bit32) piece.score = reader.float();
    else if (field === 3 && type === WireType.Varint) piece.type = reader.int32();
    else return false;
    return true;
  });
  return piece;
}

function parse(bytes: Uint8Array): SentencePieceModel {
  const model: SentencePieceModel = {
    pieces: [],
    kind: 1,
    byteFallback: false,
    unknown: 0,
    bos: 1,
    eos: 2,
    charsmap: new Uint8Array(0),
    addDummyPrefix: true,
    removeExtraWhitespaces: true,
  };
  const reader = new BinaryReader(bytes);
  const trainer = (field: number, type: WireType) => {
    if (type !== WireType.Varint) return false;
    if (field === 3) model.kind = reader.int32();
    else if (field === 35) model.byteFallback = reader.bool();
    else if (field === 40) model.unknown = reader.int32();
    else if (field === 41) model.bos = reader.int32();
    else if (field === 42) model.eos = reader.int32();
    else return false;
    return true;
  };
  const normalizer = (field: number, type: WireType) => {
    if (field === 2 && type === WireType.LengthDelimited) model.charsmap = reader.bytes();
    else if (field === 3 && type === WireType.Varint) model.addDummyPrefix = reader.bool();
    else if (field === 4 && type === WireType.Varint) model.removeExtraWhitespaces = reader.bool();
    else return false;
    return true;
  };
  fields(reader, bytes.length, (field, type) => {
    if (type !== WireType.LengthDelimited) return false;
    if (field === 1) model.pieces.push(readPiece(reader));
    else if (field === 2) fields(reader, reader.uint32(), trainer);
    else if (field === 3) fields(reader, reader.uint32(), normalizer);
    else return false;
    return true;
  });
  return model;
}

/**
 * The tokenizer of a SentencePiece model (Kudo & Richardson 2018), as Transformers converts it: T5 where it begins with a pad token
 * and knows none that begins a text, else Llama's way for BPE and the general one for Unigram. T5's sentinels (`extra_ids` of
 * the configuration, 100) follow the pieces.
 * @throws InputError when the bytes are no such model, or of a kind other than Unigram and BPE
 */
export function fromSentencePiece(
  bytes: Uint8Array,
  config: TokenizerConfig,
  path: string,
): { file: TokenizerFile; config: TokenizerConfig } {
  let model: SentencePieceModel;
  try {
    model = parse(bytes);
  } catch (cause) {
    throw new InputError(`${path} is not a SentencePiece model, or a damaged one (${(cause as Error).message}): fetch it again`, {
      cause,
    });
  }
  if (model.pieces.length === 0) throw new InputError(`${path} is not a SentencePiece model: it holds no pieces`);
  if (model.kind !== 1 && model.kind !== 2)
    throw new InputError(`${path} is a SentencePiece model of kind ${model.kind}; slovo runs Unigram (1) and BPE (2)`);
  if (!model.pieces[model.unknown])
    throw new InputError(`${path} names piece ${model.unknown} for unknown text, but holds ${model.pieces.length} pieces`);
  const made = model.kind === 2 ? asBpe(model) : asUnigram(model, config);
  return { file: TokenizerFile.parse(made.file), config: { ...made.config, ...config } };
}

function asUnigram(model: SentencePieceModel, config: TokenizerConfig) {
  const isT5 = model.pieces[0]?.text === "<pad>" && model.bos < 0;
  const sentinels = isT5 ? sentinelNames(typeof config.extra_ids === "number" ? config.extra_ids : 100) : [];
  const pieces = [...model.pieces, ...sentinels.map((text) => ({ text, score: 0, type: control }))];
  const charsmap = Buffer.from(model.charsmap).toString("base64");
  const rules = charsmap === "" ? [] : [{ type: "Precompiled", precompiled_charsmap: charsmap }];
  const metaspace = {
    type: "Metaspace",
    replacement: "▁",
    prepend_scheme: model.addDummyPrefix ? "always" : "never",
    split: true,
  };
  const spaces = [
    { type: "Strip", strip_left: false, strip_right: true },
    { type: "Replace", pattern: { Regex: " {2,}" }, content: "▁" },
  ];
  const normalizers = isT5 || !model.removeExtraWhitespaces ? rules : [...rules, ...spaces];
  return {
    file: {
      added_tokens: addedTokens(pieces, model.unknown),
      normalizer: normalizers.length > 0 ? { type: "Sequence", normalizers } : null,
      pre_tokenizer: isT5 ? { type: "Sequence", pretokenizers: [{ type: "WhitespaceSplit" }, metaspace] } : metaspace,
      post_processor: frameOf(model, { bos: !isT5, eos: true }),
      decoder: metaspace,
      model: {
        type: "Unigram",
        unk_id: model.unknown,
        vocab: pieces.map(({ text, score }) => [text, score]),
        byte_fallback: model.byteFallback,
      },
    },
    config: { ...names(model), ...(isT5 && { pad_token: "<pad>", extra_ids: sentinels.length }) },
  };
}

function asBpe(model: SentencePieceModel) {
  const { pieces } = model;
  const prefix = model.addDummyPrefix;
  return {
    file: {
      added_tokens: addedTokens(pieces, model.unknown),
      normalizer: null,
      pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: prefix ? "first" : "never", split: false },
      post_processor: frameOf(model, { bos: true, eos: false }),
      decoder: {
        type: "Sequence",
        decoders: [
          { type: "Replace", pattern: { String: "▁" }, content: " " },
          { type: "ByteFallback" },
          { type: "Fuse" },
          ...(prefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
        ],
      },
      model: {
        type: "BPE",
        unk_token: pieces[model.unknown]!.text,
        fuse_unk: true,
        byte_fallback: model.byteFallback,
        vocab: Object.fromEntries(pieces.map(({ text }, id) => [text, id])),
        merges: mergesOf(pieces),
      },
    },
    config: names(model),
  };
}

/** The merges that make each piece of two others: pieces stand in the order in which they were learned. */
function mergesOf(pieces: readonly Piece[]): [string, string][] {
  const ids = new Map(pieces.map(({ text }, id) => [text, id]));
  const merges: [string, string][] = [];
  for (const { text } of pieces) {
    const characters = Array.from(text);
    for (let i = 1; i < characters.length; i++) {
      const [left, right] = [characters.slice(0, i).join(""), characters.slice(i).join("")];
      if (ids.has(left) && ids.has(right)) merges.push([left, right]);
    }
  }
  return merges;
}

/** T5's sentinels in the order of their ids: the first one is the last. */
export function sentinelNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `<extra_id_${count - 1 - i}>`);
}

function addedTokens(pieces: readonly Piece[], unknown: number) {
  return pieces.flatMap(({ text, type }, id) =>
    type === control || type === userDefined || id === unknown
      ? [{ id, content: text, special: type !== userDefined, normalized: false }]
      : [],
  );
}

/** The names of the tokens with a role, as far as the model has them. */
function names({ pieces, unknown, bos, eos }: SentencePieceModel): TokenizerConfig {
  const name = (setting: string, id: number) => (pieces[id] ? { [setting]: pieces[id].text } : {});
  return { ...name("unk_token", unknown), ...name("bos_token", bos), ...name("eos_token", eos) };
}

/** The tokens of its own that a model puts around each text; only one that begins texts tells a pair's apart. */
function frameOf({ pieces, ...ids }: SentencePieceModel, wanted: { readonly bos: boolean; readonly eos: boolean }) {
  const token = (end: "bos" | "eos"): SpecialToken | undefined => {
    const piece = wanted[end] ? pieces[ids[end]] : undefined;
    return piece && [piece.text, ids[end]];
  };
  const [bos, eos] = [token("bos"), token("eos")];
  return frameTemplate({ bos, eos, secondType: bos ? 1 : 0 });
}
