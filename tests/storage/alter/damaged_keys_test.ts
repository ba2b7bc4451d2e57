/**
 * An index is not built from keys that the symbol table does not have: adding one, and attaching a partition that needs one, are refused.
 */
import { PartitionBy, StorageError } from "../../../src/common/mod.ts";
import { SimulatedFileSystem } from "../../../src/platform/mod.ts";
import { type AlterOperation, TableWriter } from "../../../src/storage/mod.ts";
import { assertEquals, assertThrows } from "../../support/assert.ts";
import { commitRows, createTable, readRows, type Row } from "../table_fixture.ts";

const START = 1_704_067_200_000_000n;
const DAY = 86_400_000_000n;
const TABLE_DIR = "/db/t~1";
const ROWS: readonly Row[] = Array.from({ length: 72 }, (_, i) => ({
  ts: START + BigInt(i) * 3_600_000_000n,
  ok: true,
  i,
  l: BigInt(i),
  d: 0.5,
  sym: `s${i % 4}`,
  text: "text",
}));
const options = { seqTxn: 9, sync: false };

function setup(isIndexed: boolean) {
  const disk = new SimulatedFileSystem();
  disk.mkdir("/db");
  const context = createTable("/db", PartitionBy.DAY, disk, { isIndexed });
  const writer = TableWriter.open(context);
  commitRows(writer, ROWS, { seqTxn: 1 });
  return { disk, context, writer };
}

/** Gives row 3 of a partition a key that nobody has. @returns what puts the old one back. */
function damage(disk: SimulatedFileSystem, directory: string, key: number): () => void {
  const path = `${TABLE_DIR}/${directory}/sym.d`;
  const bytes = new Uint8Array(4);
  using file = disk.open(path, "readWrite");
  file.read(bytes, 12);
  file.write(new Uint8Array(Int32Array.of(key).buffer), 12);
  return () => {
    using again = disk.open(path, "readWrite");
    again.write(bytes, 12);
  };
}

function isRefused(writer: TableWriter, operation: AlterOperation): void {
  assertThrows(() => writer.alter(operation, options), StorageError, "symbol key is out of range");
  writer.rollback();
}

for (const key of [4, 0x7fff_ffff]) {
  Deno.test(`ADD INDEX refuses a column with key ${key} of 4 symbols, and builds it once that is repaired`, () => {
    const { disk, context, writer } = setup(false);
    using _ = writer;
    const repair = damage(disk, "2024-01-02", key);
    const operation = { kind: "addIndex", name: "sym", blockCapacity: 4 } as const;
    isRefused(writer, operation);
    repair();
    writer.alter(operation, options);
    assertEquals(readRows(context), ROWS);
  });

  Deno.test(`ATTACH PARTITION refuses an indexed column with key ${key} of 4 symbols`, () => {
    const { disk, context, writer } = setup(true);
    using _ = writer;
    const timestamps = [START + DAY];
    writer.alter({ kind: "detachPartitions", timestamps }, options);
    const [{ name }] = disk.readDir(TABLE_DIR).filter((one) => one.name.endsWith(".detached"));
    disk.rename(`${TABLE_DIR}/${name}`, `${TABLE_DIR}/2024-01-02.attachable`);
    const repair = damage(disk, "2024-01-02.attachable", key);
    isRefused(writer, { kind: "attachPartitions", timestamps });
    assertEquals(readRows(context).length, 48);
    repair();
    writer.alter({ kind: "attachPartitions", timestamps }, options);
    assertEquals(readRows(context), ROWS);
  });
}
