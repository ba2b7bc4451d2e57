/** `backup.verify.partition.hashes`: a file whose hash is another one stops the restore, in the documented words. */
import { PartitionBy, RestoreError } from "../../src/common/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import type { Row } from "../storage/table_fixture.ts";
import { Forger } from "./forgery.ts";
import { MemoryStore } from "./memory_store.ts";
import { backUp, restore, restoredRows, serviceOf, TestDatabase } from "./test_database.ts";

const START = 1_704_067_200_000_000n;

function rows(day: number, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    ts: START + BigInt(day) * 86_400_000_000n + BigInt(i) * 100n,
    ok: i % 2 === 0,
    i,
    l: BigInt(i),
    d: i / 7,
    sym: `s${i % 5}`,
    text: `row ${i} with a text that fits nowhere inline`,
  }));
}

Deno.test("a restore checks the hash of every file when it is told to, and names the one that differs", async () => {
  using directory = new TempDir();
  using database = new TestDatabase(`${directory.path}/root`);
  const store = new MemoryStore();
  database.create("a", PartitionBy.DAY);
  database.insert("a", rows(0, 50));
  database.insert("a", rows(1, 150_000)); // files of several parts
  await backUp(serviceOf(database, store, { hasPartitionHashes: true }));
  const verifies = { lines: [""], verifiesPartitionHashes: true };
  await restore(`${directory.path}/right`, store, verifies);
  assertEquals(restoredRows(`${directory.path}/right`), database.rows());

  const original = new Forger(new MemoryStore(store.objects)).manifest(0);
  const names = original.files.name.map((name: number) => original.names[name]);
  const files = names.flatMap((name: string, index: number) =>
    original.files.blake3[43 * index] === "." ? [] : [{ name, index }]
  );
  assert(files.length > 12, `${files.length} files have a hash`);
  const picked = [
    files[0],
    files.at(-1),
    files.find(({ index }: { index: number }) => original.files.bytes[index] > 4_194_304),
  ];
  for (const { name, index } of new Set(picked)) {
    const forger = new Forger(new MemoryStore(store.objects));
    const json = forger.manifest(0);
    const at = 43 * index;
    const digit = json.files.blake3[at] === "A" ? "B" : "A";
    json.files.blake3 = json.files.blake3.slice(0, at) + digit + json.files.blake3.slice(at + 1);
    forger.replace(0, json);
    forger.seal();
    const root = `${directory.path}/wrong${index}`;
    const error = await assertRejects(() => restore(root, forger.store, verifies), RestoreError);
    const path = `2024-01-0[12](\\.\\d+)?/${name.replaceAll(".", "\\.")}`;
    assertMatch(
      error.message,
      new RegExp(
        `hash mismatch \\[path=${path}, expected=${digit}[\\w-]{42}, actual=[\\w-]{43}\\]`,
      ),
    );
    const fs = new RealFileSystem();
    assertEquals(Deno.readTextFileSync(`${root}/_restore_failed`), "a\n");
    assert(
      fs.stat(`${root}/.restore_failed/a~1`) !== null && fs.stat(`${root}/db/.data_id`) === null,
    );
    // Slices have hashes of their own, so without the key nothing is wrong.
    await restore(`${root}-unverified`, forger.store, { lines: [""] });
  }
});
