// A tiny GPT with random weights and a tokenizer of its own, saved as a Hugging Face folder: for tests of what runs models.
import { saveModelFolder, type Weight } from "../src/checkpoint/index.ts";
import { input } from "../src/graph/index.ts";
import { gpt, gptConfigToJson, gptHead, type LlamaConfig } from "../src/models/index.ts";
import { Params, sequenceContext } from "../src/nn/index.ts";
import { Random } from "../src/runtime/index.ts";
import { trainByteLevelBpe } from "../src/tokenizer/index.ts";

const words =
  "кот спит на окне, а дом стоит у реки. The cat sleeps and the house stands by the river. User Assistant one two three ";

/** What of the model a test may choose. */
export interface TinyModelOptions {
  readonly context?: number;
  readonly width?: number;
  readonly layers?: number;
  /** `chat_template` of `tokenizer_config.json`. */
  readonly chatTemplate?: string;
}

/** Writes the model into `folder`, which is made. The same options give the same model. */
export async function saveTinyModel(folder: string, options: TinyModelOptions = {}): Promise<void> {
  const { context = 128, width = 32, layers = 2, chatTemplate } = options;
  const specialTokens = ["<|endoftext|>", "<|user|>", "<|assistant|>"];
  const tokenizer = await trainByteLevelBpe([words.repeat(4)], { vocabularySize: 320, specialTokens });
  const config: LlamaConfig = {
    kind: "llama",
    vocabulary: tokenizer.vocabularySize,
    context,
    width,
    layers,
    heads: 2,
    kvHeads: 2,
    headWidth: width / 2,
    hidden: 2 * width,
    rotaryBase: 10000,
    normEpsilon: 1e-5,
    tied: true,
    dropout: 0,
  };
  const scope = new Params();
  const positions = input("positions", "int64", [1, 8]);
  gpt(scope, config, input("tokens", "int64", [1, 8]), sequenceContext({ positions }));
  gptHead(scope, config);

  const random = new Random(1, "tiny model");
  const weights = new Map<string, Weight>();
  for (const { name, shape, initial } of scope.all) {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
    // Wider than a model begins, so that some tokens are clearly likelier than others.
    for (let i = 0; i < data.length; i++) data[i] = "fill" in initial ? initial.fill : 0.3 * random.normal();
    weights.set(name, { shape, data });
  }
  // A chat template is a matter of the tokenizer's configuration, which its maker writes.
  if (chatTemplate !== undefined) Object.assign(tokenizer.config, { chat_template: chatTemplate });
  await tokenizer.save(folder);
  await saveModelFolder(folder, { config: gptConfigToJson(config, tokenizer.endOfText), weights });
}
