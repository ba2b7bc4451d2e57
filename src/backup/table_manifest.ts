/**
 * A table manifest: which slices make up each file of a table. JSON, columnar inside (one array per field), compressed;
 * named by the BLAKE3 of the stored bytes, so an unchanged table shares its manifest with earlier backups.
 *
 * ```
 * { format, directory, table_id, truncate_version,
 *   names[]                                     dictionary of paths and codecs
 *   packs:      { hash[], bytes[] }             objects that slices lie in
 *   partitions: { timestamp[], name_txn[], rows[], squash_count[], format[], file_count[] }
 *   files:      { name[], kind[], top[], bytes[], slice_count[] }   table files first, then each partition's
 *   slices:     { row_lo[], row_hi[], pack[], offset[], stored[], raw[], codec[], blake3 } }
 * ```
 * `name`, `codec` index `names`; `pack` indexes `packs`; `blake3` is one text of 43 base64url digits per slice, the hash of
 * the raw bytes. Rows of table files are byte positions. Format: docs/internals/backup_manifest.md.
 *
 * Invariants, checked when a manifest is read:
 * 1. Arrays of a group have one length; counts add up; every index is in range; every number is a safe non-negative integer.
 * 2. A file's slices follow each other without gap; their raw lengths add up to `bytes`.
 * 3. No declared size is over its named limit.
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

/** A run of bytes of a file, stored in a pack. */
export interface StoredSlice {
  /** First row of the partition in this slice; first byte for table files. */
  readonly rowLo: number;
  /** One past the last. */
  readonly rowHi: number;
  /** Hash of the pack, in hexadecimal, i.e. its name. */
  readonly pack: string;
  /** Position in the pack. */
  readonly offset: number;
  /** Bytes in the pack. */
  readonly stored: number;
  /** Bytes after decoding. */
  readonly raw: number;
  /** How the stored bytes are decoded. */
  readonly codec: string;
  /** BLAKE3 of the raw bytes, base64url. */
  readonly blake3: string;
}

/** A file of a table or partition. */
export interface StoredFile {
  /** Path below the table or partition directory. */
  readonly path: string;
  /** A {@linkcode FileKind}. */
  readonly kind: number;
  /** Rows of the partition that precede the file's first (column top). */
  readonly top: number;
  /** Length in bytes. */
  readonly bytes: number;
  readonly slices: readonly StoredSlice[];
}

/** Facts of a partition that tell whether it changed. */
export interface StoredPartition {
  /** Partition timestamp in the designated timestamp's unit. */
  readonly timestamp: bigint;
  /** Directory suffix; -1 = none. */
  readonly nameTxn: number;
  readonly rows: number;
  /** Squash counter of `_txn`. */
  readonly squashCount: number;
  /** `native` or `parquet`. */
  readonly format: string;
}

/** Facts of a table as a whole. */
export interface TableManifestHeader {
  readonly directory: string;
  readonly tableId: number;
  readonly truncateVersion: number;
}

interface ManifestJson {
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

class Dictionary {
  readonly values: string[] = [];
  readonly #indexes = new Map<string, number>();
  index(value: string): number {
    let index = this.#indexes.get(value);
    if (index === undefined) {
      index = this.values.push(value) - 1;
      this.#indexes.set(value, index);
    }
    return index;
  }
}

/** Collects a table manifest in file order: table files first, then the files of each partition. */
export class TableManifestBuilder {
  readonly #names = new Dictionary();
  readonly #packs = new Dictionary();
  readonly #json: ManifestJson;
  #rawBytes = 0;
  #storedBytes = 0;

  constructor(header: TableManifestHeader) {
    this.#json = {
      format: BACKUP_FORMAT,
      directory: header.directory,
      table_id: header.tableId,
      truncate_version: header.truncateVersion,
      names: this.#names.values,
      packs: { hash: this.#packs.values, bytes: [] },
      partitions: {
        timestamp: [],
        name_txn: [],
        rows: [],
        squash_count: [],
        format: [],
        file_count: [],
      },
      files: { name: [], kind: [], top: [], bytes: [], slice_count: [] },
      slices: {
        row_lo: [],
        row_hi: [],
        pack: [],
        offset: [],
        stored: [],
        raw: [],
        codec: [],
        blake3: "",
      },
    };
  }

