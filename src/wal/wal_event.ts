/**
 * `_event` and `_event.i`: what each transaction of a segment holds.
 *
 * ```
 * _event    @0 i32 maxTxn (fresh file: 0 without a record)  @4 i32 format (low 16 bits 0, 1 or 2)  @8 records
 *           record: i32 length (with itself), i64 segmentTxn, u8 type, payload;   after the last one: i32 −1
 * _event.i  i64 per transaction: offset of its record; one more entry: where the next record will start
 * DATA      i64 startRow, i64 endRow, i64 minTs, i64 maxTs, bool outOfOrder, symbol columns …, i32 −1, [footer 25 bytes]
 *           symbol column: i32 writer index, bool hasNull, i32 clean count, i32 n, n × { i32 key, str }, i32 −1
 *           footer, if the mode is not 0: i64 (views), i64 replaceLo, i64 replaceHi, u8 deduplication mode
 * SQL       i32 command (2 ALTER, 3 UPDATE), str text, i64 seed0, i64 seed1, i32 n, n × value, i32 m, m × { str name, value }
 *           value: i32 type and the bytes
 * ```
 * A row's key below the clean count is a key of the table; others are resolved by this record alone.
 * Details: docs/internals/wal.md.
 *
 * @module
 */
import { ColumnType, fixedSize, LONG_NULL, StorageError, typeTag } from "../common/mod.ts";
import { ByteBuilder, type ByteCursor } from "./byte_cursor.ts";

/** Offset of the first record. */
export const EVENT_HEADER_BYTES = 8;
/** Ends the records, and each list within one. */
const END = -1;
const FOOTER_BYTES = 25;
const COLUMNS_MAX = 1 << 20;
const BIND_VARIABLES_MAX = 1 << 20;

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
  /** The texts as the event has them, where they were decoded from one: many are looked at once and never needed as strings. */
  readonly encoded?: EncodedTexts;
}

/** Texts as little-endian UTF-16 units. */
export interface EncodedTexts {
  readonly bytes: Uint8Array;
  /** Where the units of each text begin, and how many they are: two numbers a text. */
  readonly places: Int32Array;
}

/** How the rows of a transaction meet rows that the table has. */
export const DedupMode = {
  /** As the table says: rows with equal keys are replaced if it has deduplication enabled. */
  DEFAULT: 0,
  /** Appended even if the table has deduplication enabled. */
  NO_DEDUP: 1,
  UPSERT_NEW: 2,
  /** Rows of the range are removed, then the rows are appended. */
  REPLACE_RANGE: 3,
} as const;

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
  /** One of {@linkcode DedupMode}. */
  readonly dedupMode: number;
  /** First timestamp of the range to replace; LONG_NULL unless the mode is REPLACE_RANGE. */
  readonly replaceLo: bigint;
  /** Timestamp behind the range to replace; LONG_NULL unless the mode is REPLACE_RANGE. */
  readonly replaceHi: bigint;
}

/** All rows were removed. */
export interface TruncateEvent {
  readonly kind: "truncate";
}

/** Commands of {@linkcode SqlEvent}. */
export const SqlCommand = { ALTER: 2, UPDATE: 3 } as const;

/** The value of a bind variable. */
export interface BindValue {
  /** Full type code. */
  readonly type: number;
  /** The value's bytes as the event has them, see {@linkcode bindValueSize}. */
  readonly bytes: Uint8Array;
}

/** A statement to be run when the transaction is applied: UPDATE, or an ALTER that leaves the column list alone. */
export interface SqlEvent {
  readonly kind: "sql";
  /** One of {@linkcode SqlCommand}. */
  readonly commandType: number;
  readonly text: string;
  /** State of the random functions, so that every replica gets the same values. */
  readonly randomSeeds: readonly [bigint, bigint];
  readonly bindVariables: {
    readonly indexed: readonly BindValue[];
    readonly named: readonly { readonly name: string; readonly value: BindValue }[];
  };
}

/** An event that is not applied here: of a view or materialized view; `description` says which. */
export interface OtherEvent {
  readonly kind: "other";
  readonly type: number;
  readonly description: string;
}

/** What a transaction did. */
export type WalEvent = DataEvent | TruncateEvent | SqlEvent | OtherEvent;
/** What is written here. */
export type WritableEvent = DataEvent | TruncateEvent | SqlEvent;

/** Tells a footer from its absence, as the reference server does: a plain event has none. */
function hasFooter(event: DataEvent): boolean {
  return event.dedupMode !== DedupMode.DEFAULT;
}

/** Encodes the record of a transaction, followed by the end mark. */
export function encodeEvent(segmentTxn: number, event: WritableEvent): Uint8Array<ArrayBuffer> {
  const out = new ByteBuilder().i32(0).i64(segmentTxn);
  if (event.kind === "truncate") out.u8(WalEventType.TRUNCATE);
  else if (event.kind === "sql") encodeSql(out, event);
  else encodeData(out, event);
  return out.patchI32(0, out.length).i32(END).bytes();
}

function encodeData(out: ByteBuilder, event: DataEvent): void {
  out.u8(WalEventType.DATA).i64(event.startRow).i64(event.endRow)
    .i64(event.minTimestamp).i64(event.maxTimestamp).u8(event.isOutOfOrder ? 1 : 0);
  for (const diff of event.symbols) {
    out.i32(diff.writerIndex).u8(diff.hasNull ? 1 : 0).i32(diff.cleanCount).i32(diff.texts.length);
    for (const [i, text] of diff.texts.entries()) out.i32(diff.cleanCount + i).str(text);
    out.i32(END);
  }
  out.i32(END);
  if (!hasFooter(event)) return;
  out.i64(LONG_NULL).i64(event.replaceLo).i64(event.replaceHi).u8(event.dedupMode);
}

