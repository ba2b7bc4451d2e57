/**
 * VALIDATE BACKUP: is what a backup names still there, and is it what was stored?
 *
 * ```
 * manifest   root manifest and table manifests are read, checked against their hashes and against each other
 * objects    besides, every pack is there and as long as it was
 * hashes     besides, every pack is read and is what its name says; the tables' own state is read and fits the manifests
 * decode     besides, every slice is decoded and is what it was before it was stored; symbol tables can be built from it
 * ```
 * Reads the store only; needs no database, so it runs without a server, too. Memory: a few ranges of packs at a time.
 *
 * @module
 */
import { freeBytes, ObjectStoreError, RestoreError } from "../common/mod.ts";
import { ObjectNotFoundError, type ObjectStore } from "../objectstore/mod.ts";
import { SimulatedFileSystem } from "../platform/mod.ts";
import {
  ByteReader,
  type StoredSymbols,
  SymbolCharsCheck,
  symbolSettings,
} from "../storage/mod.ts";
import { Blake3, type TaskRunner } from "../wasm/mod.ts";
import { inParallel } from "./in_parallel.ts";
import { toHex } from "./content_hash.ts";
import { type ManifestContext, readTableManifest } from "./manifest_store.ts";
import { DATABASE_DIRECTORY, type InstanceKeys } from "./object_keys.ts";
import { checkDatabaseFiles, readSelected } from "./restore.ts";
import { type PackRange, planRanges, RANGE_BYTES_MAX } from "./restore_ranges.ts";
import { checkPaths, checkTable, stateFiles } from "./restored_table.ts";
import type { BackupTable, ManifestReference, RootManifest } from "./root_manifest.ts";
import { BackupTask, type DecodeRequest } from "./slice_tasks.ts";
import { checkOwnManifest, wantedSlices } from "./table_restore.ts";
import type { StoredFile, TableManifest } from "./table_manifest.ts";

/** How thoroughly a backup is checked, each level including those before it. */
export const VALIDATION_LEVELS = ["manifest", "objects", "hashes", "decode"] as const;
/** One of {@linkcode VALIDATION_LEVELS}. */
export type ValidationLevel = typeof VALIDATION_LEVELS[number];

/** Objects asked for at the same time. */
const REQUESTS_MAX = 16;
/** Objects read at the same time, a range of each in memory. */
const READS_MAX = 3;
/** Largest state of a table that is looked into. */
const STATE_BYTES_MAX = 268_435_456;

/** What a validation runs with. */
export interface ValidationOptions extends ManifestContext {
  /** Runs `backupTasks`; used by levels `hashes` and `decode`. */
  readonly tasks: TaskRunner;
  readonly level: ValidationLevel;
  /** Instance name; `null`: the only one in the store. */
  readonly instance: string | null;
  /** The newest backup at or before it, microseconds; `null`: the latest. */
  readonly timestamp: bigint | null;
  readonly signal: AbortSignal;
  /** Called with bytes that were checked, and all there are to check. */
  readonly onProgress?: (bytes: number, totalBytes: number) => void;
}

/**
 * What was found about one table; the database's own files count as the table `''`. A damaged table has one for every damaged
 * object; the first of them counts what was checked, the others count nothing.
 */
export interface TableValidation {
  readonly table: string;
  /** Objects that were checked. */
  readonly objects: number;
  /** Their stored bytes. */
  readonly bytes: number;
  /** What is wrong, with the object's key; `null` if nothing is. */
  readonly error: string | null;
  /** Key of the damaged object. */
  readonly object: string | null;
}

/** What was found about a backup. */
export interface BackupValidation {
  readonly instance: string;
  readonly timestamp: bigint;
  readonly tables: readonly TableValidation[];
}

/**
 * Validates a backup. Damage is told table by table, not thrown.
 *
 * @throws {RestoreError} if there is no such backup, or its root manifest is damaged: it names no tables then.
 */
export async function validateBackup(options: ValidationOptions): Promise<BackupValidation> {
  const { root, keys, timestamp } = await readSelected(options, options);
  const tables: TableValidation[] = [];
  const totalBytes = root.tables.reduce((sum, table) => sum + table.stored_bytes, 0);
  let doneBytes = 0;
  const onBytes = (bytes: number) => {
    doneBytes = Math.min(totalBytes, doneBytes + bytes);
    options.onProgress?.(doneBytes, totalBytes);
  };
  for (const part of partsOf(root)) {
    options.signal.throwIfAborted();
    tables.push(...await new TableCheck(options, { keys, part, onBytes }).run());
  }
  return { instance: root.instance, timestamp, tables };
}

