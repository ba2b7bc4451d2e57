/**
 * `txn_seq/_wal_index.d`: the number of the last WAL of a table, one int64.
 *
 * @module
 */
import type { FileSystem } from "../platform/mod.ts";
import { ByteBuilder, ByteCursor } from "./byte_cursor.ts";

/** Path of a table's WAL counter. */
export function walIndexPath(tableDir: string): string {
  return `${tableDir}/txn_seq/_wal_index.d`;
}

/** Encodes the counter of a new table. */
export function encodeNewWalIndex(): Uint8Array<ArrayBuffer> {
  return new ByteBuilder().i64(0).bytes();
}

/**
 * Takes the next WAL number, durably, so that none is given out twice. A number whose directory exists is skipped: the
 * counter may be older than the directory after a power loss.
 */
export function allocateWalId(fs: FileSystem, tableDir: string): number {
  using file = fs.open(walIndexPath(tableDir), "create");
  const bytes = new Uint8Array(8);
  let walId = file.read(bytes, 0) < 8 ? 0 : new ByteCursor(file.path, bytes).count("WAL number");
  do walId++; while (fs.stat(`${tableDir}/wal${walId}`) !== null);
  file.write(new ByteBuilder().i64(walId).bytes(), 0);
  file.syncData();
  return walId;
}
