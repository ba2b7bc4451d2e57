/**
 * Files of columns that a committed state does not use: of dropped, renamed and converted columns, of values that an UPDATE replaced, of
 * dropped indexes and resized symbol tables. What is listed is going to be removed, so a file whose name is not that of a column file
 * is never listed.
 *
 * @module
 */
import { ColumnType } from "../common/mod.ts";
import type { FileSystem } from "../platform/mod.ts";
import { partitionPath, partitionScheme } from "./column_files.ts";
import type { ColumnVersions } from "./column_versions.ts";
import type { TableMetadata } from "./metadata.ts";
import { symbolFiles } from "./symbol_map.ts";
import { isParquet, type PartitionRecord } from "./txn.ts";

const PARTITION_FILE = /^.+\.(d|i|k|v)(\.\d+)?$/;
const SYMBOL_FILE = /^.+\.(o|c|k|v)(\.\d+)?$/;
const VALUE_EXTENSIONS = ["d", "i"] as const;
const INDEX_EXTENSIONS = ["k", "v"] as const;

/** A committed state, as far as names of column files depend on it. */
export interface NamedState {
  readonly metadata: TableMetadata;
  readonly versions: ColumnVersions;
}

/** Paths of a partition's column files that the state does not use. */
export function listStaleColumnFiles(
  fs: FileSystem,
  tableDir: string,
  state: NamedState & { readonly partition: PartitionRecord },
): string[] {
  const { metadata, versions, partition } = state;
  if (isParquet(partition)) return [];
  const directory = `${tableDir}/${partitionPath(partitionScheme(metadata), partition)}`;
  if (fs.stat(directory) === null) return [];
  const used = new Set<string>();
  for (const { name, writerIndex, isIndexed } of metadata.liveColumns) {
    const nameTxn = versions.nameTxn(partition.timestamp, writerIndex);
    const suffix = nameTxn >= 0 ? `.${nameTxn}` : "";
    const extensions = isIndexed ? [...VALUE_EXTENSIONS, ...INDEX_EXTENSIONS] : VALUE_EXTENSIONS;
    for (const extension of extensions) used.add(`${name}.${extension}${suffix}`);
  }
  return staleIn(fs, directory, { pattern: PARTITION_FILE, used });
}

/** Paths of a table's symbol files that the state does not use. */
export function listStaleSymbolFiles(
  fs: FileSystem,
  tableDir: string,
  state: NamedState,
): string[] {
  const used = new Set<string>();
  for (const { name, type, writerIndex } of state.metadata.liveColumns) {
    if (type !== ColumnType.SYMBOL) continue;
    const files = symbolFiles(tableDir, name, state.versions.symbolNameTxn(writerIndex));
    for (const path of Object.values(files)) used.add(path.slice(tableDir.length + 1));
  }
  return staleIn(fs, tableDir, { pattern: SYMBOL_FILE, used });
}

function staleIn(
  fs: FileSystem,
  directory: string,
  names: { pattern: RegExp; used: ReadonlySet<string> },
): string[] {
  return fs.readDir(directory)
    .filter(({ name, isDirectory }) =>
      !isDirectory && names.pattern.test(name) && !names.used.has(name)
    )
    .map(({ name }) => `${directory}/${name}`);
}
