/**
 * What a restore would take, without doing it: is every object there, what is to be fetched, is there room, how long will it
 * take? Everything that a restore plans is planned by the same code; nothing is written.
 *
 * @module
 */
import { RestoreError } from "../common/mod.ts";
import { ObjectNotFoundError, type ObjectStore } from "../objectstore/mod.ts";
import { type Clock, type FileSystem, parentPath } from "../platform/mod.ts";
import type { TaskRunner } from "../wasm/mod.ts";
import { inParallel } from "./in_parallel.ts";
import { type ManifestContext, readRootManifest, readTableManifest } from "./manifest_store.ts";
import type { InstanceKeys } from "./object_keys.ts";
import { checkIdentity, requiredSpace } from "./restore.ts";
import { type PackRange, planRanges } from "./restore_ranges.ts";
import { selectBackup } from "./restore_selection.ts";
import { RestoreState } from "./restore_state.ts";
import type { RootManifest } from "./root_manifest.ts";
import { BackupTask, type DecodeRequest } from "./slice_tasks.ts";
import { wantedSlices } from "./table_restore.ts";
import type { TableManifest } from "./table_manifest.ts";
import { checkPart, partsOf } from "./validation.ts";

/** Objects asked for at the same time. */
const REQUESTS_MAX = 16;
/** Parts that are fetched and decoded to learn how fast that is. */
const SAMPLES_MAX = 4;
/** Problems that are told in full; of more there is a count. */
const PROBLEMS_MAX = 20;

/** What a plan is made with. */
export interface RestorePlanOptions extends ManifestContext {
  readonly fs: FileSystem;
  readonly clock: Clock;
  /** Runs `backupTasks`. */
  readonly tasks: TaskRunner;
  /** Database root that the restore would write; need not exist. */
  readonly dbRoot: string;
  /** Install root that would be restored into, which is then looked at, too; `null`: only the backup is. */
  readonly installRoot: string | null;
  /** Instance name; `null`: the only one in the store. */
  readonly instance: string | null;
  /** The newest backup at or before it, microseconds; `null`: the latest. */
  readonly timestamp: bigint | null;
  readonly signal: AbortSignal;
}

/** What a restore would take. */
export interface RestorePlan {
  /** Microseconds. */
  readonly timestamp: bigint;
  readonly instance: string;
  /** Version of the program that made the backup; `null` if its manifest cannot be read. */
  readonly writtenBy: string | null;
  readonly tableCount: number;
  readonly rowCount: number;
  /** Objects that the backup is made of. */
  readonly objectCount: number;
  /** Those that are not there, or not as long as they were. */
  readonly missingCount: number;
  /** Bytes to fetch from the store. */
  readonly fetchBytes: number;
  /** Bytes that must be free on the disk. */
  readonly diskNeeded: number;
  /** Bytes that are; `null` if unknown. */
  readonly diskFree: number | null;
  /** By how long a sample took to fetch and decode; `null` if there is nothing to fetch. */
  readonly estimatedSeconds: number | null;
  /** Why a restore would be refused; empty if nothing is known against it. */
  readonly problems: readonly string[];
}

/** Plans a restore. @throws {RestoreError} if there is no such backup, and what the store throws if it does not answer. */
export async function planRestore(options: RestorePlanOptions): Promise<RestorePlan> {
  const selected = await selectBackup(options.store, options);
  return await new Planner(options, selected.keys, selected.instance).run(selected.timestamp);
}

class Planner {
  readonly #options: RestorePlanOptions;
  readonly #store: ObjectStore;
  readonly #keys: InstanceKeys;
  readonly #instance: string;
  readonly #problems: string[] = [];
  #problemCount = 0;
  #objectCount = 0;
  #missingCount = 0;
  #fetchBytes = 0;
  /** The largest parts so far, with the keys of their packs. */
  #samples: { readonly key: string; readonly range: PackRange }[] = [];

  constructor(options: RestorePlanOptions, keys: InstanceKeys, instance: string) {
    this.#options = options;
    this.#store = options.store;
    this.#keys = keys;
    this.#instance = instance;
  }

