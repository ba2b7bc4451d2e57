import { assertEquals, assertThrows } from "../support/assert.ts";
import { ColumnType, LONG_NULL, StorageError } from "../../src/common/mod.ts";
import { ByteBuilder, ByteCursor } from "../../src/wal/mod.ts";
import {
  type DataEvent,
  decodeEvent,
  encodeEvent,
  type SqlEvent,
} from "../../src/wal/wal_event.ts";

const DATA: DataEvent = {
  kind: "data",
  startRow: 0,
  endRow: 1,
  minTimestamp: 1_704_067_200_000_000n,
  maxTimestamp: 1_704_067_200_000_000n,
  isOutOfOrder: false,
  symbols: [{ writerIndex: 1, hasNull: false, cleanCount: 0, texts: ["a"] }],
  dedupMode: 0,
  replaceLo: LONG_NULL,
  replaceHi: LONG_NULL,
};

/** Written by QuestDB 9.3.4 for `INSERT INTO t VALUES ('2024-01-01', 'a', …)`, a symbol in column 1. */
const QUESTDB_RECORD =
  "4d0000000000000000000000000000000000000000010000000000000000202110d70d060000" +
  "202110d70d0600000100000000000000000100000000000000010000006100ffffffffffffffffffffffff";

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function decode(record: Uint8Array, segmentTxn: number) {
  return decodeEvent(new ByteCursor("_event", record.subarray(0, -4)), segmentTxn);
}

Deno.test("encodeEvent writes the bytes that QuestDB writes", () => {
  assertEquals(hex(encodeEvent(0, DATA)), QUESTDB_RECORD);
  assertEquals(hex(encodeEvent(2, { kind: "truncate" })), "0d000000020000000000000002ffffffff");
});

Deno.test("decodeEvent gives back what was encoded", () => {
  const event: DataEvent = {
    ...DATA,
    startRow: 7,
    endRow: 2 ** 40,
    isOutOfOrder: true,
    symbols: [
      { writerIndex: 0, hasNull: true, cleanCount: 5, texts: [] },
      { writerIndex: 9, hasNull: false, cleanCount: 2, texts: ["", "žluť", "🐎".repeat(300)] },
    ],
  };
  assertEquals(decode(encodeEvent(41, event), 41), event);
  assertEquals(decode(encodeEvent(3, { kind: "truncate" }), 3), { kind: "truncate" });
});

Deno.test("encodeEvent writes a footer for deduplication modes, decodeEvent reads it", () => {
  const plain = encodeEvent(0, DATA).slice(0, -4);
  const record = new ByteBuilder().raw(plain);
  record.i64(LONG_NULL).i64(1).i64(2).u8(3).patchI32(0, record.length).i32(-1);
  const event: DataEvent = { ...DATA, dedupMode: 3, replaceLo: 1n, replaceHi: 2n };
  assertEquals(hex(encodeEvent(0, event)), hex(record.bytes()));
  assertEquals(decode(record.bytes(), 0), event);
  const empty = encodeEvent(0, { ...event, replaceHi: 1n });
  assertThrows(() => decode(empty, 0), StorageError, "range to replace");
});

Deno.test("decodeEvent reads a statement, encodeEvent writes the same bytes", () => {
  const event: SqlEvent = {
    kind: "sql",
    commandType: 3,
    text: "update w set a = 11",
    randomSeeds: [0n, 0n],
    bindVariables: { indexed: [], named: [] },
  };
  assertEquals(decode(encodeEvent(0, event), 0), event);
});

Deno.test("decodeEvent gives back bind variables of every form", () => {
  const text = new ByteBuilder().str("žluť").bytes().slice();
  const event: SqlEvent = {
    kind: "sql",
    commandType: 3,
    text: "update t set x = $1",
    randomSeeds: [1n, -2n],
    bindVariables: {
      indexed: [
        { type: ColumnType.LONG, bytes: new ByteBuilder().i64(5).bytes().slice() },
        { type: ColumnType.STRING, bytes: text },
        { type: ColumnType.STRING, bytes: new ByteBuilder().i32(-1).bytes().slice() },
        { type: ColumnType.VARCHAR, bytes: new Uint8Array([2, 0, 0, 0x80, 0x61, 0x62]) },
        { type: ColumnType.VARCHAR, bytes: new Uint8Array([255, 255, 255, 255]) },
        { type: ColumnType.BINARY, bytes: new ByteBuilder().i64(1).u8(7).bytes().slice() },
        { type: ColumnType.UUID, bytes: new Uint8Array(16).fill(3) },
      ],
      named: [{ name: "a", value: { type: ColumnType.BOOLEAN, bytes: new Uint8Array([1]) } }],
    },
  };
  assertEquals(decode(encodeEvent(9, event), 9), event);
});

Deno.test("decodeEvent refuses every record with one broken byte or gives another event, and never crashes", () => {
  const good = encodeEvent(0, DATA);
  for (let at = 0; at < good.length - 4; at++) {
    const bad = good.slice();
    bad[at] ^= 0xff;
    try {
      decode(bad, 0);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
  }
  assertThrows(() => decode(good, 1), StorageError, "another transaction");
  const unknown = good.slice();
  unknown[12] = 17;
  assertThrows(() => decode(unknown, 0), StorageError, "unknown event type");
});
