/**
 * Conversion between types, a vector at a time: kernels between fixed-width types and from integers to text, row by row
 * where text has to be understood.
 *
 * @module
 */
import { ColumnType, fixedSize, SqlError, typeName, typeTag } from "../../common/mod.ts";
import { type Arena, BATCH_ROWS, fixedVector, type Vector, type WasmCore } from "../../wasm/mod.ts";
import { castValue, inconvertible, nullCast } from "./cast_value.ts";
import { type ScalarValue, valueReader, writeFixed } from "./scalar_value.ts";
import { GrowingSymbolTable, internSymbols } from "./symbol_interning.ts";
import { isNanos, isTime } from "./type_class.ts";
import { formatValue, parseText } from "./value_text.ts";
import { appendValue, isText, isVariable } from "./vector_expression.ts";
import { VarcharBuilder } from "./varchar_builder.ts";

/** How a conversion behaves and where its result goes. */
export interface ConversionOptions {
  readonly core: WasmCore;
  /** Target type code. */
  readonly type: number;
  /** Implicit conversions refuse text that is no number; explicit ones make NULL of it. */
  readonly isImplicit: boolean;
  /** Position for errors. */
  readonly position: number;
  /** Gives room for that many bytes. */
  readonly alloc: (byteSize: number) => number;
  /** Gives an empty builder. */
  readonly builder: () => VarcharBuilder;
}

/** Codes of core-wasm/expr/convert.ts. */
const KERNEL_CODES: Readonly<Record<number, number>> = {
  [ColumnType.BOOLEAN]: 1,
  [ColumnType.BYTE]: 1,
  [ColumnType.SHORT]: 2,
  [ColumnType.CHAR]: 3,
  [ColumnType.INT]: 4,
  [ColumnType.LONG]: 5,
  [ColumnType.DATE]: 5,
  [ColumnType.TIMESTAMP]: 5,
  [ColumnType.FLOAT]: 6,
  [ColumnType.DOUBLE]: 7,
};
const FLOAT_CODE = 6;

/** Numbers, times, flags and texts: what the kernels and text conversions of this file know. */
function isBasic(type: number): boolean {
  const tag = typeTag(type);
  return KERNEL_CODES[tag] !== undefined || isText(tag) || tag === ColumnType.SYMBOL;
}

/**
 * Converts the first `rowCount` values of a vector. The result may share memory with the input.
 *
 * @throws {SqlError} if the types have no conversion, or an implicit one meets a text it cannot take.
 */
export function convertVector(
  vector: Vector,
  rowCount: number,
  options: ConversionOptions,
): Vector {
  if (vector.type === options.type) return vector;
  const from = typeTag(vector.type), to = typeTag(options.type);
  if (!isBasic(vector.type) || !isBasic(options.type)) return castRows(vector, rowCount, options);
  if (from === to && !isTime(from)) return { ...vector, type: options.type };
  if (isText(from) && isText(to)) return { ...vector, type: options.type };
  if (to === ColumnType.SYMBOL) {
    const text = isText(from) ? vector : toText(vector, rowCount, options);
    return options.isImplicit ? text : internSymbols(text, rowCount, options);
  }
  if (isText(to)) return toText(vector, rowCount, options);
  if (isText(from) || from === ColumnType.SYMBOL || from === ColumnType.CHAR) {
    return fromText(vector, rowCount, options);
  }
  return convertFixed(vector, rowCount, options);
}

/** Row by row, for the types without kernels. */
function castRows(vector: Vector, rowCount: number, options: ConversionOptions): Vector {
  const { memory } = options.core;
  const read = valueReader(memory, vector);
  const { type } = options;
  const cast = (row: number) => {
    const value = read(row);
    return value === null ? nullCast(vector.type, type) : castValue(value, vector.type, options);
  };
  if (isVariable(type) || typeTag(type) === ColumnType.SYMBOL) {
    const builder = options.builder();
    const built = typeTag(type) === ColumnType.SYMBOL ? ColumnType.STRING : type;
    for (let row = 0; row < rowCount; row++) appendValue(builder, built, cast(row));
    const values = builder.finish(built);
    const isTextWanted = built === type || options.isImplicit;
    return isTextWanted ? values : internSymbols(values, rowCount, options);
  }
  const data = options.alloc(rowCount * fixedSize(type));
  for (let row = 0; row < rowCount; row++) {
    writeFixed(memory, type, { data, row, value: cast(row) });
  }
  return fixedVector(type, data);
}

function refuse(from: number, options: ConversionOptions): never {
  const names = `${typeName(from)} -> ${typeName(options.type)}`;
  throw new SqlError(
    options.position,
    `inconvertible types: ${names} [from=${typeName(from)}, to=${typeName(options.type)}]`,
  );
}

function convertFixed(vector: Vector, rowCount: number, options: ConversionOptions): Vector {
  const { kernels } = options.core;
  const from = typeTag(vector.type), to = typeTag(options.type);
  const a = KERNEL_CODES[from], b = KERNEL_CODES[to];
  if (a === undefined || b === undefined) return refuse(vector.type, options);
  if (a === b && from !== ColumnType.BOOLEAN && to !== ColumnType.BOOLEAN) {
    if (!isTime(from) || !isTime(to)) return { ...vector, type: options.type };
    return scaleTime(vector, rowCount, options);
  }
  const out = options.alloc(rowCount * fixedSize(options.type));
  if (to === ColumnType.BOOLEAN) kernels.convertToBoolean(a, vector.data, out, rowCount);
  else if (a < FLOAT_CODE && b < FLOAT_CODE) {
    kernels.convertInteger(a, b, vector.data, out, rowCount);
  } else if (a < FLOAT_CODE) kernels.convertToReal(a, b, vector.data, out, rowCount);
  else if (b < FLOAT_CODE) kernels.convertFromReal(a, b, vector.data, out, rowCount);
  else kernels.convertReal(a, b, vector.data, out, rowCount);
  return fixedVector(options.type, out);
}

