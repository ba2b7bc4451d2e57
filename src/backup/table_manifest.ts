/**
 * A table manifest: which slices make up each file of a table. JSON, columnar inside (one array per field), compressed;
 * named by the BLAKE3 of the stored bytes, so an unchanged table shares its manifest with earlier backups.
 *
 * ```
 * { format, directory, table_id, truncate_version,
 *   names[]                                     dictionary of paths and codecs
 *   packs:      { hash[], bytes[] }             objects that slices lie in
 *   partitions: { timestamp[], name_txn[], rows[], squash_count[], format[], file_count[] }
 *   files:      { name[], kind[], top[], bytes[], slice_count[], blake3? }   table files first, then each partition's
 *   slices:     { row_lo[], row_hi[], pack[], offset[], stored[], raw[], codec[], blake3 } }
 * ```
 * `name`, `codec` index `names`; `pack` indexes `packs`; `blake3` is one text of 43 base64url digits per slice, the hash of
 * the raw bytes. That of the files, if there is one, is 43 characters per file, `.` for one without a hash. Rows of table files are byte positions. Format: docs/internals/backup_manifest.md.
 *
 * Invariants, checked when a manifest is read:
 * 1. Arrays of a group have one length; counts add up; every index is in range; every number is a safe non-negative integer.
 * 2. A file's slices follow each other without gap; their raw lengths add up to `bytes`.
 * 3. No declared size is over its named limit.
 *
 * @module
 */
import {
  BACKUP_FORMAT,
  checkManifest,
  HASH_DIGITS,
  invalid,
  type ManifestJson,
  parseJson,
  sum,
} from "./table_manifest_schema.ts";

export { BACKUP_FORMAT, FileKind } from "./table_manifest_schema.ts";

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
  /** BLAKE3 of the whole file, base64url; only with `backup.enable.partition.hashes`. */
  readonly blake3?: string;
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

/** Stands for the hash of a file that has none. */
const NO_HASH = ".".repeat(HASH_DIGITS);

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
  #fileHashes = "";

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
      this.#fileHashes += file.blake3 ?? NO_HASH;
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
    if (/[^.]/.test(this.#fileHashes)) this.#json.files.blake3 = this.#fileHashes;
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
      const hash = files.blake3?.substring(i * HASH_DIGITS, (i + 1) * HASH_DIGITS) ?? NO_HASH;
      result.push({
        path: names[files.name[i]],
        kind: files.kind[i],
        top: files.top[i],
        bytes: files.bytes[i],
        slices: this.#slices(this.#sliceStarts[i], this.#sliceStarts[i + 1]),
        ...hash === NO_HASH ? {} : { blake3: hash },
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

function prefixSums(start: number, counts: readonly number[]): number[] {
  const sums = [start];
  for (const count of counts) sums.push(sums.at(-1)! + count);
  return sums;
}
