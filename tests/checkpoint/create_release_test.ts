/** CHECKPOINT CREATE and RELEASE. Test names carry the ids of docs/internals/checkpoint.md. */
import { CheckpointError } from "../../src/checkpoint/mod.ts";
import { CancelledError, PartitionBy, TableError } from "../../src/common/mod.ts";
import { FaultFileSystem, InjectedError, RealFileSystem } from "../../src/platform/mod.ts";
import {
  readColumnVersions,
  readTableMetadata,
  readTxn,
  TableReader,
} from "../../src/storage/mod.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import {
  allTypesTable,
  commitRows,
  openEngine,
  tableRows,
  testCore,
} from "../support/engine_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";
import { copyRoot, exists, KeptLog, openDatabase } from "./checkpoint_fixture.ts";

const START = 1_704_067_200_000_000n;
const ROW = [START, true, 1, 1n, 1.5, "a", "some longer text"] as const;
const REFUSAL = "Waiting for CHECKPOINT RELEASE to be called";

Deno.test("C1 C2 C3 C4 C5 C6 create and release: files are there in between, the directory stays", async () => {
  using dir = new TempDir();
  await using db = await openDatabase(dir.path);
  const { engine, checkpoint } = db;
  await checkpoint.release(); // C5
  await checkpoint.create(); // C6
  await checkpoint.release();
  Deno.mkdirSync(`${dir.path}/db/stray`); // C2
  for (
    const [name, isWalEnabled, partitionBy] of [
      ["wal", true, PartitionBy.DAY],
      ["plain", false, PartitionBy.DAY],
      ["flat", false, PartitionBy.NONE],
    ] as const
  ) {
    engine.createTable({ ...allTypesTable(name), isWalEnabled, partitionBy });
  }
  await checkpoint.create();
  const listed = Deno.readDirSync(`${dir.path}/.checkpoint/db`);
  assertEquals(
    [...listed].map((entry) => entry.name).sort(),
    ["_checkpoint_meta.d", "_checkpoint_version", "flat", "plain", "tables.d.0", "wal~1"].sort(),
  );
  await checkpoint.release();
  assert(exists(`${dir.path}/.checkpoint`) && !exists(`${dir.path}/.checkpoint/db`));
});

Deno.test("C7 C8 C9 C20 a second create is refused, purging waits for the release, releases repeat", async () => {
  using dir = new TempDir();
  await using db = await openDatabase(dir.path, { config: { walSegmentRolloverRowCount: 1 } });
  const { engine, checkpoint } = db;
  const token = engine.createTable(allTypesTable("t"));
  commitRows(engine, token, [ROW]);
  commitRows(engine, token, [ROW]);
  await engine.waitApplied(token);
  const firstSegment = `${engine.tableDir(token)}/wal1/0`;
  await checkpoint.create();
  for (let i = 0; i < 2; i++) {
    await assertRejects(() => checkpoint.create(), CheckpointError, REFUSAL);
  }
  await engine.purge();
  assert(exists(firstSegment));
  await checkpoint.release();
  await checkpoint.release();
  await engine.purge();
  assert(!exists(firstSegment));
  await checkpoint.create();
});

Deno.test("C10 what an earlier run left in the directory is removed by create", async () => {
  using dir = new TempDir();
  Deno.mkdirSync(`${dir.path}/.checkpoint/db/old~1`, { recursive: true });
  Deno.writeTextFileSync(`${dir.path}/.checkpoint/db/old~1/_meta`, "old");
  await using db = await openDatabase(dir.path);
  await db.checkpoint.create();
  assert(!exists(`${dir.path}/.checkpoint/db/old~1`));
});

Deno.test("C11 a table whose transaction file cannot be read makes create fail by name, and nothing stays pinned", async () => {
  using dir = new TempDir();
  {
    await using engine = await openEngine(dir.path);
    engine.createTable(allTypesTable("broken"));
  }
  Deno.truncateSync(`${dir.path}/db/broken~1/_txn`, 10);
  await using db = await openDatabase(dir.path);
  await assertRejects(() => db.checkpoint.create(), CheckpointError, "error creating checkpoint");
  await assertRejects(() => db.checkpoint.create(), CheckpointError, "[table=broken");
  assertEquals(db.checkpoint.status(), { inProgress: false, startedAt: null });
  assert(!exists(`${dir.path}/.checkpoint/db`));
});