function encodeSql(out: ByteBuilder, event: SqlEvent): void {
  const { indexed, named } = event.bindVariables;
  out.u8(WalEventType.SQL).i32(event.commandType).str(event.text)
    .i64(event.randomSeeds[0]).i64(event.randomSeeds[1]);
  out.i32(indexed.length);
  for (const { type, bytes } of indexed) out.i32(type).raw(bytes);
  out.i32(named.length);
  for (const { name, value } of named) out.str(name).i32(value.type).raw(value.bytes);
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
      return decodeSql(cursor);
    case WalEventType.MAT_VIEW_DATA:
    case WalEventType.MAT_VIEW_INVALIDATE:
      return { kind: "other", type, description: "refresh of a materialized view" };
    case WalEventType.VIEW_DEFINITION:
      return { kind: "other", type, description: "definition of a view" };
    default:
      throw cursor.error("unknown event type", { type });
  }
}

function decodeSql(cursor: ByteCursor): SqlEvent {
  const commandType = cursor.i32();
  const text = cursor.text("statement");
  const randomSeeds = [cursor.i64(), cursor.i64()] as const;
  const indexed = Array.from(
    { length: cursor.int("bind variable count", 0, BIND_VARIABLES_MAX) },
    () => decodeBindValue(cursor),
  );
  const named = Array.from(
    { length: cursor.int("named bind variable count", 0, BIND_VARIABLES_MAX) },
    () => ({ name: cursor.text("bind variable"), value: decodeBindValue(cursor) }),
  );
  if (cursor.remaining > 0) throw cursor.error("bytes behind the statement");
  return { kind: "sql", commandType, text, randomSeeds, bindVariables: { indexed, named } };
}

function decodeBindValue(cursor: ByteCursor): BindValue {
  const type = cursor.i32();
  return { type, bytes: cursor.raw(bindValueSize(cursor, type)) };
}

/**
 * Size of the bind value at the cursor: fixed-width values as in a column; STRING a `str`; VARCHAR i32 header (bit 31: ASCII, the rest its
 * length, −1 NULL) and bytes; BINARY i64 length (−1 NULL) and bytes; ARRAY i64 size with the type behind it (−1 NULL).
 */
function bindValueSize(cursor: ByteCursor, type: number): number {
  const width = fixedSize(type);
  if (width > 0 && typeTag(type) !== ColumnType.SYMBOL) return width;
  const start = cursor.position;
  let size: number;
  switch (typeTag(type)) {
    case ColumnType.STRING:
    case ColumnType.SYMBOL:
      size = 4 + 2 * Math.max(0, cursor.int("string length", -1));
      break;
    case ColumnType.VARCHAR: {
      const header = cursor.i32();
      size = 4 + (header === -1 ? 0 : header & 0x7fffffff);
      break;
    }
    case ColumnType.BINARY:
    case ColumnType.ARRAY:
      size = 8 + Math.max(0, cursor.count("value length", -1));
      break;
    default:
      throw cursor.error("unknown type of a bind variable", { type });
  }
  cursor.position = start;
  return size;
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
  const footer = decodeFooter(cursor);
  return {
    kind: "data",
    startRow,
    endRow,
    minTimestamp,
    maxTimestamp,
    isOutOfOrder,
    symbols,
    ...footer,
  };
}

function decodeFooter(
  cursor: ByteCursor,
): { dedupMode: number; replaceLo: bigint; replaceHi: bigint } {
  const none = { dedupMode: DedupMode.DEFAULT, replaceLo: LONG_NULL, replaceHi: LONG_NULL };
  if (cursor.remaining === 0) return none;
  if (cursor.remaining !== FOOTER_BYTES) {
    throw cursor.error("bytes behind the symbols", { count: cursor.remaining });
  }
  cursor.i64(); // of materialized views
  const replaceLo = cursor.i64(), replaceHi = cursor.i64(), dedupMode = cursor.u8();
  if (dedupMode > DedupMode.REPLACE_RANGE) {
    throw cursor.error("unknown deduplication mode", { mode: dedupMode });
  }
  if (dedupMode === DedupMode.REPLACE_RANGE && replaceLo >= replaceHi) {
    throw cursor.error("invalid range to replace", { replaceLo, replaceHi });
  }
  return { dedupMode, replaceLo, replaceHi };
}

function decodeSymbolDiff(cursor: ByteCursor, writerIndex: number): SymbolDiff {
  const hasNull = cursor.bool("null flag");
  const cleanCount = cursor.int("clean symbol count");
  const count = cursor.int("symbol count");
  // A count that cannot be true must not take memory.
  if (count > cursor.remaining / 8) throw cursor.error("invalid symbol count", { count });
  const places = new Int32Array(2 * count);
  for (let i = 0; i < count; i++) {
    const key = cursor.i32();
    if (key !== cleanCount + i) throw cursor.error("symbol keys are not consecutive", { key });
    places[2 * i] = cursor.passText("symbol");
    places[2 * i + 1] = (cursor.position - places[2 * i]) / 2;
  }
  if (cursor.i32() !== END) throw cursor.error("symbol list has no end mark");
  let texts: readonly string[] | null = null;
  const diff = {
    writerIndex,
    hasNull,
    cleanCount,
    get texts(): readonly string[] {
      return texts ??= Array.from(
        { length: count },
        (_, i) => cursor.textAt(places[2 * i], places[2 * i + 1]),
      );
    },
  };
  // Not enumerable: the same values make equal diffs, wherever they come from.
  return Object.defineProperty(diff, "encoded", { value: { bytes: cursor.bytes(), places } });
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
