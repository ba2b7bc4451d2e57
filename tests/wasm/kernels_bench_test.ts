import { benchKernels } from "../../bench/kernels.ts";
import { assert } from "../support/assert.ts";

Deno.test("the kernel benchmark runs, small, and measures every contender", async () => {
  const results = await benchKernels(0.25);
  assert(results.length > 20);
  for (const { title, name, gigabytesPerSecond, ratio } of results) {
    assert(gigabytesPerSecond > 0 && Number.isFinite(ratio), `${title}: ${name}`);
  }
});