Deno.test("C13 create fails when the system cannot sync, and succeeds later", async () => {
  using dir = new TempDir();
  const fs = new FaultFileSystem(new RealFileSystem());
  await using db = await openDatabase(dir.path, { service: { fs } });
  fs.failWhen((call) => call.operation === "syncAll");
  await assertRejects(() => db.checkpoint.create(), CheckpointError, "Could not sync");
  fs.clear();
  await db.checkpoint.create();
});

Deno.test("C14 C21 status tells since when; a release tells every WAL table's transaction, once", async () => {
  using dir = new TempDir();
  const releases: [bigint, [string, number][]][] = [];
  await using db = await openDatabase(dir.path, {
    service: { onReleased: (at, seqTxns) => releases.push([at, [...seqTxns]]) },
  });
  const { engine, checkpoint } = db;
  const token = engine.createTable(allTypesTable("t"));
  engine.createTable({ ...allTypesTable("plain"), isWalEnabled: false });
  commitRows(engine, token, [ROW]);
  await engine.waitApplied(token);
  assertEquals(checkpoint.status(), { inProgress: false, startedAt: null });
  await checkpoint.create();
  const { startedAt, inProgress } = checkpoint.status();
  assert(inProgress && startedAt !== null);
  assertEquals(releases, []);
  await checkpoint.release();
  await checkpoint.release();
  assertEquals(releases, [[startedAt, [[token.dirName, 1]]]]);
  assertEquals(checkpoint.status(), { inProgress: false, startedAt: null });
});

Deno.test("C24 SNAPSHOT PREPARE writes to snapshot and removes .checkpoint, COMPLETE empties it", async () => {
  using dir = new TempDir();
  Deno.mkdirSync(`${dir.path}/.checkpoint/db`, { recursive: true });
  await using db = await openDatabase(dir.path);
  db.engine.createTable(allTypesTable("t"));
  await db.checkpoint.create({ isLegacy: true });
  assert(!exists(`${dir.path}/.checkpoint`));
  assert(exists(`${dir.path}/snapshot/db/t~1/_meta`));
  await assertRejects(() => db.checkpoint.create({ isLegacy: true }), CheckpointError, REFUSAL);
  await db.checkpoint.release({ isLegacy: true });
  assert(exists(`${dir.path}/snapshot`) && !exists(`${dir.path}/snapshot/db`));
});

Deno.test("C25 C26 the metadata file holds the instance id and is a page long", async () => {
  for (const instanceId of ["", "foobar"]) {
    using dir = new TempDir();
    await using db = await openDatabase(dir.path, { instanceId });
    await db.checkpoint.create();
    const bytes = Deno.readFileSync(`${dir.path}/.checkpoint/db/_checkpoint_meta.d`);
    assertEquals(bytes.length, 4096);
    assertEquals(new DataView(bytes.buffer).getInt32(0, true), instanceId.length);
    const text = new TextDecoder("utf-16le").decode(bytes.subarray(4, 4 + 2 * instanceId.length));
    assertEquals(text, instanceId);
  }
});

