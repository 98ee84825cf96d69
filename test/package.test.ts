// The package as its users get it: packed, installed into an empty project, imported, type-checked and run. Needs `npm run build` first.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { exports: Record<string, unknown> };
const specifiers = Object.keys(manifest.exports).map((subpath) => `slovo${subpath.slice(1)}`);

const folder = mkdtempSync(join(tmpdir(), "slovo-package-"));
const project = join(folder, "project");
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a program in the project, with this Node in front, and returns what it printed; a failure carries all it said. */
function run(program: string, args: string[], directory = project): string {
  const env = { ...process.env, PATH: dirname(process.execPath) + delimiter + process.env.PATH };
  try {
    return execFileSync(program, args, { cwd: directory, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(" ")} failed:\n${stdout}${stderr}`);
  }
}

let packed: { filename: string; size: number; files: { path: string }[] };

beforeAll(() => {
  mkdirSync(project);
  packed = JSON.parse(run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], root))[0];
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  // Install scripts are not needed: what they would fetch or build, the packages already carry.
  run("npm", ["install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", join(folder, packed.filename)]);
});

test("the tarball holds what runs, and neither tests nor sources", () => {
  const paths = packed.files.map(({ path }) => path);
  expect(paths).toContain("LICENSE");
  expect(paths).toContain("dist/index.d.ts");
  expect(paths.filter((path) => /\.test\.|^(src|test|bench)\/|(?<!\.d)\.ts$|fixtures/.test(path))).toEqual([]);
  expect(packed.size).toBeLessThan(8e6);
});

test.each(specifiers)("Node imports %s", (specifier) => {
  const names = run(process.execPath, [
    "--input-type=module",
    "-e",
    `console.log(Object.keys(await import("${specifier}")).join())`,
  ]);
  expect(names.trim()).not.toBe("");
});

test("a consumer's TypeScript sees the types", () => {
  const imports = specifiers.map((specifier, at) => `import * as module${at} from "${specifier}";`);
  writeFileSync(
    join(project, "consumer.ts"),
    `${imports.join("\n")}
import { readSafetensors, type SavedTensor, writeSafetensors } from "slovo/checkpoint";
export const modules = [${specifiers.map((_, at) => `module${at}`).join(", ")}];
const weight: SavedTensor = { dtype: "float32", shape: [1], data: new Float32Array(1) };
await writeSafetensors("w.safetensors", new Map([["w", weight]]));
using file = await readSafetensors("w.safetensors");
export const read: readonly number[] = file.tensors.get("w")!.shape;
// @ts-expect-error: were the types lost, everything would be any, and this would pass.
export const wrong: string = file.tensors;
`,
  );
  const options = {
    target: "esnext",
    module: "nodenext",
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    typeRoots: [join(root, "node_modules/@types")],
    types: ["node"],
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["consumer.ts"] }));
  run(join(root, "node_modules/.bin/tsc"), ["-p", "tsconfig.json"]);
});

test("the command line starts", () => {
  expect(run(join(project, "node_modules/.bin/slovo"), ["--help"])).toMatch(/slovo/);
});
