/**
 * Turns a vector into one of another type, as ALTER COLUMN TYPE does.
 *
 * @module
 */
import { assert, ColumnType, fixedSize, typeTag } from "../../common/mod.ts";
import { type Arena, fixedVector, NumberCode, type Vector, type WasmCore } from "../../wasm/mod.ts";
import type { SymbolMapWriter } from "../symbol_map.ts";
import { conversionFailed } from "./alter_errors.ts";
import { decimalSource, writeDecimal } from "./decimal_values.ts";
import { textFormatter, textParser } from "./text_values.ts";
import { textReader, textVector } from "./text_vectors.ts";
import { isDecimalType, isTextType } from "./type_conversions.ts";

/** What a conversion works with. */
export interface ConversionTarget {
  readonly core: WasmCore;
  /** What a refusal names. */
  readonly column: { readonly tableDir: string; readonly name: string };
  readonly type: number;
  /** Takes the symbols of a SYMBOL column; `null` for other types. */
  readonly symbols: SymbolMapWriter | null;
  /** What the vector is made in. */
  readonly arena: Arena;
}

const NUMBER_CODES: Readonly<Record<number, number>> = {
  [ColumnType.BOOLEAN]: NumberCode.BOOLEAN,
  [ColumnType.BYTE]: NumberCode.BYTE,
  [ColumnType.SHORT]: NumberCode.SHORT,
  [ColumnType.INT]: NumberCode.INT,
  [ColumnType.LONG]: NumberCode.LONG,
  [ColumnType.DATE]: NumberCode.LONG,
  [ColumnType.TIMESTAMP]: NumberCode.LONG,
  [ColumnType.FLOAT]: NumberCode.FLOAT,
  [ColumnType.DOUBLE]: NumberCode.DOUBLE,
};
/** Units of the time types in a millisecond. */
const UNITS_PER_MILLI = new Map<number, bigint>([
  [ColumnType.DATE, 1n],
  [ColumnType.TIMESTAMP, 1000n],
  [ColumnType.TIMESTAMP_NS, 1_000_000n],
]);

/**
 * Converts the first `rowCount` rows of a vector.
 *
 * @throws {ConversionFailedError} if a value would lose digits in a DECIMAL, or a DECIMAL should become an integer.
 */
export function convertVector(source: Vector, rowCount: number, target: ConversionTarget): Vector {
  const { type, arena } = target;
  if (isTextType(source.type)) return convertText(source, rowCount, target);
  if (isTextType(type)) {
    const format = textFormatter(target.core.memory, source.type, source.data);
    return texts(format, rowCount, target);
  }
  if (isDecimalType(type)) return convertToDecimal(source, rowCount, target);
  if (isDecimalType(source.type)) {
    throw conversionFailed(target.column, "QuestDB does not convert DECIMAL values to integers");
  }
  const data = arena.alloc(rowCount * fixedSize(type));
  const from = UNITS_PER_MILLI.get(source.type) ?? 1n, to = UNITS_PER_MILLI.get(type) ?? 1n;
  const isTime = UNITS_PER_MILLI.has(source.type) && UNITS_PER_MILLI.has(type);
  target.core.kernels.changeNumbers(
    NUMBER_CODES[typeTag(source.type)],
    NUMBER_CODES[typeTag(type)],
    isTime && to > from ? to / from : 1n,
    isTime && from > to ? from / to : 1n,
    source.data,
    data,
    rowCount,
  );
  return fixedVector(type, data);
}

function convertText(source: Vector, rowCount: number, target: ConversionTarget): Vector {
  const { core, type, arena } = target;
  const isSymbol = source.type === ColumnType.SYMBOL;
  // VARCHAR and STRING are the same in memory.
  if (!isSymbol && type !== ColumnType.SYMBOL && isTextType(type)) return { ...source, type };
  const read = textReader(core.memory, source);
  if (isTextType(type)) return texts(read, rowCount, target);
  const data = arena.alloc(rowCount * fixedSize(type));
  const put = textParser(core.memory, type, data);
  for (let row = 0; row < rowCount; row++) put(read(row), row);
  return fixedVector(type, data);
}

/** Makes a vector of texts, or of the symbols that they are. */
function texts(
  at: (row: number) => string | null,
  rowCount: number,
  target: ConversionTarget,
): Vector {
  const { core, type, symbols, arena } = target;
  if (type !== ColumnType.SYMBOL) return textVector(core, { type, rowCount, at }, arena);
  assert(symbols !== null, "a SYMBOL column has a symbol table");
  const data = arena.alloc(rowCount * fixedSize(type));
  for (let row = 0; row < rowCount; row++) {
    const text = at(row);
    if (text === null) symbols.noteNull();
    core.memory.i32[data / 4 + row] = text === null ? -0x80000000 : symbols.intern(text);
  }
  return fixedVector(type, data, symbols);
}

function convertToDecimal(source: Vector, rowCount: number, target: ConversionTarget): Vector {
  const { core: { memory }, type, arena } = target;
  const width = fixedSize(type);
  const data = arena.alloc(rowCount * width);
  const read = decimalSource(memory, source, type);
  for (let row = 0; row < rowCount; row++) {
    const value = read(row);
    if (value === undefined) {
      throw conversionFailed(target.column, `row ${row} does not fit the new type`);
    }
    writeDecimal(memory, { type, at: data + row * width }, value);
  }
  return fixedVector(type, data);
}
