// The checks of every operator of graph/.
import type { OperatorCheck } from "../check-operator.ts";
import { elementwiseChecks } from "./elementwise.ts";
import { gatherChecks } from "./gather.ts";
import { modelChecks } from "./model.ts";
import { reduceChecks } from "./reduce.ts";
import { shapeChecks } from "./shape.ts";

export const operatorChecks: OperatorCheck[] = [
  ...elementwiseChecks,
  ...reduceChecks,
  ...shapeChecks,
  ...gatherChecks,
  ...modelChecks,
];
