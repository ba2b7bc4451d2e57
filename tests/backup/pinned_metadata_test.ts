/**
 * A backup of a table whose `_meta` was replaced between the moment that is pinned and the moment it is looked at.
 */
import { ColumnType, PartitionBy } from "../../src/common/mod.ts";
import type { TableWriter } from "../../src/storage/mod.ts";
import { assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { core, readRows, type Row } from "../storage/table_fixture.ts";
import { backUp, openStore, restore, serviceOf, TestDatabase } from "./test_database.ts";
import { readCommittedState } from "../../src/storage/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";

const fs = new RealFileSystem();
const OPTIONS = { seqTxn: 0, sync: true };

function rows(from: number, to: number): Row[] {
  return Array.from({ length: to - from }, (_, i) => ({
    ts: 1_704_067_200_000_000n + BigInt(from + i) * 3_600_000_000n,
    ok: true,
    i: from + i,
    l: null,
    d: null,
    sym: `s${from + i}`,
    text: null,
  }));
}

const CHANGES: Record<string, (writer: TableWriter) => void> = {
  "a grown symbol table": (writer) => writer.growSymbols(OPTIONS),
  "a dropped column": (writer) => writer.alter({ kind: "dropColumn", name: "sym" }, OPTIONS),
  "a new column": (writer) =>
    writer.alter({ kind: "addColumn", column: { name: "x", type: ColumnType.INT } }, OPTIONS),
};

for (const [name, change] of Object.entries(CHANGES)) {
  Deno.test(`a backup holds the table as it was pinned, with its metadata: ${name}`, async () => {
    using directory = new TempDir();
    const store = openStore(directory.path);
    let pinned;
    {
      using database = new TestDatabase(`${directory.path}/root`);
      database.create("t", PartitionBy.DAY);
      database.insert("t", rows(0, 40));
      const { context, writer } = database.tables.get("t")!;
      pinned = readCommittedState(fs, context.tableDir);
      const service = serviceOf(
        Object.assign(Object.create(database), {
          pinAll: () => {
            const pin = database.pinAll();
            change(writer);
            return pin;
          },
        }) as TestDatabase,
        store,
      );
      await backUp(service);
      assertEquals(writer.metadata.metadataVersion, pinned.metadata.metadataVersion + 1);
    }
    const root = `${directory.path}/restored`;
    await restore(root, store, { lines: [""] });
    const tableDir = `${root}/db/t~1`;
    const restored = readCommittedState(fs, tableDir);
    assertEquals(restored.metadata, pinned.metadata);
    assertEquals(restored.versions.entries, pinned.versions.entries);
    assertEquals(readRows({ fs, core, tableDir }), rows(0, 40));
  });
}
