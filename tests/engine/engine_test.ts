import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import type { Row } from "../support/table_rows.ts";
import { StorageError, TableError } from "../../src/common/mod.ts";

const DAY = 86_400_000_000n;
const START = 1_704_067_200_000_000n; // 2024-01-01

const ROWS: Row[] = [
  [START, true, 1, 10n, 1.5, "a", "short"],
  [START + 1n, false, null, null, null, null, null],
  [START + DAY, false, -3, -(2n ** 40n), -0.25, "b", "a text that is longer than nine bytes"],
  [START + DAY + 5n, true, 4, 40n, 4.5, "a", ""],
];

Deno.test("Engine makes committed rows visible and keeps them over a restart", async () => {
  using root = new TempDir();
  {
    await using engine = await openEngine(root.path);
    const token = engine.createTable(allTypesTable("t"));
    assertEquals(token, { name: "t", dirName: "t~1", id: 1, isWal: true, type: 1 });
    const txn = commitRows(engine, token, ROWS);
    assertEquals(txn, 1);
    await engine.waitApplied(token, txn);
    assertEquals(tableRows(engine, token), ROWS);
  }
  await using engine = await openEngine(root.path);
  const token = engine.findTable("T");
  assert(token !== null);
  assertEquals(tableRows(engine, token), ROWS);
});

Deno.test("Engine merges late rows and maps symbols of several commits", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = engine.createTable(allTypesTable("t"));
  commitRows(engine, token, [ROWS[3], ROWS[0]], "symbol");
  commitRows(engine, token, [ROWS[2]], "symbol");
  await engine.waitApplied(token);
  commitRows(engine, token, [ROWS[1]], "symbol");
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token), ROWS);
});

Deno.test("Engine.open refuses a root that is open already, and names it", async () => {
  using root = new TempDir();
  await using _engine = await openEngine(root.path);
  const error = await assertRejects(() => openEngine(root.path), StorageError, "another process");
  assert(error.message.includes(root.path));
});

Deno.test("Engine.createTable refuses taken and impossible names", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  engine.createTable(allTypesTable("t"));
  assertThrows(() => engine.createTable(allTypesTable("T")), TableError, "table already exists");
  assertEquals(engine.createTable(allTypesTable("T"), { ifNotExists: true }).name, "t");
  for (const name of ["", "a/b", "..", ".a", "a~b", "tables.d.0", " a"]) {
    assertThrows(() => engine.createTable(allTypesTable(name)), TableError);
  }
});
