/**
 * Does what a backup holds of a table fit together? Asked of a restored table before it becomes visible, and by VALIDATE
 * BACKUP of one that was not restored.
 *
 * ```
 * root manifest   rows, transactions, structure version, partitioning   ─┐
 * _meta _txn _cv  the same, and every partition with its columns         ├─ all must agree
 * table manifest  every partition and the length of every column file   ─┘
 * ```
 *
 * @module
 */
import { ColumnType, isVariableSize, RestoreError } from "../common/mod.ts";
import type { FileSystem } from "../platform/mod.ts";
import {
  columnFileName,
  columnPlace,
  type ColumnVersions,
  committedLength,
  committedRowCount,
  isParquet,
  partitionPath,
  type PartitionRecord,
  partitionScheme,
  readColumnVersions,
  readTableMetadata,
  readTxn,
  symbolFiles,
  type TableMetadata,
  type TxnRecord,
} from "../storage/mod.ts";
import { checkRelativePath } from "./path_safety.ts";
import { type BackupTable, VIEW_TYPE } from "./root_manifest.ts";
import type { TableManifest } from "./table_manifest.ts";

/** Files that tell the state of a table; the rest can be checked against them. */
export const STATE_FILES: readonly string[] = ["_meta", "_txn", "_cv"];

const SYMBOL_HEADER_BYTES = 64;

interface TableState {
  readonly metadata: TableMetadata;
  readonly txn: TxnRecord;
  readonly versions: ColumnVersions;
}

/**
 * Checks a table's state files, which lie in `tableDir`, against both manifests.
 *
 * @throws {RestoreError} naming what differs, or a storage error naming a file that cannot be read.
 */
export function checkTable(
  fs: FileSystem,
  tableDir: string,
  source: { readonly table: BackupTable; readonly manifest: TableManifest },
): void {
  if (source.table.type === VIEW_TYPE) return checkView(source);
  const metadata = readTableMetadata(fs, tableDir);
  const txn = readTxn(fs, tableDir, metadata.partitionBy);
  const versions = readColumnVersions(fs, tableDir, txn.columnVersion);
  checkFacts(source.table, { metadata, txn, versions });
  checkSymbols(source.manifest, { metadata, txn, versions });
  checkPartitions(source, { metadata, txn, versions });
}

/** Of each symbol table there is what the rest is built from. */
function checkSymbols(manifest: TableManifest, { metadata, versions }: TableState): void {
  const bytes = new Map(manifest.tableFiles().map((file) => [file.path, file.bytes]));
  for (const column of metadata.columns) {
    if (column.type !== ColumnType.SYMBOL) continue;
    const files = symbolFiles("", column.name, versions.symbolNameTxn(column.writerIndex));
    for (const [path, least] of [[files.offsets, SYMBOL_HEADER_BYTES], [files.chars, 0]] as const) {
      requireFile(manifest, path.slice(1), { least, actual: bytes.get(path.slice(1)) });
    }
  }
}

function requireFile(
  manifest: TableManifest,
  path: string,
  bytes: { readonly least: number; readonly actual: number | undefined },
): void {
  if (bytes.actual !== undefined && bytes.actual >= bytes.least) return;
  throw new RestoreError("invalid manifest: a file is missing or too short", {
    manifest: manifest.source,
    path,
    expected: bytes.least,
    actual: bytes.actual ?? null,
  });
}

/** Files without which a view is none. */
const VIEW_FILES = ["_meta", "_view"];

function checkView(
  { table, manifest }: { readonly table: BackupTable; readonly manifest: TableManifest },
): void {
  const paths = new Set(manifest.tableFiles().map(({ path }) => path));
  const missing = VIEW_FILES.find((path) => !paths.has(path));
  if (missing !== undefined) {
    throw differs(table, { field: "files", expected: missing, actual: "missing" });
  }
  if (manifest.partitions.length > 0) {
    throw differs(table, { field: "partitions", expected: 0, actual: manifest.partitions.length });
  }
}

