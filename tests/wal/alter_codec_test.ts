import { assertEquals, assertThrows } from "../support/assert.ts";
import { ColumnType, StorageError, TableError } from "../../src/common/mod.ts";
import { type AlterOperation, decodeMetadata, encodeMetadata } from "../../src/storage/mod.ts";
import { ByteReader } from "../../src/storage/binary.ts";
import {
  ByteBuilder,
  ByteCursor,
  changeStructure,
  decodeAlter,
  encodeAlter,
} from "../../src/wal/mod.ts";

/** ts, a, s, v: the table that QuestDB wrote the records for. */
const METADATA = decodeMetadata(
  new ByteReader(
    "_meta",
    encodeMetadata({
      name: "w",
      columns: [
        { name: "ts", type: ColumnType.TIMESTAMP },
        { name: "a", type: ColumnType.INT },
        { name: "s", type: ColumnType.SYMBOL },
        { name: "v", type: ColumnType.VARCHAR },
      ],
      timestampIndex: 0,
      partitionBy: 0,
      isWalEnabled: true,
      maxUncommittedRows: 500_000,
      o3MaxLagMicros: 0n,
      ttlHoursOrMonths: 0,
    }, 6),
  ),
);

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
function unhex(text: string): Uint8Array {
  return new Uint8Array(text.match(/../g)!.map((pair) => parseInt(pair, 16)));
}

/** Records that QuestDB 9.3.4 wrote to `_txnlog.meta.d` for the statements, lengths left out. */
const RECORDED: readonly {
  sql: string;
  columnPosition: number;
  operation: AlterOperation;
  record: string;
}[] = [
  {
    sql: "alter table w add column b long",
    columnPosition: 25,
    operation: { kind: "addColumn", column: { name: "b", type: ColumnType.LONG } },
    record:
      "01000c000000060000000600000000000000000100000000000001000000000000000000000000000000000100000000" +
      "0000190000000000000001000000010000006200",
  },
  {
    sql: "alter table w add column sy symbol capacity 512 nocache index capacity 128",
    columnPosition: 25,
    operation: {
      kind: "addColumn",
      column: {
        name: "sy",
        type: ColumnType.SYMBOL,
        symbolCapacity: 512,
        isSymbolCached: false,
        isIndexed: true,
        indexBlockCapacity: 128,
      },
    },
    record:
      "01000c000000060000000c000000000000000002000000000000ffffffffffffffff0100000000000000800000000000" +
      "00001900000000000000010000000200000073007900",
  },
  {
    sql: "alter table w alter column v type symbol capacity 1024 cache",
    columnPosition: 27,
    operation: {
      kind: "changeColumnType",
      name: "v",
      type: ColumnType.SYMBOL,
      symbolCapacity: 1024,
      isSymbolCached: true,
    },
    record:
      "11000c000000060000000c00000000000000000400000000000001000000000000000000000000000000000100000000" +
      "00001b0000000000000001000000010000007600",
  },
  {
    sql: "alter table w dedup enable upsert keys(ts, s)",
    columnPosition: 0,
    operation: { kind: "enableDedup", columns: ["ts", "s"] },
    record: "0f000c000000020000000000000000000000020000000000000000000000",
  },
  {
    sql: "alter table w dedup disable",
    columnPosition: 0,
    operation: { kind: "disableDedup" },
    record: "10000c0000000000000000000000",
  },
  {
    sql: "rename table w to w2",
    columnPosition: 0,
    operation: { kind: "renameTable", to: "w2" },
    record: "0e000000000000000000020000000100000077000200000077003200",
  },
  {
    sql: "alter table w rename column s to dd",
    columnPosition: 0,
    operation: { kind: "renameColumn", from: "s", to: "dd" },
    record: "09000c00000000000000020000000100000073000200000064006400",
  },
  {
    sql: "alter table w drop column a",
    columnPosition: 0,
    operation: { kind: "dropColumn", name: "a" },
    record: "08000c0000000000000001000000010000006100",
  },
];

