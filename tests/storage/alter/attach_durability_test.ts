/**
 * A partition is attached for good although nobody has synced the files that were brought.
 */
import { PartitionBy } from "../../../src/common/mod.ts";
import { readFile, SimulatedFileSystem } from "../../../src/platform/mod.ts";
import { TableWriter } from "../../../src/storage/mod.ts";
import { assertEquals } from "../../support/assert.ts";
import { runSeed, SeededRandom } from "../../support/seeded_random.ts";
import { commitRows, core, createTable, readRows, type Row } from "../table_fixture.ts";

const START = 1_704_067_200_000_000n;
const TABLE_DIR = "/db/t~1";
const FILE_BYTES_MAX = 1 << 20;
const ROUNDS = 20;

Deno.test("ATTACH PARTITION survives a loss of power although its files were copied and not synced", () => {
  const seed = runSeed();
  const rows: Row[] = Array.from({ length: 48 }, (_, i) => ({
    ts: START + BigInt(i) * 3_600_000_000n,
    ok: true,
    i,
    l: BigInt(i),
    d: 0.5,
    sym: `s${i % 4}`,
    text: `a text that is long enough for the heap, ${i}`,
  }));
  for (let round = 0; round < ROUNDS; round++) {
    const disk = new SimulatedFileSystem();
    disk.mkdir("/db");
    disk.syncDir("/");
    const context = createTable("/db", PartitionBy.DAY, disk, { isIndexed: round % 2 === 0 });
    using writer = TableWriter.open(context);
    commitRows(writer, rows, { seqTxn: 1, sync: true });
    const timestamps = [START];
    writer.alter({ kind: "detachPartitions", timestamps }, { seqTxn: 2, sync: true });
    const [{ name }] = disk.readDir(TABLE_DIR).filter((one) => one.name.endsWith(".detached"));
    const from = `${TABLE_DIR}/${name}`, to = `${TABLE_DIR}/2024-01-01.attachable`;
    disk.mkdir(to);
    for (const entry of disk.readDir(from)) {
      using file = disk.open(`${to}/${entry.name}`, "createNew");
      file.write(readFile(disk, `${from}/${entry.name}`, FILE_BYTES_MAX), 0);
    }
    writer.alter({ kind: "attachPartitions", timestamps }, { seqTxn: 3, sync: true });
    disk.crash(new SeededRandom(seed + round));
    assertEquals(readRows({ fs: disk, core, tableDir: TABLE_DIR }), rows, `SEED=${seed + round}`);
  }
});
