import { assert, assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import type { Row } from "../support/table_rows.ts";

const START = 1_704_067_200_000_000n;

function row(i: number): Row {
  return [START + BigInt(i), true, i, BigInt(i), i / 2, `s${i % 3}`, `text ${i}`];
}

Deno.test("WAL writers of many tables keep their files bounded and lose nothing by it", async () => {
  using root = new TempDir();
  const filesMax = 60; // three tables
  await using engine = await openEngine(root.path, { walFilesMax: filesMax });
  const tokens = Array.from({ length: 12 }, (_, i) => engine.createTable(allTypesTable(`t${i}`)));
  const openFiles = () =>
    tokens.reduce((sum, token) => sum + engine.walWriter(token).openFileCount, 0);
  for (let round = 0; round < 5; round++) {
    for (const token of tokens) commitRows(engine, token, [row(round)]);
  }
  const perTable = engine.walWriter(tokens.at(-1)!).openFileCount;
  assert(openFiles() <= filesMax + perTable, `${openFiles()} files`);
  for (const token of tokens) {
    await engine.waitApplied(token);
    assertEquals(tableRows(engine, token), Array.from({ length: 5 }, (_, i) => row(i)));
  }
});
