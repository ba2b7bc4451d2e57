/**
 * Attaching a partition: the files of `<partition>.attachable` become those of `<partition>.<txn>`. What they are is told by the `_meta`
 * and `_cv` in the directory, as detaching has left them; without these they must be what the table has now.
 *
 * The new directory has hard links; `.attachable` goes away with the commit.
 *
 * @module
 */
import { formatTimestampMicros } from "../../common/mod.ts";
import { columnFilesOf, columnPlace, partitionPath, partitionScheme } from "../column_files.ts";
import {
  type ColumnVersionEntry,
  type ColumnVersions,
  decodeColumnVersions,
  DEFAULT_TIMESTAMP,
  withEntries,
} from "../column_versions.ts";
import { type ColumnMetadata, readTableMetadata, type TableMetadata } from "../metadata.ts";
import { partitionIndexFiles } from "../partition_index.ts";
import { partitionEnd, partitionStart } from "../partition_plan.ts";
import { readStorageFile } from "../storage_file.ts";
import { TableReader } from "../table_reader.ts";
import { type PartitionRecord, readTxn } from "../txn.ts";
import {
  type AlterContext,
  columnInPartition,
  indexFileName,
  type TableChange,
} from "./alter_context.ts";
import { cannotAttach } from "./alter_errors.ts";
import { buildEmptyIndex, buildIndex } from "./index_operations.ts";
import { timestampAt } from "./partition_range.ts";
import { ATTACHABLE_SUFFIX } from "./recover_moves.ts";
import { AlterRefusedError } from "./validate_alter.ts";

const CV_BYTES_MAX = 256 << 20;

/** What the directory says about itself. */
interface Attachable {
  readonly directory: string;
  readonly metadata: TableMetadata;
  readonly versions: ColumnVersions;
  /** Whether both come from the directory. */
  readonly isDescribed: boolean;
  readonly partition: PartitionRecord;
}

/** Attaches a partition. @throws {AlterRefusedError} if it cannot be attached. */
export function attachPartition(
  context: AlterContext,
  timestamp: bigint,
  table: string,
): TableChange {
  const { fs, tableDir, reader } = context;
  const { metadata, txn, versions } = reader;
  const scheme = partitionScheme(metadata);
  const start = partitionStart(scheme, timestamp);
  const request = { table, scheme, timestamp: start };
  if (txn.partitions.some((one) => one.timestamp === start)) {
    throw cannotAttach(request, "PARTITION_EXISTS");
  }
  const name = partitionPath(scheme, { timestamp: start, nameTxn: -1 });
  const directory = `${tableDir}/${name}${ATTACHABLE_SUFFIX}`;
  if (fs.stat(directory) === null) throw cannotAttach(request, "MISSING_PARTITION");
  const attachable = describe(context, directory, start);
  if (attachable.partition.rowCount < 1) throw cannotAttach(request, "EMPTY_PARTITION");
  checkMetadata(metadata, attachable);
  const partition = { ...attachable.partition, nameTxn: txn.txn };
  const target = `${tableDir}/${partitionPath(scheme, partition)}`;
  fs.removeTree(target); // what a crash left: no committed state has this name
  fs.mkdir(target);
  context.touched.add(target).add(tableDir);
  const entries = linkColumns(context, attachable, target);
  const partitions = [...txn.partitions, partition]
    .sort((a, b) => a.timestamp < b.timestamp ? -1 : 1);
  const next = entries.length > 0 ? withEntries(versions, entries) : versions;
  const range = checkContent(context, { partition, partitions, versions: next });
  return {
    bump: "none",
    partitions,
    ...next === versions ? {} : { versions: next.entries },
    minTimestamp: range.min < txn.minTimestamp ? range.min : txn.minTimestamp,
    maxTimestamp: range.max > txn.maxTimestamp ? range.max : txn.maxTimestamp,
    raise: { truncateVersion: 1 },
    moves: [{ kind: "attach", path: directory }],
  };
}

