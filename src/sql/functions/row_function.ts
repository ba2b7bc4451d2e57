/**
 * Functions computed row by row in JavaScript: texts and other things that have no kernel.
 *
 * @module
 */
import { fixedVector, type Vector } from "../../wasm/mod.ts";
import { BATCH_ROWS } from "../../wasm/mod.ts";
import { type ScalarValue, valueReader, writeFixed } from "./scalar_value.ts";
import {
  appendValue,
  type CompileContext,
  isVariable,
  lazyBuffer,
  type VectorExpression,
  vectorStride,
} from "./vector_expression.ts";
import { VarcharBuilder } from "./varchar_builder.ts";

/** Computes one row from the values of the arguments. */
export type RowFunction = (...values: ScalarValue[]) => ScalarValue;

/** Makes an expression that calls a function for each row. Never returns SYMBOL. */
export function rowExpression(
  context: CompileContext,
  definition: { readonly type: number; readonly args: readonly VectorExpression[] },
  run: RowFunction,
): VectorExpression {
  const { type, args } = definition;
  const { memory } = context.core;
  const buffer = lazyBuffer(context, vectorStride(type));
  let builder: VarcharBuilder | null = null;
  return {
    type,
    evaluate(batch) {
      const readers = args.map((arg) => valueReader(memory, arg.evaluate(batch)));
      const values: ScalarValue[] = new Array(args.length);
      const compute = (row: number) => {
        for (let i = 0; i < readers.length; i++) values[i] = readers[i](row);
        return run(...values);
      };
      if (!isVariable(type)) {
        const data = buffer();
        for (let row = 0; row < batch.rowCount; row++) {
          writeFixed(memory, type, { data, row, value: compute(row) });
        }
        return fixedVector(type, data);
      }
      builder ??= new VarcharBuilder(context.arena, BATCH_ROWS);
      builder.reset();
      for (let row = 0; row < batch.rowCount; row++) appendValue(builder, type, compute(row));
      return builder.finish(type) as Vector;
    },
  };
}

/** Like {@linkcode rowExpression}, but NULL if any argument is NULL. */
export function strictRowExpression(
  context: CompileContext,
  definition: { readonly type: number; readonly args: readonly VectorExpression[] },
  run: RowFunction,
): VectorExpression {
  return rowExpression(
    context,
    definition,
    (...values) => values.includes(null) ? null : run(...values),
  );
}
