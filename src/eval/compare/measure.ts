// What a fine-tuned model is asked in a comparison: questions of the new task, and what it knew before.
import { type DialogueProbe, dialogueProbes, type Language, worldDocuments } from "../../data/index.ts";
import { Random } from "../../runtime/index.ts";
import { loadChatTemplate } from "../../tokenizer/index.ts";
import { ChoiceModel, type Likelihood, likeliest, type Question } from "../choices.ts";
import { measureSkills, type SkillsReport } from "../skills.ts";
import type { Plan } from "./plan.ts";

/** Texts, and how many nats and bytes each came to. */
export interface Scored {
  readonly nats: readonly number[];
  readonly bytes: readonly number[];
}

export interface Measured {
  /** Of the right answers to the new task's questions. */
  readonly answers: Scored;
  /** One sign a question: 1 where the right answer is likelier than the wrong one. */
  readonly chosen: string;
  /** Of texts of the old kind. */
  readonly old: Scored;
  readonly skills: SkillsReport;
}

/** Drawn by another seed than any text that a model is trained on. */
const unusedSeed = 0x5ee4;
const languages: readonly Language[] = ["ru", "en"];

/** Asks the model of a folder, with an adapter where one is named. The same plan asks the same. */
export async function measureModel(
  { answers, probes, oldTexts }: Pick<Plan, "answers" | "probes" | "oldTexts">,
  folder: string,
  adapter?: string,
): Promise<Measured> {
  const model = await ChoiceModel.open(folder, { adapter });
  try {
    const template = await loadChatTemplate(adapter === undefined ? folder : [adapter, folder], model.tokenizer);
    const questions = questionsOf(answers).map(
      ({ messages, right, wrong }): Question => ({
        prompt: template.text(messages),
        choices: [` ${right}`, ` ${wrong}`],
        control: true,
      }),
    );
    const pairs = await model.score(questions);
    const old = await model.score(textsOf(model, oldTexts).map((text) => ({ prompt: "", choices: [text] })));
    const { report } = await measureSkills(model, folder, { count: probes });
    return {
      answers: scored(pairs.map(([right]) => right!)),
      chosen: pairs.map((pair) => (likeliest(pair) === 0 ? "1" : "0")).join(""),
      old: scored(old.map(([text]) => text!)),
      skills: report,
    };
  } finally {
    await model.close();
  }
}

const scored = (texts: readonly Likelihood[]): Scored => ({
  nats: texts.map(({ logprob }) => -logprob),
  bytes: texts.map(({ bytes }) => bytes),
});

/** Which of the questions rest on what no text or dialogue holds. */
export const keptApart = (count: number): boolean[] => questionsOf(count).map(({ seen }) => !seen);

function questionsOf(count: number): DialogueProbe[] {
  return languages.flatMap((language) =>
    dialogueProbes({ language, seed: unusedSeed, count: Math.ceil(count / languages.length) }),
  );
}

/** Texts of the little world that the model can read whole. */
function textsOf(model: ChoiceModel, count: number): string[] {
  const texts: string[] = [];
  for (const { text } of worldDocuments({ seed: new Random(unusedSeed, "old texts").integer(2 ** 31) })) {
    if (model.tokenizer.encode(text).length <= model.longest) texts.push(text);
    if (texts.length === count) return texts;
  }
  return texts;
}
