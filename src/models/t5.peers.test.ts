// The buckets of distances are Transformers' for every size of table, rounding of logarithms included.
import { expect } from "vitest";
import { peerTest, runPython } from "../../test/peer.ts";
import { relativeBuckets } from "./t5.ts";

const program = `
import json, torch
from transformers.models.t5.modeling_t5 import T5Attention
found = {}
for buckets in (4, 5, 8, 16, 20, 32, 48, 64, 128):
    for furthest in (65, 70, 80, 96, 100, 128, 200, 256, 512, 1000, 2048):
        for both in (True, False):
            distances = torch.arange(-furthest, furthest + 1)
            found[f"{buckets} {furthest} {both}"] = T5Attention._relative_position_bucket(distances, both, buckets, furthest).tolist()
print(json.dumps(found))
`;

peerTest("buckets of distances are Transformers'", async () => {
  const found: Record<string, number[]> = JSON.parse(await runPython(program));
  expect(Object.keys(found)).toHaveLength(198);
  for (const [key, buckets] of Object.entries(found)) {
    const [count, furthest, both] = key.split(" ") as [string, string, string];
    expect([...relativeBuckets(Number(count), Number(furthest), both === "True")], key).toEqual(buckets);
  }
});
