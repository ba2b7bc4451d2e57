/**
 * VALIDATE BACKUP: is what a backup names still there, and is it what was stored?
 *
 * ```
 * manifest   root manifest and table manifests are read and checked against their hashes
 * objects    besides, every pack is there and as long as it was
 * hashes     besides, every pack is read and is what its name says
 * decode     besides, every slice is decoded and is what it was before it was stored
 * ```
 * Reads the store only; needs no database, so it runs without a server, too. Memory: one range of a pack at a time.
 *
 * @module
 */
import { RestoreError } from "../common/mod.ts";
import type { ObjectStore } from "../objectstore/mod.ts";
import { Blake3, type TaskRunner } from "../wasm/mod.ts";
import { toHex } from "./content_hash.ts";
import { type ManifestContext, readRootManifest, readTableManifest } from "./manifest_store.ts";
import { DATABASE_DIRECTORY, type InstanceKeys } from "./object_keys.ts";
import { planRanges, RANGE_BYTES_MAX, type WantedSlice } from "./restore_ranges.ts";
import { selectBackup } from "./restore_selection.ts";
import type { ManifestReference, RootManifest } from "./root_manifest.ts";
import { BackupTask } from "./slice_tasks.ts";
import type { TableManifest } from "./table_manifest.ts";

/** How thoroughly a backup is checked, each level including those before it. */
export const VALIDATION_LEVELS = ["manifest", "objects", "hashes", "decode"] as const;
/** One of {@linkcode VALIDATION_LEVELS}. */
export type ValidationLevel = typeof VALIDATION_LEVELS[number];

/** What a validation runs with. */
export interface ValidationOptions extends ManifestContext {
  /** Runs `backupTasks`; used by level `decode`. */
  readonly tasks: TaskRunner;
  readonly level: ValidationLevel;
  /** Instance name; `null`: the only one in the store. */
  readonly instance: string | null;
  /** The newest backup at or before it, microseconds; `null`: the latest. */
  readonly timestamp: bigint | null;
  readonly signal: AbortSignal;
  /** Called with bytes that were checked. */
  readonly onProgress?: (bytes: number) => void;
}

/** What was found about one table; the database's own files count as the table `''`. */
export interface TableValidation {
  readonly table: string;
  /** Objects that were checked. */
  readonly objects: number;
  /** Their stored bytes. */
  readonly bytes: number;
  /** What is wrong, with the object's key; `null` if nothing is. */
  readonly error: string | null;
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
  const selected = await selectBackup(options.store, {
    objectStore: null,
    instance: options.instance,
    timestamp: options.timestamp,
    timestampText: null,
  });
  const root = await readRootManifest(options, selected.keys.manifest(selected.timestamp));
  const tables: TableValidation[] = [];
  for (const { name, directory, reference } of partsOf(root)) {
    options.signal.throwIfAborted();
    const check = new TableCheck(options, selected.keys, directory);
    tables.push(await check.run(name, reference));
  }
  return { instance: selected.instance, timestamp: selected.timestamp, tables };
}

function partsOf(
  root: RootManifest,
): { name: string; directory: string; reference: ManifestReference }[] {
  return [
    { name: "", directory: DATABASE_DIRECTORY, reference: root.files },
    ...root.tables.map(({ name, dir, manifest }) => ({
      name,
      directory: dir,
      reference: manifest,
    })),
  ];
}

class TableCheck {
  readonly #options: ValidationOptions;
  readonly #store: ObjectStore;
  readonly #keys: InstanceKeys;
  readonly #directory: string;
  #objects = 0;
  #bytes = 0;

  constructor(options: ValidationOptions, keys: InstanceKeys, directory: string) {
    this.#options = options;
    this.#store = options.store;
    this.#keys = keys;
    this.#directory = directory;
  }

  async run(table: string, reference: ManifestReference): Promise<TableValidation> {
    let error: string | null = null;
    try {
      const manifest = await readTableManifest(this.#options, reference);
      this.#count(reference.bytes);
      await this.#checkPacks(manifest);
      if (this.#options.level === "decode") await this.#decode(manifest);
    } catch (cause) {
      this.#options.signal.throwIfAborted();
      error = cause instanceof Error ? cause.message : String(cause);
    }
    return { table, objects: this.#objects, bytes: this.#bytes, error };
  }

  async #checkPacks(manifest: TableManifest): Promise<void> {
    const { level, signal } = this.#options;
    if (level === "manifest") return;
    for (const [pack, bytes] of manifest.packBytes()) {
      signal.throwIfAborted();
      const key = this.#keys.pack(this.#directory, pack);
      const info = await this.#store.head(key, { signal });
      if (info === null) throw new RestoreError("object does not exist", { key });
      if (info.size !== bytes) {
        throw new RestoreError("object has the wrong length", {
          key,
          expected: bytes,
          actual: info.size,
        });
      }
      if (level !== "objects") await this.#checkHash(key, { pack, bytes });
      this.#count(bytes);
    }
  }

  async #checkHash(key: string, object: { pack: string; bytes: number }): Promise<void> {
    const { core, signal } = this.#options;
    using hash = new Blake3(core);
    for (let offset = 0; offset < object.bytes; offset += RANGE_BYTES_MAX) {
      const length = Math.min(RANGE_BYTES_MAX, object.bytes - offset);
      hash.update(await this.#store.get(key, { range: { offset, length }, signal }));
    }
    const actual = toHex(hash.digest());
    if (actual !== object.pack) {
      throw new RestoreError("hash mismatch", { path: key, expected: object.pack, actual });
    }
  }

  async #decode(manifest: TableManifest): Promise<void> {
    const { tasks, signal } = this.#options;
    const files = [
      ...manifest.tableFiles(),
      ...manifest.partitions.flatMap((_, index) => manifest.partitionFiles(index)),
    ];
    const wanted: WantedSlice[] = files.flatMap((file) =>
      file.slices.map((slice) => ({
        pack: slice.pack,
        packOffset: slice.offset,
        job: {
          file: file.path,
          position: 0,
          stored: slice.stored,
          raw: slice.raw,
          codec: slice.codec,
          blake3: slice.blake3,
          kind: file.kind,
          base: 0,
        },
      }))
    );
    for (const range of planRanges(wanted, manifest.packBytes())) {
      if (range.jobs.length === 0) continue;
      const key = this.#keys.pack(this.#directory, range.pack);
      const { offset, length } = range;
      const buffer = await this.#store.get(key, { range: { offset, length }, signal });
      await tasks.run(BackupTask.VERIFY, { jobs: range.jobs, buffer });
    }
  }

  #count(bytes: number): void {
    this.#objects++;
    this.#bytes += bytes;
    this.#options.onProgress?.(bytes);
  }
}
