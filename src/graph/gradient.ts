// Reverse-mode differentiation: from a loss to the gradient of any tensors it depends on, as more graph.
import { add } from "./elementwise.ts";
import { constant, graphError, type Operation, type Tensor } from "./tensor.ts";

/** The operation that made a tensor, if one did. */
function maker(x: Tensor): Operation | undefined {
  return x.source.kind === "operation" ? x.source : undefined;
}

/** Every operation that `loss` depends on and that depends on one of `targets`; inputs come before their users. */
function between(loss: Tensor, targets: ReadonlySet<Tensor>): Operation[] {
  const order: Operation[] = [];
  const reaches = new Map<Operation, boolean>();
  // An explicit stack: graphs of deep models outgrow the call stack.
  const stack: { operation: Operation; next: number }[] = [];
  const root = maker(loss);
  if (root) stack.push({ operation: root, next: 0 });
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    const input = top.operation.inputs[top.next++];
    if (input) {
      const operation = maker(input);
      if (operation && !reaches.has(operation)) stack.push({ operation, next: 0 });
      continue;
    }
    if (top.next <= top.operation.inputs.length) continue;
    stack.pop();
    const found = top.operation.inputs.some((x) => x && (targets.has(x) || (maker(x) && reaches.get(maker(x)!))));
    reaches.set(top.operation, found);
    if (found) order.push(top.operation);
  }
  return order;
}

/**
 * The gradient of `loss` (a float32 scalar) with respect to each of `targets`, which may be weights, inputs or anything
 * in between. Throws where an operator on the way has no gradient rule, or where the loss does not depend on a target.
 */
export function grad(loss: Tensor, targets: readonly Tensor[]): Tensor[] {
  if (loss.dtype !== "float32" || loss.rank !== 0)
    throw graphError("grad", `needs a float32 scalar to differentiate, got ${loss}`);
  const wanted = new Set(targets);
  const gradients = new Map<Tensor, Tensor>([[loss, constant(1)]]);
  for (const operation of between(loss, wanted).reverse()) {
    const outputs = operation.outputs.map((output) => gradients.get(output));
    if (outputs.every((gradient) => gradient === undefined)) continue;
    if (!operation.gradient) throw graphError("grad", `the operator ${operation.type} has no gradient rule`);
    const flows = operation.gradient(...outputs);
    operation.inputs.forEach((x, i) => {
      const gradient = flows[i];
      if (!x || !gradient) return;
      const before = gradients.get(x);
      gradients.set(x, before ? add(before, gradient) : gradient);
    });
    // A target may itself be computed; keep its gradient, drop the others as soon as they are used up.
    for (const output of operation.outputs) if (!wanted.has(output)) gradients.delete(output);
  }
  return targets.map((target) => {
    const gradient = gradients.get(target);
    if (!gradient) throw graphError("grad", `the loss does not depend on ${describe(target)}`);
    return gradient;
  });
}

function describe(x: Tensor): string {
  return "name" in x.source ? `"${x.source.name}" (${x})` : String(x);
}