Deno.test("encodeAlter writes the bytes that QuestDB writes, decodeAlter reads them", () => {
  for (const { sql, columnPosition, operation, record } of RECORDED) {
    const context = { metadata: METADATA, tableName: "w", tablePosition: 12, columnPosition };
    assertEquals(hex(encodeAlter(operation, context)), record, sql);
    const decoded = decodeAlter(new ByteCursor("meta.d", unhex(record)), METADATA);
    assertEquals(decoded.kind, operation.kind, sql);
    assertEquals(hex(encodeAlter(decoded, context)), record, sql);
  }
});

Deno.test("decodeAlter reads index types of later releases", () => {
  const flagged = (flags: bigint) => {
    const record = new ByteBuilder().i16(1).i32(0).i32(6);
    for (const value of [12n, 256n, 1n, flags, 256n, 0n]) record.i64(value);
    const decoded = decodeAlter(new ByteCursor("d", record.i32(1).str("x").bytes()), METADATA);
    return decoded.kind === "addColumn" && decoded.column.isIndexed;
  };
  assertEquals([0n, 1n, -(2n ** 63n), -(2n ** 63n) + 1n].map(flagged), [false, true, false, true]);
});

Deno.test("decodeAlter refuses records cut at any byte, and those that are no structural change", () => {
  for (const { record } of RECORDED) {
    const bytes = unhex(record);
    for (let length = 0; length < bytes.length; length++) {
      const cursor = new ByteCursor("meta.d", bytes.subarray(0, length));
      assertThrows(() => decodeAlter(cursor, METADATA), StorageError, "meta.d");
    }
  }
  const cases: [ByteBuilder, string][] = [
    [new ByteBuilder().i16(21).i32(0).i32(1).i64(1).i32(0), "unknown structural change"],
    [new ByteBuilder().i16(8).i32(0).i32(0).i32(2).str("a").str("b"), "unexpected shape"],
    [new ByteBuilder().i16(15).i32(0).i32(1).i64(77).i32(0), "key is not a column"],
    [new ByteBuilder().i16(16).i32(0).i32(0).i32(0).u8(0), "bytes behind"],
  ];
  for (const [bytes, message] of cases) {
    const cursor = new ByteCursor("meta.d", bytes.bytes());
    assertThrows(() => decodeAlter(cursor, METADATA), StorageError, message);
  }
});

Deno.test("changeStructure adds, drops, renames and converts columns", () => {
  let metadata = METADATA;
  const change = (operation: AlterOperation) => metadata = changeStructure(metadata, operation);
  change({ kind: "addColumn", column: { name: "b", type: ColumnType.LONG } });
  change({ kind: "changeColumnType", name: "A", type: ColumnType.LONG });
  change({ kind: "renameColumn", from: "s", to: "S" });
  change({ kind: "dropColumn", name: "v" });
  change({ kind: "enableDedup", columns: ["ts", "s"] });
  assertEquals(metadata.liveColumns.map(({ name }) => name), ["ts", "a", "S", "b"]);
  assertEquals(metadata.columns.map(({ type }) => type), [8, -5, 12, -26, 6, 6]);
  assertEquals(metadata.columns.map(({ replacingIndex }) => replacingIndex), [
    -1,
    -1,
    -1,
    -1,
    -1,
    1,
  ]);
  assertEquals(metadata.columns.map(({ isDedupKey }) => isDedupKey), [
    true,
    false,
    true,
    false,
    false,
    false,
  ]);
  assertEquals(change({ kind: "disableDedup" }).columns.some((one) => one.isDedupKey), false);
  const invalid: AlterOperation[] = [
    { kind: "addColumn", column: { name: "B", type: ColumnType.INT } },
    { kind: "dropColumn", name: "v" },
    { kind: "renameColumn", from: "x", to: "y" },
    { kind: "renameColumn", from: "a", to: "ts" },
  ];
  for (const operation of invalid) assertThrows(() => change(operation), TableError);
});
