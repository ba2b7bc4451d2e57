/**
 * Order of rows: every key becomes an int64 whose order is the SQL order, and rows are sorted by stable radix sorts from
 * the last key to the first.
 *
 * @module
 */
import { ColumnType, fixedSize, isDecimal, typeTag } from "../../common/mod.ts";
import type { SymbolTable, Vector } from "../../wasm/mod.ts";
import { isText, isWide, readVarchar, writeWhole } from "../functions/mod.ts";
import { TextKeyTable } from "./key_table.ts";
import { GrowableBuffer, type QueryMemory } from "./query_memory.ts";

/** Scratch of the radix sort besides a second copy of the pairs. */
const SORT_SCRATCH_BYTES = 8192;
const INTEGER_CODES: Readonly<Record<number, number>> = {
  [ColumnType.BOOLEAN]: 1,
  [ColumnType.BYTE]: 1,
  [ColumnType.SHORT]: 2,
  [ColumnType.CHAR]: 3,
  [ColumnType.INT]: 4,
  [ColumnType.GEOBYTE]: 1,
  [ColumnType.GEOSHORT]: 2,
  [ColumnType.GEOINT]: 4,
  [ColumnType.DECIMAL8]: 1,
  [ColumnType.DECIMAL8 + 1]: 2,
  [ColumnType.DECIMAL8 + 2]: 4,
};
const WORD_BYTES = 8;

/** Tells whether keys of the type can be made batch by batch, without seeing all values. */
export function isLocalKey(type: number): boolean {
  return !isText(type) && fixedSize(type) <= WORD_BYTES;
}

/** A 64-bit word of a wide value: its place in memory, and what makes its signed order the SQL order. */
interface KeyWord {
  readonly word: number;
  readonly flip: bigint;
}

const SIGN = -(1n << 63n);

