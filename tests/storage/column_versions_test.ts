import fc from "fast-check";
import { StorageError } from "../../src/common/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import {
  type ColumnVersionEntry,
  ColumnVersions,
  ColumnVersionsWriter,
  encodeColumnVersions,
  encodeNewColumnVersions,
  readColumnVersions,
  withEntries,
  withoutPartitions,
} from "../../src/storage/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";

const fs = new RealFileSystem();
const DEFAULT = -(2n ** 63n);
const SYMBOL_TABLE = DEFAULT + 1n;

function entry(timestamp: bigint, columnIndex: number, nameTxn: number, top: bigint) {
  return { timestamp, columnIndex, nameTxn, top };
}

Deno.test("ColumnVersions looks a column up in its partition, then in its defaults", () => {
  const versions = new ColumnVersions(1, [
    entry(DEFAULT, 3, 7, 200n), // added while partition 200 was the last
    entry(SYMBOL_TABLE, 3, 9, 0n),
    entry(200n, 3, -1, 40n),
    entry(300n, 2, 11, 0n),
  ]);
  const part = (timestamp: bigint) => ({ timestamp, rowCount: 100 });
  assertEquals(versions.nameTxn(200n, 3), 7, "no name of its own");
  assertEquals(versions.nameTxn(300n, 2), 11);
  assertEquals(versions.nameTxn(300n, 1), -1);
  assertEquals(versions.symbolNameTxn(3), 9);
  assertEquals(versions.symbolNameTxn(2), -1);
  assertEquals(versions.columnTop(part(100n), 3), 100, "absent before it was added");
  assertEquals(versions.columnTop(part(200n), 3), 40);
  assertEquals(versions.columnTop(part(300n), 3), 0);
  assertEquals(versions.columnTop(part(100n), 1), 0, "there from the beginning");
});

Deno.test("withoutPartitions() keeps names and forgets partitions", () => {
  const versions = new ColumnVersions(4, [
    entry(DEFAULT, 3, 7, 200n),
    entry(SYMBOL_TABLE, 3, 9, 0n),
    entry(200n, 3, -1, 40n),
  ]);
  const rest = withoutPartitions(versions);
  assertEquals(rest.version, 5);
  assertEquals(rest.nameTxn(200n, 3), 7);
  assertEquals(rest.symbolNameTxn(3), 9);
  assertEquals(rest.columnTop({ timestamp: 100n, rowCount: 10 }, 3), 0);
});

const anyEntry = fc.record<ColumnVersionEntry>({
  timestamp: fc.oneof(fc.constant(DEFAULT), fc.constant(SYMBOL_TABLE), fc.bigInt(-5n, 5n)),
  columnIndex: fc.integer({ min: 0, max: 4 }),
  nameTxn: fc.integer({ min: -1, max: 50 }),
  top: fc.bigInt(0n, 100n),
}, { noNullPrototype: true });

Deno.test("ColumnVersionsWriter.commit() is what readColumnVersions() reads; a version ahead of _txn is taken back", () => {
  fc.assert(
    fc.property(fc.array(fc.array(anyEntry, { maxLength: 6 }), { maxLength: 8 }), (commits) => {
      using directory = new TempDir();
      const tableDir = directory.path;
      Deno.writeFileSync(`${tableDir}/_cv`, encodeNewColumnVersions());
      let current = readColumnVersions(fs, tableDir, 0);
      for (const changes of commits) {
        const writer = new ColumnVersionsWriter(fs, tableDir, current.version);
        const abandoned = withEntries(current, [entry(77n, 7, 7, 7n), ...changes]);
        writer.commit(abandoned, false);
        // `_txn` was never committed: readers still find the version it names, the next writer goes back to it.
        assertEquals(
          readColumnVersions(fs, tableDir, current.version).entries,
          current.entries,
        );
        const next = withEntries(current, changes);
        new ColumnVersionsWriter(fs, tableDir, current.version).commit(next, true);
        current = readColumnVersions(fs, tableDir, next.version);
        assertEquals(current.entries, next.entries);
        const keys = current.entries.map((one) => [one.timestamp, one.columnIndex] as const);
        const isSorted = keys.every(([time, column], i) =>
          i === 0 || keys[i - 1][0] < time || (keys[i - 1][0] === time && keys[i - 1][1] < column)
        );
        assert(isSorted, "entries are sorted and unique");
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("readColumnVersions() refuses a version that is neither published nor the one before", () => {
  using directory = new TempDir();
  const path = `${directory.path}/_cv`;
  Deno.writeFileSync(path, encodeColumnVersions(new ColumnVersions(5, [entry(1n, 2, 3, 4n)])));
  assertEquals(readColumnVersions(fs, directory.path, 5).entries.length, 1);
  for (const version of [0, 3, 6]) {
    const error = assertThrows(
      () => readColumnVersions(fs, directory.path, version),
      StorageError,
      "version does not match _txn",
    );
    assertEquals(error.file, path);
  }
});

Deno.test("readColumnVersions() refuses areas that are not in the file", () => {
  using directory = new TempDir();
  const path = `${directory.path}/_cv`;
  const intact = encodeColumnVersions(new ColumnVersions(1, [entry(1n, 2, 3, 4n)]));
  const cases: [number, bigint, string][] = [
    [24, 1n << 40n, "file is too short"],
    [24, -8n, "invalid area offset"],
    [24, 8n, "invalid area offset"],
    [32, 1n << 50n, "file is too short"],
    [32, 31n, "invalid area size"],
    [32, -32n, "invalid area size"],
    [48, -1n, "invalid column index"],
    [56, -2n, "invalid column name txn"],
  ];
  for (const [offset, value, text] of cases) {
    const bytes = intact.slice();
    new DataView(bytes.buffer).setBigInt64(offset, value, true);
    Deno.writeFileSync(path, bytes);
    assertThrows(() => readColumnVersions(fs, directory.path, 1), StorageError, text);
  }
});
