/**
 * Detaching a partition: `<partition>.detached` gets hard links to its files and copies of `_meta`, `_cv` and `_txn` as they are before,
 * which tell later what the files are.
 *
 * @module
 */
import type { FileSystem } from "../../platform/mod.ts";
import { partitionPath, partitionScheme } from "../column_files.ts";
import { partitionStart } from "../partition_plan.ts";
import { readStorageFile } from "../storage_file.ts";
import type { PartitionRecord } from "../txn.ts";
import type { AlterContext, TableChange } from "./alter_context.ts";
import { cannotDetach } from "./alter_errors.ts";
import { withoutEntriesOf } from "./drop_partitions.ts";
import { rangeOf } from "./partition_range.ts";
import { DETACHED_SUFFIX, MOVING_SUFFIX } from "./recover_moves.ts";

/** Files of the table that a detached partition has copies of. */
export const TABLE_FILES = ["_meta", "_cv", "_txn"] as const;
const TABLE_FILE_BYTES_MAX = 256 << 20;

/** Parts of the logical partition that is to be detached. @throws {AlterRefusedError} if it cannot be. */
export function partsToDetach(
  context: AlterContext,
  timestamp: bigint,
  table: string,
): readonly PartitionRecord[] {
  const { metadata, txn } = context.reader;
  const scheme = partitionScheme(metadata);
  const start = partitionStart(scheme, timestamp);
  const request = { table, scheme, timestamp: start };
  const last = txn.partitions.at(-1);
  if (last !== undefined && partitionStart(scheme, last.timestamp) === start) {
    throw cannotDetach(request, "ACTIVE");
  }
  const parts = txn.partitions.filter((one) => partitionStart(scheme, one.timestamp) === start);
  if (parts.length === 0) throw cannotDetach(request, "MISSING_PARTITION");
  return parts;
}

/** Detaches a partition of one part. @throws {AlterRefusedError} if it cannot be detached. */
export function detachPartition(
  context: AlterContext,
  partition: PartitionRecord,
  table: string,
): TableChange {
  const { fs, tableDir, reader } = context;
  const { txn, versions } = reader;
  const scheme = partitionScheme(reader.metadata);
  const source = `${tableDir}/${partitionPath(scheme, partition)}`;
  const name = partitionPath(scheme, { ...partition, nameTxn: -1 });
  const path = `${tableDir}/${name}${DETACHED_SUFFIX}`;
  const request = { table, scheme, timestamp: partition.timestamp };
  if (fs.stat(source) === null) throw cannotDetach(request, "MISSING_PARTITION_DIR");
  if (fs.stat(path) !== null) throw cannotDetach(request, "ALREADY_DETACHED");
  const moving = path + MOVING_SUFFIX;
  fs.removeTree(moving);
  linkTree(context, source, moving);
  for (const file of TABLE_FILES) copyFile(context, `${tableDir}/${file}`, `${moving}/${file}`);
  const partitions = txn.partitions.filter((one) => one !== partition);
  const entries = withoutEntriesOf(versions.entries, [partition]);
  return {
    bump: "none",
    partitions,
    ...rangeOf(context, partitions),
    ...entries.length === versions.entries.length ? {} : { versions: entries },
    raise: { truncateVersion: 1 },
    moves: [{ kind: "detach", path }],
  };
}

/** Makes a directory with hard links to the files of another one. */
function linkTree(context: AlterContext, from: string, to: string): void {
  const { fs, touched } = context;
  fs.mkdir(to);
  for (const entry of fs.readDir(from)) {
    if (!entry.isDirectory) fs.link(`${from}/${entry.name}`, `${to}/${entry.name}`);
  }
  touched.add(to).add(context.tableDir);
}

function copyFile(context: AlterContext, from: string, to: string): void {
  const { bytes } = readStorageFile(context.fs, from, TABLE_FILE_BYTES_MAX);
  writeNew(context.fs, to, bytes);
  context.touched.add(to);
}

function writeNew(fs: FileSystem, path: string, bytes: Uint8Array): void {
  using file = fs.open(path, "createNew");
  file.write(bytes, 0);
}
