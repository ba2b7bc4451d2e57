/**
 * Whose backups these are. An instance is one server's set of backups: a three-word name, an object that binds it to the
 * data id, and a lease that only one server can hold.
 *
 * ```
 * store: backup/<name>/instance.json   written once: format, data id
 *        backup/<name>/lease.json      { token }
 * local: db/_backup_instance.json      { instance, token, previous_token, backups[], cleanup_due }
 * ```
 * The lease needs no expiry. Each backup draws a new token, writes it locally with its predecessor, then to the store; the
 * token found in the store must be one of those two. A crash between the writes leaves the previous token, which still
 * matches. A cloned machine has the tokens of the moment it was cloned; as soon as either twin has made a backup, the other
 * finds a token it never wrote and stops.
 *
 * A restored root has no local file and so begins an instance of its own.
 *
 * @module
 */
import { BackupError } from "../common/mod.ts";
import { type FileSystem, type Random, readFile, writeFileAtomic } from "../platform/mod.ts";
import { ObjectNotFoundError, type ObjectStore } from "../objectstore/mod.ts";
import { drawInstanceName } from "./instance_name.ts";
import {
  BACKUP_PREFIX,
  compactTimestamp,
  InstanceKeys,
  isInstanceName,
  parseCompactTimestamp,
} from "./object_keys.ts";
import { BACKUP_FORMAT } from "./table_manifest.ts";

/** Name of the local file in the database root. */
export const INSTANCE_FILE = "_backup_instance.json";
const SMALL_BYTES_MAX = 65_536;
const NAME_ATTEMPTS_MAX = 100;
/** Backups that the local record remembers; `backup.cleanup.keep.latest.n` is rarely above it. */
const BACKUPS_MAX = 2000;

interface LocalInstance {
  readonly instance: string;
  /** Token of this server's last backup. */
  readonly token: string;
  /** Token before that; still in the store if the server stopped between two writes. */
  readonly previous_token: string;
  /** Backups that completed and were not deleted: a listing of the store may lag behind. */
  readonly backups: readonly string[];
  /** True if the store may hold objects that no backup names. */
  readonly cleanup_due: boolean;
}

/** What {@linkcode BackupInstance.open} needs. */
export interface InstanceOptions {
  readonly store: ObjectStore;
  readonly fs: FileSystem;
  readonly random: Random;
  readonly dbRoot: string;
  /** UUID text of this database. */
  readonly dataId: string;
  readonly productVersion: string;
  /** Microseconds, for `instance.json`. */
  readonly now: bigint;
}

/** Reads the instance name of a database root; `null` before the first backup. */
export function readInstanceName(fs: FileSystem, dbRoot: string): string | null {
  return readLocal(fs, `${dbRoot}/${INSTANCE_FILE}`)?.instance ?? null;
}

/** An instance whose lease this server holds. */
export class BackupInstance {
  readonly name: string;
  readonly keys: InstanceKeys;
  readonly #options: InstanceOptions;
  #local: LocalInstance;

  private constructor(options: InstanceOptions, local: LocalInstance) {
    this.#options = options;
    this.name = local.instance;
    this.keys = new InstanceKeys(local.instance);
    this.#local = local;
  }

  /** Backups that this server knows to have completed and not deleted, ascending. */
  get backups(): bigint[] {
    return this.#local.backups.map(parseCompactTimestamp).filter((timestamp) => timestamp !== null);
  }
  /** True if the store may hold objects that no backup names: an attempt or a cleanup did not get to its end. */
  get isCleanupDue(): boolean {
    return this.#local.cleanup_due;
  }

