/**
 * One table of a restore: fetch, decode, verify, rebuild what is derived, sync.
 *
 * Every slice is checked against its hash after decoding; a pack that is read from end to end also against its name. File
 * lengths, partitions, row counts and the transaction are checked at the end by reading the table's own files.
 *
 * A directory that an interrupted attempt has left is gone on with: slices whose bytes are there, by their hashes, are not
 * fetched again; what the manifest does not name is removed.
 *
 * @module
 */
import { ColumnType, freeBytes, RestoreError } from "../common/mod.ts";
import { type FileSystem, parentPath } from "../platform/mod.ts";
import type { ObjectStore } from "../objectstore/mod.ts";
import {
  partitionPath,
  type PartitionScheme,
  partitionScheme,
  readTableMetadata,
} from "../storage/mod.ts";
import {
  Blake3,
  BLAKE3_PART_BYTES,
  joinBlake3,
  type TaskRunner,
  type WasmCore,
} from "../wasm/mod.ts";
import { BackgroundSync } from "./background_sync.ts";
import { hashHex, toDigits, toHex } from "./content_hash.ts";
import type { InstanceKeys } from "./object_keys.ts";
import { OrderedTasks } from "./ordered_tasks.ts";
import { checkRelativePath } from "./path_safety.ts";
import { rebuildDerived } from "./rebuild_derived.ts";
import { type PackRange, planRanges, RANGE_BYTES_MAX, type WantedSlice } from "./restore_ranges.ts";
import { checkTable } from "./restored_table.ts";
import { type BackupTable, VIEW_TYPE } from "./root_manifest.ts";
import { BackupTask, type DecodeRequest, type HashPartRequest } from "./slice_tasks.ts";
import { FileKind, type StoredFile, type TableManifest } from "./table_manifest.ts";

const TASKS_PER_WORKER = 2;
/** Bytes of one table in flight: stored ones that are fetched, those of files that are read again. Several tables are restored at a time. */
const IN_FLIGHT_BYTES_MAX = 16_777_216;

/** What every table of a restore shares. */
export interface RestoreContext {
  readonly store: ObjectStore;
  readonly keys: InstanceKeys;
  readonly fs: FileSystem;
  readonly tasks: TaskRunner;
  readonly core: WasmCore;
  /** True if hashes of whole files are checked, where the backup has them: `backup.verify.partition.hashes`. */
  readonly verifiesFileHashes: boolean;
  /** Ends the restore early. */
  readonly signal: AbortSignal;
  /** Called with decoded bytes, and with those that were there already. */
  readonly onProgress: (rawBytes: number) => void;
  /** Called with bytes that came from the store. */
  readonly onFetched: (storedBytes: number) => void;
  /** Called with decoded bytes that an earlier attempt has left. */
  readonly onReused: (rawBytes: number) => void;
}

/** Where a table's or the database's files go. */
export interface RestoreTarget {
  /** Absolute directory; created. */
  readonly directory: string;
  /** Table directory in keys. */
  readonly packDirectory: string;
  readonly partitionBy: number;
}

interface HashedFile {
  /** Below the table directory. */
  readonly path: string;
  readonly bytes: number;
  /** Base64url. */
  readonly blake3: string;
}

interface PlacedFile {
  readonly path: string;
  readonly file: StoredFile;
  /** Data file of an aux file. */
  readonly heap: StoredFile | null;
}

/** Restores the files that a table manifest names and syncs them. @throws {RestoreError} naming the file. */
export async function restoreFiles(
  context: RestoreContext,
  target: RestoreTarget,
  manifest: TableManifest,
): Promise<void> {
  const restore = new FileRestore(context, target, manifest);
  try {
    await restore.run();
  } finally {
    await restore.settle();
  }
}

/** Restores a table: its files, its symbol tables and indexes; then reads its state back. @throws {RestoreError} */
export async function restoreTable(
  context: RestoreContext,
  target: RestoreTarget,
  source: { readonly table: BackupTable; readonly manifest: TableManifest },
): Promise<void> {
  const { table, manifest } = source;
  checkOwnManifest(table, manifest);
  await restoreFiles(context, target, manifest);
  checkTable(context.fs, target.directory, source);
  if (table.type !== VIEW_TYPE) await rebuildDerived(context, target.directory);
}

