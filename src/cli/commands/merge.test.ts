// slovo merge as a user runs it, and adapters where commands take --adapter.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { slovo } from "../../../test/command-line.ts";
import { saveTinyAdapter } from "../../../test/tiny-adapter.ts";
import { saveTinyModel } from "../../../test/tiny-model.ts";
import { fitAdapter, loadAdapter, mergedModel } from "../../adapt/index.ts";
import { loadModelFolder } from "../../checkpoint/index.ts";
import { writeHuggingFace } from "../../export/index.ts";
import { loadTextModel } from "../../generate/index.ts";

const folder = mkdtempSync(join(tmpdir(), "slovo-merge-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
await saveTinyModel(at("tiny"));
await saveTinyAdapter(at("chat"), { chatTemplate: "{{ messages[0].content }}" });
await saveTinyAdapter(at("poet"), { seed: 2, targets: ["q_proj"] });

/** The likeliest next tokens, with their log-probabilities. */
async function generate(model: string, adapter?: string) {
  const opened = await loadTextModel(at(model), { adapter, threads: 1 });
  const tokens: { id: number; logprob: number }[] = [];
  for await (const event of opened.generate("кот", { maxTokens: 12, temperature: 0 }))
    if (event.type === "token") tokens.push({ id: event.id, logprob: event.logprob });
  await opened.close();
  return tokens;
}

/** As the command does, in this process. */
async function merge(model: string, adapter: string, out: string) {
  using base = await loadModelFolder(at(model));
  const { chatTemplate, ...read } = await loadAdapter(at(adapter));
  await writeHuggingFace(mergedModel(fitAdapter(read, base)), at(out), { chatTemplate });
}

test("a merged model writes what the base writes with the adapter beside it", async () => {
  const { out, err, code } = await slovo("merge", "--model", at("tiny"), "--adapter", at("chat"), "--out", at("merged"));
  expect([code, err, out]).toEqual([0, "", `20 tensors, written to ${at("merged")}.\n`]);
  const beside = await generate("tiny", at("chat"));
  const merged = await generate("merged");
  expect(merged.map(({ id }) => id)).toEqual(beside.map(({ id }) => id));
  for (const [i, { logprob }] of merged.entries()) expect(logprob).toBeCloseTo(beside[i]!.logprob, 3);
  expect((await generate("tiny")).map(({ id }) => id)).not.toEqual(beside.map(({ id }) => id));
});

test("a half stays a half, what does not change keeps its bytes, and the template goes along", async () => {
  using wide = await loadModelFolder(at("tiny"));
  await writeHuggingFace(wide, at("bf16"), { dtype: "bf16" });
  await merge("bf16", "chat", "merged-bf16");
  expect(readFileSync(join(at("merged-bf16"), "chat_template.jinja"), "utf8")).toBe("{{ messages[0].content }}");
  expect(readdirSync(at("merged-bf16")).sort()).toEqual([...readdirSync(at("bf16")), "chat_template.jinja"].sort());
  using before = await loadModelFolder(at("bf16"));
  using after = await loadModelFolder(at("merged-bf16"));
  expect(after.config).toEqual(before.config);
  for (const [name, { stored }] of before.tensors) {
    const merged = after.tensors.get(name)!.stored!;
    expect(merged.dtype, name).toBe("BF16");
    expect(Buffer.from(merged.bytes).equals(stored!.bytes), name).toBe(!/[qv]_proj/.test(name));
  }
});

test("adapters combined and merged are the sum of what they add; wrong words are a sentence", async () => {
  const combined = await slovo(
    "merge",
    "--adapter",
    at("chat"),
    at("poet"),
    "--weights",
    "1,0.5",
    "--as",
    "adapter",
    "--out",
    at("both"),
  );
  expect(combined).toMatchObject({ code: 0, out: `An adapter of 8 tensors, written to ${at("both")}.\n` });
  await merge("tiny", "both", "merged-both");
  const opened = ["tiny", "merged", "merged-both"].map((name) => loadModelFolder(at(name)));
  const [plain, chat, both] = await Promise.all(opened);
  const q = "model.layers.0.self_attn.q_proj.weight";
  const v = q.replace("q_proj", "v_proj");
  expect(both!.weight(v).data).toEqual(chat!.weight(v).data);
  await merge("tiny", "poet", "merged-poet");
  using poet = await loadModelFolder(at("merged-poet"));
  const [p, c, o, b] = [plain!, chat!, poet, both!].map((model) => model.weight(q).data.slice()) as Float32Array[];
  for (let i = 0; i < p!.length; i++) expect(b![i]).toBeCloseTo(c![i]! + 0.5 * (o![i]! - p![i]!), 4);
  for (const model of [plain, chat, both]) model!.close();

  const refused = async (...words: string[]) => (await slovo(...words)).err;
  expect(await refused("merge", "--adapter", at("chat"), "--out", at("x"))).toBe(
    "slovo: give the base that the adapter is merged into: --model tiny, or --as adapter to write an adapter.\n",
  );
  expect(await refused("generate", "--model", at("chat"), "--prompt", "a")).toMatch(
    /^slovo: .*chat is not a model folder: it is an adapter for tiny, which goes beside its base: --model tiny --adapter .*chat\.\n$/,
  );
});
