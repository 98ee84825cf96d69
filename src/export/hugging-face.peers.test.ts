// Every type of model, read by slovo, written again and opened by Transformers: its logits are those of the original.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect } from "vitest";
import { peerTest, runPython } from "../../test/peer.ts";
import { loadModelFolder, saveModelFolder } from "../checkpoint/index.ts";
import { input } from "../graph/index.ts";
import { bert, bertConfigFrom, familyOf, gptConfigFrom, maskedHead, t5ConfigFrom } from "../models/index.ts";
import { Params, sequenceContext } from "../nn/index.ts";
import { nextToken, parametersOf, textToText } from "../train/index.ts";
import { writeHuggingFace } from "./hugging-face.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-round-trip-peers-"));
afterAll(() => rmSync(folder, { recursive: true }));
const fixtures = resolve(import.meta.dirname, "../../test/fixtures/families");
const names = readdirSync(fixtures).filter((name) => /"task"/.test(readExpected(name)));
const languageModels = names.filter((name) => /"(causal-lm|masked-lm|text-to-text)"/.test(readExpected(name)));

function readExpected(name: string): string {
  try {
    return readFileSync(join(fixtures, name, "expected.json"), "utf8");
  } catch {
    return "";
  }
}

/** The names and shapes of a language model's weights, as training takes them. */
function specsOf(config: Readonly<Record<string, unknown>>) {
  switch (familyOf(config)) {
    case "gpt":
      return parametersOf(nextToken(gptConfigFrom(config), { rows: 1, length: 4, packed: false }));
    case "t5":
      return parametersOf(textToText(t5ConfigFrom(config), { padded: false }));
    case "bert": {
      const p = new Params();
      const bertConfig = bertConfigFrom(config);
      const context = sequenceContext({ positions: input("positions", "int64", [1, 4]), causal: false });
      maskedHead(p, bertConfig, bert(p, bertConfig, { tokens: input("tokens", "int32", [1, 4]) }, context));
      return p.all;
    }
  }
}

const python = `
import json, sys
import torch, transformers
from safetensors.torch import load_file

classes = {
    "causal-lm": transformers.AutoModelForCausalLM, "masked-lm": transformers.AutoModelForMaskedLM,
    "text-to-text": transformers.AutoModelForSeq2SeqLM, "sequence-classification": transformers.AutoModelForSequenceClassification,
    "token-classification": transformers.AutoModelForTokenClassification, "question-answering": transformers.AutoModelForQuestionAnswering,
}
fixtures, folder = sys.argv[1:3]
torch.set_num_threads(1)
off = {}
for name in sys.argv[3:]:
    fixture = name.removesuffix("-trained")
    task = json.load(open(f"{fixtures}/{fixture}/expected.json"))["task"]
    expected = load_file(f"{fixtures}/{fixture}/expected.safetensors")
    model, loaded = classes[task].from_pretrained(f"{folder}/{name}", attn_implementation="eager", output_loading_info=True)
    inputs = {key: expected["batch." + key].long() for key in ("input_ids", "attention_mask", "token_type_ids", "decoder_input_ids") if "batch." + key in expected}
    with torch.no_grad():
        output = model.eval()(**inputs)
    logits = torch.stack([output.start_logits, output.end_logits], -1) if task == "question-answering" else output.logits
    seen = torch.ones_like(logits)
    mask = expected.get("batch.decoder_attention_mask", expected["batch.attention_mask"])
    if logits.ndim == 3:
        seen = mask[..., None].to(logits.dtype).expand_as(logits)
    off[name] = ((logits - expected["batch.logits"]) * seen).abs().max().item() if not loaded["missing_keys"] else str(loaded["missing_keys"])
print(json.dumps(off))
`;

peerTest("every model that was read and written again", async () => {
  for (const name of names) {
    using model = await loadModelFolder(join(fixtures, name));
    await writeHuggingFace(model, join(folder, name));
  }
  // As training saves it: through the names that the model function asks for.
  for (const name of languageModels) {
    using model = await loadModelFolder(join(fixtures, name));
    const weights = new Map(
      specsOf(model.config).map(({ name, shape }) => [name, { shape, data: model.weight(name, shape).data.slice() }]),
    );
    await saveModelFolder(join(folder, `${name}-trained`), { config: model.spelled.config, weights });
  }
  const written = [...names, ...languageModels.map((name) => `${name}-trained`)];
  const off = JSON.parse(await runPython(python, fixtures, folder, ...written)) as Record<string, number | string>;
  expect(Object.keys(off)).toHaveLength(written.length);
  expect(languageModels.length).toBeGreaterThan(14);
  for (const [name, distance] of Object.entries(off)) expect(distance, name).toBeLessThan(1e-4);
});
