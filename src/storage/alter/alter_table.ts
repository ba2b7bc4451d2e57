/**
 * Carries an operation out: checks it, lets it write its files, and commits what it wants:
 *
 * ```
 * files and directories durable → `_meta.swp` → `_meta.prev` → `_todo_` → `_meta` → `_cv` → `_txn` → `_todo_` empty
 * ```
 * `_txn` is the commit. Until it is there, opening the table takes `_meta` back by `_todo_` and `_cv` by its version; everything else
 * that was written is not referred to. A change of `_meta` is always durable on return: `_todo_` may only be emptied when `_txn` is on the
 * disk. So whoever has a log of what the table has applied makes it durable before.
 *
 * @module
 */
import { assert, TableError } from "../../common/mod.ts";
import { liveOrder } from "../metadata.ts";
import { readTableName } from "../table_files.ts";
import type { TableWriter } from "../table_writer.ts";
import { addColumn, dropColumn, renameColumn, withColumn } from "./column_operations.ts";
import type { AlterContext, TableChange } from "./alter_context.ts";
import type { AlterOperation } from "./alter_operation.ts";
import { attachPartition } from "./attach_partition.ts";
import { changeColumnType } from "./convert_column.ts";
import { detachPartition, partsToDetach } from "./detach_partition.ts";
import { dropPartitions, forceDropPartitions } from "./drop_partitions.ts";
import { addIndex, dropIndex } from "./index_operations.ts";
import { clearMetaTodo, swapMetadata } from "./metadata_swap.ts";
import { finishMoves, prepareMoves } from "./recover_moves.ts";
import { squashPartitions } from "./squash_partitions.ts";
import { raiseStructureVersion } from "./structure_version.ts";
import { changeSymbolCapacity, setSymbolCache } from "./symbol_operations.ts";
import { findColumn, validateAlter } from "./validate_alter.ts";

/** How an operation is carried out. */
export interface AlterOptions {
  /** The sequencer transaction that the table has applied then; 0 without a WAL. */
  readonly seqTxn: number;
  /** Whether it is durable on return; a change of `_meta` or of whole directories always is. */
  readonly sync: boolean;
  /** Logical name, for the texts of refusals; that of `_name` by default. */
  readonly tableName?: string;
}

/**
 * Carries an operation out and commits it. The writer must have nothing un-committed. When this throws anything but a
 * refusal, the writer's `rollback` makes it usable again.
 *
 * @returns True if a transaction was committed; false if there was nothing to do.
 * @throws {AlterRefusedError} if the operation does not fit the table as it is.
 */
export function alterTable(
  writer: TableWriter,
  operation: AlterOperation,
  options: AlterOptions,
): boolean {
  assert(writer.view.txn === writer.txn, "an operation is a transaction of its own");
  const { fs, tableDir } = writer.context;
  const table = options.tableName ?? readTableName(fs, tableDir) ?? "";
  validateAlter(writer.metadata, operation, table);
  switch (operation.kind) {
    case "dropPartitions":
      return dropListed(writer, operation, { ...options, tableName: table });
    case "detachPartitions":
      return forEach(operation.timestamps, (timestamp) => {
        detach(writer, timestamp, { ...options, tableName: table });
      });
    case "attachPartitions":
      return forEach(operation.timestamps, (timestamp) => {
        const context = contextOf(writer);
        commitChange(
          writer,
          { context, change: attachPartition(context, timestamp, table) },
          options,
        );
      });
    default: {
      const context = contextOf(writer);
      const change = changeFor(context, operation);
      if (change === null) return false;
      commitChange(writer, { context, change }, options);
      return true;
    }
  }
}

function forEach(timestamps: readonly bigint[], act: (timestamp: bigint) => void): boolean {
  for (const timestamp of timestamps) act(timestamp);
  return timestamps.length > 0;
}

function contextOf(writer: TableWriter): AlterContext {
  return { ...writer.context, reader: writer.view, touched: new Set() };
}

function dropListed(
  writer: TableWriter,
  operation: AlterOperation & { kind: "dropPartitions" },
  options: AlterOptions & { tableName: string },
): boolean {
  const context = contextOf(writer);
  const { change, refusal } = operation.isForced
    ? { change: forceDropPartitions(context, operation.timestamps), refusal: null }
    : dropPartitions(context, operation, options.tableName);
  if (change !== null) commitChange(writer, { context, change }, options);
  if (refusal !== null) throw refusal;
  return change !== null;
}

