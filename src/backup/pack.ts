/**
 * A pack: slices of one partition (or of a table's own files) in one immutable object, with a directory at the end. The
 * manifest says where each slice lies; the directory repeats it, so that a pack found alone can still be read.
 *
 * ```
 * 0        "TIDEPACK"                     8 bytes
 * 8        stored bytes of the slices, one after the other
 * n-24-d   directory: JSON, compressed with zstd
 * n-24     u32 directory bytes (d) · u32 directory bytes before compression · u32 format · u32 0
 * n-8      "TIDEPACK"
 * ```
 * All numbers little endian. The object's name is the BLAKE3 of all its bytes.
 *
 * @module
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { RestoreError } from "../common/mod.ts";
import { Blake3, type WasmCore } from "../wasm/mod.ts";
import { toHex } from "./content_hash.ts";
import type { PackBuffer } from "./pack_buffer.ts";
import { BACKUP_FORMAT } from "./table_manifest.ts";

const MAGIC = new TextEncoder().encode("TIDEPACK");
/** Bytes before the first slice. */
export const PACK_HEADER_BYTES = MAGIC.length;
/** Bytes after the directory. */
export const PACK_TRAILER_BYTES = 24;
/** A pack is closed once it holds this many bytes of slices; the last slice may take it to 20 MiB. */
export const PACK_TARGET_BYTES = 16_777_216;
const DIRECTORY_BYTES_MAX = 67_108_864;
const DIRECTORY_LEVEL = 3;

/** What a pack's directory tells of a slice. */
export interface PackEntry {
  /** Path below the table directory. */
  readonly path: string;
  readonly row_lo: number;
  readonly row_hi: number;
  readonly offset: number;
  readonly stored: number;
  readonly raw: number;
  readonly codec: string;
  /** BLAKE3 of the raw bytes, base64url. */
  readonly blake3: string;
}

/** A pack that is complete. */
export interface FinishedPack {
  /** The object's bytes, in the buffer that the pack was built in. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Their BLAKE3, hexadecimal: the object's name. */
  readonly name: string;
}

/** Puts slices together, hashing them as they come. */
export class PackBuilder implements Disposable {
  readonly #buffer: PackBuffer;
  readonly #entries: PackEntry[] = [];
  readonly #hash: Blake3;

  /** @param buffer empty; taken for as long as the pack is in use. */
  constructor(core: WasmCore, buffer: PackBuffer) {
    this.#buffer = buffer;
    this.#hash = new Blake3(core);
    this.#append(MAGIC);
  }

  /** True once the pack should be closed. */
  get isFull(): boolean {
    return this.#buffer.length >= PACK_TARGET_BYTES;
  }
  /** Adds a copy of a slice; returns its position. */
  add(stored: Uint8Array, facts: Omit<PackEntry, "offset" | "stored">): number {
    const offset = this.#buffer.length;
    this.#entries.push({ ...facts, offset, stored: stored.byteLength });
    this.#append(stored);
    return offset;
  }
  /** Ends the pack. */
  finish(): FinishedPack {
    const json = new TextEncoder().encode(JSON.stringify({ slices: this.#entries }));
    const directory = zstdCompressSync(json, {
      params: { [constants.ZSTD_c_compressionLevel]: DIRECTORY_LEVEL },
    });
    const trailer = new Uint8Array(PACK_TRAILER_BYTES);
    const view = new DataView(trailer.buffer);
    view.setUint32(0, directory.byteLength, true);
    view.setUint32(4, json.byteLength, true);
    view.setUint32(8, BACKUP_FORMAT, true);
    trailer.set(MAGIC, 16);
    this.#append(directory);
    this.#append(trailer);
    return { body: this.#buffer.content, name: toHex(this.#hash.digest()) };
  }
  [Symbol.dispose](): void {
    this.#hash[Symbol.dispose]();
  }

  #append(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    this.#buffer.append(bytes);
    this.#hash.update(bytes);
  }
}

/**
 * Reads the directory of a whole pack.
 *
 * @param source Key of the object, for messages.
 * @throws {RestoreError} if it is not a pack of this format.
 */
export function readPackDirectory(bytes: Uint8Array, source: string): PackEntry[] {
  const fail = (reason: string, cause?: unknown) =>
    new RestoreError(`invalid pack: ${reason}`, { path: source }, { cause });
  const isMagic = (at: number) => MAGIC.every((byte, i) => bytes[at + i] === byte);
  if (bytes.length < PACK_HEADER_BYTES + PACK_TRAILER_BYTES) throw fail("too short");
  if (!isMagic(0) || !isMagic(bytes.length - MAGIC.length)) throw fail("no magic bytes");
  const view = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - PACK_TRAILER_BYTES);
  const directoryBytes = view.getUint32(0, true), jsonBytes = view.getUint32(4, true);
  if (view.getUint32(8, true) !== BACKUP_FORMAT) throw fail("unknown format");
  const end = bytes.length - PACK_TRAILER_BYTES;
  if (directoryBytes > end - PACK_HEADER_BYTES || jsonBytes > DIRECTORY_BYTES_MAX) {
    throw fail("directory too large");
  }
  let slices: PackEntry[];
  try {
    const json = zstdDecompressSync(bytes.subarray(end - directoryBytes, end), {
      maxOutputLength: Math.max(1, jsonBytes),
    });
    if (json.byteLength !== jsonBytes) throw fail("directory is cut short");
    slices = JSON.parse(new TextDecoder().decode(json)).slices;
  } catch (error) {
    throw fail("directory cannot be read", error);
  }
  const isFine = Array.isArray(slices) &&
    slices.every((slice) =>
      Number.isSafeInteger(slice.offset) && slice.offset >= PACK_HEADER_BYTES &&
      Number.isSafeInteger(slice.stored) && slice.stored >= 0 &&
      slice.offset + slice.stored <= end - directoryBytes
    );
  if (!isFine) throw fail("slice outside the pack");
  return slices;
}
