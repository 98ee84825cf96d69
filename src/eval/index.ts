// The public face of eval/: measures of trained models.
export { ChoiceModel, type Likelihood, likeliest, type Question, type Scoring, scorings } from "./choices.ts";
export { type CompareOptions, compare } from "./compare/compare.ts";
export { type Plan, planSchema, readPlan } from "./compare/plan.ts";
export {
  type FewShotOptions,
  type FewShotPoint,
  type FewShotResult,
  measureFewShot,
  type PromptPair,
  type Rate,
  usualKs,
  usualTemplate,
} from "./few-shot.ts";
export { fewShotNotes, fewShotTable, writeFewShotReport } from "./few-shot-report.ts";
export { bootstrap, type Interval, type Paired, pairedDifference, percent, wilson } from "./intervals.ts";
export { type EvaluateOptions, evaluateFolder } from "./loss.ts";
export {
  changeOf,
  type FailedProbe,
  languagesOf,
  measureSkills,
  readSkillsReport,
  type Share,
  type SkillCell,
  type SkillRow,
  type SkillsOptions,
  type SkillsReport,
  shareOf,
  skillRows,
} from "./skills.ts";
