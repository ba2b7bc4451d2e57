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
import type { SymbolTable, Vector, WasmMemory } from "../wasm/mod.ts";
import { TextInterner } from "./text_interner.ts";
import type { SymbolDiff } from "./wal_event.ts";

const UNMAPPED = -1;
/** Distinct values after which the interner of VARCHAR input starts over. */
const INTERNED_VALUES_MAX = 1 << 20;
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
  readonly #interner = new TextInterner();
  /** Dictionary → remap array of the open transaction. */
  #remaps = new Map<SymbolTable, Int32Array>();

  /** @param tableSymbols Symbols of the table at the time the WAL was opened, or `null` if there were none. */
  constructor(writerIndex: number, tableSymbols: SymbolTable | null) {
    this.#writerIndex = writerIndex;
    this.#tableSymbols = tableSymbols;
    this.#cleanCount = tableSymbols?.count ?? 0;
  }

  /** Writes the keys of `rowCount` values to `out`. The vector is SYMBOL, VARCHAR or STRING. */
  map(memory: WasmMemory, vector: Vector, options: { rowCount: number; out: Int32Array }): void {
    const { rowCount, out } = options;
    if (vector.symbols !== null) {
      const keys = memory.i32.subarray(vector.data >>> 2, (vector.data >>> 2) + rowCount);
      this.#remap(keys, vector.symbols, out);
      return;
    }
    if (
      this.#interner.count > INTERNED_VALUES_MAX || this.#interner.byteSize > INTERNED_BYTES_MAX
    ) {
      this.#interner.clear();
      this.#remaps.delete(this.#interner);
    }
    this.#interner.internVarchar(memory, vector, options);
    this.#remap(out.subarray(0, rowCount), this.#interner, out);
  }

  /** Fills `out` with NULL. */
  mapNulls(rowCount: number, out: Int32Array): void {
    out.fill(INT_NULL, 0, rowCount);
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
