/** Recovery of copied roots. Test names carry the ids of docs/internals/checkpoint.md. */
import { encodeTxnSnapshot, RecoveryError } from "../../src/checkpoint/mod.ts";
import { ColumnType, PartitionBy, QuestError } from "../../src/common/mod.ts";
import { FaultFileSystem, InjectedError, RealFileSystem } from "../../src/platform/mod.ts";
import {
  columnPlace,
  isParquet,
  partitionIndexFiles,
  PartitionIndexReader,
  readTxn,
} from "../../src/storage/mod.ts";
import { Arena } from "../../src/wasm/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { allTypesTable, commitRows, tableRows } from "../support/engine_fixture.ts";
import { batchOf, type Row } from "../support/table_rows.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  copyRoot,
  exists,
  KeptLog,
  openDatabase,
  recover,
  touchTrigger,
} from "./checkpoint_fixture.ts";

const START = 1_704_067_200_000_000n;
const HOUR = 3_600_000_000n;
/** Bit of a partition's flags in `_txn`. */
const PARQUET_FLAG = 1n << 61n;

function rows(from: number, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i;
    return [START + BigInt(n) * HOUR, n % 2 === 0, n, BigInt(n), n / 2, `s${n}`, `note ${n}`];
  });
}

/** A copy of a root, taken while its checkpoint is active: 20 rows at the checkpoint, 40 when it was copied. */
async function checkpointedCopy(
  dir: string,
  options: { instanceId?: string; isLegacy?: boolean } = {},
): Promise<string> {
  await using db = await openDatabase(`${dir}/live`, options);
  const token = db.engine.createTable(allTypesTable("t"));
  commitRows(db.engine, token, rows(0, 20));
  await db.engine.waitApplied(token);
  await db.checkpoint.create({ isLegacy: options.isLegacy ?? false });
  commitRows(db.engine, token, rows(20, 20));
  await db.engine.waitApplied(token);
  await copyRoot(`${dir}/live`, `${dir}/copy`);
  await db.checkpoint.release();
  return `${dir}/copy`;
}

async function rowCount(root: string, table = "t"): Promise<number> {
  await using db = await openDatabase(root);
  const token = db.engine.findTable(table);
  if (token === null) return -1;
  await db.engine.waitApplied(token);
  return tableRows(db.engine, token).length;
}

const STARTS: [string, string, string, boolean, boolean][] = [
  ["C43", "", "", false, false],
  ["C44", "", "", true, true],
  ["C45", "", "id1", false, false],
  ["C46", "", "id1", true, true],
  ["C47", "id1", "", false, false],
  ["C48", "id1", "", true, true],
  ["C49", "id1", "id2", false, true],
  ["C50", "id1", "id2", true, true],
  ["C51", "id1", "id1", false, false],
  ["C52", "id1", "id1", true, true],
];

for (const isLegacy of [false, true]) {
  for (const [id, stored, current, isTriggered, isRecovered] of STARTS) {
    const name = `${id} checkpoint of "${stored}", start of "${current}"${
      isTriggered ? " with" : " without"
    } trigger${isLegacy ? ", legacy" : ""}: ${isRecovered ? "recovered" : "not recovered"}`;
    Deno.test(name, async () => {
      using dir = new TempDir();
      const copy = await checkpointedCopy(dir.path, { instanceId: stored, isLegacy });
      if (isTriggered) touchTrigger(copy);
      const log = new KeptLog();
      const summary = await recover(copy, { instanceId: current, log });
      assertEquals(summary !== null, isRecovered);
      const checkpoint = isLegacy ? `${copy}/snapshot` : `${copy}/.checkpoint`;
      assertEquals(exists(`${checkpoint}/db`), !isRecovered);
      assert(!exists(`${checkpoint}/recovered`));
      assertEquals(exists(`${copy}/_restore`), false);
      assertEquals(await rowCount(copy), isRecovered ? 20 : 40);
      if (!isRecovered) return;
      const word = isLegacy ? "snapshot" : "checkpoint";
      const why = isTriggered
        ? "trigger=file"
        : `trigger=snapshot id, currentId=${current}, previousId=${stored}`;
      assertEquals(log.lines[0], `starting ${word} recovery [${why}]`);
      assertEquals(
        log.lines.at(-1),
        `${word} recovery finished [metaFilesCount=1, txnFilesCount=1, cvFilesCount=1, walFilesCount=1, symbolFilesCount=1]`,
      );
    });
  }
}

