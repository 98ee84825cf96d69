// slovo convert: makes a Hugging Face folder of a model that is kept in another format.
import { Command } from "commander";
import { expectFreeFolder, readLlama2c, saveModelFolder, writeFolderAtomically } from "../../checkpoint/index.ts";

export function convertCommand(): Command {
  const llama2c = new Command("llama2c")
    .description("a model of llama2.c (.bin, its first format), without the tokenizer")
    .argument("<file>")
    .requiredOption("--out <folder>", "where to write the model folder")
    .addHelpText("after", "\nExample:\n  slovo convert llama2c stories260K.bin --out stories260K\n")
    .action(async (file: string, { out }: { out: string }) => {
      const contents = readLlama2c(file);
      await expectFreeFolder(out);
      await writeFolderAtomically(out, (folder) => saveModelFolder(folder, contents));
      const count = [...contents.weights.values()].reduce((sum, { data }) => sum + data.length, 0);
      console.log(`${contents.weights.size} weights of ${count} numbers, written to ${out}.`);
    });
  return new Command("convert").description("make a Hugging Face folder of a model in another format").addCommand(llama2c);
}
