/**
 * The pinned state of the database in the terms of a backup. What may change while the backup runs is read at once (small
 * files); the rest is only named.
 *
 * @module
 */
import { BackupError } from "../common/mod.ts";
import { encodeRegistry, encodeTxnSnapshot } from "../checkpoint/mod.ts";
import type { DatabasePin, PinnedTable } from "../engine/mod.ts";
import type { FileSystem } from "../platform/mod.ts";
import type { WasmCore } from "../wasm/mod.ts";
import {
  columnPlace,
  encodeColumnVersions,
  encodeTableMetadata,
  encodeTableName,
  isParquet,
  partitionPath,
  partitionScheme,
  readTableMetadata,
  squashCount,
  SYMBOL_HEADER_BYTES,
  type TableReader,
  tableSymbols,
} from "../storage/mod.ts";
import { DATABASE_DIRECTORY } from "./object_keys.ts";
import { filesOfColumn, type PartitionFile, rawPartitionFile } from "./partition_sources.ts";

import type { BackupTable } from "./root_manifest.ts";
import {
  fileSource,
  inlineSource,
  readExactly,
  snapshotSource,
  type SourceFile,
} from "./source_file.ts";
import type { PartitionSnapshot, TableSource } from "./table_backup.ts";
import { viewSnapshot } from "./view_snapshot.ts";
import { segmentSources, sequencerMetadata, sequencerSources } from "./wal_sources.ts";

/** Database-level files that are copied; the registry is written anew. */
const DATABASE_FILES = ["_tab_index.d", "_upgrade.d", "_preferences~store"];
/** Files of a table that are copied whole if they exist. */
const OPTIONAL_TABLE_FILES = ["_mv", "_mv.s", "_view"];
const TODO_BYTES = 40;

/** Everything of a table's entry in the root manifest that is known before anything is stored. */
export type TableFacts = Omit<BackupTable, "raw_bytes" | "stored_bytes" | "manifest">;

/** A pinned table. */
export interface TableSnapshot {
  readonly facts: TableFacts;
  readonly partitionCount: number;
  /** Makes the commit that was pinned durable. */
  sync(): Promise<void>;
  /** Names what there is to store. Called only for a table that changed. */
  open(): TableSource;
}

/** A pinned database. */
export interface DatabaseSnapshot {
  readonly dataId: string;
  readonly tables: readonly TableSnapshot[];
  /** The database's own files. */
  databaseSource(): TableSource;
}

/**
 * Describes a pinned database.
 *
 * @throws {BackupError} if a table is broken: a backup without it would look complete.
 */
export function takeSnapshot(
  pin: DatabasePin,
  options: {
    readonly engine: { readonly dataId: string; readonly core: WasmCore };
    readonly fs: FileSystem;
    readonly dbRoot: string;
  },
): DatabaseSnapshot {
  const { fs, dbRoot, engine } = options;
  if (pin.broken.length > 0) {
    const { token, reason } = pin.broken[0];
    throw new BackupError("table cannot be backed up, repair or drop it", {
      table: token.name,
      reason,
      broken: pin.broken.length,
    });
  }
  const files: SourceFile[] = [
    inlineSource(
      "tables.d.0",
      encodeRegistry([...pin.tables, ...pin.views].map(({ token }) => token)),
    ),
  ];
  for (const name of DATABASE_FILES) {
    if (fs.stat(`${dbRoot}/${name}`) !== null) {
      files.push(snapshotSource(fs, name, `${dbRoot}/${name}`));
    }
  }
  return {
    dataId: engine.dataId,
    tables: [
      ...pin.tables.map((table) => new PinnedTableSnapshot(fs, table)),
      ...pin.views.map((view) => viewSnapshot(fs, engine.core, view)),
    ],
    databaseSource: () => ({
      header: { directory: DATABASE_DIRECTORY, tableId: 0, truncateVersion: 0 },
      partitionBy: 0,
      files,
      partitions: [],
    }),
  };
}

class PinnedTableSnapshot implements TableSnapshot {
  readonly facts: TableFacts;
  readonly #fs: FileSystem;
  readonly #table: PinnedTable;
  /** Files that a structural change or DROP TABLE would replace while the backup runs. */
  readonly #volatile: SourceFile[];

  constructor(fs: FileSystem, table: PinnedTable) {
    const { token, reader } = table;
    this.#fs = fs;
    this.#table = table;
    this.#volatile = [pinnedMetadata(fs, reader)];
    if (token.isWal) this.#volatile.push(sequencerMetadata(fs, reader.tableDir));
    this.facts = {
      name: token.name,
      dir: token.dirName,
      id: token.id,
      type: token.type,
      partition_by: reader.metadata.partitionBy,
      txn: reader.txn.txn,
      seq_txn: reader.txn.seqTxn,
      last_txn: table.sequencerTxn,
      structure_version: String(reader.txn.structureVersion),
      rows: reader.rowCount,
    };
  }

  get partitionCount(): number {
    return this.#table.reader.partitions.length;
  }

