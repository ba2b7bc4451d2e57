/**
 * Whose backups these are. An instance is one server's set of backups: a three-word name, an object that binds it to the
 * data id, and a chain of leases that only one server can go on with.
 *
 * ```
 * store: backup/<name>/instance.json         written once: format, data id
 *        backup/<name>/leases/<epoch>.json   written once: { data_id, token }
 * local: db/_backup_instance.json            { instance, epoch, tokens[], backups[], unsure[], cleanup_due, attempt }
 * ```
 * Each backup draws a token, writes it locally, and creates the lease of the next epoch with it, with If-None-Match. Only the
 * server whose record says which epoch was the last one can do that, and of two that both know, a machine and its clone, only
 * one: the other finds a token that it never wrote, and stops. It can never go on, however long it slept and whatever its
 * clock says: there is no expiry and no time in this, and nothing is overwritten, so that a request that arrives late or
 * twice changes nothing.
 *
 * A crash behind the creation, or an answer that was lost, leaves an epoch with one of our earlier tokens. It is passed over:
 * the lease is held by who has created an object with the token of this very attempt, since a clone has the earlier ones, too.
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
const LOCAL_BYTES_MAX = 1_048_576;
/** Attempts in a row whose outcome is unknown, each with its token. */
const TOKENS_MAX = 500;
const NAME_ATTEMPTS_MAX = 100;
/** Backups that the local record remembers; `backup.cleanup.keep.latest.n` is rarely above it. */
const BACKUPS_MAX = 2000;

interface LocalInstance {
  readonly instance: string;
  /** Epoch of the last lease that this server is known to have held; 0 before the first one. */
  readonly epoch: number;
  /** Tokens that later epochs may have been created with, by attempts whose outcome is unknown. */
  readonly tokens: readonly string[];
  /** Backups that completed and were not deleted: a listing of the store may lag behind. */
  readonly backups: readonly string[];
  /** Attempts that may have stored their manifests: they were cut off, or go on on the machine that was cloned. */
  readonly unsure: readonly string[];
  /** True if the store may hold objects that no backup names. */
  readonly cleanup_due: boolean;
  /** The attempt that is under way, or was when the server stopped. */
  readonly attempt: string | null;
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
  /** Microseconds: the timestamp of the backup. */
  readonly now: bigint;
}

/** Reads the instance name of a database root; `null` before the first backup. */
export function readInstanceName(fs: FileSystem, dbRoot: string): string | null {
  return readLocal(fs, `${dbRoot}/${INSTANCE_FILE}`)?.instance ?? null;
}

/** Timestamps of the backups that a database root remembers, and of attempts of which it does not know the outcome. */
export function readKnownBackups(
  fs: FileSystem,
  dbRoot: string,
): { readonly complete: bigint[]; readonly unsure: bigint[] } {
  const local = readLocal(fs, `${dbRoot}/${INSTANCE_FILE}`);
  return {
    complete: timestampsOf(local?.backups ?? []),
    unsure: timestampsOf(local?.unsure ?? []),
  };
}

/** Timestamp of the attempt that was under way when the server stopped; `null` if there was none. */
export function readInterruptedAttempt(fs: FileSystem, dbRoot: string): bigint | null {
  const attempt = readLocal(fs, `${dbRoot}/${INSTANCE_FILE}`)?.attempt ?? null;
  return attempt === null ? null : parseCompactTimestamp(attempt);
}

/** An instance whose lease this server holds. */
export class BackupInstance {
  readonly name: string;
  readonly keys: InstanceKeys;
  readonly #options: InstanceOptions;
  readonly #token: string;
  #local: LocalInstance;

  private constructor(options: InstanceOptions, local: LocalInstance, token: string) {
    this.#options = options;
    this.#token = token;
    this.name = local.instance;
    this.keys = new InstanceKeys(local.instance);
    this.#local = local;
  }