interface BackupPart {
  /** Empty for the database's own files. */
  readonly name: string;
  /** Table directory in keys. */
  readonly directory: string;
  readonly reference: ManifestReference;
  readonly table: BackupTable | null;
}

/** The parts of a backup that have a manifest each. */
export function partsOf(root: RootManifest): BackupPart[] {
  return [
    { name: "", directory: DATABASE_DIRECTORY, reference: root.files, table: null },
    ...root.tables.map((table) => ({
      name: table.name,
      directory: table.dir,
      reference: table.manifest,
      table,
    })),
  ];
}

/** Checks all of a manifest that can be checked without its packs. @throws {RestoreError} naming it. */
export function checkPart(part: BackupPart, manifest: TableManifest): void {
  if (part.table === null) checkDatabaseFiles(manifest);
  else checkOwnManifest(part.table, manifest);
  checkPaths(manifest);
}

interface Damage {
  readonly object: string;
  readonly error: string;
}

class TableCheck {
  readonly #options: ValidationOptions;
  readonly #store: ObjectStore;
  readonly #keys: InstanceKeys;
  readonly #part: BackupPart;
  readonly #onBytes: (bytes: number) => void;
  /** By key; the first that was found of each object. */
  readonly #damages = new Map<string, Damage>();
  #objects = 0;
  #bytes = 0;

  constructor(
    options: ValidationOptions,
    facts: {
      readonly keys: InstanceKeys;
      readonly part: BackupPart;
      readonly onBytes: (bytes: number) => void;
    },
  ) {
    this.#options = options;
    this.#store = options.store;
    this.#keys = facts.keys;
    this.#part = facts.part;
    this.#onBytes = facts.onBytes;
  }

  async run(): Promise<TableValidation[]> {
    const { reference, name: table } = this.#part;
    await this.#guard(reference.key, async () => {
      const manifest = await readTableManifest(this.#options, reference);
      this.#count(reference.bytes);
      checkPart(this.#part, manifest);
      await this.#checkContent(manifest);
    });
    const totals = { objects: this.#objects, bytes: this.#bytes };
    if (this.#damages.size === 0) return [{ table, ...totals, error: null, object: null }];
    return [...this.#damages.values()].map(({ object, error }, index) => ({
      table,
      ...index === 0 ? totals : { objects: 0, bytes: 0 },
      error,
      object,
    }));
  }

