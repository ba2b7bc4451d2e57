import { assert, assertEquals } from "../support/assert.ts";
import { FUZZERS } from "./registry.ts";
import { main } from "./main.ts";

for (const [name, entry] of Object.entries(FUZZERS)) {
  if (entry.smokeIterations === 0) continue;
  Deno.test(`fuzz ${name} survives a short run`, async () => {
    await entry.run(42, entry.smokeIterations);
  });
}

Deno.test("the fuzz command reports a failure and tells how to replay it", async () => {
  const lines: unknown[] = [];
  const original = console.error;
  console.error = (...args: unknown[]) => lines.push(...args);
  try {
    assertEquals(await main(["canary", "7"]), 1);
    assertEquals(await main(["no such fuzzer"]), 2);
  } finally {
    console.error = original;
  }
  assert(String(lines[0]).includes("deno task fuzz -- canary 7"));
});
