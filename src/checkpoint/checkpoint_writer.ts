/**
 * Writes the checkpoint directory: for every table what recovery needs to make its files, copied at any later moment, the
 * table of now again.
 *
 * The caller holds purging and has a reader pinned for every table. Tables are written one after another, and each is
 * consistent in itself: its `_meta` belongs to the pinned transaction, its sequencer metadata to the sequencer transaction
 * written beside it. Transactions between the two are applied again from the WAL after recovery.
 *
 * Layout: `checkpoint_layout.ts`.
 *
 * @module
 */
import { QuestError } from "../common/mod.ts";
import type { Engine, PinnedTable, TableToken } from "../engine/mod.ts";
import { type FileSystem, joinPath, readFile } from "../platform/mod.ts";
import {
  encodeColumnVersions,
  encodeTableName,
  readTableMetadata,
  type TableReader,
} from "../storage/mod.ts";
import {
  CHECKPOINT_META,
  CHECKPOINT_VERSION,
  encodeCheckpointMeta,
  padToPage,
  PREFERENCES_FILE,
} from "./checkpoint_layout.ts";
import { encodeRegistry } from "./registry_file.ts";
import { encodeTxnSnapshot } from "./txn_snapshot.ts";

/** Most bytes of a file that is copied whole: metadata of a table, the definition of a view. */
const SMALL_FILE_BYTES_MAX = 256 << 20;
/** Attempts to find a table between two changes of its structure. */
const STABLE_ATTEMPTS = 200;
const STABLE_RETRY_MILLIS = 10;
/** Tables after which other work gets a turn. */
const TABLES_PER_TURN = 16;

/** What a checkpoint is written with. */
export interface CheckpointWriterOptions {
  readonly engine: Engine;
  readonly fs: FileSystem;
  readonly dbRoot: string;
  /** `<checkpoint root>/db`; must be empty. */
  readonly directory: string;
  /** `cairo.snapshot.instance.id`. */
  readonly instanceId: string;
  readonly productVersion: string;
  readonly sleep: (millis: number) => Promise<void>;
  /** Checked between tables. */
  readonly signal?: AbortSignal | undefined;
  /** Takes readers that must stay pinned besides those of the pin. */
  readonly keep: (reader: TableReader) => void;
  /** Called for every table. */
  readonly onTable: (token: TableToken, seqTxn: number, txn: number) => void;
}

/**
 * Writes the checkpoint of pinned tables and of all views. Not durable on return.
 *
 * @returns The number of tables and views in it.
 * @throws {QuestError} naming the table that cannot be written.
 */
export async function writeCheckpoint(
  options: CheckpointWriterOptions,
  tables: readonly PinnedTable[],
): Promise<number> {
  const { engine, fs, dbRoot, directory, signal } = options;
  const written: TableToken[] = [];
  let turn = 0;
  const giveWay = async () => {
    signal?.throwIfAborted();
    if (++turn % TABLES_PER_TURN === 0) await options.sleep(0);
  };
  for (const table of tables) {
    await giveWay();
    if (await writeTable(options, table)) written.push(table.token);
  }
  for (const token of engine.tables().filter((candidate) => candidate.type === 3)) {
    await giveWay();
    writeView(options, token);
    written.push(token);
  }
  writeWhole(fs, joinPath(directory, "tables.d.0"), encodeRegistry(written));
  const preferences = joinPath(dbRoot, PREFERENCES_FILE);
  if (fs.stat(preferences) !== null) {
    writeWhole(fs, joinPath(directory, PREFERENCES_FILE), readSmallFile(fs, preferences));
  }
  const version = new TextEncoder().encode(options.productVersion);
  writeWhole(fs, joinPath(directory, CHECKPOINT_VERSION), version);
  // The last file: a checkpoint without it is not used.
  writeWhole(fs, joinPath(directory, CHECKPOINT_META), encodeCheckpointMeta(options.instanceId));
  return written.length;
}

