// slovo export: writes a model in the formats that other programs run.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { loadModelFolder } from "../../checkpoint/index.ts";
import {
  type GgufFileType,
  ggufFileTypes,
  ggufTypes,
  type OnnxPrecision,
  onnxPrecisions,
  type WeightType,
  weightTypes,
  writeGguf,
  writeHuggingFace,
  writeOnnx,
} from "../../export/index.ts";
import { modelName } from "../../generate/index.ts";
import { withAdaptedModel } from "../adapted-model.ts";
import { adapterOption } from "../options.ts";
import { Progress } from "../progress.ts";

const model = "model folder (config.json, model.safetensors, tokenizer.json), or a pulled org/name[@revision]";

interface Adapted {
  /** Merged into the model first. */
  adapter?: string;
  out: string;
}

export function exportCommand(): Command {
  return new Command("export")
    .description("write a model in a format that other programs run")
    .addCommand(huggingFaceCommand())
    .addCommand(ggufCommand())
    .addCommand(onnxCommand());
}

function ggufCommand(): Command {
  return new Command("gguf")
    .description("one file for llama.cpp and the programs that are built on it")
    .argument("<model>", model)
    .addOption(adapterOption())
    .requiredOption("--out <file>", "where to write it")
    .addOption(new Option("--type <type>", "how matrices are held").choices(ggufFileTypes).default("f16"))
    .option("--name <name>", "what the file calls the model (default: the folder's name)")
    .addHelpText(
      "after",
      `
Exports models of the types ${ggufTypes.join(", ")}.

Examples:
  slovo export gguf runs/little-world/model --out little-world.gguf --type q8_0
  slovo export gguf org/name --out name.gguf
`,
    )
    .action((reference: string, { adapter, out, type, name }: Adapted & { type: GgufFileType; name?: string }) =>
      withAdaptedModel(reference, adapter, async (path) => {
        using folder = await loadModelFolder(path);
        const progress = new Progress("Exporting");
        const { notes } = await writeGguf(folder, out, {
          type,
          name: name ?? modelName(reference),
          onProgress: (done, total) => progress.update(done, total),
        });
        progress.done();
        for (const note of notes) console.error(`Note: ${note}`);
        console.log(`${((await stat(out)).size / 1e6).toFixed(1)} MB of ${type}, written to ${out}.`);
      }),
    );
}

function huggingFaceCommand(): Command {
  return new Command("hf")
    .description("a Hugging Face folder, which Transformers opens: the model as it is, or with narrower weights")
    .argument("<model>", model)
    .addOption(adapterOption())
    .requiredOption("--out <folder>", "where to write it")
    .addOption(new Option("--dtype <type>", "how weights are held; as they are when left out").choices(weightTypes))
    .addHelpText(
      "after",
      `
Examples:
  slovo export hf runs/little-world/model --out little-world-bf16 --dtype bf16
  slovo export hf org/name --out name
`,
    )
    .action((reference: string, { adapter, out, dtype }: Adapted & { dtype?: WeightType }) =>
      withAdaptedModel(reference, adapter, async (path) => {
        using folder = await loadModelFolder(path);
        await writeHuggingFace(folder, out, { dtype });
        console.log(`${folder.tensors.size} tensors, written to ${out}.`);
      }),
    );
}

function onnxCommand(): Command {
  return new Command("onnx")
    .description("a folder for transformers.js, in Node and in browsers: ONNX graphs, tokenizer, chat template")
    .argument("<model>", model)
    .addOption(adapterOption())
    .requiredOption("--out <folder>", "where to write it; an older export there is replaced")
    .addOption(
      new Option("--precision <kinds>", `how matrices are held, one or several of ${onnxPrecisions.join(",")}`)
        .argParser(precisionsIn)
        .default(["f32"], "f32"),
    )
    .addHelpText(
      "after",
      `
transformers.js calls them fp32, q8 and q4 (its option "dtype"), and fetches only the one that it is asked for.

Examples:
  slovo export onnx runs/little-world/model --out little-world-onnx --precision f32,int8,int4
  slovo export onnx org/name --out name-onnx --precision int8
`,
    )
    .action((reference: string, { adapter, out, precision }: Adapted & { precision: OnnxPrecision[] }) =>
      withAdaptedModel(reference, adapter, async (path) => {
        const progress = new Progress("Exporting");
        const { notes } = await writeOnnx(path, out, {
          precisions: precision,
          onProgress: (done, total) => progress.update(done, total),
        });
        progress.done();
        for (const note of notes) console.error(`Note: ${note}`);
        const files = await readdir(join(out, "onnx"));
        const sizes = await Promise.all(files.map(async (file) => (await stat(join(out, "onnx", file))).size));
        const megabytes = sizes.reduce((sum, size) => sum + size, 0) / 1e6;
        console.log(`${megabytes.toFixed(1)} MB of ${precision.join(", ")}, written to ${out}.`);
      }),
    );
}

/** `f32,int8` as a list, each once. */
function precisionsIn(text: string): OnnxPrecision[] {
  const chosen = new Set(text.split(",").map((part) => part.trim()));
  const wrong = [...chosen].find((part) => !(onnxPrecisions as readonly string[]).includes(part));
  if (wrong === undefined) return [...chosen] as OnnxPrecision[];
  throw new InvalidArgumentError(`Expected one or several of ${onnxPrecisions.join(",")}, got ${JSON.stringify(wrong)}.`);
}