  /** Bytes of all files so far. */
  get rawBytes(): number {
    return this.#rawBytes;
  }
  /** Bytes that their slices occupy in packs. */
  get storedBytes(): number {
    return this.#storedBytes;
  }

  /** Adds files of the table itself; before any partition. @param packBytes size of each pack by hash. */
  addFiles(files: readonly StoredFile[], packBytes: ReadonlyMap<string, number>): void {
    const { files: out, slices } = this.#json;
    let digits = "";
    for (const file of files) {
      out.name.push(this.#names.index(file.path));
      out.kind.push(file.kind);
      out.top.push(file.top);
      out.bytes.push(file.bytes);
      out.slice_count.push(file.slices.length);
      this.#rawBytes += file.bytes;
      for (const slice of file.slices) {
        const pack = this.#packs.index(slice.pack);
        this.#json.packs.bytes[pack] = packBytes.get(slice.pack)!;
        slices.row_lo.push(slice.rowLo);
        slices.row_hi.push(slice.rowHi);
        slices.pack.push(pack);
        slices.offset.push(slice.offset);
        slices.stored.push(slice.stored);
        slices.raw.push(slice.raw);
        slices.codec.push(this.#names.index(slice.codec));
        digits += slice.blake3;
        this.#storedBytes += slice.stored;
      }
    }
    slices.blake3 += digits;
  }

  /** Adds a partition with its files. */
  addPartition(
    partition: StoredPartition,
    files: readonly StoredFile[],
    packBytes: ReadonlyMap<string, number>,
  ): void {
    const out = this.#json.partitions;
    out.timestamp.push(String(partition.timestamp));
    out.name_txn.push(partition.nameTxn);
    out.rows.push(partition.rows);
    out.squash_count.push(partition.squashCount);
    out.format.push(partition.format);
    out.file_count.push(files.length);
    this.addFiles(files, packBytes);
  }

  /** The manifest as JSON text in UTF-8. */
  encode(): Uint8Array<ArrayBuffer> {
    return new TextEncoder().encode(JSON.stringify(this.#json));
  }
}

/** Random access to a table manifest; files are made on demand, so a large manifest stays columnar in memory. */
export class TableManifest {
  readonly header: TableManifestHeader;
  readonly partitions: readonly StoredPartition[];
  /** Key or name of the object, for messages. */
  readonly source: string;
  readonly #json: ManifestJson;
  /** Index of each partition's first file; `[0]` is the number of table files. */
  readonly #fileStarts: number[];
  readonly #sliceStarts: number[];

  private constructor(json: ManifestJson, source: string) {
    this.#json = json;
    this.source = source;
    this.header = {
      directory: json.directory,
      tableId: json.table_id,
      truncateVersion: json.truncate_version,
    };
    this.partitions = json.partitions.timestamp.map((timestamp, i) => ({
      timestamp: BigInt(timestamp),
      nameTxn: json.partitions.name_txn[i],
      rows: json.partitions.rows[i],
      squashCount: json.partitions.squash_count[i],
      format: json.partitions.format[i],
    }));
    const partitionFiles = sum(json.partitions.file_count);
    this.#fileStarts = prefixSums(
      json.files.name.length - partitionFiles,
      json.partitions.file_count,
    );
    this.#sliceStarts = prefixSums(0, json.files.slice_count);
  }

  /**
   * Reads a manifest's JSON text, checking everything that later steps rely on.
   *
   * @param source Key of the object, for messages.
   * @throws {RestoreError} naming the object and the field.
   */
  static decode(bytes: Uint8Array, source: string): TableManifest {
    const json = parseJson(bytes, source) as unknown as ManifestJson;
    checkManifest(json, source);
    const manifest = new TableManifest(json, source);
    manifest.#checkFiles();
    return manifest;
  }

  /** Files of the table itself. */
  tableFiles(): StoredFile[] {
    return this.#files(0, this.#fileStarts[0]);
  }
  /** Files of a partition. */
  partitionFiles(index: number): StoredFile[] {
    return this.#files(this.#fileStarts[index], this.#fileStarts[index + 1]);
  }
  /** Size in bytes of each pack, by hash. */
  packBytes(): Map<string, number> {
    const { hash, bytes } = this.#json.packs;
    return new Map(hash.map((value, i) => [value, bytes[i]]));
  }
  /** Bytes of all files. */
  get rawBytes(): number {
    return sum(this.#json.files.bytes);
  }

  #files(low: number, high: number): StoredFile[] {
    const { files, names } = this.#json;
    const result = [];
    for (let i = low; i < high; i++) {
      result.push({
        path: names[files.name[i]],
        kind: files.kind[i],
        top: files.top[i],
        bytes: files.bytes[i],
        slices: this.#slices(this.#sliceStarts[i], this.#sliceStarts[i + 1]),
      });
    }
    return result;
  }

  #slices(low: number, high: number): StoredSlice[] {
    const { slices, packs, names } = this.#json;
    const result = [];
    for (let i = low; i < high; i++) {
      result.push({
        rowLo: slices.row_lo[i],
        rowHi: slices.row_hi[i],
        pack: packs.hash[slices.pack[i]],
        offset: slices.offset[i],
        stored: slices.stored[i],
        raw: slices.raw[i],
        codec: names[slices.codec[i]],
        blake3: slices.blake3.substring(i * HASH_DIGITS, (i + 1) * HASH_DIGITS),
      });
    }
    return result;
  }

  #checkFiles(): void {
    const { files, slices, packs } = this.#json;
    for (let i = 0; i < files.name.length; i++) {
      let raw = 0;
      const low = this.#sliceStarts[i], high = this.#sliceStarts[i + 1];
      for (let s = low; s < high; s++) {
        raw += slices.raw[s];
        if (s > low && slices.row_lo[s] !== slices.row_hi[s - 1]) {
          throw invalid(this.source, "slices of a file have a gap");
        }
        if (slices.row_hi[s] <= slices.row_lo[s]) throw invalid(this.source, "slice without rows");
        if (slices.offset[s] + slices.stored[s] > packs.bytes[slices.pack[s]]) {
          throw invalid(this.source, "slice ends behind its pack");
        }
      }
      if (raw !== files.bytes[i]) {
        throw invalid(this.source, "raw lengths do not add up to the file");
      }
    }
  }
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

function checkManifest(json: ManifestJson, source: string): void {
  if (json.format !== BACKUP_FORMAT) {
    throw new RestoreError("table manifest has a format that this version cannot read", {
      manifest: source,
      format: String(json.format),
      supported: BACKUP_FORMAT,
    });
  }
  if (typeof json.directory !== "string") throw invalid(source, "directory");
  checkNumbers([json.table_id, json.truncate_version], 0x1fffffffffffff, `${source} header`);
  checkTexts(json.names, source, "names");
  const partitions = checkGroup(json.partitions, source, {
    name_txn: [-1, Number.MAX_SAFE_INTEGER],
    rows: [0, 2 ** 44],
    squash_count: [0, Number.MAX_SAFE_INTEGER],
    file_count: [0, 1_000_000],
  });
  checkTexts(json.partitions.timestamp, source, "timestamp", /^-?\d{1,19}$/);
  checkTexts(json.partitions.format, source, "format", /^(native|parquet)$/);
  if (
    json.partitions.timestamp.length !== partitions || json.partitions.format.length !== partitions
  ) {
    throw invalid(source, "partitions have unequal lengths");
  }
  const packs = checkGroup(json.packs, source, { bytes: [0, PACK_BYTES_MAX] });
  checkTexts(json.packs.hash, source, "packs");
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

function checkTexts(values: unknown, source: string, field: string, pattern?: RegExp): void {
  const isFine = Array.isArray(values) &&
    values.every((value) => typeof value === "string" && (pattern?.test(value) ?? true));
  if (!isFine) throw invalid(source, field);
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function prefixSums(start: number, counts: readonly number[]): number[] {
  const sums = [start];
  for (const count of counts) sums.push(sums.at(-1)! + count);
  return sums;
}
