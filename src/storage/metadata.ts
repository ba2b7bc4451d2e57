/**
 * `_meta`: the columns of a table. Written whole under another name and renamed, so it is never seen half written.
 *
 * ```
 * @0   i32 columnCount    @4  i32 partitionBy      @8  i32 timestampIndex  @12 i32 storage version 426
 * @16  i32 tableId        @20 i32 maxUncommitted   @24 i64 o3MaxLag µs     @32 i64 metadataVersion
 * @40  u8 walEnabled      @41 i32 minor version (high half), checksum (low half)   @45 i32 TTL   @49 i32 table format
 * @128 columnCount × 32 bytes: i32 type (negative: deleted), i64 flags, i32 indexBlockCapacity, i32 symbolCapacity,
 *      i32 parquet config, i32 replacing index + 1, i32 0
 * then columnCount × str name
 * ```
 * Details, write order and recovery: docs/internals/meta.md.
 *
 * @module
 */
import { ColumnType, isTimestamp, partitionByName, StorageError, typeTag } from "../common/mod.ts";
import type { FileSystem } from "../platform/mod.ts";
import { type ByteReader, ByteWriter, strSize } from "./binary.ts";
import { readStorageFile } from "./storage_file.ts";

const STORAGE_VERSION = 426;
const MINOR_VERSION = 1;
const COLUMNS_OFFSET = 128;
const COLUMN_BYTES = 32;
const COLUMN_COUNT_MAX = 32_767;
const COLUMN_NAME_UNITS_MAX = 255;
const META_BYTES_MAX = 64 << 20;

const FLAG_INDEXED = 1n;
const FLAG_POSTING = 2n;
const FLAG_SYMBOL_CACHE = 4n;
const FLAG_DEDUP_KEY = 8n;
const KNOWN_FLAGS = FLAG_INDEXED | FLAG_POSTING | FLAG_SYMBOL_CACHE | FLAG_DEDUP_KEY;

/** A column as `_meta` describes it. */
export interface ColumnMetadata {
  readonly name: string;
  /** Type code; negative for a deleted column. */
  readonly type: number;
  /** Position in `_meta`, never reused. */
  readonly writerIndex: number;
  /** Reading does without it; a table that has one is not written. */
  readonly isIndexed: boolean;
  /** Values per block of the column's index. */
  readonly indexBlockCapacity: number;
  /** Expected number of distinct symbols, a power of two. */
  readonly symbolCapacity: number;
  readonly isSymbolCached: boolean;
  readonly isDedupKey: boolean;
  /** Writer index of the column whose place this one took by a change of type: the first of them after several changes. −1 if none. */
  readonly replacingIndex: number;
}

/** A table as `_meta` describes it. */
export interface TableMetadata {
  /** All columns by writer index, deleted ones included. */
  readonly columns: readonly ColumnMetadata[];
  /** Live columns in the order of `SELECT *`. */
  readonly liveColumns: readonly ColumnMetadata[];
  /** Writer index of the designated timestamp, −1 if none. */
  readonly timestampIndex: number;
  /** A `PartitionBy` code. */
  readonly partitionBy: number;
  readonly tableId: number;
  readonly metadataVersion: number;
  readonly isWalEnabled: boolean;
  readonly maxUncommittedRows: number;
  readonly o3MaxLagMicros: bigint;
  /** Above 0 hours, below 0 months, 0 none. */
  readonly ttlHoursOrMonths: number;
}

/** What CREATE TABLE asks for. */
export interface TableDefinition {
  readonly name: string;
  readonly columns: readonly {
    readonly name: string;
    readonly type: number;
    readonly isIndexed?: boolean;
    readonly indexBlockCapacity?: number;
    readonly symbolCapacity?: number;
    readonly isSymbolCached?: boolean;
    readonly isDedupKey?: boolean;
  }[];
  /** Index of the designated timestamp in `columns`, −1 if none. */
  readonly timestampIndex: number;
  readonly partitionBy: number;
  readonly isWalEnabled: boolean;
  readonly maxUncommittedRows: number;
  readonly o3MaxLagMicros: bigint;
  readonly ttlHoursOrMonths: number;
}

/** Default number of values per index block. */
export const DEFAULT_INDEX_BLOCK_CAPACITY = 256;
/** Default symbol capacity. */
export const DEFAULT_SYMBOL_CAPACITY = 256;

