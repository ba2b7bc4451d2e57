/**
 * Dropping partitions: their records leave `_txn`, their entries leave `_cv`. The directories stay until nobody reads them.
 *
 * @module
 */
import { PartitionBy } from "../../common/mod.ts";
import { partitionScheme } from "../column_files.ts";
import {
  type ColumnVersionEntry,
  ColumnVersions,
  DEFAULT_TIMESTAMP,
  withoutPartitions,
} from "../column_versions.ts";
import { exposedEntries, partitionStart } from "../partition_plan.ts";
import type { PartitionRecord } from "../txn.ts";
import type { AlterContext, TableChange } from "./alter_context.ts";
import type { AlterOperation } from "./alter_operation.ts";
import { cannotRemove } from "./alter_errors.ts";
import { copyParts } from "./copy_parts.ts";
import { rangeOf } from "./partition_range.ts";
import type { AlterRefusedError } from "./validate_alter.ts";

/** What can be done, and why not more. */
export interface PartialChange {
  readonly change: TableChange | null;
  /** Thrown when the change is committed. */
  readonly refusal: AlterRefusedError | null;
}

/**
 * Drops the logical partitions that hold the timestamps. Those before the first one that is not there are dropped, as QuestDB does.
 */
export function dropPartitions(
  context: AlterContext,
  { timestamps, isExpiry = false }: AlterOperation & { kind: "dropPartitions" },
  table: string,
): PartialChange {
  const { metadata, txn, versions } = context.reader;
  const scheme = partitionScheme(metadata);
  const present = new Set(txn.partitions.map((one) => partitionStart(scheme, one.timestamp)));
  const starts = new Set<bigint>();
  let refusal: AlterRefusedError | null = null;
  for (const timestamp of timestamps) {
    const start = partitionStart(scheme, timestamp);
    if (!present.has(start) || starts.has(start)) {
      refusal = cannotRemove({ table, scheme, timestamp: start });
      break;
    }
    starts.add(start);
  }
  if (starts.size === 0) return { change: null, refusal };
  const isGone = (one: PartitionRecord) => starts.has(partitionStart(scheme, one.timestamp));
  const gone = txn.partitions.filter(isGone);
  const partitions = txn.partitions.filter((one) => !isGone(one));
  const last = partitions.at(-1) ?? null;
  let entries = withoutEntriesOf(versions.entries, gone);
  if (last !== txn.partitions.at(-1)) entries = addedInLast(entries, last);
  const change = removal(context, partitions, entries);
  // QuestDB counts every part.
  const truncateVersion = txn.partitions.length - partitions.length;
  // QuestDB drops one after the other, but for those that expire; here they go together or not at all.
  const txnCount = isExpiry ? 1 : starts.size;
  return { change: { ...change, raise: { truncateVersion }, txnCount }, refusal };
}

/** Drops exactly the entries of `_txn` with these timestamps; others are passed over. */
export function forceDropPartitions(
  context: AlterContext,
  timestamps: readonly bigint[],
): TableChange | null {
  const { metadata, txn, versions } = context.reader;
  if (metadata.partitionBy === PartitionBy.NONE) return null;
  const wanted = new Set(timestamps);
  const gone = txn.partitions.filter((one) => wanted.has(one.timestamp));
  if (gone.length === 0) return null;
  const partitions = txn.partitions.filter((one) => !wanted.has(one.timestamp));
  if (partitions.length > 0) {
    const entries = withoutEntriesOf(versions.entries, gone);
    const exposed = exposedEntries(partitionScheme(metadata), txn.partitions, wanted);
    return removal(context, ...writtenAnew(context, exposed, { partitions, entries }));
  }
  const change = removal(context, partitions, withoutPartitions(versions).entries);
  return { ...change, raise: { ...change.raise, dataVersion: 1 } };
}

/** Gives entries that nothing follows any more a directory of their own: the next rows go behind theirs there. */
function writtenAnew(
  context: AlterContext,
  exposed: readonly PartitionRecord[],
  state: {
    partitions: readonly PartitionRecord[];
    entries: readonly ColumnVersionEntry[];
  },
): [readonly PartitionRecord[], readonly ColumnVersionEntry[]] {
  let { partitions, entries } = state;
  for (const partition of exposed) {
    const record = { ...partition, nameTxn: context.reader.txn.txn, flags: 0n };
    const tops = copyParts(context, [partition], record);
    partitions = partitions.map((one) => one === partition ? record : one);
    entries = sortEntries([...withoutEntriesOf(entries, [partition]), ...tops]);
  }
  return [partitions, entries];
}

function removal(
  context: AlterContext,
  partitions: readonly PartitionRecord[],
  entries: readonly ColumnVersionEntry[],
): TableChange {
  const { versions } = context.reader;
  return {
    bump: "none",
    partitions,
    ...rangeOf(context, partitions),
    ...sameEntries(entries, versions) ? {} : { versions: entries },
    raise: { truncateVersion: 1 },
  };
}

/** Entries of other partitions. */
export function withoutEntriesOf(
  entries: readonly ColumnVersionEntry[],
  partitions: readonly { readonly timestamp: bigint }[],
): readonly ColumnVersionEntry[] {
  const gone = new Set(partitions.map((one) => one.timestamp));
  return entries.filter((entry) => !gone.has(entry.timestamp));
}

/**
 * Columns that were added in a partition behind the last one count as added in the last one: it has no file of them. Otherwise the
 * next rows there would go without a column top.
 */
function addedInLast(
  entries: readonly ColumnVersionEntry[],
  last: PartitionRecord | null,
): readonly ColumnVersionEntry[] {
  const lastTimestamp = last?.timestamp ?? DEFAULT_TIMESTAMP;
  const tops: ColumnVersionEntry[] = [];
  const changed = entries.map((entry) => {
    if (entry.timestamp !== DEFAULT_TIMESTAMP || entry.top <= lastTimestamp) return entry;
    const { columnIndex, nameTxn } = entry;
    const hasOwn = entries.some((one) =>
      one.timestamp === lastTimestamp && one.columnIndex === columnIndex
    );
    if (last !== null && !hasOwn) {
      tops.push({ timestamp: lastTimestamp, columnIndex, nameTxn, top: BigInt(last.rowCount) });
    }
    return { ...entry, top: lastTimestamp };
  });
  return new ColumnVersions(0, sortEntries([...changed, ...tops])).entries;
}

/** Puts entries in the order of `_cv`. */
export function sortEntries(entries: ColumnVersionEntry[]): ColumnVersionEntry[] {
  return entries.sort((a, b) =>
    a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : a.columnIndex - b.columnIndex
  );
}

function sameEntries(entries: readonly ColumnVersionEntry[], versions: ColumnVersions): boolean {
  return entries.length === versions.entries.length &&
    entries.every((entry, i) => entry === versions.entries[i]);
}
