/**
 * Joining the parts of split partitions. The parts of a logical partition are copied into a new directory that has the logical
 * partition's timestamp; its squash counter tells backups that it is not the directory of that name they know.
 *
 * QuestDB appends to the first part's directory in place when no reader can see its tail. Here it is always copied, so that no reader
 * has to be asked.
 *
 * @module
 */
import { StorageError, TableError } from "../../common/mod.ts";
import { partitionPath, partitionScheme } from "../column_files.ts";
import { type ColumnVersionEntry, ColumnVersions, DEFAULT_TIMESTAMP } from "../column_versions.ts";
import { partitionStart } from "../partition_plan.ts";
import { isParquet, isReadOnly, type PartitionRecord, SQUASHED_ONCE } from "../txn.ts";
import type { AlterContext, TableChange } from "./alter_context.ts";
import { copyParts } from "./copy_parts.ts";
import { sortEntries, withoutEntriesOf } from "./drop_partitions.ts";

/** Joins all split partitions, or those of one logical partition; `null` if there are none. */
export function squashPartitions(context: AlterContext, only?: bigint): TableChange | null {
  const { metadata, txn, versions } = context.reader;
  const scheme = partitionScheme(metadata);
  const groups = new Map<bigint, PartitionRecord[]>();
  for (const partition of txn.partitions) {
    const start = partitionStart(scheme, partition.timestamp);
    if (only !== undefined && start !== only) continue;
    groups.set(start, [...groups.get(start) ?? [], partition]);
  }
  let partitions: readonly PartitionRecord[] = txn.partitions;
  let entries: readonly ColumnVersionEntry[] = versions.entries;
  for (const [start, parts] of groups) {
    if (parts.length === 1) continue;
    checkParts(context, parts);
    const record: PartitionRecord = {
      timestamp: start,
      rowCount: parts.reduce((sum, part) => sum + part.rowCount, 0),
      nameTxn: txn.txn,
      flags: SQUASHED_ONCE,
      parquetFileSize: -1,
    };
    const tops = copyParts(context, parts, record);
    const first = partitions.indexOf(parts[0]);
    partitions = [
      ...partitions.slice(0, first),
      record,
      ...partitions.slice(first + parts.length),
    ];
    entries = sortEntries([
      ...withoutEntriesOf(entries, parts).map((entry) => movedTo(entry, parts, start)),
      ...tops,
    ]);
  }
  if (partitions === txn.partitions) return null;
  return { bump: "none", partitions, versions: new ColumnVersions(0, entries).entries };
}

function checkParts(context: AlterContext, parts: readonly PartitionRecord[]): void {
  const scheme = partitionScheme(context.reader.metadata);
  for (const part of parts) {
    const path = partitionPath(scheme, part);
    if (isParquet(part)) {
      throw new StorageError(
        `${context.tableDir}/${path}`,
        "parquet partitions are not supported yet",
      );
    }
    if (isReadOnly(part)) throw new TableError("partition is read-only", { partition: path });
  }
}

/** A column that was added in a part counts as added in the joined partition. */
function movedTo(
  entry: ColumnVersionEntry,
  parts: readonly PartitionRecord[],
  start: bigint,
): ColumnVersionEntry {
  const isInPart = entry.timestamp === DEFAULT_TIMESTAMP &&
    parts.some((part) => part.timestamp === entry.top);
  return isInPart ? { ...entry, top: start } : entry;
}