  async #checkContent(manifest: TableManifest): Promise<void> {
    const { level } = this.#options;
    if (level === "manifest") return;
    const packs = [...manifest.packBytes()];
    const isHashed = level !== "objects";
    await inParallel(packs, isHashed ? READS_MAX : REQUESTS_MAX, async ([pack, bytes]) => {
      const key = this.#keyOf(pack);
      await this.#guard(key, async () => {
        await this.#checkObject(key, bytes);
        if (isHashed) await this.#checkHash(key, { pack, bytes });
        this.#count(bytes);
      });
    });
    if (level === "decode") await this.#decode(manifest);
    // Of a damaged table it is not asked: damaged is what it would say, too.
    if (isHashed && this.#damages.size === 0 && this.#part.table !== null) {
      const symbols = await this.#checkState(this.#part.table, manifest);
      if (level === "decode") await this.#checkSymbols(symbols, manifest);
    }
  }

  async #checkObject(key: string, bytes: number): Promise<void> {
    const info = await this.#store.head(key, this.#options);
    if (info === null) throw new ObjectNotFoundError(key);
    if (info.size === bytes) return;
    throw new RestoreError("object has the wrong length", {
      key,
      expected: bytes,
      actual: info.size,
    });
  }

  async #checkHash(key: string, object: { pack: string; bytes: number }): Promise<void> {
    const { core, signal } = this.#options;
    using hash = new Blake3(core);
    for (let offset = 0; offset < object.bytes; offset += RANGE_BYTES_MAX) {
      const length = Math.min(RANGE_BYTES_MAX, object.bytes - offset);
      const bytes = await this.#store.get(key, { range: { offset, length }, signal });
      hash.update(bytes);
      freeBytes(bytes);
    }
    const actual = toHex(hash.digest());
    if (actual !== object.pack) {
      throw new RestoreError("hash mismatch", { path: key, expected: object.pack, actual });
    }
  }

  async #decode(manifest: TableManifest): Promise<void> {
    const groups = [
      manifest.tableFiles(),
      ...manifest.partitions.map((_, index) => manifest.partitionFiles(index)),
    ];
    for (const files of groups) {
      const ranges = this.#rangesOf(manifest, files, false).filter(({ pack }) =>
        !this.#damages.has(this.#keyOf(pack)) // it cannot be read whole: nothing more is learned
      );
      await inParallel(ranges, READS_MAX, (range) => {
        const key = this.#keyOf(range.pack);
        return this.#guard(key, () => this.#run(BackupTask.VERIFY, range));
      });
    }
  }

  /** Reads the table's own state files and asks whether they and the manifests tell the same. */
  async #checkState(table: BackupTable, manifest: TableManifest): Promise<StoredSymbols[]> {
    const scratch = new SimulatedFileSystem();
    scratch.mkdir("/table/txn_seq");
    for (const file of stateFiles(manifest)) {
      if (file.slices.reduce((sum, { raw }) => sum + raw, 0) > STATE_BYTES_MAX) {
        throw new RestoreError("invalid manifest: a state file is too large", {
          manifest: manifest.source,
          path: file.path,
          bytes: file.bytes,
        });
      }
      using handle = scratch.open(`/table/${file.path}`, "create");
      for (const range of this.#rangesOf(manifest, [file], true)) {
        const parts = await this.#run<Uint8Array[]>(BackupTask.READ, range);
        for (const [index, job] of range.jobs.entries()) handle.write(parts[index], job.position);
      }
    }
    return checkTable(scratch, "/table", { table, manifest });
  }

  /** A restore builds symbol tables from their texts and settings: are both what it needs? */
  async #checkSymbols(symbols: readonly StoredSymbols[], manifest: TableManifest): Promise<void> {
    const files = new Map(manifest.tableFiles().map((file) => [`/${file.path}`, file]));
    await inParallel(symbols, READS_MAX, async ({ files: { offsets, chars }, count }) => {
      const settings = await Array.fromAsync(this.#contentOf(manifest, files.get(offsets)!));
      symbolSettings(new ByteReader(offsets, settings[0]));
      const check = new SymbolCharsCheck(chars, count);
      for await (const bytes of this.#contentOf(manifest, files.get(chars)!)) check.add(bytes);
      check.finish();
    });
  }

  /** Content of a file from its beginning, slice by slice. */
  async *#contentOf(
    manifest: TableManifest,
    file: StoredFile,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (const slice of wantedSlices({ path: file.path, file, heap: null })) {
      const [range] = planRanges([slice], manifest.packBytes(), true);
      yield* await this.#run<Uint8Array<ArrayBuffer>[]>(BackupTask.READ, range);
    }
  }

  #rangesOf(
    manifest: TableManifest,
    files: readonly StoredFile[],
    isRest: boolean,
  ): PackRange[] {
    const byPath = new Map(files.map((file) => [file.path, file]));
    const wanted = files.flatMap((file) => {
      const heap = byPath.get(file.path.replace(/\.i(\.\d+)?$/, ".d$1")) ?? null;
      return wantedSlices({ path: file.path, file, heap });
    });
    return planRanges(wanted, manifest.packBytes(), isRest).filter(({ jobs }) => jobs.length > 0);
  }

  async #run<T>(task: string, range: PackRange): Promise<T> {
    const { tasks, signal } = this.#options;
    const object = this.#keyOf(range.pack);
    const { offset, length, jobs } = range;
    const buffer = await this.#store.get(object, { range: { offset, length }, signal });
    const request: DecodeRequest = { jobs, buffer, object, prefix: "" };
    const result = await tasks.run<T>(task, request, { signal });
    freeBytes(buffer);
    return result;
  }

  #keyOf(pack: string): string {
    return this.#keys.pack(this.#part.directory, pack);
  }

  /** Runs a check of an object and notes what is wrong with it. */
  async #guard(object: string, check: () => Promise<unknown>): Promise<void> {
    try {
      await check();
    } catch (cause) {
      this.#options.signal.throwIfAborted();
      // A store that does not answer tells nothing about its objects.
      if (cause instanceof ObjectStoreError && cause.isRetryable) throw cause;
      if (this.#damages.has(object)) return;
      const error = cause instanceof Error ? cause.message : String(cause);
      this.#damages.set(object, { object, error });
    }
  }

  #count(bytes: number): void {
    this.#objects++;
    this.#bytes += bytes;
    this.#onBytes(bytes);
  }
}
