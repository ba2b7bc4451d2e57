/**
 * The texts of a symbol table as `.c` holds them, with a hash table over their bytes: a text that is there already is found without making
 * a string of it.
 *
 * ```
 * bytes   str values in key order: i32 count of UTF-16 units, then the units      starts  offset of each, and the end
 * slots   open addressing by hash, key + 1, 0 = empty; at most half full
 * ```
 *
 * @module
 */
import { assert } from "../common/mod.ts";

const SLOTS_MIN = 256;
const LENGTH_BYTES = 4;
/** Units that one call turns into text. */
const TEXT_UNITS_PER_CALL = 4096;
const HASH_MASK = 0x0fffffff;

/** See the module's description. */
export class SymbolTexts {
  #bytes: Uint8Array<ArrayBuffer>;
  #starts: Float64Array<ArrayBuffer>;
  #hashes: Int32Array<ArrayBuffer>;
  #slots: Int32Array<ArrayBuffer>;
  #count: number;
  #scratch = new Uint8Array(256);

  /** @param texts `.c` and the starts of its `count` texts, `count` + 1 numbers. They are copied when texts are added. */
  constructor(
    texts: { chars: Uint8Array<ArrayBuffer>; starts: Float64Array<ArrayBuffer>; count: number },
  ) {
    const { count } = texts;
    this.#bytes = texts.chars;
    this.#starts = texts.starts;
    this.#count = count;
    this.#hashes = new Int32Array(Math.max(SLOTS_MIN / 2, count));
    let slots = SLOTS_MIN;
    while (slots < 2 * count) slots *= 2;
    this.#slots = new Int32Array(slots);
    for (let key = 0; key < count; key++) {
      const at = this.#starts[key];
      this.#hashes[key] = hashUnits(
        this.#bytes,
        at + LENGTH_BYTES,
        (this.#starts[key + 1] - at) / 2 - 2,
      );
      this.#link(key);
    }
  }

  get count(): number {
    return this.#count;
  }
  /** Bytes of `.c` from a key on. */
  charsFrom(key: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(this.#starts[key], this.#starts[this.#count]);
  }
  /** End of a text in `.c`. */
  endOf(key: number): number {
    return this.#starts[key + 1];
  }
  /** Java's `String.hashCode` of a text, cut to 28 bits as QuestDB does. */
  hashOf(key: number): number {
    return this.#hashes[key] & HASH_MASK;
  }
  text(key: number): string {
    assert(key >= 0 && key < this.#count, `symbol key is known: ${key} of ${this.#count}`);
    const bytes = this.#bytes;
    const end = this.#starts[key + 1];
    let text = "";
    for (let at = this.#starts[key] + LENGTH_BYTES; at < end;) {
      const units = new Uint16Array(Math.min(TEXT_UNITS_PER_CALL, (end - at) / 2));
      for (let i = 0; i < units.length; i++, at += 2) units[i] = bytes[at] | (bytes[at + 1] << 8);
      text += String.fromCharCode(...units);
    }
    return text;
  }
  /** Key of a text, or −1. */
  find(text: string): number {
    const units = this.#encode(text);
    return this.#find(this.#scratch, { at: 0, units, hash: hashUnits(this.#scratch, 0, units) });
  }
  /** Key of a text, which is added if it is new. */
  intern(text: string): number {
    const units = this.#encode(text); // may make a larger scratch
    return this.internUnits(this.#scratch, 0, units);
  }
  /** Key of the text of `units` little-endian UTF-16 units at `at`; it is added if it is new. */
  internUnits(bytes: Uint8Array, at: number, units: number): number {
    const hash = hashUnits(bytes, at, units);
    const key = this.#find(bytes, { at, units, hash });
    return key >= 0 ? key : this.#add(bytes.subarray(at, at + 2 * units), hash);
  }

  #encode(text: string): number {
    const units = text.length;
    if (2 * units > this.#scratch.length) this.#scratch = new Uint8Array(4 * units);
    for (let i = 0; i < units; i++) {
      const unit = text.charCodeAt(i);
      this.#scratch[2 * i] = unit;
      this.#scratch[2 * i + 1] = unit >> 8;
    }
    return units;
  }

  #find(bytes: Uint8Array, text: { at: number; units: number; hash: number }): number {
    const { hash } = text;
    const slots = this.#slots, mask = slots.length - 1;
    for (let slot = spread(hash) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const key = slots[slot] - 1;
      if (this.#hashes[key] === hash && this.#isText(key, bytes, text)) return key;
    }
    return -1;
  }

  #isText(key: number, bytes: Uint8Array, text: { at: number; units: number }): boolean {
    const { at, units } = text;
    const own = this.#bytes;
    const start = this.#starts[key] + LENGTH_BYTES;
    if (this.#starts[key + 1] - start !== 2 * units) return false;
    for (let i = 0; i < 2 * units; i++) if (own[start + i] !== bytes[at + i]) return false;
    return true;
  }

  #add(units: Uint8Array, hash: number): number {
    const key = this.#count;
    const start = this.#starts[key], end = start + LENGTH_BYTES + units.length;
    if (end > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(end, 2 * this.#bytes.length, 4096));
      bytes.set(this.#bytes.subarray(0, start));
      this.#bytes = bytes;
    }
    if (key + 1 >= this.#starts.length) {
      const starts = new Float64Array(2 * key + SLOTS_MIN);
      starts.set(this.#starts.subarray(0, key + 1));
      this.#starts = starts;
    }
    if (key >= this.#hashes.length) {
      const hashes = new Int32Array(2 * key);
      hashes.set(this.#hashes);
      this.#hashes = hashes;
    }
    new DataView(this.#bytes.buffer, this.#bytes.byteOffset).setInt32(
      start,
      units.length / 2,
      true,
    );
    this.#bytes.set(units, start + LENGTH_BYTES);
    this.#starts[key + 1] = end;
    this.#hashes[key] = hash;
    this.#count++;
    if (2 * this.#count > this.#slots.length) {
      this.#slots = new Int32Array(2 * this.#slots.length);
      for (let i = 0; i < this.#count; i++) this.#link(i);
    } else this.#link(key);
    return key;
  }

  #link(key: number): void {
    const slots = this.#slots, mask = slots.length - 1;
    let slot = spread(this.#hashes[key]) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = key + 1;
  }
}

function hashUnits(bytes: Uint8Array, at: number, units: number): number {
  let hash = 0;
  for (let i = at; i < at + 2 * units; i += 2) {
    hash = (Math.imul(31, hash) + (bytes[i] | (bytes[i + 1] << 8))) | 0;
  }
  return hash;
}

/** Java's hash says little in its high bits for short texts. */
function spread(hash: number): number {
  const mixed = Math.imul(hash, 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
