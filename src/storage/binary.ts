/**
 * Bounded little-endian access to the bytes of a small file. Files are untrusted: every access past the end is a
 * {@linkcode StorageError} that names the file.
 *
 * @module
 */
import { assert, StorageError } from "../common/mod.ts";

/** Longest string that any format stores by length prefix, in UTF-16 units. */
export const STRING_UNITS_MAX = 1 << 20;

/** Reads fields at absolute offsets. */
export class ByteReader {
  readonly file: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;

  constructor(file: string, bytes: Uint8Array<ArrayBuffer>) {
    this.file = file;
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  /** Bytes in the file. */
  get length(): number {
    return this.bytes.length;
  }
  /** Throws unless `size` bytes at `offset` exist. */
  require(offset: number, size: number): void {
    if (offset < 0 || size < 0 || offset + size > this.bytes.length) {
      throw new StorageError(this.file, "file is too short", {
        offset,
        size,
        length: this.bytes.length,
      });
    }
  }
  u8(offset: number): number {
    this.require(offset, 1);
    return this.#view.getUint8(offset);
  }
  i32(offset: number): number {
    this.require(offset, 4);
    return this.#view.getInt32(offset, true);
  }
  i64(offset: number): bigint {
    this.require(offset, 8);
    return this.#view.getBigInt64(offset, true);
  }
  /** An int64 that must be a safe integer not below `min`, e.g. a count or an offset. */
  count(offset: number, what: string, min = 0): number {
    this.require(offset, 8);
    const value = this.#view.getInt32(offset + 4, true) * 0x1_0000_0000 +
      this.#view.getUint32(offset, true);
    if (value < min || value > Number.MAX_SAFE_INTEGER) {
      throw new StorageError(this.file, `invalid ${what}`, { value: this.i64(offset), offset });
    }
    return value;
  }
  /** A `str` field: int32 count of UTF-16 units, then the units; `null` for −1. */
  str(offset: number): { text: string | null; end: number } {
    const units = this.i32(offset);
    if (units === -1) return { text: null, end: offset + 4 };
    if (units < 0 || units > STRING_UNITS_MAX) {
      throw new StorageError(this.file, "invalid string length", { length: units, offset });
    }
    this.require(offset + 4, units * 2);
    let text = "";
    for (let i = 0; i < units; i++) {
      text += String.fromCharCode(this.#view.getUint16(offset + 4 + 2 * i, true));
    }
    return { text, end: offset + 4 + 2 * units };
  }
}

/** Writes fields at absolute offsets of a buffer of fixed size. */
export class ByteWriter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }
  u8(offset: number, value: number): void {
    this.#view.setUint8(offset, value);
  }
  i32(offset: number, value: number): void {
    this.#view.setInt32(offset, value, true);
  }
  i64(offset: number, value: bigint | number): void {
    this.#view.setBigInt64(offset, BigInt(value), true);
  }
  /** Writes a `str` field and returns the offset behind it. */
  str(offset: number, text: string): number {
    assert(offset + strSize(text) <= this.bytes.length, "the string fits the buffer");
    this.#view.setInt32(offset, text.length, true);
    for (let i = 0; i < text.length; i++) {
      this.#view.setUint16(offset + 4 + 2 * i, text.charCodeAt(i), true);
    }
    return offset + strSize(text);
  }
}

/** Bytes of a `str` field. */
export function strSize(text: string): number {
  return 4 + 2 * text.length;
}