  async run(timestamp: bigint): Promise<RestorePlan> {
    const { fs, dbRoot, installRoot } = this.#options;
    const key = this.#keys.manifest(timestamp);
    let root: RootManifest | null = null;
    await this.#guard(async () => {
      root = await readRootManifest(this.#options, key);
      checkIdentity(root, key, { instance: this.#instance, timestamp });
    });
    const tables = (root as RootManifest | null)?.tables ?? [];
    if (root !== null) await this.#planParts(root);
    if (installRoot !== null) {
      const state = new RestoreState(fs, { installRoot, dbRoot });
      await this.#guard(() => Promise.resolve(state.checkEmpty()));
    }
    const sum = (field: "rows" | "raw_bytes") => tables.reduce((all, row) => all + row[field], 0);
    const diskNeeded = requiredSpace(sum("raw_bytes"), 0);
    const diskFree = availableBytes(fs, dbRoot);
    if (diskFree !== null && diskNeeded > diskFree) {
      this.#note(`not enough disk space [required=${diskNeeded}, available=${diskFree}]`);
    }
    return {
      timestamp,
      instance: this.#instance,
      writtenBy: (root as RootManifest | null)?.product_version ?? null,
      tableCount: tables.length,
      rowCount: sum("rows"),
      objectCount: this.#objectCount,
      missingCount: this.#missingCount,
      fetchBytes: this.#fetchBytes,
      diskNeeded,
      diskFree,
      estimatedSeconds: await this.#estimate(),
      problems: this.#report(),
    };
  }

  async #planParts(root: RootManifest): Promise<void> {
    for (const part of partsOf(root)) {
      this.#options.signal.throwIfAborted();
      await this.#guard(async () => {
        const { reference, directory } = part;
        this.#objectCount++;
        const manifest = await this.#readManifest(() =>
          readTableManifest(this.#options, reference)
        );
        this.#fetchBytes += reference.bytes;
        checkPart(part, manifest);
        await this.#findMissing(manifest, directory);
        this.#planFetches(manifest, directory);
      });
    }
  }

  async #readManifest(read: () => Promise<TableManifest>): Promise<TableManifest> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof ObjectNotFoundError) this.#missingCount++;
      throw error;
    }
  }

  async #findMissing(manifest: TableManifest, directory: string): Promise<void> {
    await inParallel(manifest.packBytes(), REQUESTS_MAX, async ([pack, bytes]) => {
      const key = this.#keys.pack(directory, pack);
      this.#objectCount++;
      const info = await this.#store.head(key, this.#options);
      if (info?.size === bytes) return;
      this.#missingCount++;
      this.#note(
        info === null
          ? `object does not exist [key=${key}]`
          : `object has the wrong length [key=${key}, expected=${bytes}, actual=${info.size}]`,
      );
    });
  }

  /** Counts the bytes of the requests that a restore would make. */
  #planFetches(manifest: TableManifest, directory: string): void {
    const packBytes = manifest.packBytes();
    const groups = [
      () => manifest.tableFiles(),
      ...manifest.partitions.map((_, index) => () => manifest.partitionFiles(index)),
    ];
    for (const files of groups) {
      const wanted = files().flatMap((file) => wantedSlices({ path: file.path, file, heap: null }));
      for (const range of planRanges(wanted, packBytes)) {
        this.#fetchBytes += range.length;
        if (range.jobs.length === 0) continue;
        this.#samples.push({ key: this.#keys.pack(directory, range.pack), range });
        this.#samples.sort((a, b) => b.range.length - a.range.length);
        this.#samples.length = Math.min(this.#samples.length, SAMPLES_MAX);
      }
    }
  }

  /** Fetches and decodes the largest parts and tells how long all would take at that rate. */
  async #estimate(): Promise<number | null> {
    const { clock, tasks, signal } = this.#options;
    let bytes = 0;
    const started = clock.monotonicMillis();
    if (this.#missingCount === 0) {
      for (const { key, range } of this.#samples) {
        await this.#guard(async () => {
          const { offset, length, jobs } = range;
          const buffer = await this.#store.get(key, { range: { offset, length }, signal });
          const request: DecodeRequest = { jobs, buffer, object: key, prefix: "" };
          await tasks.run(BackupTask.VERIFY, request, { signal });
          bytes += length;
        });
      }
    }
    const seconds = (clock.monotonicMillis() - started) / 1000;
    return bytes === 0 ? null : seconds * this.#fetchBytes / bytes;
  }

  /** Runs a step; what is wrong with the backup is noted, anything else is thrown. */
  async #guard(step: () => Promise<unknown>): Promise<void> {
    try {
      await step();
    } catch (error) {
      const isAboutBackup = error instanceof RestoreError || error instanceof ObjectNotFoundError;
      if (!isAboutBackup) throw error;
      this.#note(error.message);
    }
  }

  #note(problem: string): void {
    this.#problemCount++;
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push(problem);
  }

  #report(): string[] {
    const more = this.#problemCount - this.#problems.length;
    return more === 0 ? this.#problems : [...this.#problems, `and ${more} more problems`];
  }
}

/** Free bytes where a directory is or will be. */
function availableBytes(fs: FileSystem, directory: string): number | null {
  let at = directory;
  while (at !== "/" && fs.stat(at) === null) at = parentPath(at);
  return fs.availableBytes(at);
}