/** Writes one table. @returns `false` if it was dropped in the meantime. */
async function writeTable(options: CheckpointWriterOptions, table: PinnedTable): Promise<boolean> {
  const { token } = table;
  try {
    const state = await stableState(options, table);
    if (state === null) return false;
    const { reader } = state;
    options.onTable(token, reader.txn.seqTxn, reader.txn.txn);
    const target = targetDirectory(options, token);
    const write = (name: string, bytes: Uint8Array) =>
      writeWhole(options.fs, joinPath(target, name), bytes);
    write("_meta", padToPage(state.metadata));
    write("_txn", padToPage(encodeTxnSnapshot(reader.txn)));
    write("_cv", padToPage(encodeColumnVersions(reader.versions)));
    write("_name", encodeTableName(token.name));
    for (const name of ["_mv", "_mv.s"]) {
      const path = joinPath(reader.tableDir, name);
      if (options.fs.stat(path) !== null) {
        write(name, padToPage(readSmallFile(options.fs, path)));
      }
    }
    if (state.sequencer !== null) writeSequencer(options.fs, target, state.sequencer);
    return true;
  } catch (error) {
    if (!(error instanceof QuestError)) throw error;
    throw new QuestError("error creating checkpoint", {
      table: token.name,
      error: error.message,
    }, { cause: error });
  }
}

interface SequencerState {
  readonly metadata: Uint8Array;
  readonly lastTxn: number;
}

interface TableSnapshotState {
  readonly reader: TableReader;
  readonly metadata: Uint8Array;
  /** `null` for a table without WAL. */
  readonly sequencer: SequencerState | null;
}

/** Reads what may change under our hands in one turn; if a structural change was just being applied, a bit later. */
async function stableState(
  options: CheckpointWriterOptions,
  table: PinnedTable,
): Promise<TableSnapshotState | null> {
  const { engine, fs } = options;
  const { token } = table;
  let reader = table.reader;
  for (let attempt = 1;; attempt++) {
    if (engine.findTable(token.name)?.dirName !== token.dirName) return null;
    const metadata = readSmallFile(fs, joinPath(reader.tableDir, "_meta"));
    const current = readTableMetadata(fs, reader.tableDir).metadataVersion;
    if (current === reader.metadata.metadataVersion) {
      return { reader, metadata, sequencer: sequencerState(options, token, reader.tableDir) };
    }
    if (attempt === STABLE_ATTEMPTS) {
      throw new QuestError("structure of the table changes too often, try again", {
        table: token.name,
      });
    }
    await options.sleep(STABLE_RETRY_MILLIS);
    options.signal?.throwIfAborted();
    if (engine.findTable(token.name)?.dirName !== token.dirName) return null;
    reader = engine.acquireReader(token);
    options.keep(reader);
  }
}

/** The sequencer's last transaction and the metadata it leaves, which only this thread changes. */
function sequencerState(
  options: CheckpointWriterOptions,
  token: TableToken,
  tableDir: string,
): SequencerState | null {
  if (!token.isWal) return null;
  const lastTxn = options.engine.walStatus(token).sequencerTxn;
  return { lastTxn, metadata: readSmallFile(options.fs, joinPath(tableDir, "txn_seq", "_meta")) };
}

function writeView(options: CheckpointWriterOptions, token: TableToken): void {
  const { fs, engine } = options;
  const source = engine.tableDir(token);
  const target = targetDirectory(options, token);
  for (const name of ["_meta", "_txn", "_view", "_name"]) {
    const path = joinPath(source, name);
    if (fs.stat(path) !== null) writeWhole(fs, joinPath(target, name), readSmallFile(fs, path));
  }
  const sequencer = sequencerState(options, token, source);
  if (sequencer !== null) writeSequencer(fs, target, sequencer);
}

function writeSequencer(fs: FileSystem, target: string, state: SequencerState): void {
  const directory = joinPath(target, "txn_seq");
  fs.mkdir(directory);
  writeWhole(fs, joinPath(directory, "_meta"), state.metadata);
  const lastTxn = new Uint8Array(8);
  new DataView(lastTxn.buffer).setBigInt64(0, BigInt(state.lastTxn), true);
  writeWhole(fs, joinPath(directory, "_txn"), lastTxn);
}

function targetDirectory(options: CheckpointWriterOptions, token: TableToken): string {
  const target = joinPath(options.directory, token.dirName);
  options.fs.mkdir(target);
  return target;
}

function readSmallFile(fs: FileSystem, path: string): Uint8Array<ArrayBuffer> {
  return readFile(fs, path, SMALL_FILE_BYTES_MAX);
}

function writeWhole(fs: FileSystem, path: string, bytes: Uint8Array): void {
  using file = fs.open(path, "createNew");
  file.write(bytes, 0);
}
