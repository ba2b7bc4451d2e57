/**
 * Tests over a SYMBOL column that look at each dictionary entry once instead of at each row.
 *
 * @module
 */
import { ColumnType } from "../../common/mod.ts";
import type { SymbolTable, Vector } from "../../wasm/mod.ts";
import {
  type CompileContext,
  kernelExpression,
  type VectorExpression,
} from "./vector_expression.ts";

/** A test of a symbol's text. */
export interface SymbolTest {
  readonly isTrueForNull: boolean;
  readonly test: (text: string) => boolean;
}

/** Outcomes by key, computed when a batch brings keys that were not there before. */
class OutcomeTable {
  readonly #context: CompileContext;
  readonly #test: SymbolTest;
  #symbols: SymbolTable | null = null;
  #pointer = 0;
  #capacity = 0;
  #count = 0;

  constructor(context: CompileContext, test: SymbolTest) {
    this.#context = context;
    this.#test = test;
  }
  /** Pointer to one byte per key, complete for the vector's dictionary. */
  pointerFor(vector: Vector): number {
    const symbols = vector.symbols!;
    if (symbols !== this.#symbols) {
      this.#symbols = symbols;
      this.#count = 0;
    }
    if (symbols.count > this.#count) this.#extend(symbols);
    return this.#pointer;
  }

  #extend(symbols: SymbolTable): void {
    const { arena, core } = this.#context;
    if (symbols.count > this.#capacity) {
      const capacity = Math.max(256, 2 * symbols.count);
      const pointer = arena.alloc(capacity);
      core.memory.u8.copyWithin(pointer, this.#pointer, this.#pointer + this.#count);
      this.#pointer = pointer;
      this.#capacity = capacity;
    }
    for (let key = this.#count; key < symbols.count; key++) {
      core.memory.u8[this.#pointer + key] = this.#test.test(symbols.text(key)) ? 1 : 0;
    }
    this.#count = symbols.count;
  }
}

/** Compiles a test of a SYMBOL expression's text. */
export function symbolPredicate(
  context: CompileContext,
  symbol: VectorExpression,
  test: SymbolTest,
): VectorExpression {
  const outcomes = new OutcomeTable(context, test);
  return kernelExpression(context, ColumnType.BOOLEAN, (batch, out) => {
    const vector = symbol.evaluate(batch);
    const table = outcomes.pointerFor(vector);
    const nullValue = test.isTrueForNull ? 1 : 0;
    context.core.kernels.mapKeysU8(vector.data, table, nullValue, out, batch.rowCount);
  });
}
