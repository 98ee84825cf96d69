// slovo doctor: says what the machine has and what is missing.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import { Command, Option } from "commander";
import { type Device, devices, nativeEngine, openEngine } from "../../runtime/index.ts";
import { measureSpeed } from "../../train/index.ts";

interface Finding {
  readonly name: string;
  readonly state: "ok" | "missing" | "optional";
  readonly words: string;
}

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("say what this machine has and what is missing")
    .option("--json", "print one JSON object")
    .addOption(new Option("--device <name>", "examine this device alone").choices(devices).hideHelp())
    .addHelpText("after", "\nExample:\n  slovo doctor\n")
    .action(async ({ json, device }: { json?: true; device?: Device }) => {
      if (device) return console.log(JSON.stringify(await examineDevice(device)));
      const findings = await examine();
      if (json) console.log(JSON.stringify(findings));
      else
        for (const { name, state, words } of findings)
          console.log(`${{ ok: "✓", missing: "✗", optional: "–" }[state]} ${name.padEnd(16)} ${words}`);
      if (findings.some(({ state }) => state === "missing")) process.exitCode = 1;
    });
}

async function examine(): Promise<Finding[]> {
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const node = Number(process.versions.node.split(".")[0]);
  const disk = await statfs(".");
  const free = disk.bavail * disk.bsize;
  const findings: Finding[] = [
    {
      name: "Node",
      state: node >= 24 ? "ok" : "missing",
      words: `${process.version}${node >= 24 ? "" : "; slovo needs 24 or later"}`,
    },
    { name: "Processor", state: "ok", words: `${availableParallelism()} cores, ${cpus()[0]?.model.trim() ?? "unknown"}` },
    {
      name: "Memory",
      state: totalmem() >= 2 * 2 ** 30 ? "ok" : "missing",
      words: `${gib(totalmem())}, ${gib(freemem())} free; training a small model needs about 1 GiB`,
    },
    { name: "Disk", state: free >= 2 ** 30 ? "ok" : "missing", words: `${gib(free)} free here; a run needs about 0.2 GiB` },
  ];
  try {
    const speed = await measureSpeed(await nativeEngine());
    findings.push({
      name: "Native engine",
      state: "ok",
      words: `ONNX Runtime through its C API, ${(speed / 1e9).toFixed(0)} GFLOP/s in matrix products`,
    });
  } catch (error) {
    findings.push({
      name: "Native engine",
      state: "optional",
      words: `not to be had (${(error as Error).message}); the published binding is used, which is slower`,
    });
  }
  for (const device of devices) findings.push(await examineApart(device));
  const python = process.env.PEER_PYTHON;
  const works = python !== undefined && spawnSync(python, ["-c", "import torch, transformers"]).status === 0;
  findings.push({
    name: "Python peers",
    state: works ? "ok" : "optional",
    words: works ? python : "PEER_PYTHON names no Python with torch and transformers; only benchmarks and parity tests use them",
  });
  const browser = [process.env.CHROMIUM_PATH, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
    (path) => path && existsSync(path),
  );
  findings.push({
    name: "Chromium",
    state: browser ? "ok" : "optional",
    words: browser ?? "not found; only browser tests use it",
  });
  return findings;
}

/** Examines a device in a process of its own: drivers write where they like, and may take their process with them. */
async function examineApart(device: Device): Promise<Finding> {
  const { stdout, status } = spawnSync(process.execPath, [process.argv[1]!, "doctor", "--device", device], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  if (status === 0) return JSON.parse(stdout.trim().split("\n").at(-1)!);
  return { name: `Device ${device}`, state: "optional", words: "its driver ended the process that asked for it" };
}

async function examineDevice(device: Device): Promise<Finding> {
  try {
    const engine = await openEngine({ device });
    return { name: `Device ${device}`, state: "ok", words: `through the engine "${engine.name}"` };
  } catch (error) {
    return { name: `Device ${device}`, state: device === "cpu" ? "missing" : "optional", words: (error as Error).message };
  }
}
