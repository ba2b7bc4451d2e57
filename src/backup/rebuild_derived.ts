/**
 * Builds again what a backup does not hold because the other files tell it: of a symbol table `.o`, `.k` and `.v`, and the indexes of
 * SYMBOL columns in partitions.
 *
 * @module
 */
import { ColumnType } from "../common/mod.ts";
import type { FileSystem } from "../platform/mod.ts";
import {
  columnFileName,
  columnPlace,
  type ColumnVersions,
  isParquet,
  partitionIndexFiles,
  partitionPath,
  partitionScheme,
  readColumnVersions,
  readTableMetadata,
  readTxn,
  symbolFiles,
  symbolSlot,
  type TableMetadata,
  type TxnRecord,
} from "../storage/mod.ts";
import type { TaskRunner } from "../wasm/mod.ts";
import { BackupTask, type IndexRebuildRequest, type SymbolRebuildRequest } from "./slice_tasks.ts";

interface TableState {
  readonly metadata: TableMetadata;
  readonly txn: TxnRecord;
  readonly versions: ColumnVersions;
}

/** Rebuilds a restored table's derived files; durable on return. @throws {RestoreError} or a storage error naming the file. */
export async function rebuildDerived(
  context: { readonly fs: FileSystem; readonly tasks: TaskRunner },
  tableDir: string,
): Promise<void> {
  const { fs } = context;
  const metadata = readTableMetadata(fs, tableDir);
  const txn = readTxn(fs, tableDir, metadata.partitionBy);
  const versions = readColumnVersions(fs, tableDir, txn.columnVersion);
  const state = { metadata, txn, versions };
  await rebuildSymbols(context.tasks, tableDir, state);
  fs.syncDir(tableDir);
  await rebuildIndexes(context, tableDir, state);
}

async function rebuildSymbols(
  tasks: TaskRunner,
  tableDir: string,
  { metadata, txn, versions }: TableState,
): Promise<void> {
  for (const column of metadata.columns) {
    if (column.type !== ColumnType.SYMBOL) continue;
    const request: SymbolRebuildRequest = {
      files: symbolFiles(tableDir, column.name, versions.symbolNameTxn(column.writerIndex)),
      count: txn.symbolCounts[symbolSlot(metadata, column.writerIndex)],
    };
    await tasks.run(BackupTask.SYMBOLS, request);
  }
}

async function rebuildIndexes(
  context: { readonly fs: FileSystem; readonly tasks: TaskRunner },
  tableDir: string,
  { metadata, txn, versions }: TableState,
): Promise<void> {
  const indexed = metadata.liveColumns.filter(({ isIndexed }) => isIndexed);
  if (indexed.length === 0) return;
  for (const partition of txn.partitions) {
    if (isParquet(partition)) continue;
    const directory = `${tableDir}/${partitionPath(partitionScheme(metadata), partition)}`;
    const stored = indexed.map((column) => ({
      column,
      place: columnPlace(versions, partition, column.writerIndex),
    })).filter(({ place }) => place.storedRows > 0);
    await Promise.all(stored.map(({ column, place }) => {
      const request: IndexRebuildRequest = {
        files: partitionIndexFiles(directory, column, place.nameTxn),
        column: {
          dataPath: `${directory}/${columnFileName(column.name, "d", place.nameTxn)}`,
          columnTop: place.columnTop,
          rowCount: partition.rowCount,
        },
      };
      return context.tasks.run(BackupTask.INDEX, request);
    }));
    if (stored.length > 0) context.fs.syncDir(directory);
  }
}
