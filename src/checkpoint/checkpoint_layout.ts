/**
 * Where a checkpoint lies and what it is made of.
 *
 * ```
 * <checkpoint root>/db/_checkpoint_meta.d     str instance id, zero padded to a page
 * <checkpoint root>/db/_checkpoint_version    version of the server that made it; QuestDB has none
 * <checkpoint root>/db/tables.d.0             registry of WAL tables and views
 * <checkpoint root>/db/_preferences~store     if the database has one
 * <checkpoint root>/db/<table>/_meta _txn _cv _name [_mv _mv.s]      a view: _meta _txn _name _view
 * <checkpoint root>/db/<table>/txn_seq/_meta  sequencer metadata        _txn  i64 last sequencer transaction
 * <checkpoint root>/recovered/                a checkpoint that recovery has applied and is removing
 * ```
 * There are no rows in it: whoever backs up copies the whole root, and a checkpoint tells recovery what of the copy counts.
 *
 * Details: docs/internals/checkpoint.md.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import { type FileSystem, joinPath, parentPath, readFile } from "../platform/mod.ts";
import { ByteReader, ByteWriter, strSize } from "../storage/mod.ts";

/** Directory of checkpoints beside the database root. */
export const CHECKPOINT_DIRECTORY = ".checkpoint";
/** Directory that `SNAPSHOT PREPARE` writes to. */
export const SNAPSHOT_DIRECTORY = "snapshot";
/** Subdirectory of either with the database's files. */
export const CHECKPOINT_DATABASE = "db";
/** Subdirectory of either that a finished recovery renames the checkpoint to before it removes it. */
export const RECOVERED_DIRECTORY = "recovered";
/** File that marks a whole checkpoint and holds the instance's id. */
export const CHECKPOINT_META = "_checkpoint_meta.d";
/** File with the version of the server that made a checkpoint, as text. */
export const CHECKPOINT_VERSION = "_checkpoint_version";
/** What {@linkcode CHECKPOINT_META} was called in snapshots of older servers. */
export const LEGACY_META = "_snapshot";
/** Text file with the instance's id, looked at when the binary one holds none. */
export const LEGACY_ID_TEXT = "_snapshot.txt";
/** File in the install root that asks for recovery. */
export const RECOVERY_TRIGGER = "_restore";
/** Files of the database root that are part of a checkpoint besides the registry. */
export const PREFERENCES_FILE = "_preferences~store";

/** Memory-mapped files of the reference server are whole pages long. */
const PAGE_BYTES = 4096;
const META_BYTES_MAX = 1 << 20;

/** The directories that a checkpoint of this database can be in. */
export interface CheckpointRoots {
  /** `cairo.checkpoint.root`. */
  readonly current: string;
  /** Where `SNAPSHOT PREPARE` writes. */
  readonly legacy: string;
  /** Within the database root: where the documents of older servers put it. Read, never written. */
  readonly inside: string;
}

/** Tells where checkpoints of a database are. @param configured `cairo.checkpoint.root`, absolute; empty: beside `dbRoot`. */
export function checkpointRoots(dbRoot: string, configured: string): CheckpointRoots {
  const beside = parentPath(dbRoot);
  return {
    current: configured === "" ? joinPath(beside, CHECKPOINT_DIRECTORY) : configured,
    legacy: joinPath(beside, SNAPSHOT_DIRECTORY),
    inside: joinPath(dbRoot, CHECKPOINT_DIRECTORY),
  };
}

/** Pads a file's content with zeros to whole pages. */
export function padToPage(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const pages = Math.max(1, Math.ceil(bytes.length / PAGE_BYTES));
  const padded = new Uint8Array(pages * PAGE_BYTES);
  padded.set(bytes);
  return padded;
}

/** Encodes {@linkcode CHECKPOINT_META}. */
export function encodeCheckpointMeta(instanceId: string): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(strSize(instanceId));
  writer.str(0, instanceId);
  return padToPage(writer.bytes);
}

/** Reads the version of the server that made a checkpoint; `null` if it does not say. */
export function readCheckpointVersion(fs: FileSystem, directory: string): string | null {
  const path = joinPath(directory, CHECKPOINT_VERSION);
  if (fs.stat(path) === null) return null;
  return new TextDecoder().decode(readFile(fs, path, META_BYTES_MAX)).trim();
}

/**
 * Reads the id of the instance that made a checkpoint; empty if it had none.
 *
 * @returns `null` if the directory has no meta file, so is no whole checkpoint.
 * @throws {StorageError} if the meta file cannot be what it is called.
 */
export function readInstanceId(fs: FileSystem, directory: string): string | null {
  const path = [CHECKPOINT_META, LEGACY_META].map((name) => joinPath(directory, name))
    .find((candidate) => fs.stat(candidate) !== null);
  if (path === undefined) return null;
  const bytes = readFile(fs, path, META_BYTES_MAX);
  if (bytes.length < 4) throw new StorageError(path, "checkpoint metadata file is too short");
  const { text } = new ByteReader(path, bytes).str(0);
  if (text !== null && text !== "") return text;
  const textPath = joinPath(directory, LEGACY_ID_TEXT);
  if (fs.stat(textPath) === null) return "";
  return new TextDecoder().decode(readFile(fs, textPath, META_BYTES_MAX)).trim();
}
