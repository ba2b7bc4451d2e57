import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import type { Row } from "../support/table_rows.ts";
import { QuestError, StorageError, WalError } from "../../src/common/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";

const fs = new RealFileSystem();
const ROWS: Row[] = Array.from(
  { length: 20 },
  (
    _,
    i,
  ) => [1_704_067_200_000_000n + BigInt(i), true, i, BigInt(i), i, `s${i}`, `a long note ${i}`],
);

/** A root with `good`, all applied, and `bad`, whose second transaction is committed but not applied. */
async function prepare(root: string): Promise<string> {
  const engine = await openEngine(root);
  const good = engine.createTable(allTypesTable("good"));
  const bad = engine.createTable(allTypesTable("bad"));
  commitRows(engine, good, ROWS);
  commitRows(engine, bad, ROWS.slice(0, 10));
  await engine.waitApplied(good);
  await engine.waitApplied(bad);
  // Takes the table's state back in time: what follows is applied again, so the second commit is pending after the restart.
  const dir = engine.tableDir(bad);
  const saved = Deno.readFileSync(`${dir}/_txn`);
  commitRows(engine, bad, ROWS.slice(10));
  await engine.close();
  Deno.writeFileSync(`${dir}/_txn`, saved);
  return dir;
}

function overwrite(path: string, offset: number, bytes: number[]): void {
  using file = fs.open(path, "readWrite");
  file.write(new Uint8Array(bytes), offset);
}

const DAMAGE: [string, (dir: string) => void, string][] = [
  [
    "event type",
    (dir) => overwrite(`${dir}/wal1/0/_event`, eventOffset(dir) + 12, [77]),
    "unknown event type",
  ],
  [
    "event length",
    (dir) => overwrite(`${dir}/wal1/0/_event`, eventOffset(dir), [1]),
    "record length",
  ],
  ["event count", (dir) => overwrite(`${dir}/wal1/0/_event`, 0, [0]), "has no event"],
  [
    "event index",
    (dir) => overwrite(`${dir}/wal1/0/_event.i`, 8, [0, 0, 0, 0]),
    "offsets of events",
  ],
  ["segment gone", (dir) => fs.removeTree(`${dir}/wal1/0`), "is missing"],
  ["column gone", (dir) => fs.remove(`${dir}/wal1/0/price.d`), "is missing"],
  [
    "column short",
    (dir) => Deno.truncateSync(`${dir}/wal1/0/total.d`, 100),
    "shorter than its committed",
  ],
  [
    "timestamps zeroed",
    (dir) => overwrite(`${dir}/wal1/0/ts.d`, 160, Array(160).fill(0)),
    "row number",
  ],
  [
    "symbol key",
    (dir) => overwrite(`${dir}/wal1/0/sym.d`, 40, [99, 0, 0, 0]),
    "symbol keys do not match",
  ],
  ["varchar entry", (dir) => overwrite(`${dir}/wal1/0/note.i`, 170, [9, 9, 9, 9, 9]), "entr"],
  [
    "log record",
    (dir) => overwrite(`${dir}/txn_seq/_txnlog`, 76 + 28 + 8, [0, 0, 0, 0]),
    "invalid transaction record",
  ],
];

function eventOffset(dir: string): number {
  const bytes = Deno.readFileSync(`${dir}/wal1/0/_event.i`);
  return Number(new DataView(bytes.buffer).getBigInt64(8, true));
}

Deno.test("Engine names the broken WAL file, keeps what was applied, and goes on with other tables", async () => {
  for (const [what, damage, message] of DAMAGE) {
    using root = new TempDir();
    const dir = await prepare(root.path);
    damage(dir);
    await using engine = await openEngine(root.path);
    const good = engine.findTable("good")!, bad = engine.findTable("bad")!;
    if (engine.walStatus(bad).errorMessage === null) {
      const error = await assertRejects(() => engine.waitApplied(bad), WalError, message);
      assert(error.message.includes(dir), `${what}: ${error.message}`);
      assertEquals(tableRows(engine, bad), ROWS.slice(0, 10), what);
      assertEquals(engine.walStatus(bad).isSuspended, true, what);
    } else {
      const error = assertThrows(() => engine.acquireReader(bad), StorageError, message);
      assert(error.message.includes(dir), `${what}: ${error.message}`);
    }
    commitRows(engine, good, [[ROWS[19][0], null, null, null, null, null, null]]);
    await engine.waitApplied(good);
    assertEquals(tableRows(engine, good).length, 21, what);
  }
});

Deno.test("Engine opens with a broken table, lists it, and tells what is wrong on use", async () => {
  for (const [name, bytes] of [["_meta", [0, 0, 0, 0, 9]], ["_txn", [5]]] as const) {
    using root = new TempDir();
    const dir = await prepare(root.path);
    overwrite(`${dir}/${name}`, name === "_meta" ? 8 : 0, [...bytes]);
    await using engine = await openEngine(root.path);
    const bad = engine.findTable("bad")!;
    const error = assertThrows(() => engine.acquireReader(bad), StorageError);
    assertEquals(error.file, `${dir}/${name}`);
    assertThrows(() => engine.walWriter(bad), StorageError);
    assert(engine.walStatus(bad).errorMessage?.includes(dir));
    const pin = engine.pinAll();
    assertEquals(pin.tables.map(({ token }) => token.name), ["good"]);
    assertEquals(pin.broken.map(({ token }) => token.name), ["bad"]);
    pin.release();
    assertEquals(tableRows(engine, engine.findTable("good")!), ROWS);
  }
});

Deno.test("Engine answers any single broken byte of a small file with a QuestError or the right rows", async () => {
  const seed = runSeed();
  const random = new SeededRandom(seed);
  for (let i = 0; i < 60; i++) {
    using root = new TempDir();
    const dir = await prepare(root.path);
    const name = random.pick([
      "_txn",
      "_meta",
      "_cv",
      "txn_seq/_txnlog",
      "wal1/0/_event",
      "wal1/0/_event.i",
    ]);
    const size = Math.max(1, Math.min(fs.stat(`${dir}/${name}`)!.size, 400));
    const offset = random.int(0, size), value = random.int(0, 256);
    overwrite(`${dir}/${name}`, offset, [value]);
    const label = `SEED=${seed} ${name}@${offset}=${value}`;
    try {
      await using engine = await openEngine(root.path);
      const bad = engine.findTable("bad");
      if (bad === null) continue;
      await engine.waitApplied(bad);
      const count = tableRows(engine, bad).length;
      assert(count <= 20, `${label}: ${count} rows`);
    } catch (error) {
      assert(error instanceof QuestError, `${label}: ${error}`);
    }
  }
});
