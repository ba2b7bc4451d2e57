import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { batchOf, type Row } from "../support/table_rows.ts";
import { ColumnType, QuestError, TableError, WalError } from "../../src/common/mod.ts";
import type { Engine, TableToken } from "../../src/engine/mod.ts";
import {
  FaultFileSystem,
  type FileSystem,
  InjectedError,
  RealFileSystem,
  SimulatedFileSystem,
} from "../../src/platform/mod.ts";
import type { AlterOperation } from "../../src/storage/mod.ts";
import { readSequencerMetadata, TxnLog } from "../../src/wal/mod.ts";
import { Arena } from "../../src/wasm/mod.ts";

const START = 1_704_067_200_000_000n;
const ADD_EXTRA: AlterOperation = {
  kind: "addColumn",
  column: { name: "extra", type: ColumnType.LONG },
};

function row(i: number, ...extra: Row): Row {
  return [START + BigInt(i), true, i, BigInt(i), i / 2, `s${i % 3}`, `text ${i}`, ...extra];
}

function names(engine: Engine, token: TableToken): string[] {
  return engine.metadata(token).liveColumns.map((column) => column.name);
}

/** Structure versions that the log, `_meta` and the columns in memory stand at; they must agree. */
function structureVersion(fs: FileSystem, engine: Engine, token: TableToken): number {
  const tableDir = engine.tableDir(token);
  using log = TxnLog.open(fs, tableDir, "read");
  const [last] = log.lastTxn === 0 ? [] : log.read(log.lastTxn, log.lastTxn);
  const metadata = readSequencerMetadata(fs, `${tableDir}/txn_seq/_meta`);
  assertEquals(metadata.structureVersion, last?.structureVersion ?? 0);
  assertEquals(
    metadata.columns.filter((column) => column.type > 0).map((column) => column.name).sort(),
    names(engine, token).sort(),
  );
  return metadata.structureVersion;
}

Deno.test("Engine.alterTable is seen by the next rows at once, and by readers when it is applied", async () => {
  using root = new TempDir();
  {
    await using engine = await openEngine(root.path);
    const token = engine.createTable(allTypesTable("t"));
    assertEquals(commitRows(engine, token, [row(0)]), 1);
    assertEquals(await engine.alterTable(token, ADD_EXTRA), 2);
    assertEquals(commitRows(engine, token, [row(1, 11n), row(2, null)]), 3);
    assertEquals(await engine.alterTable(token, { kind: "dropColumn", name: "note" }), 4);
    const columns = ["ts", "flag", "count", "total", "price", "sym", "extra"];
    assertEquals(names(engine, token), columns);
    await engine.waitApplied(token);
    assertEquals(tableRows(engine, token), [
      [...row(0).slice(0, 6), null, null],
      [...row(1).slice(0, 6), null, 11n],
      [...row(2).slice(0, 6), null, null],
    ]);
  }
  await using engine = await openEngine(root.path);
  const token = engine.findTable("t")!;
  const rename: AlterOperation = { kind: "renameColumn", from: "sym", to: "kind" };
  assertEquals(await engine.alterTable(token, rename), 5);
  await engine.waitApplied(token);
  using reader = engine.acquireReader(token);
  assertEquals(reader.metadata.liveColumns.map((column) => column.name), names(engine, token));
  assertEquals(names(engine, token)[5], "kind");
});

Deno.test("a table that is behind takes rows with the columns that its log has, also after a restart", async () => {
  using root = new TempDir();
  {
    const engine = await openEngine(root.path);
    const token = engine.createTable(allTypesTable("t"));
    commitRows(engine, token, [row(0)]);
    await engine.alterTable(token, ADD_EXTRA);
    commitRows(engine, token, [row(1, 5n)]);
    await engine.close();
  }
  await using engine = await openEngine(root.path);
  const token = engine.findTable("t")!;
  assertEquals(names(engine, token).at(-1), "extra");
  commitRows(engine, token, [row(2, 6n)]);
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token).map((values) => values.at(-1)), [null, 5n, 6n]);
});

Deno.test("Engine.alterTable says what cannot be done, and leaves the log alone", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = engine.createTable(allTypesTable("t"));
  const invalid: AlterOperation[] = [
    { kind: "dropColumn", name: "nothing" },
    { kind: "addColumn", column: { name: "SYM", type: ColumnType.INT } },
    { kind: "renameColumn", from: "sym", to: "note" },
  ];
  for (const operation of invalid) {
    await assertRejects(() => engine.alterTable(token, operation), TableError);
  }
  const again: AlterOperation = {
    kind: "addColumn",
    column: { name: "sym", type: ColumnType.INT },
    ifNotExists: true,
  };
  assertEquals(await engine.alterTable(token, again), 0);
  assertEquals(engine.walStatus(token).sequencerTxn, 0);
});

