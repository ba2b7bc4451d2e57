import { fuzzCsv } from "../fuzz/csv_fuzz.ts";
import { fuzzMultipart } from "../fuzz/multipart_fuzz.ts";
import { assert } from "../support/assert.ts";

Deno.test("CSV import survives random documents", () => {
  const accepted = fuzzCsv(42, 1500);
  assert(accepted > 100, `documents that were CSV: ${accepted}`);
});

Deno.test("readMultipart() survives random bodies", async () => {
  const accepted = await fuzzMultipart(42, 1500);
  assert(accepted > 100, `bodies read to their end: ${accepted}`);
});
