import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import { batchOf, type Row, varcharVector } from "../support/table_rows.ts";
import { TableError, WalError } from "../../src/common/mod.ts";
import { FaultFileSystem, RealFileSystem } from "../../src/platform/mod.ts";
import { Arena } from "../../src/wasm/mod.ts";
import { readEvents } from "../../src/wal/segment_events.ts";

const START = 1_704_067_200_000_000n;
const fs = new RealFileSystem();

function row(i: number, sym: string | null = `s${i % 5}`): Row {
  return [START + BigInt(i), i % 2 === 0, i, BigInt(i), i / 2, sym, `text number ${i}`];
}

function rows(from: number, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => row(from + i));
}

function segments(dir: string): string[] {
  return fs.readDir(`${dir}/wal1`).filter((entry) => entry.isDirectory).map((entry) => entry.name);
}

Deno.test("WalWriter leaves nothing on disk before the first append", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = engine.createTable(allTypesTable("t"));
  assertEquals(engine.walWriter(token).commit(), 0);
  assertEquals(fs.stat(`${engine.tableDir(token)}/wal1`), null);
});

Deno.test("WalWriter starts a new segment when the rows of one are full, between transactions", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path, { config: { walSegmentRolloverRowCount: 10 } });
  const token = engine.createTable(allTypesTable("t"));
  for (const [from, count] of [[0, 9], [9, 50], [59, 1], [60, 9], [69, 1]]) {
    commitRows(engine, token, rows(from, count));
  }
  assertEquals(segments(engine.tableDir(token)), ["0", "1", "2"]);
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token), rows(0, 70));
});

Deno.test("WalWriter starts a new segment when the bytes of one are full", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path, { config: { walSegmentRolloverBytes: 1000 } });
  const token = engine.createTable(allTypesTable("t"));
  for (let i = 0; i < 40; i++) commitRows(engine, token, [row(i)]);
  const count = segments(engine.tableDir(token)).length;
  assert(count >= 3 && count <= 10, `${count} segments`);
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token), rows(0, 40));
});

Deno.test("WalWriter writes each transaction's new symbols with it, and table keys for symbols the table has", async () => {
  using root = new TempDir();
  {
    await using engine = await openEngine(root.path);
    const token = engine.createTable(allTypesTable("t"));
    commitRows(engine, token, [row(0, "a"), row(1, "b"), row(2, "a")]);
    commitRows(engine, token, [row(3, "b"), row(4, null)]);
    await engine.waitApplied(token);
    const symbolsOf = (event: unknown) => (event as { symbols: unknown }).symbols;
    const events = readEvents(fs, `${engine.tableDir(token)}/wal1/0`, { first: 0, last: 1 });
    assertEquals(events.map(symbolsOf), [
      [{ writerIndex: 5, hasNull: false, cleanCount: 0, texts: ["a", "b"] }],
      [{ writerIndex: 5, hasNull: true, cleanCount: 0, texts: ["b"] }],
    ]);
  }
  await using engine = await openEngine(root.path);
  const token = engine.findTable("t")!;
  commitRows(engine, token, [row(5, "b"), row(6, "c"), row(7, "a")]);
  const [event] = readEvents(fs, `${engine.tableDir(token)}/wal2/0`, { first: 0, last: 0 });
  assertEquals((event as { symbols: unknown }).symbols, [
    { writerIndex: 5, hasNull: false, cleanCount: 2, texts: ["c"] },
  ]);
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token).map((values) => values[5]), [
    ..."abab",
    null,
    ..."bca",
  ]);
});

Deno.test("WalWriter.rollback forgets rows and their symbols", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = engine.createTable(allTypesTable("t"));
  const writer = engine.walWriter(token);
  commitRows(engine, token, [row(0, "kept")]);
  {
    using arena = new Arena(engine.core.memory);
    writer.append(
      batchOf(engine.core, arena, { metadata: writer.metadata, rows: [row(1, "lost")] }),
    );
  }
  assertEquals(writer.uncommittedRowCount, 1);
  writer.rollback();
  assertEquals(writer.uncommittedRowCount, 0);
  commitRows(engine, token, [row(2, "next"), row(3, null)]);
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token), [row(0, "kept"), row(2, "next"), row(3, null)]);
});

Deno.test("WalWriter refuses NULL and impossible timestamps in QuestDB's words and stays usable", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = engine.createTable(allTypesTable("t"));
  const at = (micros: bigint | null): Row => [micros, ...row(0).slice(1)];
  const cases: [bigint | null, string][] = [
    [null, "designated timestamp column cannot be NULL"],
    [-1n, "designated timestamp before 1970-01-01 is not allowed"],
    [253_402_300_800_000_000n, "designated timestamp beyond 9999-12-31 is not allowed"],
  ];
  for (const [micros, message] of cases) {
    assertThrows(() => commitRows(engine, token, [row(0), at(micros)]), TableError, message);
  }
  commitRows(engine, token, [at(0n), at(253_402_300_799_999_999n)]);
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token).map((values) => values[0]), [0n, 253_402_300_799_999_999n]);
});

Deno.test("WalWriter interns thousands of distinct symbols, long ones too", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = engine.createTable(allTypesTable("t"));
  const texts = Array.from({ length: 20_000 }, (_, i) => `${"x".repeat(i % 30)}${i % 7000}`);
  commitRows(engine, token, texts.map((text, i) => row(i, text)));
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token).map((values) => values[5]), texts);
});

Deno.test("WalWriter takes a SYMBOL dictionary that is far larger than the rows", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = engine.createTable(allTypesTable("t"));
  const writer = engine.walWriter(token);
  using arena = new Arena(engine.core.memory);
  const { memory } = engine.core;
  const batch = batchOf(engine.core, arena, { metadata: writer.metadata, rows: rows(0, 3) });
  const data = arena.alloc(12);
  memory.i32.set([999_999, 5, 999_999], data / 4);
  const symbols = { count: 1_000_000, text: (key: number) => `key${key}`, find: () => -1 };
  const columns = [...batch.columns];
  columns[5] = { ...varcharVector(engine.core, arena, []), type: 12, data, symbols };
  writer.append({ rowCount: 3, columns });
  writer.commit();
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token).map((values) => values[5]), [
    "key999999",
    "key5",
    "key999999",
  ]);
});

Deno.test("WalWriter shows nothing of a commit that failed at any call, and goes on in a new segment", async () => {
  for (const commitMode of ["nosync", "sync"] as const) {
    let failed = 0;
    for (let n = 1; n < 200; n++) {
      using root = new TempDir();
      const faults = new FaultFileSystem(fs);
      await using engine = await openEngine(root.path, { config: { commitMode }, fs: faults });
      const token = engine.createTable(allTypesTable("t"));
      commitRows(engine, token, rows(0, 3));
      await engine.waitApplied(token);
      faults.failAt(n, { effect: n % 2 === 0 ? "partial" : "none" });
      let isCommitted = true;
      try {
        commitRows(engine, token, rows(3, 3));
      } catch (error) {
        assert(error instanceof WalError, String(error));
        isCommitted = false;
      }
      faults.clear();
      commitRows(engine, token, rows(6, 2));
      await engine.waitApplied(token);
      const expected = isCommitted ? rows(0, 8) : [...rows(0, 3), ...rows(6, 2)];
      assertEquals(tableRows(engine, token), expected, `call ${n}, ${commitMode}`);
      if (isCommitted) break;
      failed++;
    }
    assert(failed > 10, `${failed} failing calls in ${commitMode}`);
  }
});
