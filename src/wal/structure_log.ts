/**
 * `_txnlog.meta.d` and `_txnlog.meta.i`: the structural changes of a table, one per structure version.
 *
 * ```
 * _txnlog.meta.i   i64 per version v: offset of the record of the change from v to v + 1; entry 0 = 0; the last one = end
 * _txnlog.meta.d   records { i32 length, body }, body as in alter_codec.ts
 * ```
 * Invariant: a change counts when the transaction log has a record with its structure version; what is behind it in these files is
 * what a crash left, and is written over.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import type { FileHandle, FileSystem } from "../platform/mod.ts";
import type { AlterOperation, TableMetadata } from "../storage/mod.ts";
import { decodeAlter } from "./alter_codec.ts";
import { ByteBuilder, ByteCursor } from "./byte_cursor.ts";
import { changeStructure } from "./structure_change.ts";

const LENGTH_BYTES = 4;
/** Longest record that anybody writes: a list of thousands of columns. */
const RECORD_BYTES_MAX = 64 << 20;

function dataPath(tableDir: string): string {
  return `${tableDir}/txn_seq/_txnlog.meta.d`;
}
function indexPath(tableDir: string): string {
  return `${tableDir}/txn_seq/_txnlog.meta.i`;
}

/** Writes the change that leads from `version` to the next one, durably. It does not count yet. */
export function writeStructureRecord(
  fs: FileSystem,
  tableDir: string,
  change: { version: number; body: Uint8Array },
): void {
  using data = openLogFile(fs, dataPath(tableDir), "readWrite");
  using index = openLogFile(fs, indexPath(tableDir), "readWrite");
  const offset = change.version === 0 ? 0 : readOffset(index, change.version);
  data.write(new ByteBuilder().i32(change.body.length).raw(change.body).bytes(), offset);
  data.syncData();
  const end = offset + LENGTH_BYTES + change.body.length;
  index.write(new ByteBuilder().i64(end).bytes(), 8 * (change.version + 1));
  index.syncData();
}

/** One change and what it makes of the columns. */
export interface StructureStep {
  /** Structure version behind the change. */
  readonly version: number;
  readonly operation: AlterOperation;
  /** Metadata behind the change. */
  readonly metadata: TableMetadata;
}

/**
 * Replays the changes from one structure version to another.
 *
 * @param metadata Metadata at the first version.
 * @throws {StorageError} if a record is missing or corrupt, or does not fit the columns.
 */
export function replayStructure(
  fs: FileSystem,
  tableDir: string,
  replay: { metadata: TableMetadata; from: number; to: number },
): StructureStep[] {
  const steps: StructureStep[] = [];
  if (replay.from >= replay.to) return steps;
  using data = openLogFile(fs, dataPath(tableDir), "read");
  using index = openLogFile(fs, indexPath(tableDir), "read");
  let { metadata } = replay;
  for (let version = replay.from; version < replay.to; version++) {
    const cursor = readRecord(data, index, version);
    const operation = decodeAlter(cursor, metadata);
    try {
      metadata = changeStructure(metadata, operation);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw cursor.error("structural change does not fit the table", {
        structureVersion: version + 1,
        reason,
      });
    }
    steps.push({ version: version + 1, operation, metadata });
  }
  return steps;
}

/**
 * Reads the change that leads to a structure version.
 *
 * @param change `metadata`: columns to name deduplication keys by.
 * @throws {StorageError} if the record is missing or corrupt.
 */
export function readStructureOperation(
  fs: FileSystem,
  tableDir: string,
  change: { version: number; metadata: TableMetadata },
): AlterOperation {
  using data = openLogFile(fs, dataPath(tableDir), "read");
  using index = openLogFile(fs, indexPath(tableDir), "read");
  return decodeAlter(readRecord(data, index, change.version - 1), change.metadata);
}

function readRecord(data: FileHandle, index: FileHandle, version: number): ByteCursor {
  const offset = version === 0 ? 0 : readOffset(index, version);
  const head = new Uint8Array(LENGTH_BYTES);
  const read = data.read(head, offset);
  const length = new ByteCursor(data.path, head.subarray(0, read)).int("record length", 1);
  const end = readOffset(index, version + 1);
  if (length > RECORD_BYTES_MAX || end !== offset + LENGTH_BYTES + length) {
    throw new StorageError(data.path, "length of a structural change does not match the index", {
      structureVersion: version + 1,
      length,
      offset,
      end,
    });
  }
  const body = new Uint8Array(length);
  if (data.read(body, offset + LENGTH_BYTES) < length) {
    throw new StorageError(data.path, "file is too short", { structureVersion: version + 1 });
  }
  return new ByteCursor(data.path, body);
}

function readOffset(index: FileHandle, version: number): number {
  const bytes = new Uint8Array(8);
  if (index.read(bytes, 8 * version) < bytes.length) {
    throw new StorageError(index.path, "structural change has no entry", {
      structureVersion: version,
    });
  }
  return new ByteCursor(index.path, bytes).count("offset of a structural change");
}

function openLogFile(fs: FileSystem, path: string, mode: "read" | "readWrite"): FileHandle {
  try {
    return fs.open(path, mode);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new StorageError(path, "file is missing", {}, { cause: error });
  }
}
