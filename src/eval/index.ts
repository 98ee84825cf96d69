// The public face of eval/: measures of trained models.
export { ChoiceModel, type Likelihood, likeliest, type Question, type Scoring, scorings } from "./choices.ts";
export { bootstrap, type Interval, type Paired, pairedDifference, wilson } from "./intervals.ts";
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
