/**
 * Creates the files of a new table. `_txn` comes last: a directory without it is not a table, so a crash before leaves garbage
 * that is never opened.
 *
 * @module
 */
import { assert, ColumnType } from "../common/mod.ts";
import { type FileSystem, parentPath } from "../platform/mod.ts";
import { ByteWriter, strSize } from "./binary.ts";
import { encodeNewColumnVersions } from "./column_versions.ts";
import { DEFAULT_SYMBOL_CAPACITY, encodeMetadata, type TableDefinition } from "./metadata.ts";
import { readStorageFile } from "./storage_file.ts";
import { createSymbolFiles, symbolFiles } from "./symbol_map.ts";
import { encodeNewTxn } from "./txn.ts";

const TODO_BYTES = 40;
const NAME_BYTES_MAX = 1024;

/** Writes a file whole and makes it durable. */
export function writeFileSynced(fs: FileSystem, path: string, bytes: Uint8Array): void {
  using file = fs.open(path, "create");
  file.truncate(0);
  file.write(bytes, 0);
  file.sync();
}

/** Encodes a `_name` file: the table's name and a zero byte. */
export function encodeTableName(name: string): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(strSize(name) + 1);
  writer.str(0, name);
  return writer.bytes;
}

/** Reads the logical name from `_name`, or `null` if the table has none. @throws {StorageError} */
export function readTableName(fs: FileSystem, tableDir: string): string | null {
  const path = `${tableDir}/_name`;
  if (fs.stat(path) === null) return null;
  return readStorageFile(fs, path, NAME_BYTES_MAX).str(0).text;
}

/** Name of `_txn` until it is whole. */
export const NEW_TXN_FILE = "_txn.new";

/**
 * Creates a table's directory and files, durably. The directory must not exist. `_txn` is what makes a directory a table: it comes
 * last, and by a rename, so that a table is there with all its files or not at all.
 *
 * @param options `prepare` makes what else belongs to the table; it runs before the table is there.
 */
export function createTableFiles(
  fs: FileSystem,
  tableDir: string,
  options: { definition: TableDefinition; tableId: number; prepare?: () => void },
): void {
  const { definition, tableId } = options;
  assert(fs.stat(tableDir) === null, `the table's directory is new: ${tableDir}`);
  fs.mkdir(tableDir);
  writeFileSynced(fs, `${tableDir}/_meta`, encodeMetadata(definition, tableId));
  const symbols = definition.columns.filter((column) => column.type === ColumnType.SYMBOL);
  for (const column of symbols) {
    createSymbolFiles(fs, symbolFiles(tableDir, column.name, -1), {
      capacity: column.symbolCapacity ?? DEFAULT_SYMBOL_CAPACITY,
      isCached: column.isSymbolCached ?? true,
    });
  }
  writeFileSynced(fs, `${tableDir}/_cv`, encodeNewColumnVersions());
  writeFileSynced(fs, `${tableDir}/_todo_`, new Uint8Array(TODO_BYTES));
  writeFileSynced(fs, `${tableDir}/_name`, encodeTableName(definition.name));
  options.prepare?.();
  writeFileSynced(fs, `${tableDir}/${NEW_TXN_FILE}`, encodeNewTxn(symbols.length));
  fs.syncDir(tableDir);
  fs.rename(`${tableDir}/${NEW_TXN_FILE}`, `${tableDir}/_txn`);
  fs.syncDir(tableDir);
  fs.syncDir(parentPath(tableDir));
}
