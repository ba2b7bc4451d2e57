/**
 * The columns an expression may name.
 *
 * Invariants:
 * 1. Only columns that were resolved are read: a scope hands out input indexes in order of first use, and `used` tells
 *    the source which of its columns they are.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import type { CursorColumn } from "../exec/row_cursor.ts";

/** A column as an expression sees it. */
export interface ResolvedColumn {
  /** Index among the input columns of the expression. */
  readonly index: number;
  readonly type: number;
  readonly name: string;
}

/** Columns of one source, under an optional alias. */
export class Scope {
  readonly columns: readonly CursorColumn[];
  readonly timestampIndex: number;
  readonly #alias: readonly string[];
  readonly #byName = new Map<string, number>();
  readonly #used: number[] = [];
  readonly #inputOf = new Map<number, number>();

  /** @param names Table name and alias that may qualify columns. */
  constructor(
    columns: readonly CursorColumn[],
    options: { timestampIndex: number; names?: readonly (string | null)[] },
  ) {
    this.columns = columns;
    this.timestampIndex = options.timestampIndex;
    this.#alias = (options.names ?? []).filter((name) => name !== null)
      .map((name) => name.toLowerCase());
    for (const [i, column] of columns.entries()) {
      const key = column.name.toLowerCase();
      if (!this.#byName.has(key)) this.#byName.set(key, i);
    }
  }

  /** Source columns by input index. */
  get used(): readonly number[] {
    return this.#used;
  }

  /** Index of a source column, or −1. */
  find(name: string): number {
    return this.#byName.get(name.toLowerCase()) ?? -1;
  }

  /** Tells whether a qualifier names this source. */
  isQualifier(name: string): boolean {
    return this.#alias.includes(name.toLowerCase());
  }

  /** Makes a source column an input. */
  use(column: number): ResolvedColumn {
    let index = this.#inputOf.get(column);
    if (index === undefined) {
      index = this.#used.length;
      this.#used.push(column);
      this.#inputOf.set(column, index);
    }
    const { name, type } = this.columns[column];
    return { index, type, name };
  }

  /** Resolves a name. @throws {SqlError} `Invalid column: …`. */
  resolve(reference: { table: string | null; name: string; position: number }): ResolvedColumn {
    const { table, name, position } = reference;
    if (table !== null && !this.isQualifier(table)) {
      throw new SqlError(position, "Invalid table name or alias");
    }
    const column = this.find(name);
    if (column < 0) {
      throw new SqlError(position, `Invalid column: ${table === null ? name : `${table}.${name}`}`);
    }
    return this.use(column);
  }
}