Deno.test("C27 C28 C32 C33 C35 the checkpoint's table is the live one: _meta byte by byte, every field of _txn and _cv", async () => {
  using dir = new TempDir();
  await using db = await openDatabase(dir.path);
  const { engine, checkpoint } = db;
  const definitions = [
    allTypesTable("parts"),
    { ...allTypesTable("params"), maxUncommittedRows: 1234, o3MaxLagMicros: 77_000_000n },
    allTypesTable("hours", { partitionBy: PartitionBy.HOUR }),
  ];
  for (const definition of definitions) {
    const token = engine.createTable(definition);
    for (let i = 0; i < 5; i++) {
      const at = START + BigInt((i * 37) % 50) * 3_600_000_000n;
      commitRows(engine, token, [[at, true, i, 1n, 1, `s${i}`, "x"]]);
      await engine.waitApplied(token);
    }
  }
  await checkpoint.create();
  const fs = new RealFileSystem(), core = testCore();
  for (const token of engine.tables()) {
    const live = engine.tableDir(token), saved = `${dir.path}/.checkpoint/db/${token.dirName}`;
    const liveMeta = Deno.readFileSync(`${live}/_meta`);
    const savedMeta = Deno.readFileSync(`${saved}/_meta`);
    assertEquals(savedMeta.subarray(0, liveMeta.length), liveMeta);
    assertEquals(savedMeta.length % 4096, 0);
    assertEquals(readTableMetadata(fs, saved), readTableMetadata(fs, live));
    const { partitionBy } = readTableMetadata(fs, live);
    assertEquals(readTxn(fs, saved, partitionBy), readTxn(fs, live, partitionBy));
    using liveReader = TableReader.open({ fs, core, tableDir: live });
    const { columnVersion } = liveReader.txn;
    assertEquals(
      readColumnVersions(fs, saved, columnVersion).entries,
      liveReader.versions.entries,
    );
    assertEquals(liveReader.rowCount, 5);
    const sequencer = Deno.readFileSync(`${saved}/txn_seq/_txn`);
    assertEquals(new DataView(sequencer.buffer).getBigInt64(0, true), 5n);
    assertEquals(
      Deno.readFileSync(`${saved}/txn_seq/_meta`),
      Deno.readFileSync(`${live}/txn_seq/_meta`),
    );
    assertEquals(Deno.readFileSync(`${saved}/_name`), Deno.readFileSync(`${live}/_name`));
  }
});

Deno.test("CheckpointWindowsTest checkpoints and snapshots are refused on Windows", async () => {
  using dir = new TempDir();
  await using db = await openDatabase(dir.path, { service: { platform: "windows" } });
  await assertRejects(
    () => db.checkpoint.create(),
    CheckpointError,
    "Checkpoint is not supported on Windows",
  );
  await assertRejects(
    () => db.checkpoint.create({ isLegacy: true }),
    CheckpointError,
    "Snapshot is not supported on Windows",
  );
});

Deno.test("create is cancelled by its signal and leaves nothing; commands do not overlap", async () => {
  using dir = new TempDir();
  let reach: () => void = () => undefined, go: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => reach = resolve);
  const gate = new Promise<void>((resolve) => go = resolve);
  const sleep = () => {
    reach();
    return gate;
  };
  await using db = await openDatabase(dir.path, { service: { sleep } });
  for (let i = 0; i < 40; i++) db.engine.createTable(allTypesTable(`t${i}`));
  const abort = new AbortController();
  const creating = db.checkpoint.create({ signal: abort.signal });
  await reached;
  await assertRejects(
    () => db.checkpoint.release(),
    CheckpointError,
    "Another checkpoint command is in progress",
  );
  await assertRejects(
    () => db.checkpoint.create({ isLegacy: true }),
    CheckpointError,
    "Another snapshot command is in progress",
  );
  abort.abort();
  go();
  await assertRejects(() => creating, CancelledError);
  assertEquals(db.checkpoint.status(), { inProgress: false, startedAt: null });
  assert(!exists(`${dir.path}/.checkpoint/db`));
  await db.checkpoint.create();
});

Deno.test("create that fails at any file call leaves nothing pinned, and a retry succeeds", async () => {
  using dir = new TempDir();
  const fs = new FaultFileSystem(new RealFileSystem());
  await using db = await openDatabase(dir.path, { service: { fs } });
  const token = db.engine.createTable(allTypesTable("t"));
  commitRows(db.engine, token, [ROW]);
  await db.engine.waitApplied(token);
  let failures = 0;
  for (let n = 1;; n++) {
    fs.failAt(n);
    try {
      await db.checkpoint.create();
      fs.clear();
      break;
    } catch (error) {
      const isInjected = error instanceof InjectedError ||
        (error as Error).cause instanceof InjectedError;
      if (!isInjected) throw error;
      failures++;
    }
    assertEquals(db.checkpoint.status().inProgress, false, `call ${n}`);
    await db.checkpoint.create();
    await db.checkpoint.release();
  }
  await db.checkpoint.release();
  assert(failures > 20, `only ${failures} calls failed`);
  assertEquals(tableRows(db.engine, token).length, 1);
});

