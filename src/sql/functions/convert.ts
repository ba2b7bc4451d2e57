/**
 * Conversion between types, a vector at a time: kernels between fixed-width types and from integers to text, row by row
 * where text has to be understood.
 *
 * @module
 */
import {
  ColumnType,
  fixedSize,
  formatTimestampMicros,
  isSupportedColumnType,
  parseTimestampMicros,
  SqlError,
  typeName,
  typeTag,
} from "../../common/mod.ts";
import {
  type Arena,
  BATCH_ROWS,
  fixedVector,
  type SymbolTable,
  type Vector,
  type WasmCore,
} from "../../wasm/mod.ts";
import { formatDouble, formatFloat, parseDouble, parseInteger } from "./number_text.ts";
import { type ScalarValue, valueReader, writeFixed } from "./scalar_value.ts";
import { isText } from "./vector_expression.ts";
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

const INT_LOW = -0x80000000n, INT_HIGH = 0x7fffffffn;
const LONG_LOW = -(2n ** 63n), LONG_HIGH = 2n ** 63n - 1n;

/** Tells whether values of the type can take part in expressions. */
export function isExpressionType(type: number): boolean {
  if (type === ColumnType.TIMESTAMP_NS) return false;
  return isSupportedColumnType(type) || KERNEL_CODES[typeTag(type)] !== undefined || isText(type);
}

/** Text of QuestDB for a value that cannot become the type. */
export function inconvertible(value: string, from: number, to: number): string {
  const shown = typeTag(from) === ColumnType.CHAR ? value : `\`${value}\``;
  return `inconvertible value: ${shown} [${typeName(from)} -> ${typeName(to)}]`;
}

/** Parses a text as a value of a fixed-width type; `undefined` if it is none. */
export function parseText(text: string, type: number): ScalarValue | undefined {
  switch (typeTag(type)) {
    case ColumnType.BOOLEAN:
      return /^(true|t|1|y|yes|on)$/i.test(text);
    case ColumnType.BYTE: {
      const value = parseInteger(text, -128n, 127n);
      return value === null ? undefined : Number(value);
    }
    case ColumnType.SHORT: {
      const value = parseInteger(text, -32768n, 32767n);
      return value === null ? undefined : Number(value);
    }
    case ColumnType.CHAR:
      return text.slice(0, 1);
    case ColumnType.INT: {
      const value = parseInteger(text, INT_LOW, INT_HIGH);
      return value === null ? undefined : Number(value);
    }
    case ColumnType.LONG:
      return parseInteger(text, LONG_LOW, LONG_HIGH) ?? undefined;
    case ColumnType.FLOAT:
    case ColumnType.DOUBLE:
      return parseDouble(text);
    case ColumnType.TIMESTAMP:
      return text === text.trim() ? parseTimestampMicros(text) ?? undefined : undefined;
    case ColumnType.DATE: {
      const micros = parseTimestampMicros(text);
      return micros === null ? undefined : floorDivide(micros, 1000n);
    }
    default:
      return undefined;
  }
}

function floorDivide(a: bigint, b: bigint): bigint {
  return a >= 0n ? a / b : -((-a + b - 1n) / b);
}

/** Formats a value of a type as QuestDB's cast to STRING does. */
export function formatValue(value: ScalarValue, type: number): string | null {
  if (value === null) return null;
  switch (typeTag(type)) {
    case ColumnType.DOUBLE:
      return formatDouble(Number(value));
    case ColumnType.FLOAT:
      return formatFloat(Number(value));
    case ColumnType.TIMESTAMP:
      return formatTimestampMicros(value as bigint);
    default:
      return String(value);
  }
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
  const from = typeTag(vector.type), to = typeTag(options.type);
  if (from === to) return { ...vector, type: options.type };
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
  const isTime = (tag: number) => tag === ColumnType.DATE || tag === ColumnType.TIMESTAMP;
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

/** DATE counts milliseconds, TIMESTAMP microseconds. */
function scaleTime(vector: Vector, rowCount: number, options: ConversionOptions): Vector {
  const { kernels, memory } = options.core;
  const out = options.alloc(rowCount * 8);
  const factor = options.alloc(64);
  memory.i64[factor >> 3] = 1000n;
  const isWidening = typeTag(options.type) === ColumnType.TIMESTAMP;
  kernels.arithI64(isWidening ? 2 : 3, vector.data, 8, factor, 0, out, rowCount);
  return fixedVector(options.type, out);
}

function toText(vector: Vector, rowCount: number, options: ConversionOptions): Vector {
  const { core } = options;
  const tag = typeTag(vector.type);
  if (tag === ColumnType.LONG || tag === ColumnType.INT || tag === ColumnType.DATE) {
    const out = options.alloc(rowCount * 16);
    const heap = options.alloc(rowCount * 20);
    const size = tag === ColumnType.INT ? 4 : 8;
    const heapBytes = core.kernels.formatI64(size, vector.data, out, heap, rowCount);
    return { type: options.type, data: out, heap, heapBytes, heapOffset: 0, symbols: null };
  }
  const builder = options.builder();
  const read = valueReader(core.memory, vector);
  if (tag === ColumnType.SYMBOL) appendSymbols(builder, vector, { core, rowCount });
  else {
    for (let row = 0; row < rowCount; row++) builder.append(formatValue(read(row), vector.type));
  }
  return builder.finish(options.type);
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
  for (let row = 0; row < rowCount; row++) {
    const text = read(row) as string | null;
    let value = text === null ? null : parseText(text, type);
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

/** A dictionary that grows; the keys of one query's `::symbol`. */
export class GrowingSymbolTable implements SymbolTable {
  readonly #texts: string[] = [];
  readonly #keys = new Map<string, number>();

  get count(): number {
    return this.#texts.length;
  }
  text(key: number): string {
    return this.#texts[key];
  }
  find(text: string): number {
    return this.#keys.get(text) ?? -1;
  }
  /** Key of a text, new if need be. */
  intern(text: string): number {
    let key = this.#keys.get(text);
    if (key === undefined) {
      key = this.#texts.length;
      this.#texts.push(text);
      this.#keys.set(text, key);
    }
    return key;
  }
}

/** Turns texts into SYMBOL keys of a new dictionary, or of the one given. */
export function internSymbols(
  text: Vector,
  rowCount: number,
  options: ConversionOptions & { readonly symbols?: GrowingSymbolTable },
): Vector {
  const symbols = options.symbols ?? new GrowingSymbolTable();
  const { memory } = options.core;
  const read = valueReader(memory, text);
  const out = options.alloc(rowCount * 4);
  for (let row = 0; row < rowCount; row++) {
    const value = read(row) as string | null;
    memory.i32[(out >> 2) + row] = value === null ? -0x80000000 : symbols.intern(value);
  }
  return fixedVector(ColumnType.SYMBOL, out, symbols);
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