/** Detaches a logical partition; its parts are joined first, in a transaction that says nothing about the operation. */
function detach(
  writer: TableWriter,
  timestamp: bigint,
  options: AlterOptions & { tableName: string },
): void {
  let context = contextOf(writer);
  let parts = partsToDetach(context, timestamp, options.tableName);
  if (parts.length > 1) {
    const [{ timestamp: first }] = parts;
    const joined = squashPartitions(context, first);
    assert(joined !== null, "a split partition has parts to join");
    commitChange(writer, { context, change: joined }, { ...options, seqTxn: writer.txn.seqTxn });
    context = contextOf(writer);
    parts = partsToDetach(context, timestamp, options.tableName);
  }
  const change = detachPartition(context, parts[0], options.tableName);
  commitChange(writer, { context, change }, options);
}

function changeFor(context: AlterContext, operation: AlterOperation): TableChange | null {
  const { metadata } = context.reader;
  switch (operation.kind) {
    case "addColumn":
      return addColumn(context, operation.column);
    case "dropColumn":
      return dropColumn(context, operation.name);
    case "renameColumn":
      return renameColumn(context, operation.from, operation.to);
    case "changeColumnType":
      return changeColumnType(context, operation);
    case "changeSymbolCapacity":
      return changeSymbolCapacity(context, operation.name, operation.capacity);
    case "setSymbolCache":
      return setSymbolCache(context, operation.name, operation.isCached);
    case "addIndex":
      return addIndex(context, operation.name, operation.blockCapacity);
    case "dropIndex":
      return dropIndex(context, operation.name);
    case "squashPartitions":
      return squashPartitions(context);
    case "setTtl":
      return settings(metadata, { ttlHoursOrMonths: operation.hoursOrMonths });
    case "setMaxUncommittedRows":
      return settings(metadata, { maxUncommittedRows: operation.rows });
    case "setO3MaxLag":
      return settings(metadata, { o3MaxLagMicros: operation.micros });
    case "enableDedup":
      return setDedupKeys(context, operation.columns);
    case "disableDedup":
      return setDedupKeys(context, []);
    case "renameTable":
      // The name stands in `_name` and the registry, which the engine has written long before a WAL table applies this.
      return { bump: "structureOnly" };
    default:
      throw new TableError(`operation is not one change: ${operation.kind}`);
  }
}

function settings(
  metadata: TableChange["metadata"] & object,
  change: Partial<typeof metadata>,
): TableChange {
  return { bump: "metadata", metadata: { ...metadata, ...change } };
}

function setDedupKeys(context: AlterContext, names: readonly string[]): TableChange {
  let { metadata } = context.reader;
  const keys = new Set(names.map((name) => findColumn(metadata, name)?.writerIndex));
  for (const { writerIndex } of metadata.columns) {
    metadata = withColumn(metadata, writerIndex, { isDedupKey: keys.has(writerIndex) });
  }
  return { bump: "structure", metadata };
}

/** Commits a change as the next transaction. */
function commitChange(
  writer: TableWriter,
  { context, change }: { context: AlterContext; change: TableChange },
  options: AlterOptions,
): void {
  const { fs, tableDir } = context;
  const { txn, metadata } = writer;
  prepareMoves(context, change.moves ?? []);
  for (const path of context.touched) writer.touch(path);
  if (change.metadata !== undefined) {
    const { columns } = change.metadata;
    const metadataVersion = metadata.metadataVersion + 1;
    const next = { ...change.metadata, metadataVersion, liveColumns: liveOrder(columns) };
    // Nobody can open the table while `_meta` is ahead of `_txn`: what takes long comes before.
    writer.syncTouched();
    swapMetadata({ fs, tableDir }, next, txn.txn);
  }
  const { minTimestamp, maxTimestamp, partitions, symbolCounts, raise } = change;
  writer.stage({
    record: {
      structureVersion: raiseStructureVersion(txn.structureVersion, change.bump),
      ...partitions === undefined ? {} : { partitions },
      ...minTimestamp === undefined ? {} : { minTimestamp },
      ...maxTimestamp === undefined ? {} : { maxTimestamp },
      ...symbolCounts === undefined ? {} : { symbolCounts },
      ...raise?.dataVersion === undefined
        ? {}
        : { dataVersion: txn.dataVersion + raise.dataVersion },
      ...raise?.truncateVersion === undefined
        ? {}
        : { truncateVersion: txn.truncateVersion + raise.truncateVersion },
    },
    ...change.versions === undefined ? {} : { versions: change.versions },
  });
  // A `_txn` that reaches the disk before the `_cv` it names leaves a table that cannot be opened.
  const mustSync = change.metadata !== undefined || change.moves !== undefined ||
    change.versions !== undefined;
  const { txnCount = 1 } = change;
  writer.commit({ seqTxn: options.seqTxn, sync: options.sync || mustSync, txnCount });
  if (change.metadata !== undefined) clearMetaTodo(fs, tableDir);
  finishMoves(context, change.moves ?? []);
}
