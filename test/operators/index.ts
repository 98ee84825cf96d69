// The checks of every operator of graph/.
import type { OperatorCheck } from "../check-operator.ts";
import { elementwiseChecks } from "./elementwise.ts";

export const operatorChecks: OperatorCheck[] = [...elementwiseChecks];