Deno.test("a copy is recovered on another machine as on its own, whatever was not on the disk yet, and backs up as a clone", async () => {
  using dir = new TempDir();
  const copy = `${dir.path}/copy`;
  const names = ["t", "plain"];
  {
    await using db = await openDatabase(`${dir.path}/live`, { bootId: "here" });
    const { engine } = db;
    const tokens = names.map((name) =>
      engine.createTable({ ...allTypesTable(name), isWalEnabled: name === "t" })
    );
    const commit = async (from: number) => {
      for (const token of tokens) {
        using arena = new Arena(engine.core.memory);
        const writer = engine.rowWriter(token);
        const { metadata } = writer;
        writer.append(batchOf(engine.core, arena, { metadata, rows: rows(from, 20) }));
        writer.commit();
        await engine.waitApplied(token);
      }
    };
    await commit(0);
    await db.checkpoint.create();
    Deno.writeTextFileSync(`${dir.path}/live/db/_backup_instance.json`, "{}");
    await commit(20);
    await engine.sync();
    await commit(40);
    await copyRoot(`${dir.path}/live`, copy);
    await db.checkpoint.release();
  }
  const records = [...Deno.readDirSync(`${copy}/db/.durable`)];
  assert(records.length > 0, "not everything was on the disk");
  touchTrigger(copy);
  assert(await recover(copy) !== null);
  assert(!exists(`${copy}/db/_backup_instance.json`));
  await using db = await openDatabase(copy, { bootId: "there" });
  for (const name of names) {
    const token = db.engine.findTable(name)!;
    await db.engine.waitApplied(token);
    assertEquals(tableRows(db.engine, token), rows(0, 20), name);
  }
});

Deno.test("C53 C54 C55 C56 recovery that is disabled does nothing, with or without trigger", async () => {
  using dir = new TempDir();
  const copy = await checkpointedCopy(dir.path, { instanceId: "id1" });
  assertEquals(await recover(copy, { instanceId: "id2", isEnabled: false }), null);
  touchTrigger(copy);
  assertEquals(await recover(copy, { instanceId: "id2", isEnabled: false }), null);
  assert(exists(`${copy}/_restore`) && exists(`${copy}/.checkpoint/db`));
  assertEquals(await rowCount(copy), 40);
});

Deno.test("C57 the id in the text file counts when the binary one is empty", async () => {
  using dir = new TempDir();
  const copy = await checkpointedCopy(dir.path);
  Deno.writeTextFileSync(`${copy}/.checkpoint/db/_snapshot.txt`, " id1 \n");
  assertEquals((await recover(copy, { instanceId: "id2" }))?.trigger, "snapshot id");
  assertEquals(await rowCount(copy), 20);
});

Deno.test("a checkpoint inside the database directory is found, too", async () => {
  using dir = new TempDir();
  const copy = await checkpointedCopy(dir.path);
  Deno.renameSync(`${copy}/.checkpoint`, `${copy}/db/.checkpoint`);
  touchTrigger(copy);
  assert(await recover(copy) !== null);
  assert(!exists(`${copy}/db/.checkpoint/db`));
  assertEquals(await rowCount(copy), 20);
});

