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
import { isVariableSize, RestoreError } from "../common/mod.ts";
import type { FileSystem } from "../platform/mod.ts";
import {
  columnFileName,
  columnPlace,
  committedLength,
  committedRowCount,
  type DerivedState,
  isParquet,
  partitionPath,
  type PartitionRecord,
  partitionScheme,
  readColumnVersions,
  readTableMetadata,
  readTxn,
  type StoredSymbols,
  SYMBOL_HEADER_BYTES,
  tableSymbols,
  type TxnRecord,
} from "../storage/mod.ts";
import { checkRelativePath } from "./path_safety.ts";
import { type BackupTable, VIEW_TYPE } from "./root_manifest.ts";
import type { StoredFile, TableManifest } from "./table_manifest.ts";

/** The sequencer's log; only its header tells something of the table's state. */
const LOG_FILE = "txn_seq/_txnlog";
const LOG_HEADER_BYTES = 76;
const LOG_FORMATS_MAX = 1;
const LOG_RECORD_BYTES = 28;
const MAX_TXN_POSITION = 4;
/** `type` of tables that have a sequencer: with WAL, materialized views. */
const WAL_TYPES = [1, 2];
const STATE_FILES = ["_meta", "_txn", "_cv"];

/** Files that tell the state of a table, as far as they do; the rest can be checked against them. */
export function stateFiles(manifest: TableManifest): StoredFile[] {
  const files = manifest.tableFiles();
  const log = files.filter(({ path }) => path === LOG_FILE)
    .map((file) => ({ ...file, slices: file.slices.slice(0, 1) }));
  return [...files.filter(({ path }) => STATE_FILES.includes(path)), ...log];
}

interface TableState extends DerivedState {
  readonly txn: TxnRecord;
}

/**
 * Checks a table's state files, which lie in `tableDir`, against both manifests.
 *
 * @returns The symbol tables that the table must have, their paths below its directory.
 * @throws {RestoreError} naming what differs, or a storage error naming a file that cannot be read.
 */
export function checkTable(
  fs: FileSystem,
  tableDir: string,
  source: { readonly table: BackupTable; readonly manifest: TableManifest },
): StoredSymbols[] {
  if (source.table.type === VIEW_TYPE) {
    checkView(source);
    return [];
  }
  const metadata = readTableMetadata(fs, tableDir);
  const txn = readTxn(fs, tableDir, metadata.partitionBy);
  const versions = readColumnVersions(fs, tableDir, txn.columnVersion);
  checkFacts(source.table, { metadata, txn, versions });
  if (WAL_TYPES.includes(source.table.type)) checkLog(fs, tableDir, source);
  checkSymbols(source.manifest, { metadata, txn, versions });
  checkPartitions(source, { metadata, txn, versions });
  return [...tableSymbols("", { metadata, txn, versions })];
}

/** The sequencer's log ends with the transaction that the backup ends with. */
function checkLog(
  fs: FileSystem,
  tableDir: string,
  { table, manifest }: { readonly table: BackupTable; readonly manifest: TableManifest },
): void {
  const actual = manifest.tableFiles().find(({ path }) => path === LOG_FILE)?.bytes;
  requireFile(manifest, LOG_FILE, { least: LOG_HEADER_BYTES, actual });
  const header = new Uint8Array(LOG_HEADER_BYTES);
  using file = fs.open(`${tableDir}/${LOG_FILE}`, "read");
  file.read(header, 0);
  const view = new DataView(header.buffer);
  const format = view.getInt32(0, true);
  const lastTxn = Number(view.getBigInt64(MAX_TXN_POSITION, true));
  if (format < 0 || format > LOG_FORMATS_MAX) {
    throw differs(table, { field: "transaction log format", expected: "0|1", actual: format });
  }
  if (lastTxn !== table.last_txn) {
    throw differs(table, { field: "last_txn", expected: table.last_txn, actual: lastTxn });
  }
  const records = format === 0 ? lastTxn * LOG_RECORD_BYTES : 0;
  requireFile(manifest, LOG_FILE, { least: LOG_HEADER_BYTES + records, actual });
}

/** Of each symbol table there is what the rest is built from. */
function checkSymbols(manifest: TableManifest, state: DerivedState): void {
  const bytes = new Map(manifest.tableFiles().map((file) => [file.path, file.bytes]));
  for (const { files } of tableSymbols("", state)) {
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
