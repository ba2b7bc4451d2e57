import fc from "fast-check";
import { ColumnType, PartitionBy, StorageError } from "../../src/common/mod.ts";
import {
  ByteReader,
  decodeMetadata,
  encodeMetadata,
  type TableDefinition,
} from "../../src/storage/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

const COLUMN_BYTES = 32;
const COLUMNS_OFFSET = 128;

function definition(changes: Partial<TableDefinition> = {}): TableDefinition {
  return {
    name: "t",
    columns: [
      { name: "ts", type: ColumnType.TIMESTAMP, isDedupKey: true },
      { name: "žluť 🐎", type: ColumnType.SYMBOL, symbolCapacity: 1024, isSymbolCached: false },
      { name: "indexed", type: ColumnType.SYMBOL, isIndexed: true, indexBlockCapacity: 512 },
      { name: "price", type: ColumnType.DOUBLE },
    ],
    timestampIndex: 0,
    partitionBy: PartitionBy.MONTH,
    isWalEnabled: true,
    maxUncommittedRows: 1234,
    o3MaxLagMicros: 5_000_000n,
    ttlHoursOrMonths: -3,
    ...changes,
  };
}

function decode(bytes: Uint8Array<ArrayBuffer>) {
  return decodeMetadata(new ByteReader("/db/t/_meta", bytes));
}

/** The encoded definition after some fields were overwritten. */
function changed(change: (view: DataView) => void): Uint8Array<ArrayBuffer> {
  const bytes = encodeMetadata(definition(), 7, 3);
  change(new DataView(bytes.buffer));
  return bytes;
}

const setColumn = (view: DataView, index: number, offset: number, value: number) =>
  view.setInt32(COLUMNS_OFFSET + COLUMN_BYTES * index + offset, value, true);

Deno.test("decodeMetadata() returns what encodeMetadata() was given", () => {
  const metadata = decode(encodeMetadata(definition(), 7, 3));
  assertEquals(metadata.columns.map(({ name, type }) => [name, type]), [
    ["ts", ColumnType.TIMESTAMP],
    ["žluť 🐎", ColumnType.SYMBOL],
    ["indexed", ColumnType.SYMBOL],
    ["price", ColumnType.DOUBLE],
  ]);
  const [ts, symbol, indexed] = metadata.columns;
  assertEquals([ts.isDedupKey, ts.isIndexed], [true, false]);
  assertEquals([symbol.symbolCapacity, symbol.isSymbolCached], [1024, false]);
  assertEquals([indexed.isIndexed, indexed.indexBlockCapacity], [true, 512]);
  assertEquals(indexed.replacingIndex, -1);
  const { columns: _, liveColumns, ...rest } = metadata;
  assertEquals(liveColumns, metadata.columns);
  assertEquals(rest, {
    timestampIndex: 0,
    partitionBy: PartitionBy.MONTH,
    tableId: 7,
    metadataVersion: 3,
    isWalEnabled: true,
    maxUncommittedRows: 1234,
    o3MaxLagMicros: 5_000_000n,
    ttlHoursOrMonths: -3,
  });
});

Deno.test("decodeMetadata() takes no TTL from a file whose writer did not know the minor version", () => {
  const bytes = changed((view) => view.setInt32(41, (1 << 16) | 0x1234, true));
  assertEquals(decode(bytes).ttlHoursOrMonths, 0);
});

Deno.test("decodeMetadata() leaves dropped columns out and puts replacements in the slot of what they replaced", () => {
  const bytes = changed((view) => {
    setColumn(view, 1, 0, -ColumnType.SYMBOL);
    setColumn(view, 3, 24, 1 + 1); // price replaces the dropped column
  });
  const metadata = decode(bytes);
  assertEquals(metadata.columns.length, 4);
  assertEquals(metadata.liveColumns.map((column) => column.writerIndex), [0, 3, 2]);
});

const damages: Record<string, { text: string; change: (view: DataView) => void }> = {
  "a storage version of another format": {
    text: "unsupported storage version",
    change: (view) => view.setInt32(12, 425, true),
  },
  "no columns": { text: "invalid column count", change: (view) => view.setInt32(0, 0, true) },
  "more columns than bytes": {
    text: "file is too short",
    change: (view) => view.setInt32(0, 30_000, true),
  },
  "an enormous column count": {
    text: "invalid column count",
    change: (view) => view.setInt32(0, 0x7fffffff, true),
  },
  "an unknown partition unit": {
    text: "invalid partition unit",
    change: (view) => view.setInt32(4, 9, true),
  },
  "a timestamp index behind the columns": {
    text: "invalid timestamp index",
    change: (view) => view.setInt32(8, 4, true),
  },
  "a designated timestamp of another type": {
    text: "designated timestamp is not a TIMESTAMP",
    change: (view) => view.setInt32(8, 3, true),
  },
  "partitions without a designated timestamp": {
    text: "partitioned table has no designated timestamp",
    change: (view) => view.setInt32(8, -1, true),
  },
  "an unknown column type": {
    text: "unknown column type",
    change: (view) => setColumn(view, 3, 0, 99),
  },
  "unknown column flags": {
    text: "unknown column flags",
    change: (view) => setColumn(view, 3, 4, 1 << 20),
  },
  "a posting index": {
    text: "posting index is not supported yet",
    change: (view) => setColumn(view, 2, 4, 2),
  },
  "a replaced column that does not exist": {
    text: "invalid replaced column",
    change: (view) => setColumn(view, 3, 24, 9),
  },
  "an enormous name": {
    text: "invalid string length",
    change: (view) => view.setInt32(COLUMNS_OFFSET + 4 * COLUMN_BYTES, 0x7ffffff0, true),
  },
  "a name that is NULL": {
    text: "invalid column name",
    change: (view) => view.setInt32(COLUMNS_OFFSET + 4 * COLUMN_BYTES, -1, true),
  },
  "a name that leaves the directory": {
    text: "invalid column name",
    change: (view) => view.setUint16(COLUMNS_OFFSET + 4 * COLUMN_BYTES + 4, 0x2f, true),
  },
};

for (const [what, { text, change }] of Object.entries(damages)) {
  Deno.test(`decodeMetadata() refuses ${what}`, () => {
    const error = assertThrows(() => decode(changed(change)), StorageError, text);
    assertEquals(error.file, "/db/t/_meta");
  });
}

Deno.test("decodeMetadata() refuses two live columns whose names differ in case only", () => {
  const columns = [
    { name: "ts", type: ColumnType.TIMESTAMP },
    { name: "Price", type: ColumnType.INT },
    { name: "pRICE", type: ColumnType.INT },
  ];
  const bytes = encodeMetadata(definition({ columns }), 1);
  assertThrows(() => decode(bytes), StorageError, "duplicate column name");
});

Deno.test("decodeMetadata() answers any bytes with metadata or a StorageError", () => {
  const intact = encodeMetadata(definition(), 7, 3);
  const at = fc.integer({ min: 0, max: intact.length - 1 });
  const change = fc.array(fc.tuple(at, fc.integer({ min: 0, max: 255 })), { maxLength: 8 });
  fc.assert(
    fc.property(change, fc.integer({ min: 0, max: intact.length }), (changes, length) => {
      const bytes = intact.slice();
      for (const [offset, value] of changes) bytes[offset] = value;
      try {
        decode(bytes.slice(0, length));
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