Deno.test("C58 thousands of partitions are recovered", async () => {
  using dir = new TempDir();
  await using db = await openDatabase(`${dir.path}/live`);
  const token = db.engine.createTable(allTypesTable("t", { partitionBy: PartitionBy.HOUR }));
  commitRows(db.engine, token, rows(0, 2000));
  await db.engine.waitApplied(token);
  await db.checkpoint.create();
  commitRows(db.engine, token, rows(2000, 10));
  await db.engine.waitApplied(token);
  await copyRoot(`${dir.path}/live`, `${dir.path}/copy`);
  await db.checkpoint.release();
  touchTrigger(`${dir.path}/copy`);
  await recover(`${dir.path}/copy`);
  assertEquals(await rowCount(`${dir.path}/copy`), 2000);
});

Deno.test("C60 a trigger without a checkpoint directory keeps the server from starting", async () => {
  using dir = new TempDir();
  await Deno.mkdir(`${dir.path}/db`);
  touchTrigger(dir.path);
  await assertRejects(
    () => recover(dir.path),
    RecoveryError,
    "checkpoint directory does not exist",
  );
  assert(exists(`${dir.path}/_restore`));
});

Deno.test("C61 a trigger without the checkpoint's metadata file keeps the server from starting", async () => {
  using dir = new TempDir();
  const copy = await checkpointedCopy(dir.path);
  Deno.removeSync(`${copy}/.checkpoint/db/_checkpoint_meta.d`);
  assertEquals(await recover(copy, { instanceId: "other" }), null);
  touchTrigger(copy);
  await assertRejects(
    () => recover(copy),
    RecoveryError,
    "checkpoint metadata file does not exist",
  );
  assertEquals(await rowCount(copy), 40);
});

Deno.test("a checkpoint of another major version, or of another storage version, is refused before anything is changed", async () => {
  using dir = new TempDir();
  const copy = await checkpointedCopy(dir.path);
  touchTrigger(copy);
  await assertRejects(
    () => recover(copy, { productVersion: "2.0.0" }),
    RecoveryError,
    "have the same major version number [checkpoint=1.2.3, version=2.0.0]",
  );
  const upgrade = Deno.readFileSync(`${copy}/db/_upgrade.d`);
  new DataView(upgrade.buffer).setInt32(0, 427, true);
  Deno.writeFileSync(`${copy}/db/_upgrade.d`, upgrade);
  await assertRejects(
    () => recover(copy),
    QuestError,
    "storage version of the root is not supported",
  );
  new DataView(upgrade.buffer).setInt32(0, 426, true);
  Deno.writeFileSync(`${copy}/db/_upgrade.d`, upgrade);
  assert(exists(`${copy}/_restore`));
  assert(await recover(copy) !== null);
  assertEquals(await rowCount(copy), 20);
});

Deno.test("C62 C63 C64 C65 a step that cannot be done keeps trigger and checkpoint, and a retry succeeds", async () => {
  const faults: [string, (path: string, operation: string) => boolean, string][] = [
    [
      "C62",
      (p, o) => o === "open" && p.endsWith("copy/db/tables.d.0"),
      "Could not copy registry file",
    ],
    [
      "C63",
      (p, o) => o === "remove" && p.includes("copy/db/tables.d."),
      "Could not remove registry file",
    ],
    [
      "C64",
      (p, o) => o === "remove" && p.endsWith("/_restore"),
      "could not remove restore trigger file",
    ],
    [
      "C65",
      (p, o) => o === "removeTree" && p.includes("copy/db/young"),
      "Aborting QuestDB startup; could not remove orphan table directory, remove it manually to continue",
    ],
  ];
  for (const [id, matches, message] of faults) {
    using dir = new TempDir();
    const copy = await checkpointedCopy(dir.path);
    Deno.mkdirSync(`${copy}/db/young~9`);
    touchTrigger(copy);
    const fs = new FaultFileSystem(new RealFileSystem());
    fs.failWhen((call) => matches(call.path, call.operation));
    await assertRejects(() => recover(copy, { fs }), RecoveryError, message);
    assert(exists(`${copy}/_restore`), id);
    // A second start goes through whatever the first one left.
    await recover(copy);
    assert(!exists(`${copy}/_restore`) && !exists(`${copy}/.checkpoint/db`), id);
    assert(!exists(`${copy}/.checkpoint/recovered`), id);
    assertEquals(await rowCount(copy), 20, id);
  }
});

