/**
 * What the JSON of a table manifest must be like; every field is checked before anything uses it. The manifest itself is
 * described in `table_manifest.ts`.
 *
 * @module
 */
import { RestoreError } from "../common/mod.ts";
import { isObjectHash } from "./object_keys.ts";

/** Version of the layout that this release writes and the newest that it reads. */
export const BACKUP_FORMAT = 1;
/** Largest raw slice that is accepted; a slice is larger than the planned 4 MiB only when one value is. */
export const SLICE_RAW_BYTES_MAX = 536_870_912;
/** Largest pack that is accepted. */
export const PACK_BYTES_MAX = 2_147_483_648;
/** Digits of a hash in base64url. */
export const HASH_DIGITS = 43;

/** How a file is put together from its slices. */
export const FileKind = {
  /** Bytes as they are. */
  RAW: 0,
  /** Fixed-width values. */
  FIXED: 1,
  /** 16-byte aux entries with a 48-bit offset at byte 10 (VARCHAR); offsets count from the slice's own data. */
  VARCHAR_AUX: 2,
  /** 16-byte aux entries with a 48-bit offset at byte 0 (ARRAY). */
  ARRAY_AUX: 3,
  /** int64 offsets (STRING, BINARY), one more than rows in the last slice. */
  OFFSET_AUX: 4,
  /** Variable-size data that an aux file points into. */
  HEAP: 5,
} as const;

/** A table manifest as it is stored. */
export interface ManifestJson {
  format: number;
  directory: string;
  table_id: number;
  truncate_version: number;
  names: string[];
  packs: { hash: string[]; bytes: number[] };
  partitions: {
    timestamp: string[];
    name_txn: number[];
    rows: number[];
    squash_count: number[];
    format: string[];
    file_count: number[];
  };
  files: {
    name: number[];
    kind: number[];
    top: number[];
    bytes: number[];
    slice_count: number[];
    blake3?: string;
  };
  slices: {
    row_lo: number[];
    row_hi: number[];
    pack: number[];
    offset: number[];
    stored: number[];
    raw: number[];
    codec: number[];
    blake3: string;
  };
}

/** Parses JSON text in UTF-8. @throws {RestoreError} naming the object if it is not a JSON object. */
export function parseJson(bytes: Uint8Array, source: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new RestoreError("manifest is not valid JSON", { manifest: source }, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(source, "not an object");
  }
  return value as Record<string, unknown>;
}

/** An error that a manifest is not what its format says. */
export function invalid(source: string, reason: string): RestoreError {
  return new RestoreError(`invalid manifest: ${reason}`, { manifest: source });
}

/** Checks every field. @throws {RestoreError} naming the object and the field. */
export function checkManifest(json: ManifestJson, source: string): void {
  if (json.format !== BACKUP_FORMAT) {
    throw new RestoreError("table manifest has a format that this version cannot read", {
      manifest: source,
      format: String(json.format),
      supported: BACKUP_FORMAT,
    });
  }
  if (typeof json.directory !== "string") throw invalid(source, "directory");
  checkNumbers([json.table_id, json.truncate_version], 0x1fffffffffffff, `${source} header`);
  checkTexts(json.names, [source, "names"]);
  const partitions = checkGroup(json.partitions, source, {
    name_txn: [-1, Number.MAX_SAFE_INTEGER],
    rows: [0, 2 ** 44],
    squash_count: [0, Number.MAX_SAFE_INTEGER],
    file_count: [0, 1_000_000],
  });
  checkTexts(json.partitions.timestamp, [source, "timestamp"], /^-?\d{1,19}$/);
  checkTexts(json.partitions.format, [source, "format"], /^(native|parquet)$/);
  if (
    json.partitions.timestamp.length !== partitions || json.partitions.format.length !== partitions
  ) {
    throw invalid(source, "partitions have unequal lengths");
  }
  const packs = checkGroup(json.packs, source, { bytes: [0, PACK_BYTES_MAX] });
  checkTexts(json.packs.hash, [source, "packs"]);
  if (json.packs.hash.length !== packs || !json.packs.hash.every(isObjectHash)) {
    throw invalid(source, "pack names");
  }
  const files = checkGroup(json.files, source, {
    name: [0, json.names.length - 1],
    kind: [0, FileKind.HEAP],
    top: [0, 2 ** 44],
    bytes: [0, 2 ** 50],
    slice_count: [0, 2 ** 31],
  });
  checkFileHashes(json.files.blake3, files, source);
  const slices = checkGroup(json.slices, source, {
    row_lo: [0, 2 ** 50],
    row_hi: [0, 2 ** 50],
    pack: [0, packs - 1],
    offset: [0, PACK_BYTES_MAX],
    stored: [0, PACK_BYTES_MAX],
    raw: [0, SLICE_RAW_BYTES_MAX],
    codec: [0, json.names.length - 1],
  });
  if (sum(json.partitions.file_count) > files) {
    throw invalid(source, "more partition files than files");
  }
  if (sum(json.files.slice_count) !== slices) throw invalid(source, "slice counts do not add up");
  const { blake3 } = json.slices;
  if (
    typeof blake3 !== "string" || blake3.length !== slices * HASH_DIGITS || !/^[\w-]*$/.test(blake3)
  ) {
    throw invalid(source, "slice hashes");
  }
}

function checkFileHashes(hashes: unknown, fileCount: number, source: string): void {
  if (hashes === undefined) return;
  const isFine = typeof hashes === "string" && hashes.length === fileCount * HASH_DIGITS &&
    /^([\w-]{43}|\.{43})*$/.test(hashes);
  if (!isFine) throw invalid(source, "file hashes");
}

/** Checks that the named arrays hold integers in their range and have one length; returns it. */
function checkGroup(
  group: unknown,
  source: string,
  fields: Readonly<Record<string, readonly [number, number]>>,
): number {
  if (typeof group !== "object" || group === null) throw invalid(source, "a group is missing");
  let length = -1;
  for (const [name, [low, high]] of Object.entries(fields)) {
    const values = (group as Record<string, unknown>)[name];
    if (!Array.isArray(values)) throw invalid(source, `${name} is no array`);
    if (length >= 0 && values.length !== length) {
      throw invalid(source, `${name} has another length`);
    }
    length = values.length;
    for (const value of values) {
      if (!Number.isSafeInteger(value) || value < low || value > high) {
        throw invalid(source, `${name} is out of range`);
      }
    }
  }
  return length;
}

function checkNumbers(values: readonly unknown[], high: number, what: string): void {
  for (const value of values) {
    if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > high) {
      throw invalid(what, "number out of range");
    }
  }
}

function checkTexts(values: unknown, place: readonly [string, string], pattern = /^/): void {
  const isFine = Array.isArray(values) &&
    values.every((value) => typeof value === "string" && pattern.test(value));
  if (!isFine) throw invalid(...place);
}

/** Sum of numbers. */
export function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