/** DATE counts milliseconds, TIMESTAMP microseconds, TIMESTAMP_NS nanoseconds. Finer digits are cut. */
function scaleTime(vector: Vector, rowCount: number, options: ConversionOptions): Vector {
  const { kernels, memory } = options.core;
  const from = ticksPerSecond(vector.type), to = ticksPerSecond(options.type);
  const out = options.alloc(rowCount * 8);
  const factor = options.alloc(64);
  const isWidening = to > from;
  memory.i64[factor >> 3] = isWidening ? to / from : from / to;
  kernels.arithI64(isWidening ? 2 : 3, vector.data, 8, factor, 0, out, rowCount);
  return fixedVector(options.type, out);
}

function ticksPerSecond(type: number): bigint {
  if (isNanos(type)) return 1_000_000_000n;
  return typeTag(type) === ColumnType.DATE ? 1000n : 1_000_000n;
}

function toText(vector: Vector, rowCount: number, options: ConversionOptions): Vector {
  const { core } = options;
  const tag = typeTag(vector.type);
  const type = isText(options.type) ? options.type : ColumnType.STRING;
  const isNumber = isTime(tag) && typeTag(options.type) === ColumnType.SYMBOL;
  if (tag === ColumnType.LONG || tag === ColumnType.INT || isNumber) {
    const out = options.alloc(rowCount * 16);
    const heap = options.alloc(rowCount * 20);
    const size = tag === ColumnType.INT ? 4 : 8;
    const heapBytes = core.kernels.formatI64(size, vector.data, out, heap, rowCount);
    return { type, data: out, heap, heapBytes, heapOffset: 0, symbols: null };
  }
  const builder = options.builder();
  const read = valueReader(core.memory, vector);
  if (tag === ColumnType.SYMBOL) appendSymbols(builder, vector, { core, rowCount });
  else {
    for (let row = 0; row < rowCount; row++) builder.append(formatValue(read(row), vector.type));
  }
  return builder.finish(type);
}

/** Looks each key up once per run of equal keys and keeps the texts of a batch. */
function appendSymbols(
  builder: VarcharBuilder,
  vector: Vector,
  { core, rowCount }: { core: WasmCore; rowCount: number },
): void {
  const texts = new Map<number, string | null>();
  const { i32 } = core.memory;
  const start = vector.data >> 2;
  for (let row = 0; row < rowCount; row++) {
    const key = i32[start + row];
    let text = texts.get(key);
    if (text === undefined) {
      text = key < 0 ? null : vector.symbols!.text(key);
      texts.set(key, text);
    }
    builder.append(text);
  }
}

function fromText(vector: Vector, rowCount: number, options: ConversionOptions): Vector {
  const { core, type } = options;
  const read = valueReader(core.memory, vector);
  const out = options.alloc(rowCount * fixedSize(type));
  const isChar = typeTag(vector.type) === ColumnType.CHAR;
  const parse = isChar ? parseLetter : parseText;
  for (let row = 0; row < rowCount; row++) {
    const text = read(row) as string | null;
    let value = text === null ? null : parse(text, type);
    if (value === undefined) {
      if (options.isImplicit || isChar) {
        throw new SqlError(options.position, inconvertible(text!, vector.type, type));
      }
      value = null;
    }
    writeFixed(core.memory, type, { data: out, row, value });
  }
  return fixedVector(type, out);
}

/** A digit is a number of the type's own units; a letter is nothing else. */
function parseLetter(text: string, type: number): ScalarValue | undefined {
  if (typeTag(type) === ColumnType.BOOLEAN) return undefined;
  if (!isTime(type)) return parseText(text, type);
  return /^\d$/.test(text) ? BigInt(text) : undefined;
}

/** Options for a single conversion whose result lives in an arena. */
export function arenaConversion(
  core: WasmCore,
  arena: Arena,
  options: {
    type: number;
    isImplicit: boolean;
    position: number;
    rowCount: number;
  },
): ConversionOptions {
  return {
    core,
    type: options.type,
    isImplicit: options.isImplicit,
    position: options.position,
    alloc: (byteSize) => arena.alloc(byteSize),
    builder: () => new VarcharBuilder(arena, Math.max(1, options.rowCount)),
  };
}

/** Conversions of a batch at most, over and over into the same memory. */
export function reusableConversion(
  core: WasmCore,
  arena: Arena,
  options: { type: number; isImplicit: boolean; position: number },
): ConversionOptions & { begin(): void; readonly symbols: GrowingSymbolTable } {
  const buffers: number[] = [];
  let next = 0;
  let builder: VarcharBuilder | null = null;
  return {
    core,
    ...options,
    symbols: new GrowingSymbolTable(),
    begin: () => {
      next = 0;
    },
    alloc(byteSize) {
      // Each call site asks in the same order with at most the same size per row, so the n-th buffer fits again.
      const index = next++;
      return buffers[index] ??= arena.alloc(Math.max(byteSize, BATCH_ROWS * 20));
    },
    builder() {
      builder ??= new VarcharBuilder(arena, BATCH_ROWS);
      builder.reset();
      return builder;
    },
  };
}
