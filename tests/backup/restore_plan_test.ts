/** RESTORE DATABASE … DRY RUN promises what the restore then does, and refuses what it would refuse. */
import { PartitionBy, RestoreError } from "../../src/common/mod.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import type { Row } from "../storage/table_fixture.ts";
import { HookedStore } from "./hooked_store.ts";
import { backUp, openStore, restore, serviceOf, TestDatabase } from "./test_database.ts";

const START = 1_704_067_200_000_000n;
const { signal } = new AbortController();

function rows(first: number, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    ts: START + BigInt(first + i) * 60_000_000n,
    ok: true,
    i,
    l: BigInt((first + i) * 7919),
    d: (first + i) / 4,
    sym: `s${i % 5}`,
    text: `row ${first + i} with a longer text`,
  }));
}

async function withBackups(
  work: (bench: {
    path: string;
    service: ReturnType<typeof serviceOf>;
    store: HookedStore;
    timestamps: bigint[];
    keys: string[];
  }) => Promise<void>,
): Promise<void> {
  using directory = new TempDir();
  using database = new TestDatabase(`${directory.path}/root`);
  const store = new HookedStore(openStore(directory.path));
  const service = serviceOf(database, store);
  database.create("a", PartitionBy.DAY);
  database.create("b", PartitionBy.MONTH);
  database.insert("a", rows(0, 6000));
  database.insert("b", rows(0, 50));
  const timestamps = [await backUp(service)];
  database.insert("a", rows(6000, 3000));
  timestamps.push(await backUp(service));
  const keys: string[] = [];
  for await (const page of store.list("backup/")) keys.push(...page.map(({ key }) => key));
  await work({ path: directory.path, service, store, timestamps, keys });
}

Deno.test("a plan tells exactly what the restore of that backup then fetches", async () => {
  await withBackups(async ({ path, service, store, timestamps }) => {
    for (const timestamp of timestamps) {
      const plan = await service.planRestore({ timestamp, instance: null, signal });
      assertEquals([plan.problems, plan.missingCount, plan.tableCount], [[], 0, 2]);
      assertEquals([plan.timestamp, plan.instance, plan.writtenBy], [
        timestamp,
        service.instanceName(),
        "0.1.0",
      ]);
      assert(plan.estimatedSeconds! > 0 && plan.diskFree! > 0);
      const root = `${path}/to${timestamp}`;
      store.readBytes = 0;
      const micros = `${new Date(Number(timestamp / 1000n)).toISOString().slice(0, -1)}${
        String(timestamp % 1000n).padStart(3, "0")
      }Z`;
      const summary = await restore(root, store, {
        lines: [`backup.restore.timestamp=${micros}`],
      });
      assertEquals(plan.fetchBytes, summary!.fetchedBytes);
      assertEquals(plan.rowCount, summary!.rowCount);
      assert(store.readBytes >= plan.fetchBytes, "besides the root manifest");
      assert(store.readBytes - plan.fetchBytes < 10_000, `${store.readBytes} read`);
      assertEquals(plan.diskNeeded, summary!.bytes + 67_108_864);
    }
  });
});

Deno.test("a plan counts what is missing, names it, and does not estimate", async () => {
  await withBackups(async ({ service, store, keys }) => {
    const packs = keys.filter((key) => key.includes("/packs/a~"));
    await store.delete([packs[0]]);
    await store.put(packs[1], new Uint8Array(3));
    const manifests = keys.filter((key) => key.includes("/tables/b~"));
    await store.delete(manifests);
    const plan = await service.planRestore({ timestamp: null, instance: null, signal });
    assertEquals([plan.missingCount, plan.problems.length, plan.estimatedSeconds], [3, 3, null]);
    const text = plan.problems.join("\n");
    assertStringIncludes(text, `object does not exist [key=${packs[0]}]`);
    assertStringIncludes(text, `object has the wrong length [key=${packs[1]}, expected=`);
    assertStringIncludes(text, `object does not exist [key=${manifests[0]}]`);
  });
});

Deno.test("a plan of a damaged or missing backup says so", async () => {
  await withBackups(async ({ service, store, timestamps, keys }) => {
    const plan = (timestamp: bigint | null, instance: string | null = null) =>
      service.planRestore({ timestamp, instance, signal });
    await assertRejects(
      () => plan(timestamps[0] - 1n),
      RestoreError,
      "No backup timestamp found that is <=",
    );
    await assertRejects(
      () => plan(null, "no-such-name"),
      RestoreError,
      "backup instance not found",
    );
    const [key] = keys.filter((candidate) => candidate.includes("/manifests/")).toReversed();
    const bytes = await store.get(key);
    bytes[bytes.length >> 1] ^= 1;
    await store.put(key, bytes);
    const damaged = await plan(null);
    assertEquals([damaged.writtenBy, damaged.tableCount, damaged.objectCount], [null, 0, 0]);
    assertStringIncludes(damaged.problems.join(), key);
    assertEquals((await plan(timestamps[0])).problems, []);
  });
});
