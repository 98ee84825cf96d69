// slovo tokenizer: trains one, and shows how one cuts a text.
import { Command, Option } from "commander";
import { explainRefusal } from "../../checkpoint/index.ts";
import { openSources, texts } from "../../data/index.ts";
import {
  loadTokenizer,
  type Tokenizer,
  type TrainingProgress,
  trainByteLevelBpe,
  trainCharacterLevel,
  trainUnigram,
  trainWordPiece,
} from "../../tokenizer/index.ts";
import { wholeNumber } from "../options.ts";
import { Progress, vocabularyShare } from "../progress.ts";

interface TrainOptions extends KindOptions {
  data: string;
  out: string;
  field: string;
}

interface KindOptions {
  kind: "bpe" | "wordpiece" | "unigram" | "character";
  vocabulary: number;
  special?: string[];
  lowercase?: boolean;
  sentinels: number;
}

const examples = `
Examples:
  slovo tokenizer train --data notes/ --vocabulary 8192 --out notes-tokenizer
  slovo tokenizer train --data notes/ --kind wordpiece --lowercase --out bert-tokenizer
  slovo tokenizer train --data notes/ --kind unigram --vocabulary 8192 --out t5-tokenizer
`;

interface EncodeOptions {
  model: string;
  special?: true;
  frame?: true;
  json?: true;
}

const encodeExamples = `
Examples:
  slovo tokenizer encode --model runs/little-world/model "Маша пошла домой."
  slovo tokenizer encode --model bert-tokenizer --special --frame "Столица Франции – [MASK]."
`;

function trainKind(
  documents: AsyncIterable<string>,
  { kind, vocabulary: vocabularySize, special: specialTokens, lowercase = false, sentinels }: KindOptions,
  onProgress: (progress: TrainingProgress) => void,
): Promise<Tokenizer> {
  const special = specialTokens && { specialTokens };
  switch (kind) {
    case "bpe":
      return trainByteLevelBpe(documents, { vocabularySize, ...special, onProgress });
    case "wordpiece":
      return trainWordPiece(documents, { vocabularySize, lowercase, ...special, onProgress });
    case "unigram":
      return trainUnigram(documents, { vocabularySize, sentinels, onProgress });
    case "character":
      return trainCharacterLevel(documents, special);
  }
}

export function tokenizerCommand(): Command {
  const train = new Command("train")
    .description("learn a tokenizer from texts and write tokenizer.json")
    .requiredOption("--data <path>", "file or folder of texts")
    .requiredOption("--out <folder>", "where to write tokenizer.json and tokenizer_config.json")
    .addOption(
      new Option(
        "--kind <kind>",
        "how texts are cut: bpe (GPT), wordpiece (BERT), unigram (T5), or one token for every character",
      )
        .choices(["bpe", "wordpiece", "unigram", "character"])
        .default("bpe"),
    )
    .option("--vocabulary <size>", "tokens wanted (not for character)", wholeNumber(1), 4096)
    .option("--special <tokens...>", "control tokens of bpe, the first ends a document; further ones of wordpiece")
    .option("--lowercase", "wordpiece: make all letters small")
    .option("--sentinels <count>", "unigram: how many <extra_id_N> stand at the end", wholeNumber(0), 100)
    .option("--field <name>", "field or column that holds the text", "text")
    .addHelpText("after", examples)
    .action(async ({ data, out, field, ...options }: TrainOptions) => {
      const source = await openSources(data, { textFields: [field] });
      const progress = new Progress("Tokenizer");
      const tokenizer = await trainKind(texts(source), options, (p) =>
        p.phase === "count"
          ? progress.update(source.bytesRead ?? 0, source.bytes, `${p.documents} documents`)
          : progress.update(...vocabularyShare(p), "tokens"),
      );
      await tokenizer.save(out).catch((error) => {
        throw explainRefusal(error, out);
      });
      progress.done();
      console.log(`${tokenizer.vocabularySize} tokens, written to ${out}.`);
    });
  const encode = new Command("encode")
    .description("show how a tokenizer cuts a text")
    .argument("<text>")
    .requiredOption("--model <folder>", "model folder or tokenizer folder")
    .option("--special", "read control tokens that are written in the text, such as [MASK] or <|endoftext|>, as such")
    .option("--frame", "put the control tokens around the text that the model expects there, such as [CLS] and [SEP]")
    .option("--json", "print ids and tokens as JSON")
    .addHelpText("after", encodeExamples)
    .action(async (text: string, { model, special, frame, json }: EncodeOptions) => {
      const tokenizer = await loadTokenizer(model);
      const ids = tokenizer.encode(text, { allowSpecial: special });
      const tokens = Array.from(frame ? tokenizer.frame(ids).ids : ids, (id) => ({ id, text: tokenizer.tokenText(id) }));
      if (json) console.log(JSON.stringify(tokens));
      else for (const { id, text } of tokens) console.log(`${String(id).padStart(7)}  ${JSON.stringify(text)}`);
    });
  return new Command("tokenizer").description("train and inspect tokenizers").addCommand(train).addCommand(encode);
}
