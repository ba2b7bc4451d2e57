/**
 * Lets the commits of a table go on without waiting for the disk: keeps a record of the last state that is on the disk whole, which a start
 * after a loss of power goes back to, and moves it behind the commits.
 *
 * ```
 * prepare ─► commit, commit, … ─► note ─► sync: files of the partitions, symbols, sequencer log ─► record ─► commit, …
 *                                       settle: the same, _txn and _cv ─► record removed ─► what is not a commit of rows
 * ```
 *
 * Invariants:
 * 1. A commit that is not synced comes after {@linkcode TableDurability.prepare}, and is told by {@linkcode TableDurability.note} when nobody writes.
 * 2. While there is a record, directories that it names stay ({@linkcode TableDurability.holds}), and so does the WAL behind it
 *    ({@linkcode TableDurability.durableTxn}).
 * 3. After a sync that failed the record never moves again: the operating system may have given up what it could not write.
 *
 * Details: docs/internals/durability.md.
 *
 * @module
 */
import { assert, StorageError } from "../common/mod.ts";
import { type FileHandle, type FileSystem, parentPath } from "../platform/mod.ts";
import {
  decodeTableImage,
  durableStatePath,
  encodeDurableState,
  encodeTableImage,
  partitionPath,
  partitionScheme,
  pathsBetween,
  readCommittedState,
  removeDurableState,
  type StoredState,
  syncPaths,
  type TableImage,
  type TableMetadata,
} from "../storage/mod.ts";

/** Files that are made durable at the same time. */
const SYNCED_AT_ONCE = 32;
/** Length from which on the file of records is written anew, in records. */
const RECORDS_MAX = 64;
/** No boot has this id: a record with it counts whenever the table is opened. */
const NO_BOOT_ID = "";

/** See the module's description. */
export class TableDurability implements Disposable {
  readonly #fs: FileSystem;
  readonly #tableDir: string;
  readonly #bootId: string | null;
  #metadata: TableMetadata | null = null;
  #file: FileHandle | null = null;
  #end = 0;
  /** What the record says; `null` without one. */
  #saved: TableImage | null = null;
  /** What is committed. */
  #latest: TableImage | null = null;
  #heldDirs: ReadonlySet<string> = new Set();
  /** Those of a state that is being made durable. */
  #nextDirs: ReadonlySet<string> = new Set();
  #preparing: Promise<boolean> | null = null;
  /** Goes up whenever the record is given up. */
  #generation = 0;
  #failure: Error | null = null;

  /** @param options `bootId`: identity of the running machine; with `null` nothing is ever left to be synced later. */
  constructor(options: { fs: FileSystem; tableDir: string; bootId: string | null }) {
    this.#fs = options.fs;
    this.#tableDir = options.tableDir;
    this.#bootId = options.bootId;
  }

  /** True if something that was committed may not be durable. */
  get isDirty(): boolean {
    return this.#saved !== this.#latest;
  }
  /** The last sequencer transaction whose WAL the table does without, if it has applied this one. */
  durableTxn(appliedTxn: number): number {
    return this.#saved === null ? appliedTxn : Math.min(appliedTxn, this.#saved.seqTxn);
  }
  /** True if a partition's directory must stay, whatever is committed. */
  holds(dirName: string): boolean {
    return this.#heldDirs.has(dirName) || this.#nextDirs.has(dirName);
  }

