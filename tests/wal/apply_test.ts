import fc from "fast-check";
import { PartitionBy } from "../../src/common/mod.ts";
import {
  FaultFileSystem,
  type FileSystem,
  InjectedError,
  SimulatedFileSystem,
} from "../../src/platform/mod.ts";
import { readTxn, syncPath, TableWriter } from "../../src/storage/mod.ts";
import {
  applyWal,
  type ApplyWalArgs,
  DedupMode,
  type SqlEventExecutor,
} from "../../src/wal/mod.ts";
import { Arena, createSharedMemory, loadCore } from "../../src/wasm/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { checkIndex, core, readRows, type Row, rowSource } from "../storage/table_fixture.ts";
import { type Key, TableModel } from "../storage/table_model.ts";
import { WalTable } from "./wal_table.ts";

const HOUR = 3_600_000_000n;
const START = 1_704_067_200_000_000n;

function row(hour: number, tag: string, i = 0): Row {
  const text = `a text of hour ${hour} by ${tag}`;
  return { ts: START + BigInt(hour) * HOUR, ok: true, i, l: null, d: 0.5, sym: tag, text };
}

/** Applies all transactions; returns how many rows deduplication took out. */
async function applyAll(
  table: WalTable,
  limits: { rowsMax?: number; txnsMax?: number } = {},
  executor: SqlEventExecutor | null = null,
): Promise<number> {
  const { fs, tableDir } = table.context;
  const targetTxn = table.lastTxn;
  const args: ApplyWalArgs = {
    tableDir,
    targetTxn,
    rowsMax: 1000,
    txnsMax: 1000,
    isSynced: true,
    ...limits,
  };
  let deduped = 0;
  for (let applied = -1; applied < targetTxn;) {
    const result = await applyWal({ fs, core }, args, executor);
    assertEquals(result.blockedReason, null);
    assert(result.appliedTxn > applied, "every task gets on");
    applied = result.appliedTxn;
    deduped += result.dedupedRowCount;
  }
  return deduped;
}

const anyRow = fc.record<Row>({
  ts: fc.integer({ min: 0, max: 60 }).map((hour) => START + BigInt(hour) * HOUR),
  ok: fc.boolean(),
  i: fc.option(fc.integer({ min: -2, max: 2 })),
  l: fc.option(fc.constantFrom(-1n, 0n)),
  d: fc.option(fc.constantFrom(-1, 0, 1.5)),
  sym: fc.option(fc.constantFrom("b", "a", "c", "dd")),
  text: fc.option(fc.constantFrom("", "b", "a longer text", "another longer text")),
}, { noNullPrototype: true });

type Txn =
  | { readonly kind: "rows"; readonly rows: Row[]; readonly dedupMode: number }
  | { readonly kind: "range"; readonly lo: number; readonly hours: number; readonly rows: Row[] }
  | { readonly kind: "truncate" }
  | { readonly kind: "roll" };
const anyTxn: fc.Arbitrary<Txn> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("rows" as const),
      rows: fc.array(anyRow, { minLength: 1, maxLength: 20 }),
      dedupMode: fc.constantFrom<number>(...Array(5).fill(DedupMode.DEFAULT), DedupMode.NO_DEDUP),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("range" as const),
      lo: fc.integer({ min: 0, max: 59 }),
      hours: fc.integer({ min: 1, max: 40 }),
      rows: fc.array(anyRow, { maxLength: 8 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom({ kind: "truncate" as const }, { kind: "roll" as const }),
  },
);

/** Commits transactions to the WAL and to the model. */
function commitAll(table: WalTable, model: TableModel, txns: readonly Txn[]): void {
  for (const txn of txns) {
    if (txn.kind === "roll") table.roll();
    else if (txn.kind === "truncate") {
      table.truncate();
      model.truncate();
    } else if (txn.kind === "rows") {
      table.commit(txn.rows, { dedupMode: txn.dedupMode });
      model.write(txn.rows, { isDeduplicated: txn.dedupMode !== DedupMode.NO_DEDUP });
    } else {
      const lo = START + BigInt(txn.lo) * HOUR, hi = lo + BigInt(txn.hours) * HOUR;
      const rows = txn.rows.map((one) => ({ ...one, ts: lo + (one.ts - START) % (hi - lo) }));
      table.commit(rows, { range: { lo, hi } });
      model.replace({ lo, hi }, rows);
    }
  }
}

/** Rows of equal times in one order: which transactions share a step tells how deduplication orders them. */
function canonical(rows: readonly Row[]): string[] {
  const text = (one: Row) =>
    JSON.stringify(
      Object.entries(one).sort(),
      (_, value) => typeof value === "bigint" ? `${value}n` : value,
    );
  return rows.map(text).sort();
}

