/**
 * While `_meta` is ahead of `_txn` nobody can open the table: in between there is nothing that takes longer the more the table holds.
 */
import { ColumnType, PartitionBy } from "../../../src/common/mod.ts";
import { FaultFileSystem, SimulatedFileSystem } from "../../../src/platform/mod.ts";
import { type AlterOperation, TableWriter } from "../../../src/storage/mod.ts";
import { assert, assertEquals } from "../../support/assert.ts";
import { commitRows, createTable } from "../table_fixture.ts";

const DAY = 86_400_000_000n;
const START = 1_704_067_200_000_000n;

/** Calls that make column files or directories of partitions durable between the new `_meta` and the commit. */
function syncsInWindow(operation: AlterOperation): string[] {
  const disk = new SimulatedFileSystem();
  disk.mkdir("/db");
  const fs = new FaultFileSystem(disk);
  const context = createTable("/db", PartitionBy.DAY, fs);
  using writer = TableWriter.open(context);
  const rows = Array.from({ length: 5 }, (_, i) => (
    { ts: START + BigInt(i) * DAY, ok: true, i, l: 1n, d: 1, sym: "s", text: "a text" }
  ));
  commitRows(writer, rows, { seqTxn: 1, sync: true });
  let isOpen = false, hasOpened = false;
  const syncs: string[] = [];
  fs.failWhen(({ operation, path }) => {
    if (operation === "rename" && path.endsWith("/_meta.swp")) isOpen = hasOpened = true;
    if (operation === "write" && path.endsWith("/_txn")) isOpen = false;
    const isSync = operation === "syncData" || operation === "sync" || operation === "syncDir";
    if (isOpen && isSync && path !== context.tableDir && !path.endsWith("/_cv")) syncs.push(path);
    return false;
  });
  writer.alter(operation, { seqTxn: 2, sync: true });
  assert(hasOpened, "the operation has changed `_meta`");
  return syncs;
}

Deno.test("TableWriter.alter() makes files of partitions durable before _meta, not between _meta and _txn", () => {
  const operations: AlterOperation[] = [
    { kind: "renameColumn", from: "i", to: "renamed" },
    { kind: "changeColumnType", name: "i", type: ColumnType.VARCHAR },
    { kind: "changeColumnType", name: "text", type: ColumnType.SYMBOL, isIndexed: true },
    { kind: "addIndex", name: "sym", blockCapacity: 4 },
    { kind: "addColumn", column: { name: "x", type: ColumnType.SYMBOL } },
  ];
  for (const operation of operations) assertEquals(syncsInWindow(operation), [], operation.kind);
});
