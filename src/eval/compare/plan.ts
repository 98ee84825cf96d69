// The recipe of a comparison: one model, one task, several ways to fine-tune, each on shares of the data and with several seeds.
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { checkRecipe, type Recipe, readYamlFields, recipeSchema } from "../../train/index.ts";

const { name } = recipeSchema.shape;
const fields = z.record(z.string(), z.unknown());

/** Every field with its meaning; the meanings are what `slovo compare --help` prints. */
export const planSchema = z.strictObject({
  name: name.describe("Name of the comparison; its folder is runs/NAME."),
  from: z.string().optional().describe("Folder of the model that is fine-tuned; the one that base trains when left out."),
  base: fields.optional().describe("Recipe fields by which that model is trained first, where from is left out."),
  training: fields.default({}).describe("Recipe fields of every run, such as data, steps, batch."),
  methods: z
    .record(name, fields)
    .refine((methods) => Object.keys(methods).length > 0, "expected one method or more")
    .refine(
      (methods) => Object.values(methods).some(({ method = "full" }) => method === "full"),
      "one of the methods must be method: full, against which the others are measured",
    )
    .describe(
      "By name, the recipe fields that make a method: method, rank, targets, learningRate and others. One of them trains all (method: full): others are measured against it.",
    ),
  shares: z
    .array(z.number().gt(0).max(1))
    .min(1, "expected one share or more")
    .default([0.01, 0.1, 1])
    .describe("Shares of the training data."),
  seeds: z
    .array(z.number().int().min(0))
    .min(1, "expected one seed or more")
    .default([1, 2, 3])
    .describe("Seeds; more make intervals narrower."),
  answers: z
    .number()
    .int()
    .min(20)
    .default(400)
    .describe("Questions to the fine-tuned model, half Russian, half English, half of them of what was kept apart."),
  probes: z.number().int().min(10).default(200).describe("Probes of each skill in each language, for what is forgotten."),
  oldTexts: z.number().int().min(20).default(400).describe("Texts of the base's own kind, for what is forgotten."),
  fewShot: z.boolean().default(true).describe("Draw the few-shot curve of the base too."),
});
export type Plan = z.infer<typeof planSchema>;

/** One way to fine-tune, on one share of the data, with one seed. */
export interface Trial {
  readonly method: string;
  readonly share: number;
  readonly seed: number;
  readonly recipe: Recipe;
}

/** Reads a comparison's recipe. Throws InputError, also for the recipe of any of its runs. */
export async function readPlan(path: string): Promise<Plan> {
  const parsed = planSchema.safeParse(await readYamlFields(path));
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const known = Object.keys(planSchema.shape).join(", ");
    throw new InputError(
      issue.code === "unrecognized_keys"
        ? `${path}: there is no field ${issue.keys.join(", ")} in a comparison; the fields are: ${known}.`
        : `${path}: the field "${issue.path.join(".") || "name"}" is not what it should be: ${issue.message}.`,
    );
  }
  const plan = parsed.data;
  if ((plan.from === undefined) === (plan.base === undefined))
    throw new InputError(
      `${path}: give from, the folder of a model, or base, recipe fields that train one${plan.base ? "; it has both" : ""}.`,
    );
  trialsOf(plan, plan.from ?? "model");
  if (plan.base) baseRecipe(plan);
  return plan;
}

/** The recipe that trains the base. */
export function baseRecipe({ name, base }: Plan): Recipe {
  return checkRecipe({ name: `${name}-base`, ...base }, `${name}, base`);
}

/** All runs, those that say most first: the whole data before shares of it. */
export function trialsOf({ name, training, methods, shares, seeds }: Plan, from: string): Trial[] {
  return shares
    .toSorted((a, b) => b - a)
    .flatMap((share) =>
      seeds.flatMap((seed) =>
        Object.entries(methods).map(([method, fields]) => {
          const run = `${method}-${Number((100 * share).toPrecision(3))}-seed-${seed}`;
          const recipe = checkRecipe(
            { ...training, ...fields, name: run, from, seed, dataShare: share },
            `${name}, method ${method}`,
          );
          return { method, share, seed, recipe };
        }),
      ),
    );
}
