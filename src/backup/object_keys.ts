/**
 * Where objects of a backup live. Layout: docs/internals/object_keys.md.
 *
 * ```
 * backup/<instance>/instance.json
 * backup/<instance>/leases/<epoch>.json
 * backup/<instance>/manifests/<timestamp>.json.zst
 * backup/<instance>/tables/<dir>/<blake3>.json.zst
 * backup/<instance>/packs/<dir>/<blake3>.pack
 * backup/<instance>/history/<timestamp>.json, <timestamp>.cleanup.json
 * ```
 *
 * @module
 */
import { formatTimestampMicros, parseTimestampMicros } from "../common/mod.ts";

/** Prefix of everything this folder stores. */
export const BACKUP_PREFIX = "backup/";
/** Stands for a table directory in keys of database-level packs; no table directory starts with `~`. */
export const DATABASE_DIRECTORY = "~db";

const COMPACT = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})(\d{6})Z$/;
const EPOCH_DIGITS = 10;
const HASH = /^[0-9a-f]{64}$/;
// deno-lint-ignore no-control-regex -- these are what is replaced
const UNPRINTABLE = /[\x00-\x1f\x7f%]/g;
const INSTANCE = /^[a-z]{2,20}-[a-z]{2,20}-[a-z]{2,20}$/;

/** Formats a backup timestamp for a key: `20240824T123456789123Z`, which sorts by time. */
export function compactTimestamp(micros: bigint): string {
  return formatTimestampMicros(micros).replace(/[-:.]/g, "");
}

/** Parses {@linkcode compactTimestamp}'s text; `null` if it is anything else. */
export function parseCompactTimestamp(text: string): bigint | null {
  const match = COMPACT.exec(text);
  if (match === null) return null;
  const [, y, mo, d, h, mi, s, fraction] = match;
  const micros = parseTimestampMicros(`${y}-${mo}-${d}T${h}:${mi}:${s}.${fraction}Z`);
  return micros !== null && compactTimestamp(micros) === text ? micros : null;
}

/** Tells whether a text is a BLAKE3 hash as keys spell it: 64 lower-case hexadecimal digits. */
export function isObjectHash(text: string): boolean {
  return HASH.test(text);
}

/** Tells whether a text can be an instance name: three words joined by `-`. */
export function isInstanceName(text: string): boolean {
  return INSTANCE.test(text);
}

/** Spells a table directory as a key component: control characters and `%` become `%xx`. */
export function keyComponent(directory: string): string {
  return directory.replace(
    UNPRINTABLE,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** Builds the keys of one instance. */
export class InstanceKeys {
  /** Prefix of the instance, with a trailing `/`. */
  readonly prefix: string;

  constructor(instance: string) {
    this.prefix = `${BACKUP_PREFIX}${instance}/`;
  }
  /** Key of the object that says whose backups these are. */
  get instance(): string {
    return `${this.prefix}instance.json`;
  }
  /** Key of the lease of an epoch. */
  lease(epoch: number): string {
    return `${this.prefix}leases/${String(epoch).padStart(EPOCH_DIGITS, "0")}.json`;
  }
  /** Prefix of root manifests. */
  get manifests(): string {
    return `${this.prefix}manifests/`;
  }
  /** Prefix of table manifests. */
  get tables(): string {
    return `${this.prefix}tables/`;
  }
  /** Prefix of packs. */
  get packs(): string {
    return `${this.prefix}packs/`;
  }
  /** Prefix of history records. */
  get history(): string {
    return `${this.prefix}history/`;
  }
  /** Key of the root manifest of a backup. */
  manifest(timestamp: bigint): string {
    return `${this.manifests}${compactTimestamp(timestamp)}.json.zst`;
  }
  /** Timestamp of a root manifest's key, or `null` if it is no such key. */
  manifestTimestamp(key: string): bigint | null {
    const name = key.startsWith(this.manifests) ? key.slice(this.manifests.length) : "";
    return name.endsWith(".json.zst") ? parseCompactTimestamp(name.slice(0, -9)) : null;
  }
  /** Key of a table manifest. */
  tableManifest(directory: string, hash: string): string {
    return `${this.prefix}tables/${keyComponent(directory)}/${hash}.json.zst`;
  }
  /** Key of a pack. */
  pack(directory: string, hash: string): string {
    return `${this.prefix}packs/${keyComponent(directory)}/${hash}.pack`;
  }
  /** Key of the record of an attempt. */
  historyRecord(timestamp: bigint): string {
    return `${this.history}${compactTimestamp(timestamp)}.json`;
  }
  /** Key of the record of the cleanup behind a backup. */
  cleanupRecord(timestamp: bigint): string {
    return `${this.history}${compactTimestamp(timestamp)}.cleanup.json`;
  }
}