/** The 16-bit guard of the minor version field, which tells that its writer knew the field. */
function minorChecksum(metadataVersion: bigint, columnCount: number): number {
  const mixed = Number(BigInt.asIntN(32, metadataVersion)) ^
    Number(BigInt.asIntN(32, metadataVersion >> 32n));
  const c = (Math.imul(13, mixed) + Math.imul(37, columnCount)) | 0;
  const folded = (c & 0xffff) ^ ((c >>> 16) & 0xffff);
  return (folded === 0 ? -1337 : folded) & 0xffff;
}

/** Encodes a new table's `_meta`. */
export function encodeMetadata(
  definition: TableDefinition,
  tableId: number,
  metadataVersion = 0,
): Uint8Array<ArrayBuffer> {
  return encodeTableMetadata({
    ...definition,
    tableId,
    metadataVersion,
    columns: definition.columns.map((column, writerIndex) => {
      const isSymbol = column.type === ColumnType.SYMBOL;
      return {
        name: column.name,
        type: column.type,
        writerIndex,
        isIndexed: column.isIndexed ?? false,
        indexBlockCapacity: column.indexBlockCapacity ??
          (isSymbol ? DEFAULT_INDEX_BLOCK_CAPACITY : 0),
        // As the reference writes it for columns of every type.
        symbolCapacity: column.symbolCapacity ?? DEFAULT_SYMBOL_CAPACITY,
        isSymbolCached: column.isSymbolCached ?? isSymbol,
        isDedupKey: column.isDedupKey ?? false,
        replacingIndex: -1,
      };
    }),
  });
}

/** Encodes `_meta` as it is told, deleted columns included. */
export function encodeTableMetadata(
  metadata: Omit<TableMetadata, "liveColumns">,
): Uint8Array<ArrayBuffer> {
  const { columns, metadataVersion } = metadata;
  const namesOffset = COLUMNS_OFFSET + COLUMN_BYTES * columns.length;
  const writer = new ByteWriter(
    columns.reduce((sum, column) => sum + strSize(column.name), namesOffset),
  );
  writer.i32(0, columns.length);
  writer.i32(4, metadata.partitionBy);
  writer.i32(8, metadata.timestampIndex);
  writer.i32(12, STORAGE_VERSION);
  writer.i32(16, metadata.tableId);
  writer.i32(20, metadata.maxUncommittedRows);
  writer.i64(24, metadata.o3MaxLagMicros);
  writer.i64(32, metadataVersion);
  writer.u8(40, metadata.isWalEnabled ? 1 : 0);
  writer.i32(41, (MINOR_VERSION << 16) | minorChecksum(BigInt(metadataVersion), columns.length));
  writer.i32(45, metadata.ttlHoursOrMonths);
  let nameOffset = namesOffset;
  for (const [index, column] of columns.entries()) {
    const at = COLUMNS_OFFSET + COLUMN_BYTES * index;
    let flags = 0n;
    if (column.isIndexed) flags |= FLAG_INDEXED;
    if (column.isSymbolCached) flags |= FLAG_SYMBOL_CACHE;
    if (column.isDedupKey) flags |= FLAG_DEDUP_KEY;
    writer.i32(at, column.type);
    writer.i64(at + 4, flags);
    writer.i32(at + 12, column.indexBlockCapacity);
    writer.i32(at + 16, column.symbolCapacity);
    writer.i32(at + 24, column.replacingIndex + 1);
    nameOffset = writer.str(nameOffset, column.name);
  }
  return writer.bytes;
}

/** Reads and checks a table's `_meta`. @throws {StorageError} naming the file and what is wrong. */
export function readTableMetadata(fs: FileSystem, tableDir: string): TableMetadata {
  return decodeMetadata(readStorageFile(fs, `${tableDir}/_meta`, META_BYTES_MAX));
}

