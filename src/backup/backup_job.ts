/**
 * One backup, from the pinned state to the root manifest.
 *
 * ```
 * take lease ─► previous manifests ─► each table: reuse or store ─► database files ─► sync ─► check lease ─► root manifest
 * ```
 * Everything up to the last step adds objects that nothing refers to yet. So a backup that stops anywhere leaves no trace but
 * garbage, and the next one finds the packs it had uploaded by their names.
 *
 * @module
 */
import { BackupError, formatTimestampMicros } from "../common/mod.ts";
import type { Clock, FileSystem, Log, Random } from "../platform/mod.ts";
import { ObjectNotFoundError, type ObjectStore } from "../objectstore/mod.ts";
import type { TaskRunner, WasmCore } from "../wasm/mod.ts";
import { hashHex } from "./content_hash.ts";
import type { BackupConfig } from "./backup_config.ts";
import { BackupInstance } from "./backup_instance.ts";
import type { DatabaseSnapshot, TableSnapshot } from "./database_snapshot.ts";
import { listBackups, readRootManifest, readTableManifest } from "./manifest_store.ts";
import type { UploadCounters } from "./pack_uploader.ts";
import {
  type BackupTable,
  encodeRootManifest,
  type RootManifest,
  VIEW_TYPE,
  VIEWS_FEATURE,
} from "./root_manifest.ts";
import { compressManifest } from "./slice_tasks.ts";
import { PackBuffers } from "./pack_buffer.ts";
import {
  type BackupContext,
  backupTable,
  type TableResult,
  type TableSource,
} from "./table_backup.ts";
import { BACKUP_FORMAT, type TableManifest } from "./table_manifest.ts";

const COMPONENT = "backup";

/** What a backup runs with. */
export interface BackupJobOptions {
  /** Whose calls end with `signal`. */
  readonly store: ObjectStore;
  /** The same for the one call that must not be cut off, since its outcome must be known. */
  readonly publishStore: ObjectStore;
  readonly snapshot: DatabaseSnapshot;
  readonly config: BackupConfig;
  readonly tasks: TaskRunner;
  /** Makes everything that was committed durable. */
  readonly sync: () => Promise<void>;
  readonly core: WasmCore;
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly dbRoot: string;
  readonly productVersion: string;
  /** Backup timestamp, microseconds. */
  readonly timestamp: bigint;
  /** Counts what is moved. */
  readonly counters: UploadCounters;
  /** Resolves when work may be handed out. */
  readonly giveWay: () => Promise<void>;
  readonly signal: AbortSignal;
  /** Called with 0…1. */
  readonly onProgress: (fraction: number) => void;
  /** Called once the instance is known. */
  readonly onInstance: (instance: BackupInstance) => void;
}

/** Runs a backup to its end. @throws {BackupError} and what the store throws; there is no root manifest then. */
export async function runBackup(options: BackupJobOptions): Promise<RootManifest> {
  return await new BackupJob(options).run();
}

interface Previous {
  readonly root: RootManifest;
  readonly tables: ReadonlyMap<string, BackupTable>;
}

class BackupJob {
  readonly #options: BackupJobOptions;
  readonly #counters: UploadCounters;
  readonly #weight: number;
  /** Tables that changed since the last backup. */
  readonly #stored: TableSnapshot[] = [];
  #done = 0;

  constructor(options: BackupJobOptions) {
    this.#options = options;
    this.#counters = options.counters;
    this.#weight = options.snapshot.tables.reduce((sum, table) => sum + weightOf(table), 0) + 1;
  }

