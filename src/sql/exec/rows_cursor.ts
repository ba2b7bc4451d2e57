/**
 * A cursor over rows that are already JavaScript values: SHOW statements and catalog functions.
 *
 * @module
 */
import { ColumnType, typeTag } from "../../common/mod.ts";
import {
  Arena,
  type Batch,
  BATCH_ROWS,
  fixedVector,
  type Vector,
  type WasmCore,
} from "../../wasm/mod.ts";
import {
  appendValue,
  GrowingSymbolTable,
  isVariable,
  type ScalarValue,
  VarcharBuilder,
  vectorStride,
  writeFixed,
} from "../functions/mod.ts";
import type { CursorColumn, RowCursor } from "./row_cursor.ts";

/** See {@linkcode rowsCursor}. */
class RowsCursor implements RowCursor {
  readonly columns: readonly CursorColumn[];
  readonly timestampIndex = -1;
  readonly #core: WasmCore;
  readonly #rows: readonly (readonly unknown[])[];
  readonly #arena: Arena;
  readonly #symbols: readonly (GrowingSymbolTable | null)[];
  #done = 0;

  constructor(
    core: WasmCore,
    columns: readonly CursorColumn[],
    rows: readonly (readonly unknown[])[],
  ) {
    this.#core = core;
    this.columns = columns;
    this.#rows = rows;
    this.#arena = new Arena(core.memory);
    this.#symbols = columns.map((column) =>
      typeTag(column.type) === ColumnType.SYMBOL ? new GrowingSymbolTable() : null
    );
  }

  next(): Promise<Batch | null> {
    const rows = this.#rows.slice(this.#done, this.#done + BATCH_ROWS);
    this.#arena.release();
    if (rows.length === 0) return Promise.resolve(null);
    this.#done += rows.length;
    const vectors = this.columns.map((column, i) => this.#column(column.type, i, rows));
    return Promise.resolve({ rowCount: rows.length, vectors });
  }
  close(): void {
    this.#done = this.#rows.length;
    this.#arena.release();
  }

  #column(type: number, index: number, rows: readonly (readonly unknown[])[]): Vector {
    if (isVariable(type)) {
      const builder = new VarcharBuilder(this.#arena, rows.length);
      for (const row of rows) appendValue(builder, type, (row[index] ?? null) as ScalarValue);
      return builder.finish(type);
    }
    const symbols = this.#symbols[index];
    const data = this.#arena.alloc(rows.length * vectorStride(type));
    for (const [i, row] of rows.entries()) {
      const value = (row[index] ?? null) as ScalarValue;
      const stored = symbols === null || value === null ? value : symbols.intern(value as string);
      writeFixed(this.#core.memory, type, { data, row: i, value: stored });
    }
    return fixedVector(type, data, symbols);
  }
}

/**
 * Makes a cursor from rows of values, in the form {@linkcode ScalarValue} describes; LONG, DATE and TIMESTAMP may be safe
 * `number`s, too.
 */
export function rowsCursor(
  core: WasmCore,
  columns: readonly CursorColumn[],
  rows: readonly (readonly unknown[])[],
): RowCursor {
  return new RowsCursor(core, columns, rows);
}
