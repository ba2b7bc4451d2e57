/**
 * Column lists as the WAL keeps them: `txn_seq/_meta` of the sequencer and `_meta` of every segment.
 *
 * ```
 * @0 i32 bytes  @4 i32 format 0  @8 i64 structureVersion (−2: dropped)  @16 i32 columns  @20 i32 timestamp index
 * @24 i32 table id  @28 bool  @29 columns × { i32 type (negative: deleted), str name }
 * sequencer only: i64 checksum, i32 columns, columns × i32 order key
 * ```
 * The order key of a column is its own index, or the index whose place it took by a type change.
 * Details: docs/internals/sequencer.md.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import { type FileSystem, readFile } from "../platform/mod.ts";
import { firstInPlace, type TableMetadata } from "../storage/mod.ts";
import { ByteBuilder, ByteCursor, javaHash } from "./byte_cursor.ts";

const META_BYTES_MAX = 64 << 20;
const COLUMNS_MAX = 1 << 20;
/** Structure version of a dropped table. */
export const DROPPED_STRUCTURE_VERSION = -2;

/** One column of a WAL's column list. */
export interface SequencerColumn {
  /** Type code, negative when deleted. */
  readonly type: number;
  readonly name: string;
}

/** What a sequencer's or segment's `_meta` says. */
export interface SequencerMetadata {
  readonly structureVersion: number;
  readonly timestampIndex: number;
  readonly tableId: number;
  readonly columns: readonly SequencerColumn[];
}

function encodeBase(metadata: TableMetadata, structureVersion: number): ByteBuilder {
  const out = new ByteBuilder();
  out.i32(0).i32(0).i64(structureVersion).i32(metadata.columns.length)
    .i32(metadata.timestampIndex).i32(metadata.tableId).u8(0);
  for (const column of metadata.columns) out.i32(column.type).str(column.name);
  return out;
}

/** Encodes the `_meta` of a segment. */
export function encodeSegmentMetadata(
  metadata: TableMetadata,
  structureVersion: number,
): Uint8Array<ArrayBuffer> {
  const out = encodeBase(metadata, structureVersion);
  return out.patchI32(0, out.length).bytes();
}

/** Encodes `txn_seq/_meta`. */
export function encodeSequencerMetadata(
  metadata: TableMetadata,
  structureVersion: number,
): Uint8Array<ArrayBuffer> {
  const out = encodeBase(metadata, structureVersion);
  out.i64(columnsChecksum(metadata.columns)).i32(metadata.columns.length);
  for (const { writerIndex } of metadata.columns) {
    out.i32(firstInPlace(metadata.columns, writerIndex));
  }
  return out.patchI32(0, out.length).bytes();
}

function columnsChecksum(columns: readonly SequencerColumn[]): bigint {
  let sum = BigInt(columns.length);
  for (const { type, name } of columns) {
    sum = BigInt.asIntN(64, 31n * sum + BigInt(type));
    sum = BigInt.asIntN(64, 31n * sum + BigInt(javaHash(name)));
  }
  return sum;
}

/** Reads a sequencer's or segment's `_meta`; optional sections are not needed and not read. @throws {StorageError} */
export function readSequencerMetadata(fs: FileSystem, path: string): SequencerMetadata {
  const cursor = new ByteCursor(path, readWalFile(fs, path, META_BYTES_MAX));
  cursor.int("size", 29);
  const format = cursor.i32();
  if (format !== 0) throw cursor.error("unknown metadata format", { format });
  const structureVersion = cursor.count("structure version", DROPPED_STRUCTURE_VERSION);
  const columnCount = cursor.int("column count");
  const timestampIndex = cursor.int("timestamp index", -1);
  const tableId = cursor.i32();
  cursor.u8();
  if (columnCount > COLUMNS_MAX || timestampIndex >= columnCount) {
    throw cursor.error("invalid column count", { columnCount, timestampIndex });
  }
  const columns = Array.from(
    { length: columnCount },
    () => ({ type: cursor.i32(), name: cursor.text("column name") }),
  );
  return { structureVersion, timestampIndex, tableId, columns };
}

/** Reads a whole small file; a missing or oversized one is a {@linkcode StorageError}. */
export function readWalFile(
  fs: FileSystem,
  path: string,
  maxBytes: number,
): Uint8Array<ArrayBuffer> {
  try {
    return readFile(fs, path, maxBytes);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new StorageError(path, "file is missing", {}, { cause: error });
    }
    if (error instanceof RangeError) {
      throw new StorageError(path, "file is too large", {}, { cause: error });
    }
    throw error;
  }
}