function checkFacts(table: BackupTable, { metadata, txn }: TableState): void {
  const checks: [string, number | string, number | string][] = [
    ["txn", table.txn, txn.txn],
    ["seq_txn", table.seq_txn, txn.seqTxn],
    ["rows", table.rows, committedRowCount(txn)],
    ["structure_version", table.structure_version, String(txn.structureVersion)],
    ["partition_by", table.partition_by, metadata.partitionBy],
  ];
  for (const [field, expected, actual] of checks) {
    if (expected !== actual) throw differs(table, { field, expected, actual });
  }
}

function checkPartitions(
  { table, manifest }: { readonly table: BackupTable; readonly manifest: TableManifest },
  state: TableState,
): void {
  const { partitions } = state.txn;
  if (partitions.length !== manifest.partitions.length) {
    const expected = manifest.partitions.length;
    throw differs(table, { field: "partitions", expected, actual: partitions.length });
  }
  const scheme = partitionScheme(state.metadata);
  for (const [index, partition] of partitions.entries()) {
    const stored = manifest.partitions[index];
    const path = partitionPath(scheme, partition);
    const storedPath = partitionPath(scheme, stored);
    if (path !== storedPath) {
      throw differs(table, { field: "partition", expected: storedPath, actual: path });
    }
    if (stored.rows !== partition.rowCount) {
      const field = `rows of ${path}`;
      throw differs(table, { field, expected: stored.rows, actual: partition.rowCount });
    }
    if (isParquet(partition) !== (stored.format === "parquet")) {
      const actual = isParquet(partition) ? "parquet" : "native";
      throw differs(table, { field: `format of ${path}`, expected: stored.format, actual });
    }
    if (!isParquet(partition)) checkColumns(manifest, index, { ...state, partition, path });
  }
}

/** Every stored column has its files in the manifest, as long as the committed rows need. */
function checkColumns(
  manifest: TableManifest,
  index: number,
  state: TableState & { readonly partition: PartitionRecord; readonly path: string },
): void {
  const bytes = new Map(manifest.partitionFiles(index).map((file) => [file.path, file.bytes]));
  for (const column of state.metadata.liveColumns) {
    const place = columnPlace(state.versions, state.partition, column.writerIndex);
    if (place.storedRows === 0) continue;
    const isVariable = isVariableSize(column.type);
    const main = columnFileName(column.name, isVariable ? "i" : "d", place.nameTxn);
    const expected = committedLength(column.type, place.storedRows);
    const heap = columnFileName(column.name, "d", place.nameTxn);
    const names = isVariable ? [[main, expected], [heap, 0]] as const : [[main, expected]] as const;
    for (const [name, least] of names) {
      requireFile(manifest, `${state.path}/${name}`, { least, actual: bytes.get(name) });
    }
  }
}

function differs(
  table: BackupTable,
  facts: {
    readonly field: string;
    readonly expected: number | string;
    readonly actual: number | string;
  },
): RestoreError {
  return new RestoreError("restored table is not what the backup says", {
    table: table.name,
    ...facts,
  });
}

/** Checks every path that a table manifest names, partition by partition. @throws {RestoreError} naming the path. */
export function checkPaths(manifest: TableManifest): void {
  const seen = new Set<string>();
  const claim = (path: string) => {
    if (seen.has(path)) {
      throw new RestoreError("a file is named twice", { path, manifest: manifest.source });
    }
    seen.add(path);
  };
  for (const { path } of manifest.tableFiles()) claim(checkRelativePath(path, manifest.source));
  for (const [index, { timestamp, nameTxn }] of manifest.partitions.entries()) {
    const directory = `partition ${timestamp}.${nameTxn}`;
    claim(directory);
    for (const { path } of manifest.partitionFiles(index)) {
      claim(`${directory}/${checkRelativePath(path, manifest.source)}`);
    }
  }
}