/** Decodes and checks a `_meta` image. @throws {StorageError} naming the file and what is wrong. */
export function decodeMetadata(reader: ByteReader): TableMetadata {
  const fail = (message: string, context = {}) => new StorageError(reader.file, message, context);
  reader.require(0, COLUMNS_OFFSET);
  const columnCount = reader.i32(0);
  if (columnCount < 1 || columnCount > COLUMN_COUNT_MAX) {
    throw fail("invalid column count", { columnCount });
  }
  if (reader.i32(12) !== STORAGE_VERSION) {
    throw fail("unsupported storage version", {
      version: reader.i32(12),
      expected: STORAGE_VERSION,
    });
  }
  const partitionBy = reader.i32(4);
  if (partitionBy < 0 || partitionBy > 6) throw fail("invalid partition unit", { partitionBy });
  const metadataVersion = reader.count(32, "metadata version");
  const minor = reader.i32(41);
  const isMinorValid = (minor & 0xffff) === minorChecksum(BigInt(metadataVersion), columnCount);
  const minorVersion = isMinorValid ? minor >>> 16 : 0;
  if (minorVersion >= 2 && reader.i32(49) !== 0) {
    throw fail("parquet table format is not supported yet");
  }
  const columns = decodeColumns(reader, columnCount);
  const timestampIndex = reader.i32(8);
  if (timestampIndex < -1 || timestampIndex >= columnCount) {
    throw fail("invalid timestamp index", { timestampIndex });
  }
  if (timestampIndex >= 0 && !isTimestamp(columns[timestampIndex].type)) {
    throw fail("designated timestamp is not a TIMESTAMP", {
      timestampIndex,
      type: columns[timestampIndex].type,
    });
  }
  if (timestampIndex < 0 && partitionBy < 3) {
    throw fail("partitioned table has no designated timestamp", {
      partitionBy: partitionByName(partitionBy),
    });
  }
  return {
    columns,
    liveColumns: liveOrder(columns),
    timestampIndex,
    partitionBy,
    tableId: reader.i32(16),
    metadataVersion,
    isWalEnabled: reader.u8(40) === 1,
    maxUncommittedRows: reader.i32(20),
    o3MaxLagMicros: reader.i64(24),
    ttlHoursOrMonths: minorVersion >= 1 ? reader.i32(45) : 0,
  };
}

function decodeColumns(reader: ByteReader, columnCount: number): ColumnMetadata[] {
  const columns: ColumnMetadata[] = [];
  const names = new Set<string>();
  let nameOffset = COLUMNS_OFFSET + COLUMN_BYTES * columnCount;
  reader.require(COLUMNS_OFFSET, COLUMN_BYTES * columnCount);
  for (let index = 0; index < columnCount; index++) {
    const at = COLUMNS_OFFSET + COLUMN_BYTES * index;
    const fail = (message: string, context = {}) =>
      new StorageError(reader.file, message, { column: index, ...context });
    const type = reader.i32(at);
    if (!isKnownType(type)) throw fail("unknown column type", { type });
    const flags = reader.i64(at + 4);
    if ((flags & FLAG_POSTING) !== 0n) throw fail("posting index is not supported yet");
    if ((flags & ~KNOWN_FLAGS) !== 0n) throw fail("unknown column flags", { flags });
    const { text: name, end } = reader.str(nameOffset);
    if (
      name === null || name.length === 0 || name.length > COLUMN_NAME_UNITS_MAX ||
      /[/\0]|^\.\.?$/.test(name)
    ) {
      throw fail("invalid column name", { name: name === null ? null : name.slice(0, 40) });
    }
    nameOffset = end;
    if (type > 0 && names.has(name.toLowerCase())) throw fail("duplicate column name", { name });
    if (type > 0) names.add(name.toLowerCase());
    const replacingIndex = reader.i32(at + 24) - 1;
    if (replacingIndex < -1 || replacingIndex >= columnCount) {
      throw fail("invalid replaced column", { replacingIndex });
    }
    columns.push({
      name,
      type,
      writerIndex: index,
      isIndexed: (flags & FLAG_INDEXED) !== 0n,
      indexBlockCapacity: reader.i32(at + 12),
      symbolCapacity: reader.i32(at + 16),
      isSymbolCached: (flags & FLAG_SYMBOL_CACHE) !== 0n,
      isDedupKey: (flags & FLAG_DEDUP_KEY) !== 0n,
      replacingIndex,
    });
  }
  return columns;
}

function isKnownType(type: number): boolean {
  const tag = typeTag(type);
  return (tag >= 1 && tag <= 19) || tag === ColumnType.LONG128 ||
    (tag >= ColumnType.IPV4 && tag <= ColumnType.DECIMAL256);
}

/** Writer index of the first column that had a column's place; its own if its type was never changed. */
export function firstInPlace(columns: readonly ColumnMetadata[], writerIndex: number): number {
  const { replacingIndex } = columns[writerIndex];
  return replacingIndex < 0 ? writerIndex : firstInPlace(columns, replacingIndex);
}

/** Order of live columns: a column that replaced another takes over its slot. */
export function liveOrder(columns: readonly ColumnMetadata[]): ColumnMetadata[] {
  const slots: ColumnMetadata[] = [];
  const slotOf = new Map<number, number>();
  for (const column of columns) {
    const slot = column.replacingIndex >= 0 ? slotOf.get(column.replacingIndex) : undefined;
    if (slot === undefined) {
      slotOf.set(column.writerIndex, slots.length);
      slots.push(column);
    } else {
      slotOf.set(column.writerIndex, slot);
      slots[slot] = column;
    }
  }
  return slots.filter((column) => column.type > 0);
}
