/**
 * Reads the events of a segment.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import type { FileHandle, FileSystem } from "../platform/mod.ts";
import { ByteCursor } from "./byte_cursor.ts";
import { checkEventOffsets, decodeEvent, EVENT_HEADER_BYTES, type WalEvent } from "./wal_event.ts";

/** Highest low half of the format field that this reader knows: 0 plain, 1 materialized views, 2 views. */
const FORMAT_MAX = 2;
/** Bytes of events read at once; a segment that needs more is corrupt. */
const EVENT_BYTES_MAX = 1 << 30;

/** Path of a segment below a table's directory. */
export function segmentPath(tableDir: string, walId: number, segmentId: number): string {
  return `${tableDir}/wal${walId}/${segmentId}`;
}

/** Opens a file of a segment. @throws {StorageError} if it is missing. */
export function openSegmentFile(fs: FileSystem, path: string): FileHandle {
  try {
    return fs.open(path, "read");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new StorageError(path, "file of a committed transaction is missing", {}, {
      cause: error,
    });
  }
}

/** Reads the events of transactions `first` … `last` of a segment. @throws {StorageError} if one is not there or corrupt. */
export function readEvents(
  fs: FileSystem,
  segmentDir: string,
  range: { first: number; last: number },
): WalEvent[] {
  const { first, last } = range;
  using events = openSegmentFile(fs, `${segmentDir}/_event`);
  const header = new Uint8Array(EVENT_HEADER_BYTES);
  const cursor = new ByteCursor(events.path, header.subarray(0, events.read(header, 0)));
  const maxTxn = cursor.int("transaction count", -1);
  const format = cursor.i32() & 0xffff;
  if (format > FORMAT_MAX) throw cursor.error("unknown event format", { format });
  if (last > maxTxn) {
    throw cursor.error("committed transaction has no event", { segmentTxn: last, maxTxn });
  }
  const offsets = readOffsets(fs, `${segmentDir}/_event.i`, range);
  const start = offsets[0], size = offsets[offsets.length - 1] - start;
  if (size > EVENT_BYTES_MAX) throw cursor.error("events are too large", { size });
  const bytes = new Uint8Array(size);
  if (events.read(bytes, start) < size) {
    throw new StorageError(events.path, "file is too short", { offset: start, size });
  }
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const record = bytes.subarray(offsets[i] - start, offsets[i + 1] - start);
    return decodeEvent(new ByteCursor(events.path, record), first + i);
  });
}

function readOffsets(
  fs: FileSystem,
  path: string,
  range: { first: number; last: number },
): number[] {
  using file = openSegmentFile(fs, path);
  const offsets = new BigInt64Array(range.last - range.first + 2);
  const bytes = new Uint8Array(offsets.buffer);
  if (file.read(bytes, 8 * range.first) < bytes.length) {
    throw new StorageError(path, "file is too short", { segmentTxn: range.last });
  }
  return checkEventOffsets(path, offsets, range.first);
}