  /** Backups that this server knows to have completed and not deleted, ascending. */
  get backups(): bigint[] {
    return timestampsOf(this.#local.backups);
  }
  /** Backups of which this server does not know whether they completed. */
  get unsureBackups(): bigint[] {
    return timestampsOf(this.#local.unsure);
  }
  /** Key of the lease. */
  get leaseKey(): string {
    return this.keys.lease(this.#local.epoch);
  }
  /** True if the store may hold objects that no backup names: an attempt or a cleanup did not get to its end. */
  get isCleanupDue(): boolean {
    return this.#local.cleanup_due;
  }

  /** Notes a backup that completed. */
  addBackup(timestamp: bigint): void {
    const text = compactTimestamp(timestamp);
    const backups = [...this.#local.backups.filter((other) => other !== text), text].sort();
    const unsure = this.#local.unsure.filter((other) => other !== text);
    this.#write({ backups: backups.slice(-BACKUPS_MAX), unsure });
  }
  /** Notes that backups were deleted. */
  removeBackups(timestamps: readonly bigint[]): void {
    const gone = new Set(timestamps.map(compactTimestamp));
    const remaining = (texts: readonly string[]) => texts.filter((text) => !gone.has(text));
    this.#write({
      backups: remaining(this.#local.backups),
      unsure: remaining(this.#local.unsure),
    });
  }
  /** Notes whether the store may hold objects that no backup names. */
  setCleanupDue(isDue: boolean): void {
    if (isDue !== this.#local.cleanup_due) this.#write({ cleanup_due: isDue });
  }
  /** Notes that an attempt begins: what it stores is not named by a backup yet. */
  beginAttempt(timestamp: bigint): void {
    this.#write({ cleanup_due: true, attempt: compactTimestamp(timestamp) });
  }
  /** Notes that an attempt is over, and that its outcome is in the history. */
  endAttempt(): void {
    if (this.#local.attempt !== null) this.#write({ attempt: null });
  }

  #write(changes: Partial<LocalInstance>): void {
    this.#local = { ...this.#local, ...changes };
    writeLocal(this.#options, this.#local);
  }

  /**
   * Finds or creates this server's instance in the store and takes its lease.
   *
   * @throws {BackupError} ER007 if the store holds backups of another database, or if another server uses the instance.
   */
  static async open(options: InstanceOptions): Promise<BackupInstance> {
    const local = await findInstance(options);
    const token = randomHex(options.random);
    // From now on the attempt may get to its manifest, here or on a machine of which this disk is a clone.
    const pending = {
      ...local,
      tokens: [...local.tokens, token].slice(-TOKENS_MAX),
      unsure: [...local.unsure, compactTimestamp(options.now)].slice(-BACKUPS_MAX),
    };
    writeLocal(options, pending);
    const epoch = await takeLease(options, pending, token);
    const held = { ...pending, epoch, tokens: [] };
    writeLocal(options, held);
    return new BackupInstance(options, held, token);
  }

  /**
   * Checks that the lease is still there and the last one: a clone of this machine, made in the middle of an attempt, takes the
   * next epoch. To be called right before what a second server must not do.
   *
   * @throws {BackupError}
   */
  async checkLease(): Promise<void> {
    const { store } = this.#options;
    if (await readLease(store, this.leaseKey) !== this.#token) {
      throw new BackupError("the lease of this backup instance is gone", {
        instance: this.name,
        key: this.leaseKey,
      });
    }
    if (await store.head(this.keys.lease(this.#local.epoch + 1)) === null) return;
    throw new BackupError("another server took over this backup instance", {
      instance: this.name,
    });
  }
}

/** What the lease of an epoch that cannot be created means. */
export type LeaseJudgement = "held" | "earlier" | "unreadable" | "other";

/**
 * Judges a lease that exists.
 *
 * @param found its token; `null` if it cannot be read.
 * @param own `token`: of this attempt; `tokens`: of attempts whose outcome is unknown, this server's or those of which it is a clone.
 */
export function judgeLease(
  found: string | null,
  own: { readonly token: string; readonly tokens: readonly string[] },
): LeaseJudgement {
  if (found === null) return "unreadable";
  if (found === own.token) return "held";
  return own.tokens.includes(found) ? "earlier" : "other";
}

/** Creates the lease of the first epoch that is free. @returns the epoch. @throws {BackupError} if another server holds it. */
async function takeLease(
  options: InstanceOptions,
  local: LocalInstance,
  token: string,
): Promise<number> {
  const { store, dataId } = options;
  const keys = new InstanceKeys(local.instance);
  const record = encodeJson({ format: BACKUP_FORMAT, data_id: dataId, token });
  for (let epoch = local.epoch + 1;; epoch++) {
    const key = keys.lease(epoch);
    if (await store.put(key, record, { ifNoneMatch: true })) return epoch;
    const judgement = judgeLease(await readLease(store, key), { token, tokens: local.tokens });
    if (judgement === "held") return epoch;
    if (judgement === "unreadable") {
      throw new BackupError("lease exists and cannot be read", { key });
    }
    if (judgement === "earlier") {
      writeLocal(options, { ...local, epoch });
      continue;
    }
    throw new BackupError(
      "another server uses this backup instance; was this root cloned? Delete the file to start an instance of its own",
      { instance: local.instance, file: localPath(options) },
    );
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

/** The instance of this server, which has its `instance.json` in the store; a new one if there is none. */
async function findInstance(options: InstanceOptions): Promise<LocalInstance> {
  const { store, fs, dataId } = options;
  const local = readLocal(fs, localPath(options));
  const owner = local === null ? null : await readOwner(store, local.instance);
  if (local !== null && owner !== null) {
    checkOwner(owner, local.instance, dataId);
    return local;
  }
  for (const name of await listInstances(store)) {
    const other = await readOwner(store, name);
    if (other !== null) checkOwner(other, name, dataId);
  }
  if (local !== null) {
    await claimName(options, local.instance); // the store has lost it, or it was never stored
    return local;
  }
  for (let attempt = 0; attempt < NAME_ATTEMPTS_MAX; attempt++) {
    const instance = drawInstanceName(options.random);
    const drawn = {
      instance,
      epoch: 0,
      tokens: [],
      backups: [],
      unsure: [],
      cleanup_due: false,
      attempt: null,
    };
    // First here, then there: a crash in between must not leave a second instance behind.
    writeLocal(options, drawn);
    if (await claimName(options, instance)) return drawn;
  }
  throw new BackupError("no free backup instance name was found", { attempts: NAME_ATTEMPTS_MAX });
}

/** Creates `instance.json`. @returns false if another database has taken the name. */
async function claimName(options: InstanceOptions, name: string): Promise<boolean> {
  const { store, dataId } = options;
  const key = new InstanceKeys(name).instance;
  const record = encodeJson({
    format: BACKUP_FORMAT,
    data_id: dataId,
    product_version: options.productVersion,
    created_micros: String(options.now),
  });
  if (await store.put(key, record, { ifNoneMatch: true })) return true;
  const owner = await readOwner(store, name);
  if (owner === null) throw new BackupError("record of the instance cannot be read", { key });
  return owner === dataId;
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

async function readLease(store: ObjectStore, key: string): Promise<string | null> {
  const json = await readSmallJson(store, key);
  return json === null ? null : String(json.token);
}

/** Reads a small JSON object from a store; `null` if there is none. @throws {BackupError} if it is no JSON object. */
export async function readSmallJson(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): Promise<Record<string, unknown> | null> {
  let bytes: Uint8Array;
  try {
    bytes = await store.get(key, {
      maxBytes: SMALL_BYTES_MAX,
      ...signal === undefined ? {} : { signal },
    });
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return null;
    throw error;
  }
  return decodeJson(bytes, key);
}

function localPath({ dbRoot }: InstanceOptions): string {
  return `${dbRoot}/${INSTANCE_FILE}`;
}

function writeLocal(options: InstanceOptions, local: LocalInstance): void {
  writeFileAtomic(options.fs, localPath(options), encodeJson(local));
}

function timestampsOf(texts: readonly string[]): bigint[] {
  return texts.map(parseCompactTimestamp).filter((time) => time !== null);
}

function readLocal(fs: FileSystem, path: string): LocalInstance | null {
  if (fs.stat(path) === null) return null;
  const json = decodeJson(readFile(fs, path, LOCAL_BYTES_MAX), path);
  const { instance, epoch = 0 } = json;
  if (typeof instance !== "string" || !isInstanceName(instance)) {
    throw new BackupError("file holds no backup instance name", { file: path });
  }
  if (typeof epoch !== "number" || !Number.isSafeInteger(epoch) || epoch < 0) {
    throw new BackupError("file holds no epoch of a lease", { file: path });
  }
  const backups = Array.isArray(json.backups) ? json.backups.map(String) : [];
  return {
    instance,
    epoch,
    tokens: Array.isArray(json.tokens) ? json.tokens.map(String) : [],
    backups: backups.slice(-BACKUPS_MAX),
    unsure: Array.isArray(json.unsure) ? json.unsure.map(String) : [],
    cleanup_due: json.cleanup_due === true,
    attempt: typeof json.attempt === "string" ? json.attempt : null,
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