  /** Notes a completed backup, and that what its attempt left is all named. */
  addBackup(timestamp: bigint): void {
    this.#write({ backups: [...this.#local.backups, compactTimestamp(timestamp)] });
  }
  /** Notes that backups were deleted. */
  removeBackups(timestamps: readonly bigint[]): void {
    const gone = new Set(timestamps.map(compactTimestamp));
    this.#write({ backups: this.#local.backups.filter((timestamp) => !gone.has(timestamp)) });
  }
  /** Notes whether the store may hold objects that no backup names. */
  setCleanupDue(isDue: boolean): void {
    if (isDue !== this.#local.cleanup_due) this.#write({ cleanup_due: isDue });
  }

  #write(changes: Partial<LocalInstance>): void {
    this.#local = { ...this.#local, ...changes };
    const { fs, dbRoot } = this.#options;
    writeFileAtomic(fs, `${dbRoot}/${INSTANCE_FILE}`, encodeJson(this.#local));
  }

  /**
   * Finds or creates this server's instance in the store and takes its lease.
   *
   * @throws {BackupError} ER007 if the store holds backups of another database, or if another server uses the instance.
   */
  static async open(options: InstanceOptions): Promise<BackupInstance> {
    const path = `${options.dbRoot}/${INSTANCE_FILE}`;
    let local = readLocal(options.fs, path);
    const owner = local === null ? null : await readOwner(options.store, local.instance);
    if (owner !== null) checkOwner(owner, local!.instance, options.dataId);
    if (local === null || owner === null) {
      const instance = await createInstance(options, local?.instance ?? null);
      // Under the same name the store may still hold our lease; under a new one there is none.
      if (local?.instance !== instance) {
        local = { instance, token: "", previous_token: "", backups: [], cleanup_due: false };
      }
    }
    const held = await readLease(options.store, local.instance);
    if (held !== null && held !== local.token && held !== local.previous_token) {
      throw new BackupError(
        "another server uses this backup instance; was this root cloned? Delete the file to start an instance of its own",
        { instance: local.instance, file: path },
      );
    }
    const token = randomHex(options.random);
    const record: LocalInstance = { ...local, token, previous_token: held ?? local.token };
    writeFileAtomic(options.fs, path, encodeJson(record));
    const lease = encodeJson({ format: BACKUP_FORMAT, data_id: options.dataId, token });
    await options.store.put(new InstanceKeys(local.instance).lease, lease);
    return new BackupInstance(options, record);
  }

  /** Checks that the lease is still this server's. @throws {BackupError} if it is not. */
  async checkLease(): Promise<void> {
    if (await readLease(this.#options.store, this.name) !== this.#local.token) {
      throw new BackupError("another server took over this backup instance", {
        instance: this.name,
      });
    }
  }
}

/** Lists the instances in a store. */
export async function listInstances(store: ObjectStore): Promise<string[]> {
  const names = new Set<string>();
  for await (const page of store.list(BACKUP_PREFIX)) {
    for (const { key } of page) {
      const [name, file] = key.slice(BACKUP_PREFIX.length).split("/");
      if (isInstanceName(name) && file !== undefined) names.add(name);
    }
  }
  return [...names];
}

/** Creates `instance.json` under a free name, or under `wanted` if the store lost it. */
async function createInstance(options: InstanceOptions, wanted: string | null): Promise<string> {
  const { store, dataId } = options;
  for (const name of await listInstances(store)) {
    const owner = await readOwner(store, name);
    if (owner !== null) checkOwner(owner, name, dataId);
  }
  const record = encodeJson({
    format: BACKUP_FORMAT,
    data_id: dataId,
    product_version: options.productVersion,
    created_micros: String(options.now),
  });
  for (let attempt = 0; attempt < NAME_ATTEMPTS_MAX; attempt++) {
    const name = attempt === 0 && wanted !== null ? wanted : drawInstanceName(options.random);
    const isCreated = await store.put(new InstanceKeys(name).instance, record, {
      ifNoneMatch: true,
    });
    if (isCreated) return name;
  }
  throw new BackupError("no free backup instance name was found", { attempts: NAME_ATTEMPTS_MAX });
}

/** Data id that an instance belongs to, or `null` if it has no `instance.json`. */
export async function readOwner(store: ObjectStore, instance: string): Promise<string | null> {
  const json = await readSmallJson(store, new InstanceKeys(instance).instance);
  return json === null ? null : String(json.data_id);
}

function checkOwner(owner: string, instance: string, dataId: string): void {
  if (owner === dataId) return;
  throw new BackupError(
    "[ER007] Data ID mismatch: the object store holds backups of another database",
    { local: dataId, remote: owner, instance },
  );
}

async function readLease(store: ObjectStore, instance: string): Promise<string | null> {
  const json = await readSmallJson(store, new InstanceKeys(instance).lease);
  return json === null ? null : String(json.token);
}

/** Reads a small JSON object from a store; `null` if there is none. @throws {BackupError} if it is no JSON object. */
export async function readSmallJson(
  store: ObjectStore,
  key: string,
): Promise<Record<string, unknown> | null> {
  let bytes: Uint8Array;
  try {
    bytes = await store.get(key, { maxBytes: SMALL_BYTES_MAX });
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return null;
    throw error;
  }
  return decodeJson(bytes, key);
}

function readLocal(fs: FileSystem, path: string): LocalInstance | null {
  if (fs.stat(path) === null) return null;
  const json = decodeJson(readFile(fs, path, SMALL_BYTES_MAX), path);
  const { instance, token, previous_token } = json;
  if (typeof instance !== "string" || !isInstanceName(instance)) {
    throw new BackupError("file holds no backup instance name", { file: path });
  }
  const backups = Array.isArray(json.backups) ? json.backups.map(String) : [];
  return {
    instance,
    token: String(token),
    previous_token: String(previous_token),
    backups: backups.slice(-BACKUPS_MAX),
    cleanup_due: json.cleanup_due === true,
  };
}

function decodeJson(bytes: Uint8Array, source: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    throw new BackupError("file is not valid JSON", { file: source }, { cause: error });
  }
  throw new BackupError("file is not a JSON object", { file: source });
}

/** JSON text in UTF-8. */
export function encodeJson(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

function randomHex(random: Random): string {
  const bytes = random.fill(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