Deno.test("Engine.alterTable waits for the transaction that is open, and stops waiting when told", async () => {
  using root = new TempDir();
  await using engine = await openEngine(root.path);
  const token = engine.createTable(allTypesTable("t"));
  const writer = engine.walWriter(token);
  const stop = new AbortController();
  using arena = new Arena(engine.core.memory);
  writer.append(batchOf(engine.core, arena, { metadata: writer.metadata, rows: [row(0)] }));
  const given = engine.alterTable(token, ADD_EXTRA, { signal: stop.signal });
  stop.abort(new Error("enough"));
  await assertRejects(() => given, Error, "enough");
  const altered = engine.alterTable(token, ADD_EXTRA);
  writer.append(batchOf(engine.core, arena, { metadata: writer.metadata, rows: [row(1)] }));
  assertEquals(writer.commit(), 1);
  assertEquals(await altered, 2);
  assertThrows(
    () => writer.append({ rowCount: 1, columns: [null] }),
    TableError,
    "table has changed",
  );
});

Deno.test("a structural change that fails at any call has not happened, and the next one works", async () => {
  for (let n = 1, isDone = false; !isDone; n++) {
    using root = new TempDir();
    const faults = new FaultFileSystem(new RealFileSystem());
    await using engine = await openEngine(root.path, { fs: faults });
    const token = engine.createTable(allTypesTable("t"));
    commitRows(engine, token, [row(0)]);
    await engine.waitApplied(token);
    let failed = false, calls = 0;
    faults.failWhen((call) => {
      // From its first byte until it is committed.
      const isOurs = call.isChange && call.path.includes("/txn_seq/") &&
        engine.walStatus(token).sequencerTxn === 1 &&
        (calls > 0 || call.path.endsWith("_txnlog.meta.d"));
      if (isOurs) calls++;
      return isOurs && calls === n && (failed = true);
    });
    const outcome = await engine.alterTable(token, ADD_EXTRA).catch((error) => error);
    faults.clear();
    isDone = !failed;
    if (failed && outcome instanceof Error) {
      assert(outcome instanceof WalError, String(outcome));
      assertEquals(names(engine, token).includes("extra"), false, `call ${n}`);
      assertEquals(await engine.alterTable(token, ADD_EXTRA), 2, `call ${n}`);
    }
    assertEquals(structureVersion(faults, engine, token), 1, `call ${n}`);
    commitRows(engine, token, [row(1, 7n)]);
    await engine.waitApplied(token);
    assertEquals(tableRows(engine, token).map((values) => values.at(-1)), [null, 7n], `call ${n}`);
  }
});

Deno.test("a structural change is there whole or not at all after a power loss at any change", async () => {
  const random = new SeededRandom(11);
  let wasThere = 0, wasNot = 0;
  for (let n = 1, isDone = false; !isDone; n++) {
    const disk = new SimulatedFileSystem();
    disk.mkdir("/data");
    disk.syncDir("/");
    const machine = new FaultFileSystem(disk);
    const engine = await openEngine("/data", { fs: machine });
    const token = engine.createTable(allTypesTable("t"));
    commitRows(engine, token, [row(0)]);
    await engine.waitApplied(token);
    const before = machine.changeCount;
    machine.stopAt(n, random.pick(["none", "partial", "applied"] as const));
    let acknowledged = false;
    try {
      await engine.alterTable(token, ADD_EXTRA);
      acknowledged = true;
      isDone = machine.changeCount < before + n;
    } catch (error) {
      assert(error instanceof QuestError || error instanceof InjectedError, String(error));
    }
    await Promise.allSettled([engine.close()]);
    disk.crash(random);
    await using again = await openEngine("/data", { fs: disk });
    const found = again.findTable("t")!;
    await again.waitApplied(found);
    const version = structureVersion(disk, again, found);
    if (acknowledged) assertEquals(version, 1, `change ${n}`);
    version === 1 ? wasThere++ : wasNot++;
    const extra = version === 1 ? [3n] : [];
    commitRows(again, found, [row(1, ...extra)]);
    await again.waitApplied(found);
    assertEquals(tableRows(again, found).at(-1), row(1, ...extra), `change ${n}`);
    assertEquals(tableRows(again, found).length, 2, `change ${n}`);
  }
  assert(wasThere > 0 && wasNot > 0, `${wasThere} there, ${wasNot} not`);
});
