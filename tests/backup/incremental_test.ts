import { PartitionBy } from "../../src/common/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { FaultObjectStore } from "../objectstore/fault_object_store.ts";
import type { Row } from "../storage/table_fixture.ts";
import {
  backUp,
  openStore,
  restore,
  restoredRows,
  serviceOf,
  TestDatabase,
} from "./test_database.ts";

const HOUR = 3_600_000_000n;
const START = 1_704_067_200_000_000n;
const ROWS_PER_HOUR = 10_000;

function hourRows(hour: number, count = ROWS_PER_HOUR, salt = 0): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    ts: START + BigInt(hour) * HOUR + BigInt(Math.floor(i * 3_600_000_000 / count)),
    ok: i % 3 === 0,
    i: (i * 7919 + salt) % 1000,
    l: BigInt(i * i + salt),
    d: Math.round(Math.sin(i + salt) * 10_000) / 100,
    sym: `s${(i + hour) % 17}`,
    text: i % 5 === 0 ? null : `message number ${i} of hour ${hour}`,
  }));
}

/** Bytes and objects written by one backup. */
async function measured(
  store: FaultObjectStore,
  run: () => Promise<unknown>,
): Promise<{ objects: number; bytes: number }> {
  const objects = store.putCount, bytes = store.putBytes;
  await run();
  return { objects: store.putCount - objects, bytes: store.putBytes - bytes };
}

Deno.test("a backup uploads only what changed", async () => {
  using directory = new TempDir();
  using database = new TestDatabase(`${directory.path}/root`);
  const store = new FaultObjectStore(openStore(directory.path));
  const service = serviceOf(database, store);
  database.create("trades", PartitionBy.DAY);
  database.create("quiet", PartitionBy.DAY);
  for (let hour = 0; hour < 48; hour += 8) {
    database.insert("trades", Array.from({ length: 8 }, (_, i) => hourRows(hour + i)).flat());
  }
  database.insert("quiet", hourRows(0));
  const full = await measured(store, () => backUp(service));
  assert(full.bytes > 600_000, `${full.bytes} bytes hold 480 000 rows`);

  // Nothing changed: lease, root manifest, history record; no pack, no table manifest.
  store.reads.length = 0;
  const none = await measured(store, () => backUp(service));
  assertEquals(none.objects, 3);
  assert(none.bytes < 4000, `${none.bytes} bytes`);
  assert(!store.reads.some((key) => key.includes("/packs/")), "no pack is read");
  assertEquals((await service.idle())!.stats.bytes_read < 10_000, true);

  // Appended rows: only the new slices of the last partition are read and stored.
  database.insert("trades", hourRows(48));
  const appended = await measured(store, () => backUp(service));
  assert(appended.bytes < full.bytes / 20, `${appended.bytes} of ${full.bytes} bytes`);
  database.insert("trades", hourRows(49));
  await backUp(service);
  const read = (await service.idle())!.stats.bytes_read;
  assert(read < 60 * ROWS_PER_HOUR * 2, `${read} bytes are read for one more hour`);

  // Late rows in one hour of a day rewrite the whole partition; one hour of it is stored.
  database.insert("trades", hourRows(9, 100, 5));
  const late = await measured(store, () => backUp(service));
  assert(late.bytes < full.bytes / 15, `${late.bytes} of ${full.bytes} bytes for one late hour`);

  const expected = database.rows();
  await restore(`${directory.path}/restored`, store, { lines: [""] });
  assertEquals(restoredRows(`${directory.path}/restored`), {
    quiet: expected.quiet,
    trades: expected.trades,
  });
});

Deno.test("a truncated or re-created table is never taken for its predecessor", async () => {
  using directory = new TempDir();
  using database = new TestDatabase(`${directory.path}/root`);
  const store = openStore(directory.path);
  const service = serviceOf(database, store);
  database.create("t", PartitionBy.DAY);
  database.insert("t", hourRows(1, 100, 1));
  await backUp(service);
  database.truncate("t");
  database.insert("t", hourRows(1, 100, 2));
  await backUp(service);
  await restore(`${directory.path}/a`, store, { lines: [""] });
  assertEquals(restoredRows(`${directory.path}/a`), database.rows());
  database.drop("t");
  database.create("t", PartitionBy.DAY);
  database.insert("t", hourRows(1, 100, 3));
  await backUp(service);
  await restore(`${directory.path}/b`, store, { lines: [""] });
  assertEquals(restoredRows(`${directory.path}/b`), database.rows());
});

Deno.test("a backup whose earlier manifests are damaged reads everything again", async () => {
  using directory = new TempDir();
  using database = new TestDatabase(`${directory.path}/root`);
  const store = openStore(directory.path);
  const service = serviceOf(database, store);
  database.create("t", PartitionBy.DAY);
  database.insert("t", hourRows(1, 1000));
  await backUp(service);
  for await (const page of store.list("backup/")) {
    for (const { key } of page) {
      if (key.includes("/tables/")) await store.put(key, new Uint8Array([1, 2, 3]));
    }
  }
  database.insert("t", hourRows(2, 1000));
  await backUp(service);
  await restore(`${directory.path}/restored`, store, { lines: [""] });
  assertEquals(restoredRows(`${directory.path}/restored`), database.rows());
});