Deno.test("C66 C69 C70 a dropped table is back, a truncated one has its rows, a younger one is gone", async () => {
  using dir = new TempDir();
  await using db = await openDatabase(`${dir.path}/live`);
  const { engine, checkpoint } = db;
  for (const name of ["dropped", "truncated"]) {
    const token = engine.createTable(allTypesTable(name));
    commitRows(engine, token, rows(0, 30));
    await engine.waitApplied(token);
  }
  await checkpoint.create();
  engine.dropTable(engine.findTable("dropped")!);
  engine.truncateTable(engine.findTable("truncated")!);
  await engine.waitApplied(engine.findTable("truncated")!);
  commitRows(engine, engine.createTable(allTypesTable("young")), rows(0, 5));
  commitRows(engine, engine.createTable(allTypesTable("dropped")), rows(0, 3)); // the name again
  await engine.purge();
  await copyRoot(`${dir.path}/live`, `${dir.path}/copy`);
  await checkpoint.release();
  touchTrigger(`${dir.path}/copy`);
  await recover(`${dir.path}/copy`);
  await using copy = await openDatabase(`${dir.path}/copy`);
  assertEquals(copy.engine.tables().map((token) => token.name), ["dropped", "truncated"]);
  for (const token of copy.engine.tables()) {
    assertEquals(tableRows(copy.engine, token).length, 30);
    commitRows(copy.engine, token, rows(30, 4)); // fully usable
    await copy.engine.waitApplied(token);
    assertEquals(tableRows(copy.engine, token).length, 34);
  }
});

Deno.test("C68 a renamed table has its old name back", async () => {
  using dir = new TempDir();
  await using db = await openDatabase(`${dir.path}/live`);
  const { engine, checkpoint } = db;
  const token = engine.createTable(allTypesTable("before"));
  commitRows(engine, token, rows(0, 12));
  await engine.waitApplied(token);
  await checkpoint.create();
  const renamed = await engine.renameTable(token, "after");
  commitRows(engine, renamed, rows(12, 12));
  await engine.waitApplied(renamed);
  await copyRoot(`${dir.path}/live`, `${dir.path}/copy`);
  await checkpoint.release();
  touchTrigger(`${dir.path}/copy`);
  await recover(`${dir.path}/copy`);
  await using copy = await openDatabase(`${dir.path}/copy`);
  assertEquals(copy.engine.tables().map(({ name }) => name), ["before"]);
  const restored = copy.engine.findTable("before")!;
  assertEquals(tableRows(copy.engine, restored).length, 12);
  const again = await copy.engine.renameTable(restored, "again");
  commitRows(copy.engine, again, rows(12, 1));
  await copy.engine.waitApplied(again);
  assertEquals(tableRows(copy.engine, again).length, 13);
});

Deno.test("C78 transactions that were not applied at the checkpoint are applied after recovery, later ones are lost", async () => {
  using dir = new TempDir();
  await using db = await openDatabase(`${dir.path}/live`);
  const { engine, checkpoint } = db;
  const token = engine.createTable(allTypesTable("t"));
  commitRows(engine, token, rows(0, 10));
  await engine.waitApplied(token);
  for (let i = 1; i < 6; i++) commitRows(engine, token, rows(10 * i, 10));
  const created = checkpoint.create(); // pins in this turn, before anything more is applied
  await created;
  commitRows(engine, token, rows(60, 10));
  await engine.waitApplied(token);
  await copyRoot(`${dir.path}/live`, `${dir.path}/copy`);
  await checkpoint.release();
  touchTrigger(`${dir.path}/copy`);
  await recover(`${dir.path}/copy`);
  await using copy = await openDatabase(`${dir.path}/copy`);
  const restored = copy.engine.findTable("t")!;
  await copy.engine.waitApplied(restored);
  assertEquals(
    tableRows(copy.engine, restored).map((row) => row[2]),
    Array.from({ length: 60 }, (_, i) => i),
  );
  assertEquals(copy.engine.walStatus(restored).sequencerTxn, 6);
});