function describe(context: AlterContext, directory: string, timestamp: bigint): Attachable {
  const { fs, reader } = context;
  const isDescribed = fs.stat(`${directory}/_meta`) !== null &&
    fs.stat(`${directory}/_cv`) !== null;
  const metadata = isDescribed ? readTableMetadata(fs, directory) : reader.metadata;
  const cv = isDescribed ? readStorageFile(fs, `${directory}/_cv`, CV_BYTES_MAX) : null;
  const versions = cv === null ? reader.versions : decodeColumnVersions(cv, cv.count(0, "version"));
  const base = { directory, metadata, versions, isDescribed };
  const rowCount = countRows(context, base, timestamp);
  const partition = { timestamp, rowCount, nameTxn: -1, flags: 0n, parquetFileSize: -1 };
  return { ...base, partition };
}

/** Rows as the `_txn` in the directory tells, else as the length of the timestamps does. */
function countRows(
  context: AlterContext,
  from: Omit<Attachable, "partition">,
  timestamp: bigint,
): number {
  const { fs } = context;
  const { directory, metadata } = from;
  if (fs.stat(`${directory}/_txn`) !== null) {
    const { partitions } = readTxn(fs, directory, metadata.partitionBy);
    const own = partitions.find((one) => one.timestamp === timestamp);
    if (own === undefined) {
      throw new AlterRefusedError("partition is not preset in detached txn file", {
        path: directory,
      });
    }
    return own.rowCount;
  }
  const { name } = metadata.columns[metadata.timestampIndex];
  const nameTxn = from.versions.nameTxn(timestamp, metadata.timestampIndex);
  const path = `${directory}/${indexFileName(name, "d", nameTxn)}`;
  return Math.floor((fs.stat(path)?.size ?? 0) / 8);
}

/** The directory must come from this very table, and its columns must not have changed since. */
function checkMetadata(metadata: TableMetadata, attachable: Attachable): void {
  const from = attachable.metadata;
  const differs = metadata.tableId !== from.tableId
    ? "table_id"
    : metadata.timestampIndex !== from.timestampIndex
    ? "timestamp_index"
    : null;
  if (differs !== null) {
    throw new AlterRefusedError(
      `Detached partition metadata [${differs}] is not compatible with current table metadata`,
    );
  }
  for (const column of metadata.liveColumns) {
    const own = sameColumn(from, column);
    if (own === null) continue;
    const attribute = own.writerIndex !== column.writerIndex
      ? "name"
      : Math.abs(own.type) !== column.type
      ? "type"
      : null;
    if (attribute !== null) {
      throw new AlterRefusedError(
        `Detached column [index=${column.writerIndex}, name=${column.name}, attribute=${attribute}] ` +
          "does not match current table metadata",
      );
    }
  }
}

/** The column of the same name in the directory's metadata. */
function sameColumn(metadata: TableMetadata, column: ColumnMetadata): ColumnMetadata | null {
  const wanted = column.name.toLowerCase();
  const named = metadata.columns.filter((one) => one.name.toLowerCase() === wanted);
  return named.find((one) => one.type > 0) ?? named.at(-1) ?? null;
}

