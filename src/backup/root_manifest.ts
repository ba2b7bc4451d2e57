/**
 * The root manifest: one small object per backup; it is written last, so a backup exists if and only if its root manifest
 * does. JSON, compressed; its last field is the BLAKE3 of its own text with that field all zeros.
 * Format: docs/internals/backup_manifest.md.
 *
 * @module
 */
import { parseTimestampMicros, RestoreError } from "../common/mod.ts";
import { BACKUP_FORMAT, invalid, parseJson } from "./table_manifest_schema.ts";
import { isInstanceName, isObjectHash } from "./object_keys.ts";
import { checkTableDirectory } from "./path_safety.ts";

/** Reference to a table manifest. */
export interface ManifestReference {
  readonly key: string;
  /** Hash of the stored object, hexadecimal. */
  readonly blake3: string;
  /** Length of the stored object. */
  readonly bytes: number;
}

/** A table of a backup. */
export interface BackupTable {
  readonly name: string;
  readonly dir: string;
  readonly id: number;
  /** 0 non-WAL, 1 WAL, 2 materialized view, 3 view. */
  readonly type: number;
  readonly partition_by: number;
  readonly txn: number;
  /** Applied sequencer transaction. */
  readonly seq_txn: number;
  /** Last sequencer transaction in the backup; those after `seq_txn` are in WAL segments. */
  readonly last_txn: number;
  /** Metadata and column structure version, as text: a 64-bit number. */
  readonly structure_version: string;
  readonly rows: number;
  readonly raw_bytes: number;
  readonly stored_bytes: number;
  readonly manifest: ManifestReference;
}

/** What a backup moved. */
export interface BackupStats {
  readonly bytes_read: number;
  readonly bytes_uploaded: number;
  readonly bytes_reused: number;
  readonly objects_uploaded: number;
}

/** See the module's description. */
export interface RootManifest {
  readonly format: number;
  readonly min_reader: number;
  readonly features_required: readonly string[];
  readonly features_optional: readonly string[];
  readonly product_version: string;
  readonly data_id: string;
  readonly instance: string;
  /** ISO text with microseconds. */
  readonly timestamp: string;
  readonly started_at: string;
  readonly finished_at: string;
  readonly compression: { readonly codec: string; readonly level: number };
  readonly partition_hashes: boolean;
  readonly registry: readonly {
    readonly name: string;
    readonly dir: string;
    readonly id: number;
    readonly type: number;
  }[];
  readonly tables: readonly BackupTable[];
  /** Manifest of the database-level files, laid out like a table's. */
  readonly files: ManifestReference;
  readonly stats: BackupStats;
}

/** Type of a view among `tables[]`: files without a table's state. */
export const VIEW_TYPE = 3;
/** A feature that a reader must know: there are views among `tables[]`. */
export const VIEWS_FEATURE = "views";
const KNOWN_FEATURES: readonly string[] = [VIEWS_FEATURE];
const ZERO_HASH = "0".repeat(64);
const HASH_FIELD = /,"blake3":"([0-9a-f]{64})"\}$/;

/** Computes the BLAKE3 of bytes, in hexadecimal. */
export type HashText = (bytes: Uint8Array) => string;

/** The manifest as JSON text in UTF-8, with its own hash. */
export function encodeRootManifest(
  manifest: RootManifest,
  hash: HashText,
): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const open = JSON.stringify(manifest).slice(0, -1);
  const digest = hash(encoder.encode(`${open},"blake3":"${ZERO_HASH}"}`));
  return encoder.encode(`${open},"blake3":"${digest}"}`);
}

/**
 * Reads a root manifest's JSON text: its hash, whether this version may read it, and every field.
 *
 * @param context `source`: key of the object, for messages; `productVersion`: version of this program.
 * @throws {RestoreError} naming the object and the reason.
 */
export function decodeRootManifest(
  bytes: Uint8Array,
  context: { readonly source: string; readonly productVersion: string; readonly hash: HashText },
): RootManifest {
  const { source } = context;
  const json = parseJson(bytes, source);
  checkReadable(json, context);
  checkOwnHash(bytes, context);
  const texts = [
    "product_version",
    "data_id",
    "instance",
    "timestamp",
    "started_at",
    "finished_at",
  ];
  for (const field of texts) if (typeof json[field] !== "string") throw invalid(source, field);
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(json.data_id as string)) {
    throw invalid(source, "data_id");
  }
  if (!isInstanceName(json.instance as string)) throw invalid(source, "instance");
  if (parseTimestampMicros(json.timestamp as string) === null) throw invalid(source, "timestamp");
  if (!Array.isArray(json.tables)) throw invalid(source, "tables");
  const directories = new Set<string>();
  for (const table of json.tables) checkTable(table, source, directories);
  checkRegistry(json.registry, json.tables, source);
  checkReference(json.files, source);
  checkStats(json.stats, source);
  return json as unknown as RootManifest;
}

