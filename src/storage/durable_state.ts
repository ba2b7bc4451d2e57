/**
 * `<database root>/.durable/<table directory>.table`: the last state of a table that is known to be on the disk whole, while commits go on that
 * are not synced. Without a mark a loss of power could leave a `_txn` that names rows which never reached the disk.
 *
 * ```
 * records one behind the other, the last whole one counts:
 * @0 u32 CRC-32 of the rest   @4 u32 bytes of the rest
 * @8 i32 table id   @12 i32 bytes of the boot id   @16 i32 bytes of `_txn`   @20 i32 bytes of `_cv`
 * @24 boot id, `_txn` with this state alone, `_cv` with this state alone
 * ```
 *
 * Invariants:
 * 1. The file is durable before the first commit that is not, and a record is written when all that it names is durable.
 * 2. Nothing that the record names is removed or changed while the file exists: see `TableDurability`.
 * 3. The file is gone, durably, before anything else about the table changes: its columns, its directories by name.
 *
 * Order of writes and recovery: docs/internals/durability.md.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { QuestError } from "../common/mod.ts";
import { type FileSystem, joinPath, parentPath, readFile } from "../platform/mod.ts";
import { ByteReader, ByteWriter } from "./binary.ts";
import { partitionPath, partitionScheme } from "./column_files.ts";
import { decodeColumnVersions, encodeColumnVersions } from "./column_versions.ts";
import { type CommittedState, readCommittedState } from "./committed_state.ts";
import { readTableMetadata, type TableMetadata } from "./metadata.ts";
import { buildPartitionIndex } from "./partition_index.ts";
import { tableIndexes } from "./derived_files.ts";
import { decodeTxn, encodeTxn, isReadOnly } from "./txn.ts";

/** Directory of the records, below the database root. */
const DURABLE_DIRECTORY = ".durable";
const SUFFIX = ".table";
/**
 * A `_txn` that is younger than the record by more than this was written by somebody who knows nothing of records: they follow
 * commits within a second.
 */
const FOREIGN_MILLIS = 3_600_000;
const HEADER_BYTES = 24;
const FILE_BYTES_MAX = 1 << 30;
/** Where the files of the sequencer's log are; the second exists in QuestDB's second format only. */
const LOG_DIRECTORIES = ["txn_seq", "txn_seq/_txn_parts"];

/** A committed state as bytes: what goes from where a table is written to where it is made durable. */
export interface TableImage {
  readonly tableId: number;
  readonly seqTxn: number;
  /** A `_txn` with this state alone. */
  readonly txn: Uint8Array<ArrayBuffer>;
  /** A `_cv` with this state alone. */
  readonly versions: Uint8Array<ArrayBuffer>;
}

/** What a commit of rows changes of a committed state. */
export type StoredState = Pick<CommittedState, "txn" | "versions">;

/** Encodes a committed state, which has no lag. */
export function encodeTableImage(
  state: CommittedState,
): TableImage {
  return {
    tableId: state.metadata.tableId,
    seqTxn: state.txn.seqTxn,
    txn: encodeTxn(state.txn),
    versions: encodeColumnVersions(state.versions),
  };
}

/** Decodes a state. @param path Named by errors. @throws {StorageError} */
export function decodeTableImage(
  image: Pick<TableImage, "txn" | "versions">,
  path: string,
  partitionBy: number,
): StoredState {
  const txn = decodeTxn(new ByteReader(path, image.txn), partitionBy);
  const versions = decodeColumnVersions(new ByteReader(path, image.versions), txn.columnVersion);
  return { txn, versions };
}

/** Path of the record of a table's durable state. */
export function durableStatePath(tableDir: string): string {
  const name = tableDir.slice(tableDir.lastIndexOf("/") + 1);
  return joinPath(parentPath(tableDir), DURABLE_DIRECTORY, name + SUFFIX);
}

/** Encodes a record. @param bootId Identity of the run of the machine that the un-synced commits belong to. */
export function encodeDurableState(image: TableImage, bootId: string): Uint8Array<ArrayBuffer> {
  const boot = new TextEncoder().encode(bootId);
  const parts = [boot, image.txn, image.versions];
  const writer = new ByteWriter(
    HEADER_BYTES + parts.reduce((sum, part) => sum + part.length, 0),
  );
  writer.i32(8, image.tableId);
  let at = HEADER_BYTES;
  for (const [i, part] of parts.entries()) {
    writer.i32(12 + 4 * i, part.length);
    writer.bytes.set(part, at);
    at += part.length;
  }
  writer.i32(4, writer.bytes.length - 8);
  writer.i32(0, crc32(writer.bytes.subarray(8)) | 0);
  return writer.bytes;
}

