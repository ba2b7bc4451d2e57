/**
 * One table of a restore: fetch, decode, verify, rebuild what is derived, sync.
 *
 * Every slice is checked against its hash after decoding; a pack that is read from end to end also against its name. File
 * lengths, row counts and the transaction are checked at the end by reading the table's own files.
 *
 * @module
 */
import { ColumnType, RestoreError } from "../common/mod.ts";
import { type FileSystem, parentPath } from "../platform/mod.ts";
import type { ObjectStore } from "../objectstore/mod.ts";
import {
  committedRowCount,
  partitionPath,
  type PartitionScheme,
  partitionScheme,
  readColumnVersions,
  readTableMetadata,
  readTxn,
} from "../storage/mod.ts";
import { Blake3, type TaskRunner, type WasmCore } from "../wasm/mod.ts";
import { toHex } from "./content_hash.ts";
import type { InstanceKeys } from "./object_keys.ts";
import { OrderedTasks } from "./ordered_tasks.ts";
import { checkRelativePath } from "./path_safety.ts";
import { rebuildDerived } from "./rebuild_derived.ts";
import { type PackRange, planRanges, type WantedSlice } from "./restore_ranges.ts";
import type { BackupTable } from "./root_manifest.ts";
import { BackupTask } from "./slice_tasks.ts";
import { FileKind, type StoredFile, type TableManifest } from "./table_manifest.ts";

/** Files synced by one task. */
const SYNC_FILES = 32;
const TASKS_PER_WORKER = 2;

/** What every table of a restore shares. */
export interface RestoreContext {
  readonly store: ObjectStore;
  readonly keys: InstanceKeys;
  readonly fs: FileSystem;
  readonly tasks: TaskRunner;
  readonly core: WasmCore;
  readonly onProgress: (rawBytes: number) => void;
}

/** Where a table's or the database's files go. */
export interface RestoreTarget {
  /** Absolute directory; created. */
  readonly directory: string;
  /** Table directory in keys. */
  readonly packDirectory: string;
  readonly partitionBy: number;
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
  if (manifest.header.directory !== table.dir) {
    throw new RestoreError("table manifest belongs to another table", {
      manifest: manifest.source,
      expected: table.dir,
      actual: manifest.header.directory,
    });
  }
  await restoreFiles(context, target, manifest);
  await rebuildDerived(context, target.directory);
  checkTable(context.fs, target.directory, table);
}

class FileRestore {
  readonly #context: RestoreContext;
  readonly #target: RestoreTarget;
  readonly #manifest: TableManifest;
  readonly #tasks: OrderedTasks;
  readonly #packBytes: ReadonlyMap<string, number>;
  readonly #paths = new Set<string>();
  /** Made so far, each after the one that it lies in. */
  readonly #directories = new Set<string>();
  #unsynced: string[] = [];
  /** Of the pack that is being read from end to end. */
  #hash: Blake3 | null = null;

  constructor(context: RestoreContext, target: RestoreTarget, manifest: TableManifest) {
    this.#context = context;
    this.#target = target;
    this.#manifest = manifest;
    this.#tasks = new OrderedTasks(context.tasks.workerCount * TASKS_PER_WORKER);
    this.#packBytes = manifest.packBytes();
  }

  async run(): Promise<void> {
    await this.#restoreGroup("", this.#manifest.tableFiles());
    const scheme = await this.#partitionScheme();
    for (const [index, partition] of this.#manifest.partitions.entries()) {
      const name = partitionPath(scheme, partition);
      await this.#restoreGroup(`${name}/`, this.#manifest.partitionFiles(index));
    }
    await this.#tasks.drain();
    await this.#sync();
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
    this.#hash?.[Symbol.dispose]();
    await this.#tasks.settle();
  }

