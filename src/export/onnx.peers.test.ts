// ONNX exports in Python: the ONNX checker accepts every file, and onnxruntime gives Transformers' logits.
import { join, resolve } from "node:path";
import { expect } from "vitest";
import { exported } from "../../test/exported-onnx.ts";
import { peerTest, runPython } from "../../test/peer.ts";
import { onnxPrecisions } from "./onnx.ts";

const names = [
  "bert",
  "roberta-tag",
  "modernbert-classify",
  "distilbert-answer",
  "gpt2",
  "mistral",
  "gemma3_text",
  "qwen3",
  "t5",
  "mt5",
];
const families = resolve(import.meta.dirname, "../../test/fixtures/families");

/** For each pair of folders, an export and its fixture: how far the logits of its last case are from Transformers', where there is text. */
const source = `
import glob, json, sys
import numpy as np, onnx, onnxruntime
from safetensors.numpy import load_file

def run(path, given):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feeds, rows = {}, len(given["input_ids"])
    for entry in session.get_inputs():
        if entry.name in given: feeds[entry.name] = given[entry.name]
        elif entry.name.startswith("past_key_values"):
            feeds[entry.name] = np.zeros([rows if d == "batch_size" else d if isinstance(d, int) else 0 for d in entry.shape], np.float32)
        else: raise KeyError(entry.name)
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feeds)))

found = {}
for out, fixture in json.loads(sys.argv[1]):
    for path in glob.glob(out + "/onnx/*.onnx"): onnx.checker.check_model(path, full_check=True)
    expected = load_file(fixture + "/expected.safetensors")
    case = json.load(open(fixture + "/expected.json"))["cases"][-1] + "."
    given = {name.removeprefix(case): value.astype(np.int64) for name, value in expected.items() if name.startswith(case) and value.dtype == np.int32}
    given["position_ids"] = np.arange(given["input_ids"].shape[1])[None].repeat(len(given["input_ids"]), 0)
    given["num_logits_to_keep"] = np.array(0, np.int64)
    wanted = expected[case + "logits"]
    if "decoder_input_ids" in given:
        encoded = run(out + "/onnx/encoder_model.onnx", given)["last_hidden_state"]
        decoder = {"input_ids": given["decoder_input_ids"], "encoder_hidden_states": encoded, "encoder_attention_mask": given["attention_mask"], "use_cache_branch": np.array([False])}
        outputs = run(out + "/onnx/decoder_model_merged.onnx", decoder)
    else: outputs = run(out + "/onnx/model.onnx", given)
    logits = outputs["logits"] if "logits" in outputs else np.stack([outputs["start_logits"], outputs["end_logits"]], -1)
    assert logits.shape == wanted.shape, logits.shape
    seen = given.get("decoder_attention_mask", given["attention_mask"])[..., None] if wanted.ndim == 3 else 1
    found[fixture] = float(np.abs((logits - wanted) * seen).max())
print(json.dumps(found))
`;

peerTest("the checker accepts every file, and onnxruntime has Transformers' logits", async () => {
  const pairs: [string, string][] = [];
  for (const name of names) pairs.push([(await exported(name, { precisions: onnxPrecisions })).out, join(families, name)]);
  const found: Record<string, number> = JSON.parse(await runPython(source, JSON.stringify(pairs)));
  expect(Object.keys(found)).toHaveLength(names.length);
  for (const [name, off] of Object.entries(found)) expect(off, name).toBeLessThan(1e-4);
});
