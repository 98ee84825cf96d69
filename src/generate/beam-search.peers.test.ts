// Beam search where the fixtures do not reach: several end tokens, several texts of a prompt, odd numbers of beams, penalties below 0.
import { expect } from "vitest";
import { openFixture } from "../../test/families.ts";
import { peerTest, runPython } from "../../test/peer.ts";
import { gptConfigFrom } from "../models/index.ts";
import { type BeamSearchOptions, beamSearch } from "./beam-search.ts";
import { Decoder } from "./decoder.ts";

const prompts = [
  [5, 6, 7],
  [30, 31, 32, 33, 34, 35],
];
const searches: BeamSearchOptions[] = [
  { beams: 3, maxTokens: 12, ends: [8, 9, 21, 40], texts: 3 },
  { beams: 5, maxTokens: 10, ends: [11, 50], lengthPenalty: -1, earlyStopping: "never", texts: 2 },
  { beams: 2, maxTokens: 14, ends: [60, 61, 62], lengthPenalty: 2, earlyStopping: true, texts: 2 },
  { beams: 6, maxTokens: 12, ends: [13], noRepeatNgram: 1, texts: 6 },
  { beams: 4, maxTokens: 30, ends: [], noRepeatNgram: 2, texts: 4 },
];

const python = `
import json, sys, torch
from transformers import AutoModelForCausalLM, GenerationConfig
torch.set_num_threads(1)
prompts, searches = json.loads(sys.argv[1]), json.loads(sys.argv[2])
for folder in sys.argv[3:]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    model.generation_config.eos_token_id = None
    found = []
    for search in searches:
        ends = search["ends"]
        config = GenerationConfig(
            num_beams=search["beams"], max_new_tokens=search["maxTokens"], eos_token_id=ends or None, pad_token_id=0,
            length_penalty=float(search.get("lengthPenalty", 1)), early_stopping=search.get("earlyStopping", False),
            no_repeat_ngram_size=search.get("noRepeatNgram", 0), num_return_sequences=search["texts"],
            do_sample=False, return_dict_in_generate=True, output_scores=True)
        for prompt in prompts:
            made = model.generate(torch.tensor([prompt]), generation_config=config)
            texts = []
            for row, score in zip(made.sequences.tolist(), made.sequences_scores.tolist()):
                tokens = row[len(prompt):]
                first = next((i for i, token in enumerate(tokens) if token in ends), len(tokens))
                texts.append({"tokens": tokens[:first + 1], "score": score})
            found.append(texts)
    print(json.dumps(found))
`;

peerTest("texts and scores are Transformers'", async () => {
  const fixtures = await Promise.all(["llama", "gemma3_text", "gpt2"].map(openFixture));
  const folders = fixtures.map(({ folder }) => folder);
  const printed = await runPython(python, JSON.stringify(prompts), JSON.stringify(searches), ...folders);
  for (const [i, { config, weights }] of fixtures.entries()) {
    const wanted = JSON.parse(printed.split("\n")[i]!) as { tokens: number[]; score: number }[][];
    const decoder = await Decoder.create({
      config: gptConfigFrom(config),
      weights: (name) => weights[name]!.data as Float32Array,
      slots: 12,
      threads: 1,
    });
    const found = [];
    for (const options of searches) found.push(...(await beamSearch(decoder, prompts, options)));
    expect(found.map((texts) => texts.map(({ tokens }) => tokens))).toEqual(
      wanted.map((texts) => texts.map(({ tokens }) => tokens)),
    );
    found.forEach((texts, i) => {
      texts.forEach(({ score }, j) => {
        expect(score).toBeCloseTo(wanted[i]![j]!.score, 3);
      });
    });
    decoder.release();
  }
});