  /** Restores files whose paths follow `prefix`. */
  async #restoreGroup(prefix: string, files: readonly StoredFile[]): Promise<void> {
    const { fs } = this.#context;
    const byPath = new Map(files.map((file) => [file.path, file]));
    const wanted: WantedSlice[] = [];
    this.#makeDirectory(`${this.#target.directory}/${prefix}`.replace(/\/$/, ""));
    for (const file of files) {
      const relative = checkRelativePath(`${prefix}${file.path}`, this.#manifest.source);
      if (this.#paths.has(relative)) {
        throw new RestoreError("a file is named twice", {
          path: relative,
          manifest: this.#manifest.source,
        });
      }
      this.#paths.add(relative);
      const path = `${this.#target.directory}/${relative}`;
      this.#makeDirectory(path.slice(0, path.lastIndexOf("/")));
      fs.open(path, "createNew").close();
      this.#unsynced.push(path);
      const heap = byPath.get(file.path.replace(/\.i(\.\d+)?$/, ".d$1")) ?? null;
      wanted.push(...wantedSlices({ path, file, heap }));
    }
    for (const range of this.#rangesOf(wanted)) await this.#fetch(range);
    const ends = files.map((file) => ({ path: `${prefix}${file.path}`, bytes: file.bytes }));
    await this.#tasks.add(0, () => Promise.resolve(), () => this.#checkLengths(ends));
  }

  #rangesOf(wanted: readonly WantedSlice[]): PackRange[] {
    return planRanges(wanted, this.#packBytes);
  }

  async #fetch(range: PackRange): Promise<void> {
    const { store, keys, core, tasks } = this.#context;
    const key = keys.pack(this.#target.packDirectory, range.pack);
    const buffer = await store.get(key, {
      range: { offset: range.offset, length: range.length },
    });
    if (range.isWhole) {
      if (range.offset === 0) this.#hash = new Blake3(core);
      this.#hash!.update(buffer);
      if (range.isLast) {
        const actual = toHex(this.#hash!.digest());
        if (actual !== range.pack) {
          throw new RestoreError("hash mismatch", { path: key, expected: range.pack, actual });
        }
      }
    }
    if (range.jobs.length === 0) return;
    const rawBytes = range.jobs.reduce((sum, job) => sum + job.raw, 0);
    await this.#tasks.add(
      rawBytes + range.length,
      () => tasks.run<number>(BackupTask.DECODE, { jobs: range.jobs, buffer }),
      (bytes) => this.#context.onProgress(bytes),
    );
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

  /** Makes a directory and notes it, and each that it lies in, for {@linkcode #sync}: names in all of them must be durable. */
  #makeDirectory(path: string): void {
    if (this.#directories.has(path)) return;
    if (path !== this.#target.directory) this.#makeDirectory(parentPath(path));
    this.#context.fs.mkdir(path);
    this.#directories.add(path);
  }

  async #sync(): Promise<void> {
    const { tasks, fs } = this.#context;
    const files = this.#unsynced;
    for (let start = 0; start < files.length; start += SYNC_FILES) {
      const batch = files.slice(start, start + SYNC_FILES);
      await this.#tasks.add(0, () => tasks.run(BackupTask.SYNC, { files: batch }), () => undefined);
    }
    await this.#tasks.drain();
    this.#unsynced = [];
    for (const directory of [...this.#directories].reverse()) fs.syncDir(directory);
  }
}

/** The slices of a file with the positions they go to. */
function wantedSlices({ path, file, heap }: PlacedFile): WantedSlice[] {
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

/** Reads the table's state back and compares it with what the backup says. */
function checkTable(fs: FileSystem, tableDir: string, table: BackupTable): void {
  const metadata = readTableMetadata(fs, tableDir);
  const txn = readTxn(fs, tableDir, metadata.partitionBy);
  readColumnVersions(fs, tableDir, txn.columnVersion);
  const checks: [string, number | string, number | string][] = [
    ["txn", table.txn, txn.txn],
    ["seq_txn", table.seq_txn, txn.seqTxn],
    ["rows", table.rows, committedRowCount(txn)],
    ["structure_version", table.structure_version, String(txn.structureVersion)],
    ["partition_by", table.partition_by, metadata.partitionBy],
  ];
  for (const [field, expected, actual] of checks) {
    if (expected !== actual) {
      throw new RestoreError("restored table is not what the backup says", {
        table: table.name,
        field,
        expected,
        actual,
      });
    }
  }
}
