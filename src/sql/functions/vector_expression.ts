/**
 * Compiled expressions: closures that turn a batch of input rows into a vector of values.
 *
 * Invariants:
 * 1. `evaluate` returns memory that the expression uses again at its next call, or memory of the batch itself.
 * 2. Buffers hold {@linkcode BATCH_ROWS} rows and are made at the first call, in the query's arena.
 * 3. A constant has one value for all rows; kernels read it with stride 0.
 *
 * @module
 */
import {
  type ArrayValue,
  ColumnType,
  encodeArray,
  fixedSize,
  isVariableSize,
  typeTag,
} from "../../common/mod.ts";
import { type Arena, type Batch, BATCH_ROWS, fixedVector, type Vector } from "../../wasm/mod.ts";
import type { WasmCore } from "../../wasm/mod.ts";
import { VarcharBuilder } from "./varchar_builder.ts";
import { type ScalarValue, writeFixed } from "./scalar_value.ts";

/** State of QuestDB's random generator for one query. */
export interface RandomState {
  /** Pointer to the two int64 words; made at first use. */
  pointer(): number;
}

/** What expressions need while they are compiled and run. */
export interface CompileContext {
  readonly core: WasmCore;
  /** Lives as long as the query. */
  readonly arena: Arena;
  /** Statement time, microseconds. */
  readonly now: bigint;
  readonly random: RandomState;
}

/** A compiled expression. */
export interface VectorExpression {
  /** Column type code; `ColumnType.NULL` for a bare `null`. */
  readonly type: number;
  /** Present if every row has the same, known value. */
  readonly constant?: { readonly value: ScalarValue };
  /** True for a constant that only this run of the statement knows: `now()`. */
  readonly isOfStatement?: boolean;
  /** True if equal inputs may give unequal outputs (`rnd_…`), or the value depends on the row's number. */
  readonly isVolatile?: boolean;
  /** Index of the input column, if the expression is nothing but a column. */
  readonly column?: number;
  evaluate(batch: Batch): Vector;
}

/** Bytes per row in `Vector.data`: 16 for texts. */
export function vectorStride(type: number): number {
  return isVariableSize(type) ? 16 : fixedSize(type) || 16;
}

/** Tells whether values of the type are texts in VARCHAR layout. */
export function isText(type: number): boolean {
  const tag = typeTag(type);
  return tag === ColumnType.VARCHAR || tag === ColumnType.STRING || tag === ColumnType.NULL;
}

/** Tells whether values of the type lie in VARCHAR's entries: texts, BINARY and arrays. */
export function isVariable(type: number): boolean {
  return isVariableSize(type) || typeTag(type) === ColumnType.NULL;
}

/** Adds a value of a variable-width type to a vector in the making. */
export function appendValue(builder: VarcharBuilder, type: number, value: ScalarValue): void {
  if (isText(type)) builder.append(value as string | null);
  else if (typeTag(type) === ColumnType.BINARY) builder.appendBytes(value as Uint8Array | null);
  else builder.appendBytes(value === null ? null : encodeArray(value as ArrayValue));
}

/** An input column. */
export function columnExpression(index: number, type: number): VectorExpression {
  return { type, column: index, evaluate: (batch) => batch.vectors[index] };
}

/** A constant of any type. */
export function constantExpression(
  context: CompileContext,
  type: number,
  value: ScalarValue,
): VectorExpression {
  let vector: Vector | null = null;
  let filledRows = 0;
  // Infinities are NULL in constants; those of columns stay what they are.
  const known = typeof value === "number" && !Number.isFinite(value) ? null : value;
  return {
    type,
    constant: { value: known },
    evaluate(batch) {
      vector ??= scalarVector(context, type, known);
      if (batch.rowCount > filledRows) {
        const size = vectorStride(type);
        filledRows = batch.rowCount <= 1 ? 1 : BATCH_ROWS;
        const data = filledRows === 1 ? vector.data : context.arena.alloc(filledRows * size);
        if (filledRows > 1) context.core.kernels.fillRows(size, vector.data, data, filledRows);
        vector = { ...vector, data };
      }
      return vector;
    },
  };
}

/** Makes a vector of one value. */
export function scalarVector(context: CompileContext, type: number, value: ScalarValue): Vector {
  const { memory } = context.core;
  if (typeTag(type) === ColumnType.SYMBOL) {
    const data = context.arena.alloc(4);
    memory.i32[data >> 2] = value === null ? -0x80000000 : 0;
    return fixedVector(type, data, singleSymbol(String(value ?? "")));
  }
  if (isVariable(type)) {
    const builder = new VarcharBuilder(context.arena, 1);
    const isPlain = !isText(type) || value === null;
    appendValue(builder, type, isPlain ? value : String(value));
    return builder.finish(type);
  }
  const data = context.arena.alloc(vectorStride(type));
  writeFixed(memory, type, { data, row: 0, value });
  return fixedVector(type, data);
}

/** A dictionary of one text. */
function singleSymbol(text: string) {
  return { count: 1, text: () => text, find: (other: string) => (other === text ? 0 : -1) };
}

/** Pointer and stride of an operand: stride 0 for constants. */
export interface Operand {
  readonly pointer: number;
  readonly stride: number;
  readonly vector: Vector;
}

const ONE_ROW: Batch = { rowCount: 1, vectors: [] };

/** Evaluates an operand; a constant is not repeated. */
export function operandOf(expression: VectorExpression, batch: Batch): Operand {
  const isConstant = expression.constant !== undefined;
  const vector = expression.evaluate(isConstant ? ONE_ROW : batch);
  return {
    pointer: vector.data,
    stride: isConstant ? 0 : vectorStride(expression.type),
    vector,
  };
}

/** Makes a buffer of {@linkcode BATCH_ROWS} values when first asked. */
export function lazyBuffer(context: CompileContext, bytesPerRow: number): () => number {
  let pointer = 0;
  return () => pointer === 0 ? (pointer = context.arena.alloc(BATCH_ROWS * bytesPerRow)) : pointer;
}

/** An expression of a fixed-width type that a kernel computes into a buffer. */
export function kernelExpression(
  context: CompileContext,
  type: number,
  run: (batch: Batch, out: number) => void,
): VectorExpression {
  const buffer = lazyBuffer(context, vectorStride(type));
  return {
    type,
    evaluate(batch) {
      const out = buffer();
      run(batch, out);
      return fixedVector(type, out);
    },
  };
}

/**
 * Replaces an expression over constants by its value. The expression must not depend on the row or on chance.
 */
export function foldConstant(
  context: CompileContext,
  expression: VectorExpression,
  read: (vector: Vector) => ScalarValue,
): VectorExpression {
  return constantExpression(context, expression.type, read(expression.evaluate(ONE_ROW)));
}