function checkReadable(
  json: Record<string, unknown>,
  context: { readonly source: string; readonly productVersion: string },
): void {
  const { source, productVersion } = context;
  const { format, min_reader, product_version, features_required } = json;
  if (!isCount(format) || !isCount(min_reader)) throw invalid(source, "format");
  if (min_reader > BACKUP_FORMAT) {
    throw new RestoreError("backup has a format that this version cannot read", {
      manifest: source,
      format,
      min_reader,
      supported: BACKUP_FORMAT,
      written_by: String(product_version),
      version: productVersion,
    });
  }
  if (String(product_version).split(".")[0] !== productVersion.split(".")[0]) {
    throw new RestoreError("backup was written by another major version", {
      manifest: source,
      written_by: String(product_version),
      version: productVersion,
    });
  }
  if (!Array.isArray(features_required)) throw invalid(source, "features_required");
  const unknown = features_required.filter((feature) => !KNOWN_FEATURES.includes(feature));
  if (unknown.length > 0) {
    throw new RestoreError("backup needs a feature that this version does not have", {
      manifest: source,
      feature: unknown.map(String).join("|"),
      written_by: String(product_version),
      version: productVersion,
    });
  }
}

function checkOwnHash(
  bytes: Uint8Array,
  context: { readonly source: string; readonly hash: HashText },
): void {
  const text = new TextDecoder().decode(bytes);
  const expected = HASH_FIELD.exec(text)?.[1];
  if (expected === undefined) throw invalid(context.source, "it has no hash");
  const open = new TextEncoder().encode(text.replace(HASH_FIELD, `,"blake3":"${ZERO_HASH}"}`));
  const actual = context.hash(open);
  if (actual !== expected) {
    throw new RestoreError("hash mismatch", { path: context.source, expected, actual });
  }
}

function checkTable(table: unknown, source: string, directories: Set<string>): void {
  if (typeof table !== "object" || table === null) throw invalid(source, "tables");
  const { name, dir, manifest, structure_version } = table as Partial<BackupTable>;
  if (typeof name !== "string" || name.length === 0 || name.length > 255) {
    throw invalid(source, "table name");
  }
  const directory = checkTableDirectory(dir, source);
  if (directories.has(directory)) throw invalid(source, "a table directory is named twice");
  directories.add(directory);
  const counts: (keyof BackupTable)[] = [
    "id",
    "type",
    "partition_by",
    "txn",
    "seq_txn",
    "last_txn",
    "rows",
    "raw_bytes",
    "stored_bytes",
  ];
  for (const field of counts) {
    if (!isCount((table as BackupTable)[field])) throw invalid(source, `${field} of a table`);
  }
  if (typeof structure_version !== "string" || !/^-?\d{1,20}$/.test(structure_version)) {
    throw invalid(source, "structure_version of a table");
  }
  checkReference(manifest, source);
}

/** The registry and the tables tell the same: a table that is left out must not go unnoticed. */
function checkRegistry(registry: unknown, tables: readonly BackupTable[], source: string): void {
  const names = new Set(tables.map(({ name }) => name));
  if (names.size !== tables.length) throw invalid(source, "a table name is used twice");
  const isFine = Array.isArray(registry) && registry.length === tables.length &&
    registry.every((entry: Partial<BackupTable> | null, index) => {
      const { name, dir, id, type } = tables[index];
      return entry?.name === name && entry.dir === dir && entry.id === id && entry.type === type;
    });
  if (!isFine) throw invalid(source, "registry and tables differ");
}

function checkStats(stats: unknown, source: string): void {
  const { bytes_read, bytes_uploaded, bytes_reused, objects_uploaded } = (stats ?? {}) as Partial<
    BackupStats
  >;
  const counts = [bytes_read, bytes_uploaded, bytes_reused, objects_uploaded];
  if (!counts.every(isCount)) throw invalid(source, "stats");
}

function checkReference(reference: unknown, source: string): void {
  const { key, blake3, bytes } = (reference ?? {}) as Partial<ManifestReference>;
  const isFine = typeof key === "string" && typeof blake3 === "string" && isObjectHash(blake3) &&
    isCount(bytes) && key.endsWith(`/${blake3}.json.zst`);
  if (!isFine) throw invalid(source, "reference to a table manifest");
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
