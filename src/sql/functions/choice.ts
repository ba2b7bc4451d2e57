/**
 * Choices between values by conditions: CASE, `switch`, `coalesce`, `nullif`.
 *
 * @module
 */
import { ColumnType, SqlError, typeName, typeTag } from "../../common/mod.ts";
import { type Batch, BATCH_ROWS, fixedVector, type Vector } from "../../wasm/mod.ts";
import { coerce, foldIfConstant } from "./coerce.ts";
import { readBytes, readVarchar, VarcharBuilder } from "./varchar_builder.ts";
import { choiceMeet } from "./type_class.ts";
import {
  type CompileContext,
  isText,
  isVariable,
  lazyBuffer,
  operandOf,
  type VectorExpression,
  vectorStride,
} from "./vector_expression.ts";

/** One way out: its value, and the condition that leads there (`null`: always). */
export interface Branch {
  readonly condition: VectorExpression | null;
  readonly value: VectorExpression;
  /** Position of the value, for errors about types. */
  readonly position: number;
}

/** Texts up to this length lie in the entry itself, so entries of several vectors can be mixed. */
const INLINE_CHARS_MAX = 9;

/**
 * Compiles a choice: the first branch whose condition holds gives the value; none gives NULL.
 *
 * @throws {SqlError} if the branches have no common type.
 */
export function choiceExpression(
  context: CompileContext,
  branches: readonly Branch[],
): VectorExpression {
  const type = commonType(branches);
  const values = branches.map((branch) => coerce(context, branch.value, { type }));
  const conditions = branches.map((branch) => branch.condition);
  const run = isVariable(type) && !values.every(isInlineConstant)
    ? textChoice(context, { type, values, conditions })
    : fixedChoice(context, { type, values, conditions });
  const inputs = [...values, ...conditions.filter((condition) => condition !== null)];
  return foldIfConstant(context, { type, evaluate: run }, inputs);
}

function commonType(branches: readonly Branch[]): number {
  let type: number = ColumnType.NULL;
  for (const { value, position } of branches) {
    const meet = choiceMeet(type, value.type);
    if (meet === null) {
      const from = typeName(value.type), to = typeName(type);
      throw new SqlError(
        position,
        `inconvertible types: ${from} -> ${to} [from=${from}, to=${to}]`,
      );
    }
    type = meet;
  }
  const tag = typeTag(type);
  if (tag === ColumnType.NULL) return ColumnType.STRING;
  const isMixedSymbol = tag === ColumnType.SYMBOL;
  return isMixedSymbol ? ColumnType.STRING : type;
}

function isInlineConstant(value: VectorExpression): boolean {
  const constant = value.constant?.value;
  if (constant === undefined || !isText(value.type)) return false;
  return constant === null ||
    // deno-lint-ignore no-control-regex
    (String(constant).length <= INLINE_CHARS_MAX && /^[\x00-\x7f]*$/.test(String(constant)));
}

interface Choice {
  readonly type: number;
  readonly values: readonly VectorExpression[];
  readonly conditions: readonly (VectorExpression | null)[];
}

/** Starts from NULL and lets branches overwrite each other, last one first. */
function fixedChoice(context: CompileContext, choice: Choice): (batch: Batch) => Vector {
  const { core } = context;
  const size = vectorStride(choice.type);
  const buffer = lazyBuffer(context, size);
  const missing = coerce(context, nullExpression(context), { type: choice.type });
  return (batch) => {
    const out = buffer();
    const fill = operandOf(missing, batch);
    core.kernels.fillRows(size, fill.pointer, out, batch.rowCount);
    for (let i = choice.values.length - 1; i >= 0; i--) {
      const condition = choice.conditions[i];
      const value = operandOf(choice.values[i], batch);
      if (condition !== null) {
        const mask = condition.evaluate(batch).data;
        core.kernels.blendRows(size, mask, value.pointer, value.stride, out, batch.rowCount);
      } else if (value.stride === 0) {
        core.kernels.fillRows(size, value.pointer, out, batch.rowCount);
      } else core.memory.u8.copyWithin(out, value.pointer, value.pointer + size * batch.rowCount);
    }
    return fixedVector(choice.type, out);
  };
}

function nullExpression(_context: CompileContext): VectorExpression {
  return {
    type: ColumnType.NULL,
    constant: { value: null },
    evaluate: () => fixedVector(ColumnType.NULL, 0),
  };
}

/** Long values live in several heaps: the chosen ones are copied, row by row. */
function textChoice(context: CompileContext, choice: Choice): (batch: Batch) => Vector {
  const { memory } = context.core;
  let builder: VarcharBuilder | null = null;
  return (batch) => {
    builder ??= new VarcharBuilder(context.arena, BATCH_ROWS);
    builder.reset();
    const masks = choice.conditions.map((condition) => condition?.evaluate(batch).data ?? 0);
    const vectors = choice.values.map((value) => value.evaluate(batch));
    for (let row = 0; row < batch.rowCount; row++) {
      const index = masks.findIndex((mask) => mask === 0 || memory.u8[mask + row] !== 0);
      if (isText(choice.type)) {
        builder.append(index < 0 ? null : readVarchar(memory, vectors[index], row));
      } else builder.appendBytes(index < 0 ? null : readBytes(memory, vectors[index], row));
    }
    return builder.finish(choice.type);
  };
}