Deno.test("release that fails at any file call keeps the checkpoint whole or unusable, and a retry succeeds", async () => {
  for (let n = 1;; n++) {
    using dir = new TempDir();
    const fs = new FaultFileSystem(new RealFileSystem());
    await using db = await openDatabase(dir.path, { service: { fs } });
    db.engine.createTable(allTypesTable("t"));
    await db.checkpoint.create();
    fs.failAt(n);
    let hasFailed = false;
    try {
      await db.checkpoint.release();
    } catch (error) {
      assert(error instanceof InjectedError, String(error));
      hasFailed = true;
    }
    fs.clear();
    if (!hasFailed) break;
    // Not released: the files that it refers to are still held.
    assert(db.checkpoint.status().inProgress);
    await db.checkpoint.release();
    assert(!db.checkpoint.status().inProgress && !exists(`${dir.path}/.checkpoint/db`));
  }
});

Deno.test("tables that are created, dropped and written while a checkpoint is active do not disturb it", async () => {
  using dir = new TempDir();
  const log = new KeptLog();
  await using db = await openDatabase(`${dir.path}/live`, { service: { log } });
  const { engine, checkpoint } = db;
  const token = engine.createTable(allTypesTable("t"));
  commitRows(engine, token, [ROW]);
  await engine.waitApplied(token);
  await checkpoint.create();
  assert(log.lines.includes("table included in the checkpoint [table=t, txn=1, seqTxn=1]"));
  const other = engine.createTable(allTypesTable("other"));
  commitRows(engine, other, [ROW]);
  engine.dropTable(other);
  commitRows(engine, token, [ROW]);
  await engine.waitApplied(token);
  assertEquals(tableRows(engine, token).length, 2);
  await copyRoot(`${dir.path}/live`, `${dir.path}/copy`);
  await checkpoint.release();
  assert(exists(`${dir.path}/copy/.checkpoint/db/_checkpoint_meta.d`));
});

Deno.test("C40 C41 C42 dropping, renaming and truncating a table without WAL is refused while a checkpoint is active", async () => {
  using dir = new TempDir();
  await using db = await openDatabase(dir.path);
  const { engine, checkpoint } = db;
  engine.services.checkpoint = checkpoint;
  const plain = engine.createTable({ ...allTypesTable("plain"), isWalEnabled: false });
  const wal = engine.createTable(allTypesTable("wal"));
  await checkpoint.create();
  assertThrows(
    () => engine.dropTable(plain),
    TableError,
    `could not lock '${plain.dirName}' [reason='checkpointInProgress']`,
  );
  await assertRejects(
    () => engine.renameTable(plain, "other"),
    TableError,
    "table busy [reason=checkpointInProgress]",
  );
  assertThrows(
    () => engine.truncateTable(plain),
    TableError,
    "there is an active query against 'plain'. Try again.",
  );
  engine.truncateTable(wal);
  engine.dropTable(await engine.renameTable(wal, "renamed"));
  await checkpoint.release();
  engine.truncateTable(plain);
  engine.dropTable(await engine.renameTable(plain, "other"));
  assertEquals(engine.tables(), []);
});

Deno.test("O3PartitionPurge versions that only the checkpoint needed go with its release, others before", async () => {
  using dir = new TempDir();
  await using db = await openDatabase(dir.path);
  const { engine, checkpoint } = db;
  const token = engine.createTable(allTypesTable("t"));
  const versions = () =>
    [...Deno.readDirSync(engine.tableDir(token))].map((entry) => entry.name)
      .filter((name) => name.startsWith("2024-01-01")).sort();
  const commitLate = async () => {
    commitRows(engine, token, [ROW, [START - 3n + 3_600_000_000n, ...ROW.slice(1)], ROW]);
    commitRows(engine, token, [[START + 1n, ...ROW.slice(1)]]); // before what is there
    await engine.waitApplied(token);
  };
  await commitLate();
  await checkpoint.create();
  const pinned = versions();
  assertEquals(pinned.length, 1);
  for (let i = 0; i < 3; i++) await commitLate();
  assert(versions().includes(pinned[0]) && versions().length >= 2);
  await checkpoint.release();
  await engine.sync(); // until then a loss of power would go back to what was durable before
  await engine.purge();
  assertEquals(versions().length, 1);
  assert(!versions().includes(pinned[0]));
});
