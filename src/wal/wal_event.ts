/**
 * `_event` and `_event.i`: what each transaction of a segment holds.
 *
 * ```
 * _event    @0 i32 maxTxn (fresh file: 0 without a record)  @4 i32 format (low 16 bits 0, 1 or 2)  @8 records
 *           record: i32 length (with itself), i64 segmentTxn, u8 type, payload;   after the last one: i32 −1
 * _event.i  i64 per transaction: offset of its record; one more entry: where the next record will start
 * DATA      i64 startRow, i64 endRow, i64 minTs, i64 maxTs, bool outOfOrder, symbol columns …, i32 −1, [footer 25 bytes]
 *           symbol column: i32 writer index, bool hasNull, i32 clean count, i32 n, n × { i32 key, str }, i32 −1
 * ```
 * A row's key below the clean count is a key of the table; others are resolved by this record alone.
 * Details: docs/internals/wal.md.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import { ByteBuilder, type ByteCursor } from "./byte_cursor.ts";

/** Offset of the first record. */
export const EVENT_HEADER_BYTES = 8;
/** Ends the records, and each list within one. */
const END = -1;
const FOOTER_BYTES = 25;
const COLUMNS_MAX = 1 << 20;

/** Kinds of events. */
export const WalEventType = {
  DATA: 0,
  SQL: 1,
  TRUNCATE: 2,
  MAT_VIEW_DATA: 3,
  MAT_VIEW_INVALIDATE: 4,
  VIEW_DEFINITION: 5,
} as const;

/** New symbols of one column in one transaction. */
export interface SymbolDiff {
  readonly writerIndex: number;
  readonly hasNull: boolean;
  /** Keys below it are keys of the table. */
  readonly cleanCount: number;
  /** Texts of the keys cleanCount, cleanCount + 1, … */
  readonly texts: readonly string[];
}

/** Rows were appended. */
export interface DataEvent {
  readonly kind: "data";
  /** First row within the segment. */
  readonly startRow: number;
  /** One past the last row. */
  readonly endRow: number;
  readonly minTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly isOutOfOrder: boolean;
  readonly symbols: readonly SymbolDiff[];
  /** 0 = plain append; others replace or deduplicate. */
  readonly dedupMode: number;
}

/** All rows were removed. */
export interface TruncateEvent {
  readonly kind: "truncate";
}

/** An event of another kind, e.g. an UPDATE; `description` says which. */
export interface OtherEvent {
  readonly kind: "other";
  readonly type: number;
  readonly description: string;
}

/** What a transaction did. */
export type WalEvent = DataEvent | TruncateEvent | OtherEvent;

/** Encodes the record of a transaction, followed by the end mark. */
export function encodeEvent(
  segmentTxn: number,
  event: DataEvent | TruncateEvent,
): Uint8Array<ArrayBuffer> {
  const out = new ByteBuilder().i32(0).i64(segmentTxn);
  if (event.kind === "truncate") {
    out.u8(WalEventType.TRUNCATE);
  } else {
    out.u8(WalEventType.DATA).i64(event.startRow).i64(event.endRow)
      .i64(event.minTimestamp).i64(event.maxTimestamp).u8(event.isOutOfOrder ? 1 : 0);
    for (const diff of event.symbols) {
      out.i32(diff.writerIndex).u8(diff.hasNull ? 1 : 0).i32(diff.cleanCount)
        .i32(diff.texts.length);
      for (const [i, text] of diff.texts.entries()) out.i32(diff.cleanCount + i).str(text);
      out.i32(END);
    }
    out.i32(END);
  }
  return out.patchI32(0, out.length).i32(END).bytes();
}

/**
 * Decodes the record at the cursor, whose bytes end where the record ends.
 *
 * @throws {StorageError} if it is not the record of `segmentTxn`, or its content cannot be true.
 */
export function decodeEvent(cursor: ByteCursor, segmentTxn: number): WalEvent {
  const size = cursor.remaining;
  const length = cursor.i32();
  if (length !== size) {
    throw cursor.error("record length does not match the index", { length, size });
  }
  const storedTxn = cursor.count("segment transaction");
  if (storedTxn !== segmentTxn) {
    throw cursor.error("record of another transaction", { storedTxn, segmentTxn });
  }
  const type = cursor.u8();
  switch (type) {
    case WalEventType.DATA:
      return decodeData(cursor);
    case WalEventType.TRUNCATE:
      return { kind: "truncate" };
    case WalEventType.SQL:
      return { kind: "other", type, description: decodeSql(cursor) };
    case WalEventType.MAT_VIEW_DATA:
    case WalEventType.MAT_VIEW_INVALIDATE:
      return { kind: "other", type, description: "refresh of a materialized view" };
    case WalEventType.VIEW_DEFINITION:
      return { kind: "other", type, description: "definition of a view" };
    default:
      throw cursor.error("unknown event type", { type });
  }
}

function decodeSql(cursor: ByteCursor): string {
  const command = cursor.i32();
  return `statement [command=${command}, sql=${cursor.text("statement")}]`;
}

function decodeData(cursor: ByteCursor): DataEvent {
  const startRow = cursor.count("start row");
  const endRow = cursor.count("end row", startRow);
  const minTimestamp = cursor.i64();
  const maxTimestamp = cursor.i64();
  const isOutOfOrder = cursor.bool("order flag");
  const symbols: SymbolDiff[] = [];
  for (;;) {
    const writerIndex = cursor.int("symbol column", END);
    if (writerIndex === END) break;
    if (writerIndex > COLUMNS_MAX) throw cursor.error("invalid symbol column", { writerIndex });
    symbols.push(decodeSymbolDiff(cursor, writerIndex));
  }
  const dedupMode = decodeFooter(cursor);
  return {
    kind: "data",
    startRow,
    endRow,
    minTimestamp,
    maxTimestamp,
    isOutOfOrder,
    symbols,
    dedupMode,
  };
}

function decodeFooter(cursor: ByteCursor): number {
  if (cursor.remaining === 0) return 0;
  if (cursor.remaining !== FOOTER_BYTES) {
    throw cursor.error("bytes behind the symbols", { count: cursor.remaining });
  }
  cursor.position += FOOTER_BYTES - 1;
  return cursor.u8();
}

function decodeSymbolDiff(cursor: ByteCursor, writerIndex: number): SymbolDiff {
  const hasNull = cursor.bool("null flag");
  const cleanCount = cursor.int("clean symbol count");
  const count = cursor.int("symbol count");
  const texts: string[] = [];
  for (let i = 0; i < count; i++) {
    const key = cursor.i32();
    if (key !== cleanCount + i) throw cursor.error("symbol keys are not consecutive", { key });
    texts.push(cursor.text("symbol"));
  }
  if (cursor.i32() !== END) throw cursor.error("symbol list has no end mark");
  return { writerIndex, hasNull, cleanCount, texts };
}

/** Offsets of the records of transactions `first` … `last` of a segment: `last − first + 2` ascending values. */
export function checkEventOffsets(
  file: string,
  offsets: BigInt64Array,
  first: number,
): number[] {
  const result: number[] = [];
  for (const [i, value] of offsets.entries()) {
    const offset = Number(value);
    const low = i === 0 ? EVENT_HEADER_BYTES : result[i - 1] + 1;
    if (!Number.isSafeInteger(offset) || offset < low) {
      throw new StorageError(file, "offsets of events do not go up", {
        segmentTxn: first + i,
        offset,
      });
    }
    result.push(offset);
  }
  return result;
}
