/**
 * Sequential little-endian access to the bytes of WAL and registry files. Files are untrusted: a read past the end, or a
 * length out of range, is a {@linkcode StorageError} that names the file.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";

/** Longest `str` any of these formats holds, in UTF-16 units: far above a symbol or a statement. */
const STRING_UNITS_MAX = 1 << 26;
const INITIAL_BYTES = 256;
const REPLACEMENT = "\ufffd";

const decoder = new TextDecoder("utf-16le", { ignoreBOM: true });

/** Reads one field after the other. */
export class ByteCursor {
  readonly file: string;
  readonly #view: DataView;
  /** Offset of the next field within the bytes. */
  position: number;

  /**
   * @param file Named in errors.
   * @param bytes What is read.
   * @param position Where to begin.
   */
  constructor(file: string, bytes: Uint8Array, position = 0) {
    this.file = file;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
  }

  /** Bytes from the position to the end. */
  get remaining(): number {
    return this.#view.byteLength - this.position;
  }
  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }
  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }
  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }
  /** An int64 that must be a safe integer of at least `min`; `what` names it in the error. */
  count(what: string, min = 0): number {
    const value = this.i64();
    if (value < BigInt(min) || value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw this.error(`invalid ${what}`, { value });
    }
    return Number(value);
  }
  /** An int32 within the bounds. */
  int(what: string, min = 0, max = 0x7fffffff): number {
    const value = this.i32();
    if (value < min || value > max) throw this.error(`invalid ${what}`, { value });
    return value;
  }
  i16(): number {
    return this.#view.getInt16(this.#take(2), true);
  }
  /** A copy of the next bytes. */
  raw(size: number): Uint8Array<ArrayBuffer> {
    const at = this.#take(size);
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, size).slice();
  }
  bool(what: string): boolean {
    const value = this.u8();
    if (value > 1) throw this.error(`invalid ${what}`, { value });
    return value === 1;
  }
  /** A `str`: int32 count of UTF-16 units (−1 = NULL), then the units. */
  str(what: string): string | null {
    const units = this.i32();
    if (units === -1) return null;
    if (units < 0 || units > STRING_UNITS_MAX) {
      throw this.error(`invalid length of ${what}`, { length: units });
    }
    return this.textAt(this.#take(2 * units), units);
  }
  /** Passes over a `str` that must not be NULL; returns where its units begin, for {@linkcode bytes}. Their count is before them. */
  passText(what: string): number {
    const units = this.i32();
    if (units < 0 || units > STRING_UNITS_MAX) {
      throw this.error(units === -1 ? `${what} is NULL` : `invalid length of ${what}`, {
        length: units,
      });
    }
    return this.#take(2 * units);
  }
  /** All bytes that the cursor goes over; not a copy. */
  bytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset, this.#view.byteLength);
  }
  /** The text of `units` UTF-16 units at a position. */
  textAt(at: number, units: number): string {
    const text = decoder.decode(
      new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, 2 * units),
    );
    // The decoder replaces a surrogate without its partner; the format may hold one.
    return text.includes(REPLACEMENT) ? this.#unitsAt(at, units) : text;
  }
  /** A `str` that must not be NULL. */
  text(what: string): string {
    const value = this.str(what);
    if (value === null) throw this.error(`${what} is NULL`);
    return value;
  }
  /** Makes an error that names the file and the position. */
  error(message: string, context: Record<string, string | number | bigint> = {}): StorageError {
    return new StorageError(this.file, message, { ...context, offset: this.position });
  }

  #unitsAt(at: number, units: number): string {
    let text = "";
    for (let i = 0; i < units; i++) {
      text += String.fromCharCode(this.#view.getUint16(at + 2 * i, true));
    }
    return text;
  }

  #take(size: number): number {
    if (size > this.remaining) {
      throw this.error("file is too short", { size, length: this.#view.byteLength });
    }
    const at = this.position;
    this.position += size;
    return at;
  }
}

/** Builds bytes of unknown length. */
export class ByteBuilder {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  /** Bytes written. */
  length = 0;

  u8(value: number): this {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
    return this;
  }
  i32(value: number): this {
    const at = this.#grow(4);
    this.#view.setInt32(at, value, true);
    return this;
  }
  i64(value: bigint | number): this {
    const at = this.#grow(8);
    this.#view.setBigInt64(at, BigInt(value), true);
    return this;
  }
  /** Writes a `str` field. */
  str(text: string): this {
    this.i32(text.length);
    const at = this.#grow(2 * text.length);
    for (let i = 0; i < text.length; i++) {
      this.#view.setUint16(at + 2 * i, text.charCodeAt(i), true);
    }
    return this;
  }
  i16(value: number): this {
    const at = this.#grow(2);
    this.#view.setInt16(at, value, true);
    return this;
  }
  /** Writes bytes as they are. */
  raw(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }
  /** Writes zeros. */
  zeros(count: number): this {
    this.#grow(count);
    return this;
  }
  /** Overwrites an int32 written earlier. */
  patchI32(offset: number, value: number): this {
    this.#view.setInt32(offset, value, true);
    return this;
  }
  /** The bytes written so far; valid until the next write. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  #grow(size: number): number {
    const at = this.length;
    this.length += size;
    if (this.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

/** Java's `String.hashCode`. */
export function javaHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0;
  return hash;
}