interface DurableRecord extends Pick<TableImage, "tableId" | "txn" | "versions"> {
  readonly bootId: string;
}

/** The last whole record of a file, `null` if there is none: then no commit relies on it. */
function readLastRecord(fs: FileSystem, path: string): DurableRecord | null {
  const bytes = readFile(fs, path, FILE_BYTES_MAX);
  const view = new DataView(bytes.buffer);
  let last: DurableRecord | null = null;
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const end = at + 8 + view.getUint32(at + 4, true);
    if (end > bytes.length || end < at + HEADER_BYTES) break;
    if (crc32(bytes.subarray(at + 8, end)) !== view.getUint32(at, true)) break;
    const boot = at + HEADER_BYTES, txn = boot + view.getInt32(at + 12, true);
    const versions = txn + view.getInt32(at + 16, true);
    last = {
      tableId: view.getInt32(at + 8, true),
      bootId: new TextDecoder().decode(bytes.subarray(boot, txn)),
      txn: bytes.slice(txn, versions),
      versions: bytes.slice(versions, end),
    };
    at = end;
  }
  return last;
}

/** Removes the record of a table that is gone, or that has nothing any more that is not durable. */
export function removeDurableState(fs: FileSystem, tableDir: string): void {
  const path = durableStatePath(tableDir);
  if (fs.stat(path) === null) return;
  fs.remove(path);
  fs.syncDir(parentPath(path));
}

/**
 * Files and directories to sync so that a state is durable when an earlier one of the same columns is: everything in the partitions that are not
 * as they were, what stands in the table's own directory, and the sequencer's log.
 */
export function pathsBetween(
  fs: FileSystem,
  tableDir: string,
  states: { metadata: TableMetadata; from: StoredState; to: StoredState },
): { files: string[]; directories: string[] } {
  const { metadata, from, to } = states;
  const scheme = partitionScheme(metadata);
  const before = new Map(from.txn.partitions.map((one) => [one.timestamp, one]));
  const areVersionsSame = from.versions.version === to.versions.version;
  const directories: string[] = [];
  for (const partition of to.txn.partitions) {
    const old = before.get(partition.timestamp);
    const isSame = areVersionsSame && old !== undefined && old.nameTxn === partition.nameTxn &&
      old.rowCount === partition.rowCount && old.flags === partition.flags;
    if (!isSame) directories.push(joinPath(tableDir, partitionPath(scheme, partition)));
  }
  directories.push(tableDir);
  const files = directories.flatMap((directory) => filesOf(fs, directory));
  // The log must not be shorter than what the table says it has applied, or numbers would be given out twice.
  for (const directory of metadata.isWalEnabled ? LOG_DIRECTORIES : []) {
    files.push(...filesOf(fs, joinPath(tableDir, directory)));
  }
  return { files, directories };
}

function filesOf(fs: FileSystem, directory: string): string[] {
  if (fs.stat(directory) === null) return [];
  return fs.readDir(directory).filter((entry) => !entry.isDirectory)
    .map((entry) => joinPath(directory, entry.name));
}

/** What {@linkcode settleTables} did to a table. */
export interface SettledTable {
  readonly dirName: string;
  /** `synced`: everything that was committed is durable; `restored`: commits behind the last durable state are taken back; `left`: `reason` tells why nothing was done. */
  readonly outcome: "synced" | "restored" | "left";
  readonly reason: string;
}

/**
 * Brings tables that a process has left with commits that were not synced to a state that is whole and durable. After it no records are there.
 * Before the tables are opened.
 *
 * @param options `bootId`: identity of the running machine; `canApplyAgain`: whether all that was committed to the WAL of a table behind a sequencer
 * transaction is there.
 */
export function settleTables(
  fs: FileSystem,
  dbRoot: string,
  options: {
    bootId: string | null;
    canApplyAgain: (tableDir: string, seqTxn: number) => boolean;
  },
): SettledTable[] {
  const directory = joinPath(dbRoot, DURABLE_DIRECTORY);
  if (fs.stat(directory) === null) return [];
  const settled: SettledTable[] = [];
  for (const { name } of fs.readDir(directory)) {
    if (!name.endsWith(SUFFIX)) continue;
    const dirName = name.slice(0, -SUFFIX.length);
    try {
      const outcome = settleTable(fs, joinPath(dbRoot, dirName), options);
      if (outcome !== null) settled.push({ dirName, ...outcome });
    } catch (error) {
      if (!(error instanceof QuestError)) throw error;
      settled.push({ dirName, outcome: "left", reason: error.message });
    }
    removeDurableState(fs, joinPath(dbRoot, dirName));
  }
  return settled;
}

