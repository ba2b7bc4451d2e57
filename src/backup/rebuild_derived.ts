/**
 * Builds again what a backup does not hold because the other files tell it: of a symbol table `.o`, `.k` and `.v`, and the indexes of
 * SYMBOL columns in partitions.
 *
 * @module
 */
import type { FileSystem } from "../platform/mod.ts";
import {
  type DerivedState,
  readColumnVersions,
  readTableMetadata,
  readTxn,
  tableIndexes,
  tableSymbols,
} from "../storage/mod.ts";
import type { TaskRunner } from "../wasm/mod.ts";
import { BackupTask, type IndexRebuildRequest } from "./slice_tasks.ts";

/** Rebuilds a restored table's derived files; durable on return. @throws {StorageError} naming the file. */
export async function rebuildDerived(
  context: { readonly fs: FileSystem; readonly tasks: TaskRunner },
  tableDir: string,
): Promise<void> {
  const { fs } = context;
  const metadata = readTableMetadata(fs, tableDir);
  const txn = readTxn(fs, tableDir, metadata.partitionBy);
  const versions = readColumnVersions(fs, tableDir, txn.columnVersion);
  const state = { metadata, txn, versions };
  for (const request of tableSymbols(tableDir, state)) {
    await context.tasks.run(BackupTask.SYMBOLS, request);
  }
  fs.syncDir(tableDir);
  await rebuildIndexes(context, tableDir, state);
}

async function rebuildIndexes(
  { fs, tasks }: { readonly fs: FileSystem; readonly tasks: TaskRunner },
  tableDir: string,
  state: DerivedState,
): Promise<void> {
  const byDirectory = Map.groupBy(tableIndexes(tableDir, state), ({ directory }) => directory);
  for (const [directory, indexes] of byDirectory) {
    await Promise.all(indexes.map(({ files, column }) => {
      const request: IndexRebuildRequest = { files, column };
      return tasks.run(BackupTask.INDEX, request);
    }));
    fs.syncDir(directory);
  }
}
