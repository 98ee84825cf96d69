// What a model was made for, as its config.json says: the task of its head, and the names of its labels.
import { z } from "zod";
import { InputError } from "../errors.ts";
import { readFields, size } from "./config.ts";

/** The ends of Hugging Face's names of architectures, and what such a model does. `Model` has no head: it gives hidden states. */
const tasks = {
  MaskedLM: "masked-lm",
  CausalLM: "causal-lm",
  SequenceClassification: "sequence-classification",
  TokenClassification: "token-classification",
  QuestionAnswering: "question-answering",
  Model: "features",
} as const;

/** What a head does. */
export type HeadTask = (typeof tasks)[keyof typeof tasks];

/** What the losses of a sequence classifier compare: a number, one label of several, or each label by itself. */
export const problemTypes = ["regression", "single_label_classification", "multi_label_classification"] as const;
export type ProblemType = (typeof problemTypes)[number];

/** The end of an architecture's name for a task: `BertForMaskedLM` is `Bert` and this. */
export function architectureSuffix(task: HeadTask): string {
  const [suffix] = Object.entries(tasks).find(([, name]) => name === task)!;
  return task === "features" ? suffix : `For${suffix}`;
}

const taskJson = z.object({
  architectures: z.array(z.string()).nullish(),
  id2label: z.record(z.string().regex(/^\d+$/), z.string()).nullish(),
  num_labels: size.nullish(),
  problem_type: z.enum(problemTypes).nullish(),
});

export interface TaskHead {
  readonly task: HeadTask;
  /** The architecture's name as it stands, such as `BertForMaskedLM`. */
  readonly architecture: string;
  /** The labels' names in the order of the head's outputs. Two without names where the config is silent, as in Transformers. */
  readonly labels: readonly string[];
  readonly problem: ProblemType;
}

/** The head of a model by its parsed `config.json`; `where` names the file in errors. Throws InputError for one that slovo does not run. */
export function taskHeadFrom(json: unknown, where = "config.json"): TaskHead {
  const { architectures, id2label, num_labels, problem_type } = readFields(taskJson, json, where);
  const architecture = architectures?.[0] ?? "Model";
  const suffix = architecture.replace(/^.*For(?=[A-Z])/, "").replace(/^.*Model$/, "Model");
  // A model that was pre-trained on pairs of sentences has the masked head, and one more that nobody needs.
  const known = suffix === "PreTraining" ? "MaskedLM" : suffix;
  const task = Object.hasOwn(tasks, known) ? tasks[known as keyof typeof tasks] : undefined;
  if (!task) {
    const names = Object.keys(tasks)
      .filter((name) => name !== "Model")
      .map((name) => `…For${name}`);
    throw new InputError(
      `${where}: the architecture must be one of ${names.join(", ")} or …Model, got ${JSON.stringify(architecture)}; slovo has no such head.`,
    );
  }
  const count = id2label ? Object.keys(id2label).length : (num_labels ?? 2);
  const labels = Array.from({ length: count }, (_, i) => {
    const name = id2label ? id2label[i] : `LABEL_${i}`;
    if (name === undefined)
      throw new InputError(`${where}: id2label must name the labels 0 to ${count - 1}, but it has no ${i}; add it.`);
    return name;
  });
  const problem = problem_type ?? (count === 1 ? "regression" : "single_label_classification");
  return { task, architecture, labels, problem };
}

/** The fields of `config.json` that name labels. */
export function labelsToJson(labels: readonly string[]) {
  return {
    id2label: Object.fromEntries(labels.map((label, i) => [i, label])),
    label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
  };
}