  /**
   * Makes sure that there is a record, so that commits need not be synced; everything committed before is durable. Answers `false` if they must be.
   * Nobody may be writing to the table.
   */
  async prepare(): Promise<boolean> {
    if (this.#saved !== null || this.#bootId === null) return this.#saved !== null;
    return await (this.#preparing ??= this.#prepare().finally(() => this.#preparing = null));
  }

  /** Like {@linkcode prepare}, at once. */
  prepareNow(): boolean {
    if (this.#saved !== null || this.#bootId === null) return this.#saved !== null;
    const image = this.#begin();
    if (image === null) return false;
    this.#file!.syncData();
    this.#fs.syncDir(parentPath(durableStatePath(this.#tableDir)));
    this.#latest = image;
    this.#move(image, this.#decode(image));
    return true;
  }

  /** Tells what was committed last; nobody may be writing. */
  note(image: TableImage): void {
    assert(this.#saved !== null, "commits that are not synced come after prepare");
    this.#latest = image;
  }

  /** Like {@linkcode note} when nobody knows: after a failure. @throws {StorageError} if the files make no sense. */
  noteCommitted(): void {
    if (this.#saved !== null) {
      this.#latest = encodeTableImage(readCommittedState(this.#fs, this.#tableDir));
    }
  }

  /**
   * Makes what was committed so far durable, and moves the record. Commits may go on.
   *
   * @throws if a sync fails, and from then on.
   */
  async sync(): Promise<void> {
    const image = this.#latest;
    if (image === this.#saved || image === null) return;
    if (this.#failure !== null) throw this.#failure;
    const generation = this.#generation;
    const state = this.#decode(image);
    this.#nextDirs = this.#dirsOf(state);
    try {
      await this.#syncFiles(state);
      if (generation !== this.#generation) return;
      this.#append(encodeDurableState(image, this.#bootId!));
      await this.#file!.syncDataAsync();
    } catch (error) {
      if (generation === this.#generation) throw this.#poison(error);
    } finally {
      if (generation === this.#generation) this.#nextDirs = new Set();
    }
    if (generation === this.#generation) this.#move(image, state);
  }

  /** Makes everything durable, so that the table needs no record any more; nobody may be writing. */
  async settle(): Promise<void> {
    await this.#preparing;
    const image = this.#latest;
    if (image === null) return;
    if (this.#failure !== null) throw this.#failure;
    const generation = this.#generation;
    try {
      await this.#syncFiles(this.#decode(image));
    } catch (error) {
      throw this.#poison(error);
    }
    assert(image === this.#latest, "nobody commits while a table is settled");
    if (generation === this.#generation) this.discard();
  }

  /** Like {@linkcode settle}, at once. */
  settleNow(): void {
    if (this.#preparing !== null) this.discard();
    const image = this.#latest;
    if (image === null) return;
    if (this.#failure !== null) throw this.#failure;
    try {
      syncPaths(this.#fs, this.#pathsTo(this.#decode(image)));
    } catch (error) {
      throw this.#poison(error);
    }
    this.discard();
  }

  /** Removes the record: of a table that is settled, or gone. */
  discard(): void {
    this.#close();
    removeDurableState(this.#fs, this.#tableDir);
  }

  /** Closes the file; the record stays. */
  [Symbol.dispose](): void {
    this.#close();
  }

  async #prepare(): Promise<boolean> {
    const image = this.#begin();
    if (image === null) return false;
    const generation = this.#generation;
    await this.#file!.syncDataAsync();
    await this.#fs.syncDirAsync(parentPath(durableStatePath(this.#tableDir)));
    if (generation !== this.#generation) return false;
    this.#latest = image;
    this.#move(image, this.#decode(image));
    return true;
  }

  /** Writes the first record. Returns what it says, `null` if it cannot say it. */
  #begin(): TableImage | null {
    this.#close();
    const state = readCommittedState(this.#fs, this.#tableDir);
    if (state.txn.lagTxnCount !== 0 || state.txn.lagRowCount !== 0) return null;
    this.#metadata = state.metadata;
    const image = encodeTableImage(state);
    const path = durableStatePath(this.#tableDir);
    const directory = parentPath(path);
    if (this.#fs.stat(directory) === null) {
      this.#fs.mkdir(directory);
      this.#fs.syncDir(parentPath(directory));
    }
    this.#file = this.#fs.open(path, "create");
    this.#file.truncate(0);
    this.#append(encodeDurableState(image, this.#bootId!));
    return image;
  }

  #move(image: TableImage, state: StoredState): void {
    this.#saved = image;
    this.#heldDirs = this.#dirsOf(state);
  }

  #close(): void {
    this.#generation++;
    this.#file?.close();
    this.#file = null;
    this.#end = 0;
    this.#saved = this.#latest = this.#metadata = null;
    this.#heldDirs = this.#nextDirs = new Set();
  }

  /** Adds a record; the file begins anew, under its name only when it is whole, if it has become long. */
  #append(record: Uint8Array): void {
    if (this.#end > RECORDS_MAX * record.length) this.#replace(record);
    else {
      this.#file!.write(record, this.#end);
      this.#end += record.length;
    }
  }

  #replace(record: Uint8Array): void {
    const path = durableStatePath(this.#tableDir), temporary = `${path}.tmp`;
    if (this.#fs.stat(temporary) !== null) this.#fs.remove(temporary);
    const file = this.#fs.open(temporary, "createNew");
    file.write(record, 0);
    file.sync();
    this.#fs.rename(temporary, path);
    this.#fs.syncDir(parentPath(path));
    this.#file!.close();
    this.#file = file;
    this.#end = record.length;
  }

  #decode(image: TableImage): StoredState {
    assert(this.#metadata !== null, "there is a record");
    return decodeTableImage(image, `${this.#tableDir}/_txn`, this.#metadata.partitionBy);
  }

  #dirsOf(state: StoredState): ReadonlySet<string> {
    const scheme = partitionScheme(this.#metadata!);
    return new Set(state.txn.partitions.map((partition) => partitionPath(scheme, partition)));
  }

  #pathsTo(to: StoredState): { files: string[]; directories: string[] } {
    const from = this.#decode(this.#saved!);
    return pathsBetween(this.#fs, this.#tableDir, { metadata: this.#metadata!, from, to });
  }

  async #syncFiles(state: StoredState): Promise<void> {
    const { files, directories } = this.#pathsTo(state);
    for (let i = 0; i < files.length; i += SYNCED_AT_ONCE) {
      await Promise.all(
        files.slice(i, i + SYNCED_AT_ONCE).map(async (path) => {
          if (this.#fs.stat(path) === null) return; // purged in the meantime
          using file = this.#fs.open(path, "readWrite");
          await file.syncDataAsync();
        }),
      );
    }
    await Promise.all(
      directories.map(async (path) => {
        if (this.#fs.stat(path) !== null) await this.#fs.syncDirAsync(path);
      }),
    );
  }

  #poison(cause: unknown): Error {
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#failure ??= new StorageError(
      this.#tableDir,
      "committed rows could not be made durable",
      { reason },
      { cause },
    );
    // Even this run of the machine must go back to the record: what it reads now it may not find later.
    if (this.#saved !== null && this.#file !== null) {
      this.#append(encodeDurableState(this.#saved, NO_BOOT_ID));
    }
    return this.#failure;
  }
}
