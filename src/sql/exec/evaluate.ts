/**
 * Constant expressions: the values of INSERT … VALUES, LIMIT, table function arguments.
 *
 * @module
 */
import { Arena } from "../../wasm/mod.ts";
import { Binder } from "../analyzer/mod.ts";
import type { Expression } from "../ast/mod.ts";
import { readValue, type ScalarValue } from "../functions/mod.ts";
import type { QueryEnvironment } from "../planner/environment.ts";

export type { ScalarValue } from "../functions/mod.ts";

/** A compiled constant expression. */
export interface CompiledScalar {
  /** Column type code; `ColumnType.NULL` for a bare `null`. */
  readonly type: number;
  value(): ScalarValue;
}

/** Seeds of `rnd_…` in VALUES besides the clock. */
let sequence = 0n;

/**
 * Compiles an expression that refers to no column. Functions that the engine answers are not allowed in it.
 *
 * @throws {SqlError} if a name or type does not fit.
 */
export function compileScalar(
  expression: Expression,
  environment: QueryEnvironment,
): CompiledScalar {
  const { core, context, text } = environment;
  const arena = new Arena(core.memory);
  try {
    const binder = new Binder({
      context: {
        core,
        arena,
        now: context.now,
        random: { pointer: () => randomPointer(arena, context.now) },
      },
      scope: null,
      source: text,
    });
    const compiled = binder.bind(expression);
    const value = compiled.constant === undefined
      ? readValue(core.memory, compiled.evaluate({ rowCount: 1, vectors: [] }), 0)
      : compiled.constant.value;
    return { type: compiled.type, value: () => value };
  } finally {
    arena.release();
  }
}

function randomPointer(arena: Arena, now: bigint): number {
  const pointer = arena.alloc(16);
  const { i64 } = arena.memory;
  sequence++;
  i64[pointer >> 3] = BigInt.asIntN(64, now ^ (sequence << 32n));
  i64[(pointer >> 3) + 1] = BigInt.asIntN(64, (now << 17n) + sequence);
  return pointer;
}