/** Checks that a table manifest is the one of its table. @throws {RestoreError} naming it. */
export function checkOwnManifest(table: BackupTable, manifest: TableManifest): void {
  if (manifest.header.directory === table.dir) return;
  throw new RestoreError("table manifest belongs to another table", {
    manifest: manifest.source,
    expected: table.dir,
    actual: manifest.header.directory,
  });
}

class FileRestore {
  readonly #context: RestoreContext;
  readonly #target: RestoreTarget;
  readonly #manifest: TableManifest;
  readonly #tasks: OrderedTasks;
  readonly #packBytes: ReadonlyMap<string, number>;
  /** Relative paths of files. */
  readonly #paths = new Set<string>();
  /** Made so far, each after the one that it lies in. */
  readonly #directories = new Set<string>();
  readonly #syncs: BackgroundSync;
  /** Files whose hash is to be checked. */
  readonly #hashed: HashedFile[] = [];
  /** True if an earlier attempt has left something. */
  #isResumed = false;
  /** Of the pack that is being read from end to end. */
  #hash: Blake3 | null = null;

  constructor(context: RestoreContext, target: RestoreTarget, manifest: TableManifest) {
    this.#context = context;
    this.#target = target;
    this.#manifest = manifest;
    this.#tasks = new OrderedTasks(
      context.tasks.workerCount * TASKS_PER_WORKER,
      IN_FLIGHT_BYTES_MAX,
    );
    this.#packBytes = manifest.packBytes();
    this.#syncs = new BackgroundSync(context.fs);
  }

  async run(): Promise<void> {
    this.#isResumed = this.#context.fs.stat(this.#target.directory) !== null;
    await this.#restoreGroup("", this.#manifest.tableFiles());
    const scheme = await this.#partitionScheme();
    for (const [index, partition] of this.#manifest.partitions.entries()) {
      const name = partitionPath(scheme, partition);
      await this.#restoreGroup(`${name}/`, this.#manifest.partitionFiles(index));
    }
    await this.#tasks.drain();
    for (const file of this.#hashed) await this.#verifyHash(file);
    await this.#tasks.drain();
    if (this.#isResumed) this.#removeStrangers(this.#target.directory, "");
    await this.#syncs.finish();
    // Names in all of them must be durable, too.
    for (const path of [...this.#directories].reverse()) this.#context.fs.syncDir(path);
  }

  /** How partitions are named: the unit of their timestamps is told by the `_meta` that was just restored. */
  async #partitionScheme(): Promise<PartitionScheme> {
    const { directory, partitionBy } = this.#target;
    if (this.#manifest.partitions.length === 0) {
      return { partitionBy, timestampType: ColumnType.TIMESTAMP };
    }
    await this.#tasks.drain();
    return { ...partitionScheme(readTableMetadata(this.#context.fs, directory)), partitionBy };
  }

  async settle(): Promise<void> {
    await this.#tasks.settle();
    await this.#syncs.settle();
    this.#hash?.[Symbol.dispose]();
  }

  /** Restores files whose paths follow `prefix`. */
  async #restoreGroup(prefix: string, files: readonly StoredFile[]): Promise<void> {
    const byPath = new Map(files.map((file) => [file.path, file]));
    const wanted: WantedSlice[] = [], kept: WantedSlice[] = [];
    this.#makeDirectory(`${this.#target.directory}/${prefix}`.replace(/\/$/, ""));
    for (const file of files) {
      const path = this.#claim(`${prefix}${file.path}`);
      const { bytes, blake3 } = file;
      if (this.#context.verifiesFileHashes && blake3 !== undefined && bytes > 0) {
        this.#hashed.push({ path: `${prefix}${file.path}`, bytes, blake3 });
      }
      const isKept = this.#isResumed && this.#keepFile(path, file.bytes);
      if (!isKept) this.#context.fs.open(path, "createNew").close();
      const heap = byPath.get(file.path.replace(/\.i(\.\d+)?$/, ".d$1")) ?? null;
      (isKept ? kept : wanted).push(...wantedSlices({ path, file, heap }));
    }
    wanted.push(...await this.#missing(kept));
    const isRest = kept.length > 0;
    for (const range of planRanges(wanted, this.#packBytes, isRest)) await this.#fetch(range);
    const ends = files.map((file) => ({ path: `${prefix}${file.path}`, bytes: file.bytes }));
    await this.#tasks.add(0, () => Promise.resolve(), () => {
      this.#checkLengths(ends);
      for (const { path } of ends) this.#syncs.add(`${this.#target.directory}/${path}`);
    });
  }

  /** Checks a path, makes its directory and returns where it goes. */
  #claim(relative: string): string {
    checkRelativePath(relative, this.#manifest.source);
    if (this.#paths.has(relative)) {
      throw new RestoreError("a file is named twice", {
        path: relative,
        manifest: this.#manifest.source,
      });
    }
    this.#paths.add(relative);
    const path = `${this.#target.directory}/${relative}`;
    this.#makeDirectory(path.slice(0, path.lastIndexOf("/")));
    return path;
  }

  /** Tells whether an earlier attempt has left a file, no longer than it will be. */
  #keepFile(path: string, bytes: number): boolean {
    const { fs } = this.#context;
    const found = fs.stat(path);
    if (found === null) return false;
    if (found.isDirectory) {
      fs.removeTree(path);
      return false;
    }
    if (found.size > bytes) {
      using file = fs.open(path, "readWrite");
      file.truncate(bytes); // what was built from it, or belongs to another backup
    }
    return true;
  }

  /** Those of the slices that the files do not hold. */
  async #missing(slices: readonly WantedSlice[]): Promise<WantedSlice[]> {
    const { tasks, signal, onReused, onProgress } = this.#context;
    const missing: WantedSlice[] = [];
    for (const batch of batchesOf(slices)) {
      signal.throwIfAborted();
      await this.#tasks.add(
        batch.reduce((sum, { job }) => sum + job.raw, 0),
        () => tasks.run<boolean[]>(BackupTask.PRESENT, { jobs: batch.map(({ job }) => job) }),
        (present) => {
          for (const [index, slice] of batch.entries()) {
            if (!present[index]) missing.push(slice);
            else {
              onReused(slice.job.raw);
              onProgress(slice.job.raw);
            }
          }
        },
      );
    }
    if (slices.length > 0) await this.#tasks.drain();
    return missing;
  }

  async #fetch(range: PackRange): Promise<void> {
    this.#context.signal.throwIfAborted();
    const rawBytes = range.jobs.reduce((sum, job) => sum + job.raw, 0);
    const isOnly = range.offset === 0 && range.isLast;
    await this.#tasks.add(
      range.length, // workers hold one decoded slice at a time
      async () => {
        try {
          return await this.#fetchOnce(range, isOnly);
        } catch (error) {
          // Damaged in the store, or on its way here; the second answer decides.
          if (!(error instanceof RestoreError)) throw error;
          return await this.#fetchOnce(range, isOnly);
        }
      },
      (buffer) => {
        if (range.isWhole && !isOnly) this.#hashOn(range, buffer);
        freeBytes(buffer);
        this.#context.onProgress(rawBytes);
      },
    );
  }

  /** Fetches a range and writes its slices. @throws {RestoreError} if it is not what was stored. */
  async #fetchOnce(range: PackRange, isOnly: boolean): Promise<Uint8Array> {
    const { store, tasks, core, signal, onFetched } = this.#context;
    signal.throwIfAborted();
    const key = this.#keyOf(range);
    const { offset, length } = range;
    const buffer = await store.get(key, { range: { offset, length }, signal });
    onFetched(length);
    if (range.isWhole && isOnly) this.#checkHash(range, hashHex(core, buffer));
    if (range.jobs.length > 0) {
      const prefix = `${this.#target.directory}/`;
      const request: DecodeRequest = { jobs: range.jobs, buffer, object: key, prefix };
      await tasks.run(BackupTask.DECODE, request, { signal });
    }
    return buffer;
  }

  /** Hashes a pack that comes in several ranges. */
  #hashOn(range: PackRange, buffer: Uint8Array): void {
    if (range.offset === 0) {
      this.#hash?.[Symbol.dispose]();
      this.#hash = new Blake3(this.#context.core);
    }
    this.#hash!.update(buffer);
    if (range.isLast) this.#checkHash(range, toHex(this.#hash!.digest()));
  }

  #checkHash(range: PackRange, actual: string): void {
    if (actual === range.pack) return;
    throw new RestoreError("hash mismatch", {
      path: this.#keyOf(range),
      expected: range.pack,
      actual,
    });
  }

  #keyOf(range: PackRange): string {
    return this.#context.keys.pack(this.#target.packDirectory, range.pack);
  }

  /** Reads a restored file again and compares its hash. */
  async #verifyHash({ path, bytes, blake3 }: HashedFile): Promise<void> {
    const { tasks, core, signal } = this.#context;
    const file = `${this.#target.directory}/${path}`;
    const count = Math.ceil(bytes / BLAKE3_PART_BYTES);
    const parts: Uint8Array[] = [];
    for (let index = 0; index < count; index++) {
      signal.throwIfAborted();
      const partBytes = Math.min(BLAKE3_PART_BYTES, bytes - index * BLAKE3_PART_BYTES);
      const request: HashPartRequest = { file, index, bytes: partBytes, isOnly: count === 1 };
      await this.#tasks.add(
        partBytes,
        () => tasks.run<Uint8Array>(BackupTask.HASH, request, { signal }),
        (part) => {
          if (parts.push(part) < count) return;
          const actual = toDigits(count === 1 ? part : joinBlake3(core, parts));
          if (actual === blake3) return;
          throw new RestoreError("hash mismatch", { path, expected: blake3, actual });
        },
      );
    }
  }

  #checkLengths(files: readonly { readonly path: string; readonly bytes: number }[]): void {
    for (const { path, bytes } of files) {
      const size = this.#context.fs.stat(`${this.#target.directory}/${path}`)?.size ?? -1;
      if (size !== bytes) {
        throw new RestoreError("restored file has the wrong length", {
          path,
          expected: bytes,
          actual: size,
        });
      }
    }
  }

  /** Makes a directory and notes it, and each that it lies in. */
  #makeDirectory(path: string): void {
    if (this.#directories.has(path)) return;
    const { fs } = this.#context;
    if (path !== this.#target.directory) this.#makeDirectory(parentPath(path));
    if (this.#isResumed && fs.stat(path)?.isDirectory === false) fs.remove(path);
    fs.mkdir(path);
    this.#directories.add(path);
  }

  /** Removes what an earlier attempt has left and the manifest does not name. */
  #removeStrangers(directory: string, prefix: string): void {
    const { fs } = this.#context;
    for (const { name, isDirectory } of fs.readDir(directory)) {
      const path = `${directory}/${name}`;
      if (isDirectory && this.#directories.has(path)) {
        this.#removeStrangers(path, `${prefix}${name}/`);
      } else if (!this.#paths.has(`${prefix}${name}`)) fs.removeTree(path);
    }
  }
}

/** Cuts slices into runs that one task handles. */
function* batchesOf(slices: readonly WantedSlice[]): Iterable<WantedSlice[]> {
  let batch: WantedSlice[] = [], bytes = 0;
  for (const slice of slices) {
    if (batch.length > 0 && bytes + slice.job.raw > RANGE_BYTES_MAX) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(slice);
    bytes += slice.job.raw;
  }
  if (batch.length > 0) yield batch;
}

/** The slices of a file with the positions they go to. */
export function wantedSlices({ path, file, heap }: PlacedFile): WantedSlice[] {
  const isAux = file.kind === FileKind.VARCHAR_AUX || file.kind === FileKind.ARRAY_AUX ||
    file.kind === FileKind.OFFSET_AUX;
  const bases = isAux ? heapPositions(heap) : null;
  const wanted: WantedSlice[] = [];
  let position = 0;
  for (const slice of file.slices) {
    wanted.push({
      pack: slice.pack,
      packOffset: slice.offset,
      job: {
        file: path,
        position,
        stored: slice.stored,
        raw: slice.raw,
        codec: slice.codec,
        blake3: slice.blake3,
        kind: file.kind,
        base: bases?.get(slice.rowLo) ?? 0,
      },
    });
    position += slice.raw;
  }
  return wanted;
}

/** Position in a data file of the row that each of its slices begins with. */
function heapPositions(heap: StoredFile | null): Map<number, number> {
  const positions = new Map<number, number>();
  let position = 0;
  for (const slice of heap?.slices ?? []) {
    positions.set(slice.rowLo, position);
    position += slice.raw;
  }
  return positions;
}
