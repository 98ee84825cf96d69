// How the command line names an adapter.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { servedAdapter } from "./served-adapter.ts";

test("an adapter has the name that it is given, or its folder's; before it may stand its model's", async () => {
  const bases = ["tales", "org/tales"];
  expect(servedAdapter("chat=runs/chat/adapter", bases)).toEqual({ name: "chat", folder: "runs/chat/adapter" });
  expect(servedAdapter("runs/chat/adapter", bases)).toEqual({ name: "chat", folder: "runs/chat/adapter" });
  expect(servedAdapter("runs/poet/", bases)).toEqual({ name: "poet", folder: "runs/poet/" });
  expect(servedAdapter("org/tales:chat=a", bases)).toEqual({ name: "chat", folder: "a", base: "org/tales" });
  expect(servedAdapter("other:chat=a=b", bases)).toEqual({ name: "other:chat", folder: "a=b" });
  const folder = await mkdtemp(join(tmpdir(), "rate=0.1-"));
  expect(servedAdapter(folder, bases).folder).toBe(folder);
  await rm(folder, { recursive: true });
  for (const text of ["chat=", "=runs/chat/adapter", ""])
    expect(() => servedAdapter(text, bases)).toThrow(/--adapter takes a folder or name=folder, got/);
});