const KEYS: readonly (readonly Key[] | null)[] = [null, [], ["sym"], ["i", "text"]];
for (const keys of KEYS) {
  const name = keys === null ? "no keys" : `keys ts ${keys.join(" ")}`;
  Deno.test(`applyWal() makes of random transactions what a model makes of them, in steps and passes of any size: ${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyTxn, { maxLength: 10 }),
        fc.constantFrom(1, 3, 7, 1000),
        fc.constantFrom(1, 2, 1000),
        async (txns, rowsMax, txnsMax) => {
          using directory = new TempDir();
          const dedupKeys = keys === null ? [] : ["ts", ...keys];
          using table = new WalTable(directory.path, {
            partitionBy: PartitionBy.DAY,
            dedupKeys,
            isIndexed: true,
          });
          const model = new TableModel(keys);
          commitAll(table, model, txns);
          await applyAll(table, { rowsMax, txnsMax });
          const found = readRows(table.context);
          if (keys === null) assertEquals(found, model.rows);
          assertEquals(canonical(found), canonical(model.rows));
          assertEquals(found.map((one) => one.ts), model.rows.map((one) => one.ts));
          checkIndex(table.context);
          assertEquals(core.memory.liveBytes, 0, "no block of memory is left behind");
        },
      ),
      { numRuns: Number(Deno.env.get("APPLY_RUNS") ?? 15) },
    );
  });
}

Deno.test("applyWal() counts the rows that deduplication takes out, within a transaction and of the table", async () => {
  using directory = new TempDir();
  using table = new WalTable(directory.path, {
    partitionBy: PartitionBy.DAY,
    dedupKeys: ["ts", "sym"],
  });
  table.commit([row(1, "a"), row(1, "b"), row(1, "a", 3)]);
  assertEquals(await applyAll(table), 1);
  table.commit([row(1, "b", 20), row(2, "c")]);
  assertEquals(await applyAll(table), 1);
  assertEquals(readRows(table.context).map((one) => one.i), [3, 20, 0]);
});

Deno.test("applyWal() leaves out what a truncation makes void, and applies what is behind it", async () => {
  using directory = new TempDir();
  using table = new WalTable(directory.path, { partitionBy: PartitionBy.DAY });
  table.commit([row(1, "gone")]);
  table.commit([row(30, "gone")]);
  table.truncate();
  table.commit([row(2, "stays")]);
  await applyAll(table);
  assertEquals(readRows(table.context), [row(2, "stays")]);
  const { txn } = readTxnOf(table);
  assertEquals(txn, 2, "one commit removes, one adds");
});

function readTxnOf(table: WalTable) {
  return readTxn(table.context.fs, table.context.tableDir, PartitionBy.DAY);
}

Deno.test("a transaction that is larger than memory is applied in passes, in one commit", async () => {
  using directory = new TempDir();
  using table = new WalTable(directory.path, {
    partitionBy: PartitionBy.DAY,
    dedupKeys: ["ts", "sym"],
  });
  const long = "x".repeat(2000);
  const rows = Array.from({ length: 3000 }, (_, n) => ({
    ...row(n * 7919 % 50, `s${n % 40}`, n),
    text: `${n} ${long}`,
  }));
  table.commit(rows);
  const memory = createSharedMemory();
  // 6 MB of text through 3 MB of memory, which merges need, too.
  const small = loadCore(memory, { start: 65_536, end: 65_536 + 3_145_728 });
  const { fs, tableDir } = table.context;
  const limits = { targetTxn: 1, rowsMax: 1000, txnsMax: 1 };
  const writer = { symbolGrowthThreshold: null };
  const result = await applyWal({ fs, core: small }, {
    tableDir,
    ...limits,
    writer,
    isSynced: false,
  });
  assertEquals([result.appliedTxn, result.rowCount], [1, 3000]);
  assertEquals(readTxnOf(table).txn, 1);
  const model = new TableModel(["sym"]);
  model.write(rows);
  const found = readRows(table.context);
  assertEquals(result.dedupedRowCount, 3000 - found.length);
  assertEquals(canonical(found), canonical(model.rows));
  assertEquals(small.memory.liveBytes, 0);
});

Deno.test("applyWal() runs statements in their place, and commits for those that do not", async () => {
  using directory = new TempDir();
  using table = new WalTable(directory.path, { partitionBy: PartitionBy.DAY });
  table.commit([row(1, "a")]);
  table.statement("does nothing");
  table.commit([row(2, "b")]);
  table.statement("sets the TTL");
  const seen: unknown[] = [];
  const executor: SqlEventExecutor = {
    async execute(_context, writer, { event, ...options }) {
      await Promise.resolve();
      seen.push([
        event.text,
        options.seqTxn,
        writer.txn.fixedRowCount + writer.txn.transientRowCount,
      ]);
      if (event.text === "sets the TTL") {
        writer.alter({ kind: "setTtl", hoursOrMonths: 24 * 365 }, options);
      }
    },
  };
  await applyAll(table, {}, executor);
  assertEquals(seen, [["does nothing", 2, 1], ["sets the TTL", 4, 2]]);
  assertEquals(readRows(table.context), [row(1, "a"), row(2, "b")]);
  assertEquals(readTxnOf(table).seqTxn, 4);
});

Deno.test("applyWal() without an executor says which statement is in the way", async () => {
  using directory = new TempDir();
  using table = new WalTable(directory.path, { partitionBy: PartitionBy.DAY });
  table.commit([row(1, "a")]);
  table.statement("UPDATE t SET i = 1");
  const { fs, tableDir } = table.context;
  const args = { tableDir, targetTxn: 2, rowsMax: 10, txnsMax: 10, isSynced: false };
  const result = await applyWal({ fs, core }, args);
  assertEquals(result.appliedTxn, 1);
  assertEquals(
    result.blockedReason,
    "statement cannot be run here [sql=UPDATE t SET i = 1] [seqTxn=2]",
  );
});

/** Puts rows behind the committed ones of the last partition, unordered, and notes them in `_txn` as lag. */
function addLag(table: WalTable, hours: readonly [number, number], txnCount: number): void {
  const { context } = table;
  {
    using writer = TableWriter.open(context);
    using arena = new Arena(core.memory);
    const source = rowSource(writer, hours.map((hour) => row(hour, "s")), arena);
    for (const [i, hour] of hours.entries()) {
      core.memory.i64[source.timestamps / 8 + i] = row(hour, "s").ts;
    }
    writer.write(source); // not committed
  }
  using file = context.fs.open(`${context.tableDir}/_txn`, "readWrite");
  const header = new DataView(new ArrayBuffer(64));
  file.read(new Uint8Array(header.buffer), 0);
  const record = header.getInt32(header.getBigInt64(0, true) % 2n === 0n ? 8 : 32, true);
  const lag = new DataView(new ArrayBuffer(8));
  lag.setInt32(0, -txnCount, true); // below zero: unordered
  lag.setInt32(4, hours.length, true);
  file.write(new Uint8Array(lag.buffer), record + 92);
}

Deno.test("rows that QuestDB left in the lag become rows, with the transactions they came from, once", async () => {
  using directory = new TempDir();
  using table = new WalTable(directory.path, { partitionBy: PartitionBy.DAY });
  table.commit([row(1, "s"), row(3, "s")]);
  await applyAll(table);
  table.commit([row(90, "purged")]);
  table.commit([row(91, "purged")]);
  addLag(table, [5, 4], 2); // these two, say
  assertEquals(readRows(table.context).length, 2);
  table.commit([row(2, "s")]);
  await applyAll(table);
  assertEquals(
    readRows(table.context).map((one) => one.ts),
    [1, 2, 3, 4, 5].map((hour) => row(hour, "s").ts),
  );
  assertEquals(readTxnOf(table).seqTxn, 4);
});

function syncAll(fs: FileSystem, directory: string): void {
  for (const entry of fs.readDir(directory)) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory) syncAll(fs, path);
    else syncPath(fs, path);
  }
  fs.syncDir(directory);
}

const EFFECTS = ["none", "partial", "applied"] as const;

Deno.test("lag rows are there whole or not at all when the power goes at any change, and are still there to be applied", async () => {
  const seed = runSeed();
  let stops = 0;
  for (let change = 1;; change++) {
    const random = new SeededRandom(seed + change);
    const disk = new SimulatedFileSystem();
    disk.mkdir("/db");
    disk.syncDir("/");
    using table = new WalTable("/db", { partitionBy: PartitionBy.DAY }, disk);
    table.commit([row(1, "s"), row(3, "s")]);
    await applyAll(table);
    table.commit([row(90, "purged")]);
    addLag(table, [5, 4], 1);
    syncAll(disk, "/db");
    const machine = new FaultFileSystem(disk);
    machine.stopAt(change, random.pick(EFFECTS));
    const { tableDir } = table.context;
    const args = { tableDir, targetTxn: 2, rowsMax: 10, txnsMax: 10, isSynced: true };
    try {
      await applyWal({ fs: machine, core }, args);
      break;
    } catch (error) {
      const first = error instanceof SuppressedError ? error.suppressed : error;
      if (!(first instanceof InjectedError)) throw error;
    }
    stops++;
    disk.crash(random);
    const label = `SEED=${seed} change ${change}`;
    const count = readRows(table.context).length;
    assert(count === 2 || count === 4, label);
    await applyWal({ fs: disk, core }, args);
    assertEquals(
      readRows(table.context).map((one) => one.ts),
      [1, 3, 4, 5].map((hour) => row(hour, "s").ts),
      label,
    );
    assertEquals(readTxnOf(table).seqTxn, 2, label);
    assertEquals(core.memory.liveBytes, 0, label);
  }
  assert(stops > 20, `${stops} moments were tried`);
});