  async run(): Promise<RootManifest> {
    const { publishStore, snapshot, signal } = this.#options;
    const instance = await BackupInstance.open({
      ...this.#options,
      dataId: snapshot.dataId,
      now: this.#options.timestamp,
    });
    const isResumed = instance.isCleanupDue;
    this.#options.onInstance(instance);
    const previous = await this.#readPrevious(instance);
    using packBuffers = new PackBuffers();
    const context: BackupContext = {
      ...this.#options,
      keys: instance.keys,
      isResumed,
      hasFileHashes: this.#options.config.hasPartitionHashes,
      compressionLevel: this.#options.config.compressionLevel,
      threadCount: this.#options.config.compressionThreads || this.#options.tasks.workerCount,
      counters: this.#counters,
      packBuffers,
      onProgress: (rows) => this.#advance(rows),
    };
    const tables: BackupTable[] = [];
    for (const table of snapshot.tables) {
      signal.throwIfAborted();
      tables.push(await this.#backUpTable(context, table, previous));
    }
    const oldFiles = await this.#readTable(previous?.root.files ?? null);
    const files = await backupTable(context, snapshot.databaseSource(), oldFiles);
    signal.throwIfAborted();
    await this.#makeDurable();
    const root = this.#rootManifest(instance, tables, files);
    const text = encodeRootManifest(root, (bytes) => hashHex(this.#options.core, bytes));
    await instance.checkLease();
    signal.throwIfAborted();
    await publish(
      publishStore,
      instance.keys.manifest(this.#options.timestamp),
      compressManifest(text),
    );
    return root;
  }

  /**
   * A backup must never hold what its server then loses with the power: transactions that follow would have the numbers of
   * those that were lost, and the next backup would take them for unchanged.
   */
  async #makeDurable(): Promise<void> {
    await this.#options.sync();
    for (const table of this.#stored) await table.sync();
  }

  #rootManifest(
    instance: BackupInstance,
    tables: readonly BackupTable[],
    files: TableResult,
  ): RootManifest {
    const { snapshot, config, clock, timestamp, productVersion } = this.#options;
    return {
      format: BACKUP_FORMAT,
      min_reader: BACKUP_FORMAT,
      features_required: tables.some(({ type }) => type === VIEW_TYPE) ? [VIEWS_FEATURE] : [],
      features_optional: [],
      product_version: productVersion,
      data_id: snapshot.dataId,
      instance: instance.name,
      timestamp: formatTimestampMicros(timestamp),
      started_at: formatTimestampMicros(timestamp),
      finished_at: formatTimestampMicros(clock.nowMicros()),
      compression: { codec: "zstd", level: config.compressionLevel },
      partition_hashes: config.hasPartitionHashes,
      registry: tables.map(({ name, dir, id, type }) => ({ name, dir, id, type })),
      tables,
      files: files.manifest,
      stats: {
        bytes_read: this.#counters.bytesRead,
        bytes_uploaded: this.#counters.bytesUploaded,
        bytes_reused: this.#counters.bytesReused,
        objects_uploaded: this.#counters.objectsUploaded,
      },
    };
  }

  async #backUpTable(
    context: BackupContext,
    table: TableSnapshot,
    previous: Previous | null,
  ): Promise<BackupTable> {
    const before = previous?.tables.get(table.facts.dir) ?? null;
    if (before !== null && isUnchanged(table, before) && await this.#exists(before)) {
      this.#counters.bytesReused += before.stored_bytes;
      this.#advance(weightOf(table));
      return before;
    }
    this.#stored.push(table);
    const source: TableSource = table.open();
    const result = await backupTable(
      context,
      source,
      await this.#readTable(before?.manifest ?? null),
    );
    return {
      ...table.facts,
      raw_bytes: result.rawBytes,
      stored_bytes: result.storedBytes,
      manifest: result.manifest,
    };
  }

  async #exists(table: BackupTable): Promise<boolean> {
    const info = await this.#options.store.head(table.manifest.key);
    return info?.size === table.manifest.bytes;
  }

  async #readPrevious(instance: BackupInstance): Promise<Previous | null> {
    const { store, log, timestamp } = this.#options;
    // A listing may lag behind; the record of this server does not.
    const known = new Set([...await listBackups(store, instance.keys), ...instance.backups]);
    const timestamps = [...known].sort((a, b) => a < b ? 1 : -1);
    for (const candidate of timestamps) {
      if (candidate >= timestamp) {
        throw new BackupError("a backup with a later timestamp exists; did the clock step back?", {
          timestamp: formatTimestampMicros(timestamp),
          existing: formatTimestampMicros(candidate),
        });
      }
      try {
        const root = await readRootManifest(this.#options, instance.keys.manifest(candidate));
        return { root, tables: new Map(root.tables.map((table) => [table.dir, table])) };
      } catch (error) {
        this.#options.signal.throwIfAborted();
        // Without it everything is read and stored again, which is always right; the damage is reported.
        log.critical(COMPONENT, "manifest of an earlier backup cannot be read", {
          key: instance.keys.manifest(candidate),
          error: error instanceof Error ? error.message : String(error),
        });
      }
    }
    return null;
  }

  async #readTable(reference: BackupTable["manifest"] | null): Promise<TableManifest | null> {
    if (reference === null) return null;
    try {
      return await readTableManifest(this.#options, reference);
    } catch (error) {
      this.#options.signal.throwIfAborted();
      this.#options.log.critical(COMPONENT, "table manifest of an earlier backup cannot be read", {
        key: reference.key,
        error: error instanceof Error ? error.message : String(error),
      });
      return null;
    }
  }

  #advance(weight: number): void {
    this.#done += weight;
    this.#options.onProgress(Math.min(1, this.#done / this.#weight));
  }
}

/** Stores the root manifest. The outcome of a failed call is looked up: it may have happened. */
async function publish(store: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  let isCreated: boolean;
  try {
    isCreated = await store.put(key, bytes, { ifNoneMatch: true });
  } catch (error) {
    if (await isStored(store, key, bytes)) return;
    throw error;
  }
  if (isCreated || await isStored(store, key, bytes)) return; // a request may have been repeated on its way
  throw new BackupError("a backup with this timestamp exists already", { key });
}

async function isStored(store: ObjectStore, key: string, bytes: Uint8Array): Promise<boolean> {
  try {
    const stored = await store.get(key, { maxBytes: bytes.byteLength });
    return stored.length === bytes.length && stored.every((byte, i) => byte === bytes[i]);
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return false;
    throw error;
  }
}

function weightOf(table: TableSnapshot): number {
  return table.facts.rows + table.partitionCount + 1;
}

function isUnchanged(table: TableSnapshot, before: BackupTable): boolean {
  const { facts } = table;
  return facts.name === before.name && facts.id === before.id && facts.type === before.type &&
    facts.txn === before.txn && facts.seq_txn === before.seq_txn &&
    facts.last_txn === before.last_txn && facts.structure_version === before.structure_version;
}