function settleTable(
  fs: FileSystem,
  tableDir: string,
  options: Parameters<typeof settleTables>[2],
): Omit<SettledTable, "dirName"> | null {
  const path = durableStatePath(tableDir);
  const record = readLastRecord(fs, path);
  const isTable = ["_meta", "_txn", "_cv"].every((name) =>
    fs.stat(joinPath(tableDir, name)) !== null
  );
  if (record === null || !isTable) return null;
  const metadata = readTableMetadata(fs, tableDir);
  const saved = decodeTableImage(record, path, metadata.partitionBy);
  const isOther = record.tableId !== metadata.tableId ||
    BigInt.asUintN(32, saved.txn.structureVersion) !==
      BigInt.asUintN(32, BigInt(metadata.metadataVersion));
  if (isOther) return { outcome: "left", reason: "the record is of another table" };
  if (record.bootId === options.bootId) {
    const current = readCommittedState(fs, tableDir);
    syncPaths(fs, pathsBetween(fs, tableDir, { metadata, from: saved, to: current }));
    return { outcome: "synced", reason: "" };
  }
  const age = fs.stat(joinPath(tableDir, "_txn"))!.modifiedMillis - fs.stat(path)!.modifiedMillis;
  if (age > FOREIGN_MILLIS) {
    return { outcome: "left", reason: "another process has gone on with the table" };
  }
  const missing = missingPart(fs, tableDir, { metadata, state: saved });
  if (missing !== null) return { outcome: "left", reason: `not there any more: ${missing}` };
  if (metadata.isWalEnabled && !options.canApplyAgain(tableDir, saved.txn.seqTxn)) {
    return { outcome: "left", reason: "the WAL behind it is not there any more" };
  }
  restore(fs, tableDir, { record, metadata, state: saved });
  return { outcome: "restored", reason: "" };
}

/** A directory that a state has and the disk does not; then another process has gone on with the table. */
function missingPart(
  fs: FileSystem,
  tableDir: string,
  of: { metadata: TableMetadata; state: StoredState },
): string | null {
  const scheme = partitionScheme(of.metadata);
  for (const partition of of.state.txn.partitions) {
    const name = partitionPath(scheme, partition);
    if (partition.rowCount > 0 && fs.stat(joinPath(tableDir, name)) === null) return name;
  }
  return null;
}

/** Puts a state in the place of whatever the files say, durably. A crash in between is no harm: the record is still there. */
function restore(
  fs: FileSystem,
  tableDir: string,
  saved: { record: DurableRecord; metadata: TableMetadata; state: StoredState },
): void {
  for (
    const [name, bytes] of [["_cv", saved.record.versions], ["_txn", saved.record.txn]] as const
  ) {
    using file = fs.open(joinPath(tableDir, name), "readWrite");
    file.truncate(0);
    file.write(bytes, 0);
    file.sync();
  }
  rebuildIndexes(fs, tableDir, saved);
  fs.syncDir(tableDir);
}

/** Blocks of an index are changed in place, so what was not synced may have torn what was. */
function rebuildIndexes(
  fs: FileSystem,
  tableDir: string,
  { metadata, state }: { metadata: TableMetadata; state: StoredState },
): void {
  const { txn, versions } = state;
  for (const index of tableIndexes(tableDir, { metadata, txn, versions })) {
    if (isReadOnly(index.partition)) continue;
    const { files, directory } = index;
    buildPartitionIndex(fs, files, index.column);
    syncPaths(fs, { files: [files.keys, files.values], directories: [directory] });
  }
}

/** Makes files and directories durable. One that was removed in the meantime needs nothing. */
export function syncPaths(
  fs: FileSystem,
  paths: { files: readonly string[]; directories: readonly string[] },
): void {
  for (const path of paths.files) {
    if (fs.stat(path) === null) continue;
    using file = fs.open(path, "readWrite");
    file.syncData();
  }
  for (const path of paths.directories) if (fs.stat(path) !== null) fs.syncDir(path);
}
