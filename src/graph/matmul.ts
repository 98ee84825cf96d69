// Matrix products with transposes and a scale, which is one fused operator of ONNX Runtime.
import { broadcastShapes, product, sameShape } from "./dims.ts";
import { sum, sumTo } from "./reduce.ts";
import { reshape } from "./shape.ts";
import { type Dim, graphError, operation, type Tensor } from "./tensor.ts";

export interface MatmulOptions {
  /** Use aᵀ (its last two axes swapped) in place of a. */
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** The product is multiplied by this. */
  readonly scale?: number;
}

/**
 * `a […, m, k] × b […, k, n] → […, m, n]`; leading axes broadcast. With two or more axes each.
 * Where `b` is a plain matrix, the leading axes of `a` are folded into its rows: one product, not a batch of them.
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false, scale = 1 } = options;
  if (a.rank < 2 || b.rank < 2 || a.dtype !== "float32" || b.dtype !== "float32")
    throw graphError("matmul", `needs two float32 tensors of two or more axes, got ${a} and ${b}`);
  const rows = a.shape.slice(0, -1);
  // The runtime folds too; where several axes are named, folding here would cost it a shape to compute at each product.
  if (b.rank === 2 && a.rank > 2 && !transposeA && rows.filter((dim) => typeof dim === "string").length < 2) {
    const flat = matmul(reshape(a, [product(rows), a.shape.at(-1)!]), b, options);
    return reshape(flat, [...rows, flat.shape[1]!]);
  }
  const [m, k] = ends(a, transposeA);
  const [k2, n] = ends(b, transposeB);
  if (k !== k2)
    throw graphError(
      "matmul",
      `the inner sizes of ${a}${transposeA ? "ᵀ" : ""} and ${b}${transposeB ? "ᵀ" : ""} differ: ${k} and ${k2}`,
    );
  const plain = !transposeA && !transposeB && scale === 1;
  return operation(plain ? "MatMul" : "FusedMatMul", [a, b], ["float32", [...batch(a, b), m, n]], {
    domain: plain ? "" : "com.microsoft",
    attributes: plain ? {} : { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0, alpha: { float: scale } },
    gradient: (dy) => {
      const da = transposeA
        ? matmul(b, dy!, { transposeA: transposeB, transposeB: true, scale })
        : matmul(dy!, b, { transposeB: !transposeB, scale });
      // A plain matrix gets one product over all rows, not a batch of them to sum.
      const rowsOf = (x: Tensor) =>
        b.rank === 2 && x.rank > 2 && !transposeA ? reshape(x, [product(x.shape.slice(0, -1)), x.shape.at(-1)!]) : x;
      const db = transposeB
        ? matmul(rowsOf(dy!), rowsOf(a), { transposeA: true, transposeB: transposeA, scale })
        : matmul(rowsOf(a), rowsOf(dy!), { transposeA: !transposeA, scale });
      return [sumTo(da, a), sumTo(db, b)];
    },
  });
}

/** A linear layer: `x […, in]`, `weight [out, in]` (the order of Hugging Face checkpoints), `bias [out]` → `[…, out]`. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  if (!bias) return matmul(x, weight, { transposeB: true });
  const [outputs, inputs] = weight.shape as [Dim, Dim];
  const fits = weight.rank === 2 && x.rank > 0 && x.shape.at(-1) === inputs && sameShape(bias.shape, [outputs]);
  if (!fits || [x, weight, bias].some(({ dtype }) => dtype !== "float32"))
    throw graphError("linear", `needs x […, in], weight [out, in] and bias [out], got ${x}, ${weight} and ${bias}`);
  // The bias is where the product begins to add up, which saves a pass over the outputs.
  const rows = x.shape.slice(0, -1);
  const flat = reshape(x, [product(rows), inputs]);
  const y = operation("Gemm", [flat, weight, bias], ["float32", [product(rows), outputs]], {
    attributes: { transB: 1 },
    gradient: (dy) => [matmul(dy!, weight), matmul(dy!, flat, { transposeA: true }), sum(dy!, { axes: [0] })],
  });
  return reshape(y, [...rows, outputs]);
}

function ends(x: Tensor, transposed: boolean): [Dim, Dim] {
  const [rows, columns] = x.shape.slice(-2) as [Dim, Dim];
  return transposed ? [columns, rows] : [rows, columns];
}

/** The broadcast leading axes of a product. */
function batch(a: Tensor, b: Tensor): Dim[] {
  const shape = broadcastShapes([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  if (!shape) throw graphError("matmul", `the leading axes of ${a} and ${b} do not broadcast together`);
  return shape;
}
