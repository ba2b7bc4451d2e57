/**
 * Partitions that lie beside the table: detached ones, and those put there to be attached.
 *
 * ```
 * <partition>.detached | .attachable /   column files, _meta, _cv, _txn of the table when it was detached
 * ```
 *
 * @module
 */
import { ColumnType, partitionDirName, StorageError } from "../../common/mod.ts";
import type { FileSystem } from "../../platform/mod.ts";
import { partitionScheme, readTableMetadata, readTxn } from "../../storage/mod.ts";

const SUFFIX = /^(.+)\.(detached|attachable)$/;
const NANOS_PER_MICRO = 1000n;

/** What can be told about one. */
export interface DetachedPartition {
  readonly name: string;
  readonly isAttachable: boolean;
  readonly rowCount: number | null;
  readonly minTimestamp: bigint | null;
  readonly maxTimestamp: bigint | null;
  readonly bytes: number;
}

/** Lists them by name, detached ones first. What cannot be read is unknown, not an error: anybody may have put it there. */
export function listDetachedPartitions(fs: FileSystem, tableDir: string): DetachedPartition[] {
  const found: DetachedPartition[] = [];
  for (const entry of fs.readDir(tableDir)) {
    const match = SUFFIX.exec(entry.name);
    if (match === null || !entry.isDirectory) continue;
    const path = `${tableDir}/${entry.name}`;
    found.push({
      name: entry.name,
      isAttachable: match[2] === "attachable",
      bytes: directoryBytes(fs, path),
      ...readFacts(fs, path, match[1]),
    });
  }
  return found.sort((a, b) =>
    Number(a.isAttachable) - Number(b.isAttachable) || (a.name < b.name ? -1 : 1)
  );
}

type Facts = Pick<DetachedPartition, "rowCount" | "minTimestamp" | "maxTimestamp">;
const UNKNOWN: Facts = { rowCount: null, minTimestamp: null, maxTimestamp: null };

function readFacts(fs: FileSystem, path: string, name: string): Facts {
  try {
    const metadata = readTableMetadata(fs, path);
    const scheme = partitionScheme(metadata);
    const isNanos = scheme.timestampType === ColumnType.TIMESTAMP_NS;
    const partition = readTxn(fs, path, metadata.partitionBy).partitions.find(({ timestamp }) =>
      partitionDirName(metadata.partitionBy, isNanos ? timestamp / NANOS_PER_MICRO : timestamp) ===
        name.replace(/\.\d+$/, "")
    );
    if (partition === undefined || partition.rowCount === 0) return UNKNOWN;
    const column = metadata.columns[metadata.timestampIndex].name;
    using file = fs.open(`${path}/${column}.d`, "read");
    const at = (row: number): bigint => {
      const bytes = new Uint8Array(8);
      file.read(bytes, row * 8);
      return new DataView(bytes.buffer).getBigInt64(0, true);
    };
    const { rowCount } = partition;
    return { rowCount, minTimestamp: at(0), maxTimestamp: at(rowCount - 1) };
  } catch (error) {
    if (error instanceof StorageError) return UNKNOWN;
    throw error;
  }
}

/** Bytes of the files of a directory. */
export function directoryBytes(fs: FileSystem, path: string): number {
  let bytes = 0;
  for (const entry of fs.readDir(path)) {
    const child = `${path}/${entry.name}`;
    bytes += entry.isDirectory ? directoryBytes(fs, child) : fs.stat(child)?.size ?? 0;
  }
  return bytes;
}
