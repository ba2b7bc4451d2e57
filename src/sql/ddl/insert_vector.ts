/**
 * Conversion of a query's columns for INSERT: by kernels where no value can be lost, or row by row.
 *
 * @module
 */
import { ColumnType, fixedSize, typeTag } from "../../common/mod.ts";
import { type Arena, fixedVector, type Vector, type WasmCore } from "../../wasm/mod.ts";
import {
  appendValue,
  isVariable,
  valueReader,
  VarcharBuilder,
  vectorStride,
  writeFixed,
} from "../functions/mod.ts";
import { convertScalar } from "./implicit_conversion.ts";

const { BYTE, DATE, DOUBLE, FLOAT, INT, LONG, SHORT, STRING, SYMBOL, TIMESTAMP, VARCHAR } =
  ColumnType;

/** Whole numbers by width. */
const RANKS: Readonly<Record<number, number>> = { [BYTE]: 1, [SHORT]: 2, [INT]: 3, [LONG]: 4 };

/**
 * Tells whether a whole vector can be converted at once: widening, narrowing that `checkNarrowing` watches over, and texts
 * of symbols.
 */
export function isVectorWise(from: number, to: number): boolean {
  const a = typeTag(from), b = typeTag(to);
  const isText = b === STRING || b === VARCHAR || b === SYMBOL;
  if (isText) return a === STRING || a === VARCHAR || a === SYMBOL;
  const isMoment = (tag: number) => tag === DATE || tag === TIMESTAMP;
  if (isMoment(b)) return isMoment(a) || RANKS[a] !== undefined;
  if (b === DOUBLE) return RANKS[a] !== undefined || a === FLOAT || isMoment(a);
  if (b === FLOAT) return RANKS[a] !== undefined || isMoment(a);
  if (b === LONG) return RANKS[a] !== undefined || isMoment(a) || a === DOUBLE;
  if (b === INT) return RANKS[a] !== undefined || isMoment(a) || a === DOUBLE;
  return RANKS[b] !== undefined && RANKS[a] <= RANKS[b];
}

/** Converts row by row into memory of the arena; a SYMBOL column gets texts. @throws {SqlError} */
export function convertRows(
  vector: Vector,
  type: number,
  place: { readonly rowCount: number; readonly arena: Arena; readonly core: WasmCore },
): Vector {
  const { rowCount, arena, core } = place;
  const read = valueReader(core.memory, vector);
  const target = typeTag(type) === SYMBOL ? VARCHAR : type;
  const convert = (row: number) => convertScalar(read(row), vector.type, type);
  if (isVariable(target)) {
    const builder = new VarcharBuilder(arena, Math.max(1, rowCount));
    for (let row = 0; row < rowCount; row++) appendValue(builder, target, convert(row));
    return builder.finish(target);
  }
  const size = fixedSize(target) || vectorStride(target);
  const data = arena.alloc(rowCount * size);
  for (let row = 0; row < rowCount; row++) {
    writeFixed(core.memory, target, { data, row, value: convert(row) });
  }
  return fixedVector(target, data);
}