/** Words of a value of more than 8 bytes, most significant first; the first one of a decimal carries the sign. */
function wordsOf(type: number): KeyWord[] {
  const count = fixedSize(type) / WORD_BYTES;
  const isSigned = isDecimal(type);
  return Array.from({ length: count }, (_, i) => ({
    word: isSigned ? i : count - 1 - i,
    flip: isSigned && i === 0 ? 0n : SIGN,
  }));
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Makes int64 sort keys of a column. */
export class SortKeyMaker {
  readonly #memory: QueryMemory;
  readonly #wide: GrowableBuffer;
  readonly #ids: GrowableBuffer;
  readonly #ranks: GrowableBuffer;
  #symbols: SymbolTable | null = null;
  #rankCount = 0;

  constructor(memory: QueryMemory) {
    this.#memory = memory;
    this.#wide = new GrowableBuffer(memory, 8);
    this.#ids = new GrowableBuffer(memory, 4);
    this.#ranks = new GrowableBuffer(memory, 4);
  }

  /** Pointer to `n` int64 keys; valid until the next call, or as long as the vector. */
  keys(vector: Vector, n: number): number {
    const { kernels } = this.#memory.core;
    const tag = typeTag(vector.type);
    this.#wide.reserve(n);
    const out = this.#wide.pointer;
    if (tag === ColumnType.SYMBOL) {
      this.#rankSymbols(vector);
      this.#ids.reserve(n);
      kernels.mapKeysI32(vector.data, this.#ranks.pointer, -1, this.#ids.pointer, n);
      kernels.convertInteger(INTEGER_CODES[ColumnType.INT], 5, this.#ids.pointer, out, n);
    } else if (isText(tag)) this.#textKeys(vector, n);
    else if (tag === ColumnType.IPV4) this.#addressKeys(vector, n);
    else if (tag === ColumnType.DOUBLE) kernels.orderKeysF64(vector.data, out, n);
    else if (tag === ColumnType.FLOAT) {
      kernels.convertReal(6, 7, vector.data, out, n);
      kernels.orderKeysF64(out, out, n);
    } else if (INTEGER_CODES[tag] !== undefined) {
      kernels.convertInteger(INTEGER_CODES[tag], 5, vector.data, out, n);
    } else return vector.data;
    return this.#wide.pointer;
  }

  /** Pointer to `n` int64 keys made of one word of wide values; valid until the next call. */
  wordKeys(vector: Vector, { word, flip }: KeyWord, n: number): number {
    this.#wide.reserve(n);
    const out = this.#wide.pointer;
    const size = fixedSize(vector.type);
    const { kernels } = this.#memory.core;
    kernels.takeWords(vector.data + WORD_BYTES * word, size, flip, out, n);
    return out;
  }

  /** Pointer to `n` int64 keys: 0 for NULL of a wide type, 1 for any other value. */
  presenceKeys(vector: Vector, n: number): number {
    const { kernels, memory } = this.#memory.core;
    const size = fixedSize(vector.type);
    const missing = this.#memory.alloc(size);
    writeWhole(memory, vector.type, { at: missing, value: null });
    this.#ids.reserve(n);
    this.#wide.reserve(n);
    const flags = this.#ids.pointer;
    kernels.equalRows(size, vector.data, size, missing, 0, flags, n);
    kernels.booleanNot(flags, flags, n);
    kernels.convertInteger(INTEGER_CODES[ColumnType.BOOLEAN], 5, flags, this.#wide.pointer, n);
    this.#memory.free(missing);
    return this.#wide.pointer;
  }
  /** IPv4 addresses are unsigned; NULL is 0 and so comes first. */
  #addressKeys(vector: Vector, n: number): void {
    const { u32 } = this.#memory.core.memory;
    const from = vector.data >> 2, to = this.#wide.pointer >> 2;
    for (let row = 0; row < n; row++) {
      u32[to + 2 * row] = u32[from + row];
      u32[to + 2 * row + 1] = 0;
    }
  }

  /** Ranks of all dictionary entries by text; made again when the dictionary has grown. */
  #rankSymbols(vector: Vector): void {
    const symbols = vector.symbols!;
    if (symbols === this.#symbols && symbols.count === this.#rankCount) return;
    const texts = Array.from({ length: symbols.count }, (_, key) => symbols.text(key));
    this.#putRanks(texts);
    this.#symbols = symbols;
    this.#rankCount = symbols.count;
  }
  #putRanks(texts: readonly string[]): void {
    const order = texts.map((_, key) => key).sort((a, b) => compareTexts(texts[a], texts[b]));
    this.#ranks.reserve(Math.max(1, texts.length));
    const { i32 } = this.#memory.core.memory;
    for (const [rank, key] of order.entries()) i32[(this.#ranks.pointer >> 2) + key] = rank;
  }
  #textKeys(vector: Vector, n: number): void {
    const { kernels, memory } = this.#memory.core;
    const table = new TextKeyTable(this.#memory);
    this.#ids.reserve(n);
    table.intern(vector, n, this.#ids.pointer);
    const distinct = table.texts(ColumnType.VARCHAR);
    const texts = Array.from({ length: table.count }, (_, id) => readVarchar(memory, distinct, id));
    const nullId = texts.indexOf(null);
    this.#putRanks(texts.map((text) => text ?? ""));
    if (nullId >= 0) memory.i32[(this.#ranks.pointer >> 2) + nullId] = -1;
    kernels.mapKeysI32(this.#ids.pointer, this.#ranks.pointer, -1, this.#ids.pointer, n);
    kernels.convertInteger(4, 5, this.#ids.pointer, this.#wide.pointer, n);
  }
}

/** A key column of a sort. */
export interface OrderKey {
  readonly vector: Vector;
  readonly isDescending: boolean;
}

/** One int64 key of a row. */
interface KeyPart {
  readonly isDescending: boolean;
  /** Pointer to the keys of `n` rows. */
  readonly keys: (maker: SortKeyMaker, n: number) => number;
}

/** NULL of UUID, LONG128 and LONG256 comes first: a part of its own says which rows have one. */
function partsOf(key: OrderKey): KeyPart[] {
  const { vector, isDescending } = key;
  if (isText(vector.type) || fixedSize(vector.type) <= WORD_BYTES) {
    return [{ isDescending, keys: (maker, n) => maker.keys(vector, n) }];
  }
  const words = wordsOf(vector.type).map((word): KeyPart => ({
    isDescending,
    keys: (maker, n) => maker.wordKeys(vector, word, n),
  }));
  if (!isWide(vector.type)) return words;
  return [{ isDescending, keys: (maker, n) => maker.presenceKeys(vector, n) }, ...words];
}

/** Sorts `n` rows by keys, most significant first. @returns a pointer to the row numbers (uint32), owned by the memory. */
export function sortRows(memory: QueryMemory, keys: readonly OrderKey[], n: number): number {
  const { kernels } = memory.core;
  const rows = memory.alloc(4 * Math.max(1, n));
  const pairs = memory.alloc(16 * Math.max(1, n));
  const scratch = memory.alloc(16 * n + SORT_SCRATCH_BYTES);
  const parts = keys.flatMap((key) => partsOf(key));
  for (let i = parts.length - 1; i >= 0; i--) {
    const maker = new SortKeyMaker(memory);
    const values = parts[i].keys(maker, n);
    const descending = parts[i].isDescending ? 1 : 0;
    if (i === parts.length - 1) kernels.orderPairsI64(values, descending, 0, n, pairs);
    else kernels.rekeyPairs(pairs, values, descending, n);
    kernels.radixSortPairs(pairs, scratch, n);
  }
  kernels.pairRows(pairs, n, rows);
  memory.free(scratch);
  memory.free(pairs);
  return rows;
}