Deno.test("recovery fails by name when a committed partition was not copied", async () => {
  using dir = new TempDir();
  const copy = await checkpointedCopy(dir.path);
  const tableDir = [...Deno.readDirSync(`${copy}/db`)].find((entry) =>
    entry.name.startsWith("t~")
  )!;
  Deno.removeSync(`${copy}/db/${tableDir.name}/2024-01-01`, { recursive: true });
  touchTrigger(copy);
  await assertRejects(() => recover(copy), QuestError, "partition directory does not exist");
  assert(exists(`${copy}/_restore`) && exists(`${copy}/.checkpoint/db`));
});

Deno.test("recovery that fails at any file call can be repeated", async () => {
  using dir = new TempDir();
  const pristine = await checkpointedCopy(dir.path);
  touchTrigger(pristine);
  let failures = 0;
  for (let n = 1;; n++) {
    const copy = `${dir.path}/try${n}`;
    await copyRoot(pristine, copy);
    const fs = new FaultFileSystem(new RealFileSystem());
    fs.failAt(n);
    try {
      await recover(copy, { fs });
      break;
    } catch (error) {
      const isInjected = error instanceof InjectedError ||
        (error as Error).cause instanceof InjectedError;
      if (!isInjected) throw error;
      failures++;
    }
    assert(exists(`${copy}/_restore`) || !exists(`${copy}/.checkpoint/db`), `call ${n}`);
    await recover(copy);
    assert(!exists(`${copy}/_restore`), `call ${n}`);
    assertEquals(await rowCount(copy), 20, `call ${n}`);
    Deno.removeSync(copy, { recursive: true });
  }
  assert(failures > 50, `only ${failures} calls failed`);
});

Deno.test("questdb#7243 C97 C98 C99 C100 a Parquet partition that is missing or shorter than committed is refused by name", async () => {
  using dir = new TempDir();
  const copy = await checkpointedCopy(dir.path);
  touchTrigger(copy);
  // The checkpoint says that the first partition is Parquet, of 1000 bytes.
  const path = `${copy}/.checkpoint/db/t~1/_txn`;
  const fs = new RealFileSystem();
  const record = readTxn(fs, `${copy}/.checkpoint/db/t~1`, PartitionBy.DAY);
  const [first] = record.partitions;
  const parquet = { ...first, flags: first.flags | PARQUET_FLAG, parquetFileSize: 1000 };
  assert(isParquet(parquet));
  const partitions = [parquet, ...record.partitions.slice(1)];
  Deno.writeFileSync(path, encodeTxnSnapshot({ ...record, partitions }));
  const directory = `${copy}/db/t~1/2024-01-01`;
  Deno.writeTextFileSync(`${directory}/_pm`, "a side file");
  await assertRejects(
    () => recover(copy),
    RecoveryError,
    "cannot read size of restored parquet file",
  );
  Deno.writeFileSync(`${directory}/data.parquet`, new Uint8Array(999));
  await assertRejects(
    () => recover(copy),
    RecoveryError,
    "restored parquet file is shorter than committed size",
  );
  Deno.writeFileSync(`${directory}/data.parquet`, new Uint8Array(1005));
  assert(await recover(copy) !== null);
});

