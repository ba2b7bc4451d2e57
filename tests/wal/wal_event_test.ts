import { assertEquals, assertThrows } from "../support/assert.ts";
import { StorageError } from "../../src/common/mod.ts";
import { ByteBuilder, ByteCursor } from "../../src/wal/mod.ts";
import { type DataEvent, decodeEvent, encodeEvent } from "../../src/wal/wal_event.ts";

const DATA: DataEvent = {
  kind: "data",
  startRow: 0,
  endRow: 1,
  minTimestamp: 1_704_067_200_000_000n,
  maxTimestamp: 1_704_067_200_000_000n,
  isOutOfOrder: false,
  symbols: [{ writerIndex: 1, hasNull: false, cleanCount: 0, texts: ["a"] }],
  dedupMode: 0,
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

Deno.test("decodeEvent reads the footer of a deduplicating transaction", () => {
  const plain = encodeEvent(0, DATA).slice(0, -4);
  const record = new ByteBuilder();
  for (const byte of plain) record.u8(byte);
  record.i64(-(2n ** 63n)).i64(1).i64(2).u8(3).patchI32(0, record.length).i32(-1);
  assertEquals(decode(record.bytes(), 0), { ...DATA, dedupMode: 3 });
});

Deno.test("decodeEvent names the statement of a SQL event", () => {
  const record = new ByteBuilder().i32(0).i64(5).u8(1).i32(3).str("update t set x = 1");
  record.patchI32(0, record.length).i32(-1);
  const event = decode(record.bytes(), 5);
  assertEquals(event, {
    kind: "other",
    type: 1,
    description: "statement [command=3, sql=update t set x = 1]",
  });
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
