/**
 * Interning: values of a grouping key become dense ids 0, 1, 2 … in order of first appearance.
 *
 * @module
 */
import { assert, ColumnType, fixedSize, typeTag } from "../../common/mod.ts";
import { fixedVector, type SymbolTable, type Vector } from "../../wasm/mod.ts";
import { isVariable } from "../functions/mod.ts";
import { GrowableBuffer, type QueryMemory } from "./query_memory.ts";

const SLOTS_MIN = 1024;
const HEAP_MIN = 65_536;
const WORD_BYTES = 8;
const LONG_SLOT_BYTES = 4;
const TEXT_SLOT_BYTES = 8;
/** A table is grown when it is half full. */
const SLOTS_PER_KEY = 2;

/** Interns int64 values. */
export class LongKeyTable {
  readonly #memory: QueryMemory;
  readonly #keys: GrowableBuffer;
  readonly #state: number;
  #slots = 0;
  #slotCount = 0;

  constructor(memory: QueryMemory) {
    this.#memory = memory;
    this.#keys = new GrowableBuffer(memory, 8);
    this.#state = memory.alloc(8);
    memory.core.memory.u8.fill(0, this.#state, this.#state + 8);
    this.#grow();
  }

  /** Distinct values so far. */
  get count(): number {
    return this.#memory.core.memory.i32[this.#state >> 2];
  }
  /** Pointer to the values by id. Moves when the table grows. */
  get keys(): number {
    return this.#keys.pointer;
  }

  /** Writes the ids of `rowCount` int64 values to `out` (int32). */
  intern(values: number, rowCount: number, out: number): void {
    const { kernels } = this.#memory.core;
    let done = 0;
    while (true) {
      done += kernels.internI64(
        values + 8 * done,
        rowCount - done,
        out + 4 * done,
        this.#slots,
        this.#slotCount - 1,
        this.#keys.pointer,
        this.#state,
      );
      if (done === rowCount) return;
      this.#grow();
    }
  }

  #grow(): void {
    const slotCount = Math.max(SLOTS_MIN, 2 * this.#slotCount);
    if (this.#slots !== 0) this.#memory.free(this.#slots);
    this.#slots = this.#memory.alloc(slotCount * LONG_SLOT_BYTES);
    this.#slotCount = slotCount;
    this.#keys.reserve(slotCount / SLOTS_PER_KEY);
    const { kernels } = this.#memory.core;
    kernels.rehashI64(this.#keys.pointer, this.count, this.#slots, slotCount - 1);
  }
}

/** Interns texts. */
export class TextKeyTable {
  readonly #memory: QueryMemory;
  readonly #keys: GrowableBuffer;
  readonly #heap: GrowableBuffer;
  readonly #state: number;
  #slots = 0;
  #slotCount = 0;

  constructor(memory: QueryMemory) {
    this.#memory = memory;
    this.#keys = new GrowableBuffer(memory, 16);
    this.#heap = new GrowableBuffer(memory, 1);
    this.#state = memory.alloc(8);
    memory.core.memory.u8.fill(0, this.#state, this.#state + 8);
    this.#heap.reserve(HEAP_MIN);
    this.#growSlots();
  }

  /** Distinct texts so far. */
  get count(): number {
    return this.#memory.core.memory.i32[this.#state >> 2];
  }
  get #heapBytes(): number {
    return this.#memory.core.memory.i32[(this.#state >> 2) + 1];
  }

  /** Writes the ids of `rowCount` texts to `out` (int32). */
  intern(vector: Vector, rowCount: number, out: number): void {
    const { kernels } = this.#memory.core;
    let done = 0;
    while (true) {
      done += kernels.internVarchar(
        vector.data + 16 * done,
        vector.heap,
        vector.heapOffset,
        rowCount - done,
        out + 4 * done,
        this.#slots,
        this.#slotCount - 1,
        this.#keys.pointer,
        this.#heap.pointer,
        this.#heap.capacity,
        this.#state,
      );
      if (done === rowCount) return;
      if (SLOTS_PER_KEY * this.count >= this.#slotCount) this.#growSlots();
      else this.#growHeap(vector, done);
    }
  }
  /** All texts by id. */
  texts(type: number): Vector {
    return {
      type,
      data: this.#keys.pointer,
      heap: this.#heap.pointer,
      heapBytes: this.#heapBytes,
      heapOffset: 0,
      symbols: null,
    };
  }

  #growSlots(): void {
    const slotCount = Math.max(SLOTS_MIN, 2 * this.#slotCount);
    if (this.#slots !== 0) this.#memory.free(this.#slots);
    this.#slots = this.#memory.alloc(slotCount * TEXT_SLOT_BYTES);
    this.#slotCount = slotCount;
    this.#keys.reserve(slotCount / SLOTS_PER_KEY);
    const { kernels } = this.#memory.core;
    kernels.rehashVarchar(
      this.#keys.pointer,
      this.#heap.pointer,
      this.count,
      this.#slots,
      slotCount - 1,
    );
  }
  #growHeap(vector: Vector, row: number): void {
    const length = this.#memory.core.memory.u32[(vector.data + 16 * row) >> 2] >>> 4;
    this.#heap.reserve(Math.max(2 * this.#heap.capacity, this.#heapBytes + length));
  }
}

/** Ids of one grouping key, and back. */
export interface KeyColumn {
  /** Pointer to the ids (int32) of the rows, valid until the next call. */
  ids(vector: Vector, rowCount: number): number;
  /** Ids are below this. */
  readonly count: number;
  /** True if every id below `count` has appeared. */
  readonly isDense: boolean;
  /** Values of ids: `n` int32 at `ids`. Valid until the next call. */
  values(ids: number, n: number): Vector;
}

/** Makes the key column that suits a type. */
export function keyColumn(memory: QueryMemory, type: number): KeyColumn {
  const tag = typeTag(type);
  if (tag === ColumnType.SYMBOL) return new SymbolKeyColumn(memory, type);
  if (isVariable(type)) return new TextKeyColumn(memory, type);
  return fixedSize(type) > 8 ? new WideKeyColumn(memory, type) : new FixedKeyColumn(memory, type);
}

/** Dictionary keys are ids already: NULL is 0, key k is k + 1. */
class SymbolKeyColumn implements KeyColumn {
  readonly isDense = false;
  readonly #memory: QueryMemory;
  readonly #type: number;
  readonly #out: GrowableBuffer;
  readonly #result: GrowableBuffer;
  #symbols: SymbolTable | null = null;

  constructor(memory: QueryMemory, type: number) {
    this.#memory = memory;
    this.#type = type;
    this.#out = new GrowableBuffer(memory, 4);
    this.#result = new GrowableBuffer(memory, 4);
  }
  get count(): number {
    return (this.#symbols?.count ?? 0) + 1;
  }
  ids(vector: Vector, rowCount: number): number {
    this.#symbols ??= vector.symbols;
    assert(vector.symbols === this.#symbols, "a SYMBOL column has one dictionary");
    this.#out.reserve(rowCount);
    this.#memory.core.kernels.symbolIds(vector.data, this.#out.pointer, rowCount);
    return this.#out.pointer;
  }
  values(ids: number, n: number): Vector {
    this.#result.reserve(n);
    const { i32 } = this.#memory.core.memory;
    const out = this.#result.pointer;
    for (let i = 0; i < n; i++) {
      const id = i32[(ids >> 2) + i];
      i32[(out >> 2) + i] = id === 0 ? -0x80000000 : id - 1;
    }
    return fixedVector(this.#type, out, this.#symbols ?? NO_SYMBOLS);
  }
}

const NO_SYMBOLS: SymbolTable = { count: 0, text: () => "", find: () => -1 };

class TextKeyColumn implements KeyColumn {
  readonly isDense = true;
  readonly #memory: QueryMemory;
  readonly #type: number;
  readonly #table: TextKeyTable;
  readonly #out: GrowableBuffer;
  readonly #result: GrowableBuffer;

  constructor(memory: QueryMemory, type: number) {
    this.#memory = memory;
    this.#type = type;
    this.#table = new TextKeyTable(memory);
    this.#out = new GrowableBuffer(memory, 4);
    this.#result = new GrowableBuffer(memory, 16);
  }
  get count(): number {
    return this.#table.count;
  }
  ids(vector: Vector, rowCount: number): number {
    this.#out.reserve(rowCount);
    this.#table.intern(vector, rowCount, this.#out.pointer);
    return this.#out.pointer;
  }
  values(ids: number, n: number): Vector {
    this.#result.reserve(n);
    const texts = this.#table.texts(this.#type);
    this.#memory.core.kernels.gatherRows(16, texts.data, ids, this.#result.pointer, n);
    return { ...texts, data: this.#result.pointer };
  }
}

/** Codes of core-wasm/expr/convert.ts for the types that are widened to int64 keys. */
const INTEGER_CODES: Readonly<Record<number, number>> = {
  [ColumnType.BOOLEAN]: 1,
  [ColumnType.BYTE]: 1,
  [ColumnType.SHORT]: 2,
  [ColumnType.CHAR]: 3,
  [ColumnType.INT]: 4,
  [ColumnType.IPV4]: 4,
  [ColumnType.GEOBYTE]: 1,
  [ColumnType.GEOSHORT]: 2,
  [ColumnType.GEOINT]: 4,
  [ColumnType.DECIMAL8]: 1,
  [ColumnType.DECIMAL8 + 1]: 2,
  [ColumnType.DECIMAL8 + 2]: 4,
};
const LONG_CODE = 5, FLOAT_CODE = 6, DOUBLE_CODE = 7;

/** Numbers, as int64: integers widened, doubles by their bits. */
class FixedKeyColumn implements KeyColumn {
  readonly isDense = true;
  readonly #memory: QueryMemory;
  readonly #type: number;
  readonly #table: LongKeyTable;
  readonly #wide: GrowableBuffer;
  readonly #out: GrowableBuffer;
  readonly #result: GrowableBuffer;

  constructor(memory: QueryMemory, type: number) {
    this.#memory = memory;
    this.#type = type;
    this.#table = new LongKeyTable(memory);
    this.#wide = new GrowableBuffer(memory, 8);
    this.#out = new GrowableBuffer(memory, 4);
    this.#result = new GrowableBuffer(memory, 8);
  }
  get count(): number {
    return this.#table.count;
  }
  ids(vector: Vector, rowCount: number): number {
    this.#out.reserve(rowCount);
    this.#table.intern(this.#widen(vector, rowCount), rowCount, this.#out.pointer);
    return this.#out.pointer;
  }
  values(ids: number, n: number): Vector {
    const { kernels } = this.#memory.core;
    this.#wide.reserve(n);
    this.#result.reserve(n);
    const wide = this.#wide.pointer, out = this.#result.pointer;
    const tag = typeTag(this.#type);
    kernels.gatherRows(8, this.#table.keys, ids, wide, n);
    const code = INTEGER_CODES[tag];
    if (code !== undefined) kernels.convertInteger(LONG_CODE, code, wide, out, n);
    else if (tag === ColumnType.FLOAT) kernels.convertReal(DOUBLE_CODE, FLOAT_CODE, wide, out, n);
    else return fixedVector(this.#type, wide);
    return fixedVector(this.#type, out);
  }

  #widen(vector: Vector, rowCount: number): number {
    const { kernels } = this.#memory.core;
    const tag = typeTag(this.#type);
    const code = INTEGER_CODES[tag];
    const isReal = tag === ColumnType.DOUBLE || tag === ColumnType.FLOAT;
    if (code === undefined && !isReal) return vector.data;
    this.#wide.reserve(rowCount);
    const out = this.#wide.pointer;
    if (code !== undefined) kernels.convertInteger(code, LONG_CODE, vector.data, out, rowCount);
    else if (tag === ColumnType.DOUBLE) kernels.doubleKeys(vector.data, out, rowCount);
    else {
      kernels.convertReal(FLOAT_CODE, DOUBLE_CODE, vector.data, out, rowCount);
      kernels.doubleKeys(out, out, rowCount);
    }
    return out;
  }
}

/** UUID, LONG256 and wide decimals: each 64-bit word is interned, then the ids of the words, two by two. */
class WideKeyColumn implements KeyColumn {
  readonly isDense = true;
  readonly #memory: QueryMemory;
  readonly #type: number;
  readonly #words: readonly LongKeyTable[];
  /** Stage k interns (ids of words 0 … k, id of word k + 1). */
  readonly #stages: readonly LongKeyTable[];
  readonly #word: GrowableBuffer;
  readonly #ids: readonly GrowableBuffer[];
  readonly #result: GrowableBuffer;

  constructor(memory: QueryMemory, type: number) {
    this.#memory = memory;
    this.#type = type;
    const count = fixedSize(type) / WORD_BYTES;
    this.#words = Array.from({ length: count }, () => new LongKeyTable(memory));
    this.#stages = Array.from({ length: count - 1 }, () => new LongKeyTable(memory));
    this.#word = new GrowableBuffer(memory, 8);
    this.#ids = [0, 1].map(() => new GrowableBuffer(memory, 4));
    this.#result = new GrowableBuffer(memory, fixedSize(type));
  }
  get count(): number {
    return this.#stages[this.#stages.length - 1].count;
  }
  ids(vector: Vector, rowCount: number): number {
    const { kernels } = this.#memory.core;
    const size = fixedSize(this.#type);
    this.#word.reserve(rowCount);
    for (const ids of this.#ids) ids.reserve(rowCount);
    const [{ pointer: joined }, { pointer: own }] = this.#ids;
    const word = this.#word.pointer;
    for (const [k, table] of this.#words.entries()) {
      kernels.takeWords(vector.data + WORD_BYTES * k, size, 0n, word, rowCount);
      table.intern(word, rowCount, k === 0 ? joined : own);
      if (k === 0) continue;
      kernels.pairIds(joined, own, word, rowCount);
      this.#stages[k - 1].intern(word, rowCount, joined);
    }
    return joined;
  }
  values(ids: number, n: number): Vector {
    const { kernels, memory } = this.#memory.core;
    const size = fixedSize(this.#type);
    this.#word.reserve(n);
    this.#result.reserve(n);
    for (const buffer of this.#ids) buffer.reserve(n);
    const [{ pointer: rest }, { pointer: own }] = this.#ids;
    const word = this.#word.pointer, out = this.#result.pointer;
    memory.u8.copyWithin(rest, ids, ids + 4 * n);
    for (let k = this.#words.length - 1; k >= 0; k--) {
      if (k > 0) {
        kernels.gatherRows(8, this.#stages[k - 1].keys, rest, word, n);
        kernels.unpairIds(word, rest, own, n);
      }
      kernels.gatherRows(8, this.#words[k].keys, k > 0 ? own : rest, word, n);
      kernels.putWords(word, size, out + WORD_BYTES * k, n);
    }
    return fixedVector(this.#type, out);
  }
}
