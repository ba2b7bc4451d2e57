/**
 * Turns the values of one SYMBOL column into the keys of a WAL: a value that the table had when the WAL was opened keeps
 * its table key, any other gets a key of the open transaction, counting from the clean count.
 *
 * Invariants:
 * 1. Transaction keys start over after every commit and rollback, so every event is complete in itself.
 * 2. A value costs a text look-up once per transaction (once at all if it is a table symbol), not once per row.
 *
 * @module
 */
import { INT_NULL } from "../common/mod.ts";
import { Arena, type SymbolTable, type Vector, type WasmCore } from "../wasm/mod.ts";
import { TextInterner } from "./text_interner.ts";
import type { SymbolDiff } from "./wal_event.ts";

const UNMAPPED = -1;
/** Bytes after which the interner of VARCHAR input starts over. */
const INTERNED_BYTES_MAX = 64 << 20;
/** A dictionary this many times larger than the rows is remapped through a map instead of an array. */
const SPARSE_FACTOR = 8;
/** Table symbols remembered per column. */
const TABLE_KEYS_MAX = 1 << 20;

/** See the module's description. */
export class SymbolWriter {
  readonly #writerIndex: number;
  readonly #tableSymbols: SymbolTable | null;
  readonly #cleanCount: number;
  readonly #tableKeys = new Map<string, number>();
  readonly #transactionKeys = new Map<string, number>();
  #texts: string[] = [];
  #hasNull = false;
  /** Of the open transaction, with the keys of its ids. */
  #interned: { interner: TextInterner; keys: Int32Array } | null = null;
  /** Dictionary → remap array of the open transaction. */
  #remaps = new Map<SymbolTable, Int32Array>();

  /** @param tableSymbols Symbols of the table at the time the WAL was opened, or `null` if there were none. */
  constructor(writerIndex: number, tableSymbols: SymbolTable | null) {
    this.#writerIndex = writerIndex;
    this.#tableSymbols = tableSymbols;
    this.#cleanCount = tableSymbols?.count ?? 0;
  }

  /** Writes the keys of `rowCount` values to the int32 values at `out`. The vector is SYMBOL, VARCHAR or STRING. */
  map(core: WasmCore, vector: Vector, options: { rowCount: number; out: number }): void {
    const { rowCount, out } = options;
    if (vector.symbols === null) return this.#mapTexts(core, vector, options);
    const { i32 } = core.memory;
    const keys = i32.subarray(vector.data >>> 2, (vector.data >>> 2) + rowCount);
    this.#remap(keys, vector.symbols, i32.subarray(out >>> 2, (out >>> 2) + rowCount));
  }

  /** Fills `out` with NULL. */
  mapNulls(core: WasmCore, rowCount: number, out: number): void {
    core.memory.i32.fill(INT_NULL, out >>> 2, (out >>> 2) + rowCount);
    this.#hasNull ||= rowCount > 0;
  }

  /** What the event of the open transaction says about this column; `null` if nothing. */
  diff(): SymbolDiff | null {
    if (this.#cleanCount === 0 && this.#texts.length === 0 && !this.#hasNull) return null;
    return {
      writerIndex: this.#writerIndex,
      hasNull: this.#hasNull,
      cleanCount: this.#cleanCount,
      texts: this.#texts,
    };
  }

  /** Starts the next transaction. */
  reset(): void {
    this.#transactionKeys.clear();
    this.#texts = [];
    this.#hasNull = false;
    if (this.#remaps.size > 0) this.#remaps = new Map();
    this.#interned?.interner[Symbol.dispose]();
    this.#interned = null;
  }

  #mapTexts(core: WasmCore, vector: Vector, options: { rowCount: number; out: number }): void {
    const { rowCount, out } = options;
    if (this.#interned !== null && this.#interned.interner.byteSize > INTERNED_BYTES_MAX) {
      this.#interned.interner[Symbol.dispose]();
      this.#interned = null;
    }
    const interned = this.#interned ??= {
      interner: new TextInterner(core),
      keys: new Int32Array(0),
    };
    const { interner } = interned;
    const known = interner.count;
    interner.intern(vector, rowCount, out);
    const { count } = interner;
    if (count > interned.keys.length) {
      const keys = new Int32Array(2 * count);
      keys.set(interned.keys.subarray(0, known));
      interned.keys = keys;
    }
    for (const [i, text] of interner.texts(known).entries()) {
      interned.keys[known + i] = text === null ? INT_NULL : this.#keyOf(text);
      this.#hasNull ||= text === null;
    }
    using arena = new Arena(core.memory);
    const map = arena.alloc(4 * count);
    core.memory.i32.set(interned.keys.subarray(0, count), map >>> 2);
    core.kernels.remapI32(out, rowCount, 0, map, out);
  }

  #remap(keys: Int32Array, symbols: SymbolTable, out: Int32Array): void {
    if (symbols.count > SPARSE_FACTOR * keys.length + 64) {
      this.#remapSparse(keys, symbols, out);
      return;
    }
    const remap = this.#remapArray(symbols);
    let hasNull = false;
    for (let row = 0; row < keys.length; row++) {
      const key = keys[row];
      if (key < 0) {
        hasNull = true;
        out[row] = INT_NULL;
        continue;
      }
      let mapped = remap[key];
      if (mapped === UNMAPPED) mapped = remap[key] = this.#keyOf(symbols.text(key));
      out[row] = mapped;
    }
    this.#hasNull ||= hasNull;
  }

  #remapSparse(keys: Int32Array, symbols: SymbolTable, out: Int32Array): void {
    const remap = new Map<number, number>();
    for (let row = 0; row < keys.length; row++) {
      const key = keys[row];
      let mapped = key < 0 ? INT_NULL : remap.get(key);
      if (mapped === undefined) {
        mapped = this.#keyOf(symbols.text(key));
        remap.set(key, mapped);
      }
      this.#hasNull ||= key < 0;
      out[row] = mapped;
    }
  }

  #remapArray(symbols: SymbolTable): Int32Array {
    const known = this.#remaps.get(symbols);
    if (known !== undefined && known.length >= symbols.count) return known;
    const array = new Int32Array(Math.max(16, 2 * symbols.count)).fill(UNMAPPED);
    if (known !== undefined) array.set(known);
    this.#remaps.set(symbols, array);
    return array;
  }

  #keyOf(text: string): number {
    let key = this.#transactionKeys.get(text);
    if (key !== undefined) return key;
    key = this.#tableKeyOf(text);
    if (key >= 0) return key;
    key = this.#cleanCount + this.#texts.length;
    this.#transactionKeys.set(text, key);
    this.#texts.push(text);
    return key;
  }

  #tableKeyOf(text: string): number {
    if (this.#tableSymbols === null) return -1;
    let key = this.#tableKeys.get(text);
    if (key === undefined) {
      key = this.#tableSymbols.find(text);
      if (key < 0 || key >= this.#cleanCount) return -1;
      if (this.#tableKeys.size >= TABLE_KEYS_MAX) this.#tableKeys.clear();
      this.#tableKeys.set(text, key);
    }
    return key;
  }
}
