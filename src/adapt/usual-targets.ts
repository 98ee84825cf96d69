// Which layers a method changes where nobody says: by `model_type`, as in the papers and, for the types that it knows, in PEFT.
import type { Ia3Config } from "./ia3.ts";

type ByType<Value> = Readonly<Record<string, Value>>;

/** LoRA: the projections of queries and values; of GPT-2 the matrix that holds both. */
export function loraTargets(modelType: string): readonly string[] {
  const special: ByType<readonly string[]> = {
    gpt2: ["c_attn"],
    t5: ["q", "v"],
    mt5: ["q", "v"],
    bert: ["query", "value"],
    roberta: ["query", "value"],
    "xlm-roberta": ["query", "value"],
    distilbert: ["q_lin", "v_lin"],
    modernbert: ["Wqkv"],
  };
  return special[modelType] ?? ["q_proj", "v_proj"];
}

/** (IA)³: keys, values and the end of the feed-forward layer. */
export function ia3Targets(modelType: string): Pick<Ia3Config, "targets" | "feedForward"> {
  const special: ByType<readonly [targets: readonly string[], feedForward: readonly string[]]> = {
    gpt2: [["c_attn", "mlp.c_proj"], ["mlp.c_proj"]],
    t5: [["k", "v", "wo"], ["wo"]],
    mt5: [["k", "v", "wi_1"], []],
    bert: [["key", "value", "output.dense"], ["output.dense"]],
    roberta: [["key", "value", "output.dense"], ["output.dense"]],
    "xlm-roberta": [["key", "value", "output.dense"], ["output.dense"]],
    distilbert: [["k_lin", "v_lin", "lin2"], ["lin2"]],
    modernbert: [["Wqkv", "mlp.Wo"], ["mlp.Wo"]],
    gemma3_text: [["q_proj", "v_proj", "down_proj"], ["down_proj"]],
    qwen2: [["q_proj", "v_proj", "down_proj"], ["down_proj"]],
    qwen3: [["q_proj", "v_proj", "down_proj"], ["down_proj"]],
  };
  const [targets, feedForward] = special[modelType] ?? [["k_proj", "v_proj", "down_proj"], ["down_proj"]];
  return { targets, feedForward };
}

/** Bottleneck adapters: the output layers of attention and of the feed-forward layer. */
export function bottleneckTargets(modelType: string): readonly string[] {
  const special: ByType<readonly string[]> = {
    gpt2: ["attn.c_proj", "mlp.c_proj"],
    t5: ["o", "wo"],
    mt5: ["o", "wo"],
    bert: ["output.dense"],
    roberta: ["output.dense"],
    "xlm-roberta": ["output.dense"],
    distilbert: ["out_lin", "lin2"],
    modernbert: ["Wo"],
  };
  return special[modelType] ?? ["o_proj", "down_proj"];
}