/** Links the files of every column that the directory has; returns the entries of `_cv` that tell where they are. */
function linkColumns(
  context: AlterContext,
  attachable: Attachable,
  target: string,
): ColumnVersionEntry[] {
  const { fs, reader } = context;
  const { partition, directory } = attachable;
  const { timestamp } = partition;
  const entries = deletedColumns(context, attachable);
  for (const column of reader.metadata.liveColumns) {
    const columnIndex = column.writerIndex;
    const fallback = reader.versions.entries.find((entry) =>
      entry.timestamp === DEFAULT_TIMESTAMP && entry.columnIndex === columnIndex
    );
    const isAddedLater = fallback !== undefined && fallback.top > timestamp;
    const own = sameColumn(attachable.metadata, column);
    const place = own === null || own.type < 0
      ? null
      : columnPlace(attachable.versions, partition, columnIndex);
    const from = (extension: "d" | "i") =>
      `${directory}/${indexFileName(column.name, extension, place!.nameTxn)}`;
    if (place === null || place.storedRows === 0 || fs.stat(from("d")) === null) {
      const isAbsent = place !== null && place.storedRows === 0 && isAddedLater;
      const top = BigInt(partition.rowCount), nameTxn = fallback?.nameTxn ?? -1;
      if (!isAbsent) entries.push({ timestamp, columnIndex, nameTxn, top });
      continue;
    }
    // Without a name txn of its own an entry means the default one.
    const nameTxn = place.nameTxn >= 0 ? place.nameTxn : fallback?.nameTxn ?? -1;
    for (const extension of ["d", "i"] as const) {
      if (fs.stat(from(extension)) === null) continue;
      const linked = `${target}/${indexFileName(column.name, extension, nameTxn)}`;
      fs.link(from(extension), linked);
      context.touched.add(linked); // whoever brought the directory need not have synced it
    }
    const top = BigInt(place.columnTop);
    if (place.nameTxn > 0 || top > 0n || isAddedLater) {
      entries.push({ timestamp, columnIndex, nameTxn, top });
    }
  }
  return entries;
}

/** Entries of columns that were dropped since; nobody looks at them, but QuestDB keeps them. */
function deletedColumns(context: AlterContext, attachable: Attachable): ColumnVersionEntry[] {
  const { metadata, versions, partition, isDescribed } = attachable;
  const { timestamp } = partition;
  const entries: ColumnVersionEntry[] = [];
  for (const { type, writerIndex: columnIndex } of context.reader.metadata.columns) {
    if (type > 0 || !isDescribed) continue;
    const own = versions.entries.find((entry) =>
      entry.timestamp === timestamp && entry.columnIndex === columnIndex
    );
    const wasLive = (metadata.columns.at(columnIndex)?.type ?? -1) > 0;
    const nameTxn = own?.nameTxn ?? context.reader.versions.nameTxn(timestamp, columnIndex);
    const top = wasLive ? BigInt(partition.rowCount) : own?.top;
    if (top !== undefined) entries.push({ timestamp, columnIndex, nameTxn, top });
  }
  return entries;
}

/** Checks the files against the table, builds the indexes, and finds the range of timestamps. */
function checkContent(
  context: AlterContext,
  state: {
    partition: PartitionRecord;
    partitions: readonly PartitionRecord[];
    versions: ColumnVersions;
  },
): { min: bigint; max: bigint } {
  const { fs, core, tableDir } = context;
  const { metadata, txn } = context.reader;
  const { partition, partitions, versions } = state;
  columnFilesOf({ fs, tableDir, metadata, versions, partition });
  using reader = TableReader.over({ fs, core, tableDir }, {
    metadata,
    txn: { ...txn, partitions },
    versions,
  });
  const attached: AlterContext = { ...context, reader };
  const scheme = partitionScheme(metadata);
  const min = timestampAt(attached, partition, 0);
  const max = timestampAt(attached, partition, partition.rowCount - 1);
  const start = partitionStart(scheme, partition.timestamp);
  if (min < start || max >= partitionEnd(scheme, partition.timestamp) || max < min) {
    throw new AlterRefusedError(
      "invalid timestamp data in detached partition, data does not match partition directory name",
      {
        path: partitionPath(scheme, partition),
        minTimestamp: formatTimestampMicros(min),
        maxTimestamp: formatTimestampMicros(max),
      },
    );
  }
  // Building an index reads every key and so checks it; a column without one is read by whoever reads it.
  for (const column of metadata.liveColumns) {
    if (!column.isIndexed) continue;
    const files = columnInPartition(attached, partition, column.writerIndex);
    const { directory, place } = files;
    if (place.storedRows > 0) buildIndex(attached, column, files);
    else buildEmptyIndex(attached, partitionIndexFiles(directory, column, place.nameTxn));
  }
  return { min, max };
}