  async sync(): Promise<void> {
    // Applied commits make their columns durable first and this last; it may not have come to that when they were pinned.
    const path = `${this.#table.reader.tableDir}/_txn`;
    if (this.#fs.stat(path) === null) return; // dropped since
    using file = this.#fs.open(path, "readWrite");
    await file.syncDataAsync();
  }

  open(): TableSource {
    const { token, reader } = this.#table;
    return {
      header: {
        directory: token.dirName,
        tableId: reader.metadata.tableId,
        truncateVersion: reader.txn.truncateVersion,
      },
      partitionBy: reader.metadata.partitionBy,
      files: [...this.#stateFiles(), ...symbolSources(this.#fs, reader), ...this.#walFiles()],
      partitions: reader.txn.partitions.filter((partition) => partition.rowCount > 0)
        .map((partition) => partitionSnapshot(this.#fs, reader, partition)),
    };
  }

  #stateFiles(): SourceFile[] {
    const { token, reader } = this.#table;
    const sources = [
      ...this.#volatile,
      inlineSource("_txn", encodeTxnSnapshot(reader.txn)),
      inlineSource("_cv", encodeColumnVersions(reader.versions)),
      inlineSource("_name", encodeTableName(token.name)),
      inlineSource("_todo_", new Uint8Array(TODO_BYTES)),
    ];
    for (const name of OPTIONAL_TABLE_FILES) {
      const file = `${reader.tableDir}/${name}`;
      if (this.#fs.stat(file) !== null) sources.push(snapshotSource(this.#fs, name, file));
    }
    return sources;
  }

  #walFiles(): SourceFile[] {
    const { reader, token, sequencerTxn } = this.#table;
    if (!token.isWal) return [];
    const position = {
      tableDir: reader.tableDir,
      seqTxn: reader.txn.seqTxn,
      lastTxn: sequencerTxn,
    };
    return [...sequencerSources(this.#fs, position), ...segmentSources(this.#fs, position)];
  }
}

/** The table's `_meta`; if what is being applied has replaced it, as it was at the pinned transaction. */
function pinnedMetadata(fs: FileSystem, reader: TableReader): SourceFile {
  const live = snapshotSource(fs, "_meta", `${reader.tableDir}/_meta`);
  const { metadataVersion } = readTableMetadata(fs, reader.tableDir);
  const isPinned = metadataVersion === reader.metadata.metadataVersion;
  return isPinned ? live : inlineSource("_meta", encodeTableMetadata(reader.metadata));
}

/** `.c` up to the committed symbol and the header of `.o`; the rest is rebuilt from them. */
function symbolSources(fs: FileSystem, reader: TableReader): SourceFile[] {
  const sources: SourceFile[] = [];
  const relative = (path: string) => path.slice(reader.tableDir.length + 1);
  for (const { files, count } of tableSymbols(reader.tableDir, reader)) {
    const end = count === 0 ? 0 : readCount(fs, files.offsets, SYMBOL_HEADER_BYTES + 8 * count);
    sources.push(
      fileSource(relative(files.offsets), { file: files.offsets, bytes: SYMBOL_HEADER_BYTES }),
    );
    sources.push(fileSource(relative(files.chars), { file: files.chars, bytes: end }));
  }
  return sources;
}

function readCount(fs: FileSystem, file: string, position: number): number {
  const bytes = readExactly(fs, file, { position, bytes: 8 });
  const value = new DataView(bytes.buffer).getBigInt64(0, true);
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new BackupError("symbol file has an impossible offset", { file, value });
  }
  return Number(value);
}

/** The files of a partition; indexes are not among them: they are built again from the columns. */
function partitionSnapshot(
  fs: FileSystem,
  reader: TableReader,
  partition: TableReader["txn"]["partitions"][number],
): PartitionSnapshot {
  const { metadata, versions, tableDir } = reader;
  const directory = `${tableDir}/${partitionPath(partitionScheme(metadata), partition)}`;
  const files: PartitionFile[] = [];
  let timestampFile: PartitionSnapshot["timestampFile"] = null;
  if (isParquet(partition)) {
    files.push(rawPartitionFile("data.parquet", partition.parquetFileSize));
    const sidecar = fs.stat(`${directory}/_pm`);
    if (sidecar !== null) files.push(rawPartitionFile("_pm", sidecar.size));
  } else {
    for (const column of metadata.liveColumns) {
      const place = columnPlace(versions, partition, column.writerIndex);
      if (place.storedRows === 0) continue;
      const suffix = place.nameTxn >= 0 ? `.${place.nameTxn}` : "";
      const columnFiles = filesOfColumn(column, suffix, place.columnTop);
      files.push(...columnFiles);
      if (column.writerIndex === metadata.timestampIndex) {
        timestampFile = { path: columnFiles[0].path, type: column.type };
      }
    }
  }
  return {
    timestamp: partition.timestamp,
    nameTxn: partition.nameTxn,
    rows: partition.rowCount,
    squashCount: squashCount(partition),
    format: isParquet(partition) ? "parquet" : "native",
    directory,
    files,
    timestampFile,
  };
}
