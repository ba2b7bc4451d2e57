/**
 * Does a `.c` file that comes in pieces hold the texts that a transaction counts? The same is asked of a file as a whole when its
 * symbol table is rebuilt from it.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import { STRING_UNITS_MAX } from "./binary.ts";

const LENGTH_BYTES = 4;

/** Takes the bytes of a `.c` file in order; keeps none of them. */
export class SymbolCharsCheck {
  readonly #path: string;
  readonly #count: number;
  readonly #length = new DataView(new ArrayBuffer(LENGTH_BYTES));
  /** Symbols whose length has been read. */
  #key = 0;
  /** Bytes that are there of the next length. */
  #lengthBytes = 0;
  /** Bytes that are to come of the last symbol's text. */
  #rest = 0;

  /**
   * @param path Named in errors.
   * @param count Symbols that there have to be; what lies behind them is not looked at.
   */
  constructor(path: string, count: number) {
    this.#path = path;
    this.#count = count;
  }

  /** Takes the next bytes. @throws {StorageError} if they are not a symbol's length. */
  add(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#rest > 0) {
        const taken = Math.min(this.#rest, bytes.length - at);
        this.#rest -= taken;
        at += taken;
        continue;
      }
      if (this.#key === this.#count) return;
      this.#length.setUint8(this.#lengthBytes++, bytes[at++]);
      if (this.#lengthBytes < LENGTH_BYTES) continue;
      const units = this.#length.getInt32(0, true);
      if (units < 0 || units > STRING_UNITS_MAX) {
        throw new StorageError(this.#path, "symbol without a text", { key: this.#key, units });
      }
      this.#rest = 2 * units;
      this.#lengthBytes = 0;
      this.#key++;
    }
  }

  /** @throws {StorageError} if the file has ended before the last symbol. */
  finish(): void {
    if (this.#key === this.#count && this.#rest === 0) return;
    throw new StorageError(this.#path, "file is too short", {
      symbols: this.#rest > 0 ? this.#key - 1 : this.#key,
      expected: this.#count,
    });
  }
}