/** Rows of every symbol, by the index and by the column, over all partitions of a table. */
function lookups(db: Awaited<ReturnType<typeof openDatabase>>, table: string) {
  const token = db.engine.findTable(table)!;
  using reader = db.engine.acquireReader(token);
  const column = reader.metadata.liveColumns.find((candidate) => candidate.isIndexed)!;
  const fs = new RealFileSystem();
  const byIndex: number[][] = [], byColumn: number[][] = [];
  reader.partitions.forEach((partition, index) => {
    const place = columnPlace(reader.versions, partition, column.writerIndex);
    if (place.storedRows === 0) return;
    const directory = `${reader.tableDir}/${partition.dirName}`;
    using rows = PartitionIndexReader.open(
      fs,
      partitionIndexFiles(directory, column, place.nameTxn),
    );
    using arena = new Arena(db.engine.core.memory);
    const range = { rowLo: 0, rowHi: partition.rowCount };
    const { data } = reader.readColumn(index, column.writerIndex, range, arena);
    const keys = db.engine.core.memory.i32.slice(data / 4, data / 4 + partition.rowCount);
    for (let key = 0; key < reader.symbolTable(column.writerIndex).count; key++) {
      byIndex.push([...rows.rowsOf(key, 0, partition.rowCount)]);
      byColumn.push([...keys.keys()].filter((row) => keys[row] === key && row >= place.columnTop));
    }
  });
  return { byIndex, byColumn };
}

for (const isTopped of [false, true]) {
  for (const isIndexRebuilt of [false, true]) {
    const name =
      `C79 C80 C81 C82 C84 C85 an indexed column${isTopped ? " with a column top" : ""}, ` +
      `indexes ${isIndexRebuilt ? "rebuilt, also torn ones" : "as copied"}`;
    Deno.test(name, async () => {
      using dir = new TempDir();
      await using db = await openDatabase(`${dir.path}/live`);
      const { engine, checkpoint } = db;
      const definition = allTypesTable("t");
      const token = engine.createTable({
        ...definition,
        columns: definition.columns.map((column) =>
          column.name === "sym" ? { ...column, isIndexed: !isTopped } : column
        ),
      });
      commitRows(engine, token, rows(0, 50));
      await engine.waitApplied(token);
      if (isTopped) {
        const column = { name: "late", type: ColumnType.SYMBOL, isIndexed: true };
        await engine.alterTable(token, { kind: "addColumn", column });
        await engine.waitApplied(token);
        commitRows(engine, token, rows(40, 10).map((row) => [...row, `l${row[2]}`]));
        await engine.waitApplied(token);
      }
      await checkpoint.create();
      const later = rows(50, 60).map((row) => isTopped ? [...row, `m${row[2]}`] : row);
      commitRows(engine, token, later);
      await engine.waitApplied(token);
      await copyRoot(`${dir.path}/live`, `${dir.path}/copy`);
      await checkpoint.release();
      if (isIndexRebuilt) {
        // Torn in the copy: count and check of the first key differ.
        const table = `${dir.path}/copy/db/t~1`;
        for (const { name: partition } of Deno.readDirSync(table)) {
          const path = `${table}/${partition}/${isTopped ? "late" : "sym"}.k`;
          if (!partition.startsWith("2024") || !exists(path)) continue;
          const bytes = Deno.readFileSync(path);
          bytes[64 + 32 + 24] ^= 0xff;
          Deno.writeFileSync(path, bytes);
        }
      }
      touchTrigger(`${dir.path}/copy`);
      await recover(`${dir.path}/copy`, { isIndexRebuilt });
      await using copy = await openDatabase(`${dir.path}/copy`);
      let { byIndex, byColumn } = lookups(copy, "t");
      assertEquals(byIndex, byColumn);
      assert(byColumn.flat().length >= (isTopped ? 10 : 50));
      // New rows keep the index right.
      const restored = copy.engine.findTable("t")!;
      commitRows(copy.engine, restored, later);
      await copy.engine.waitApplied(restored);
      ({ byIndex, byColumn } = lookups(copy, "t"));
      assertEquals(byIndex, byColumn);
      assert(byColumn.flat().length >= (isTopped ? 70 : 110));
    });
  }
}
