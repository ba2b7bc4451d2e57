/**
 * SAMPLE BY … FILL: puts rows in for buckets that have none, for every combination of keys.
 *
 * Works on JavaScript values: the number of rows is that of the answer, not of the table.
 *
 * @module
 */
import { ColumnType, LimitError, SqlError, typeTag } from "../../common/mod.ts";
import type { Batch } from "../../wasm/mod.ts";
import { parseText, type ScalarValue, valueReader } from "../functions/mod.ts";
import type { QueryMemory } from "./query_memory.ts";
import type { CursorColumn, ExecutionContext, RowCursor } from "./row_cursor.ts";
import { rowsCursor } from "./rows_cursor.ts";
import type { BucketRule } from "./bucket_key.ts";

/** Rows a filled answer may have. */
export const FILLED_ROWS_MAX = 5_000_000;

/** How a column is filled. */
export type FillRule =
  | { readonly kind: "null" | "prev" | "linear" }
  | { readonly kind: "value"; readonly text: string; readonly position: number };

/** What to fill. */
export interface FillOptions {
  readonly memory: QueryMemory;
  readonly execution: ExecutionContext;
  readonly rule: BucketRule;
  /** First bucket and end of the last one; `null`: those of the data. */
  readonly from: bigint | null;
  readonly to: bigint | null;
  /** Number of key columns behind the bucket's start. */
  readonly keyCount: number;
  /** One per aggregate column. */
  readonly fills: readonly FillRule[];
}

type Row = ScalarValue[];

/** See the module's description. Its source gives bucket start, keys, aggregates. */
export class FillCursor implements RowCursor {
  readonly columns: readonly CursorColumn[];
  readonly timestampIndex = 0;
  readonly #source: RowCursor;
  readonly #options: FillOptions;
  #rows: RowCursor | null = null;

  constructor(source: RowCursor, options: FillOptions) {
    this.#source = source;
    this.#options = options;
    this.columns = source.columns;
  }
  async next(): Promise<Batch | null> {
    this.#rows ??= rowsCursor(this.#options.memory.core, this.columns, await this.#fill());
    return await this.#rows.next();
  }
  close(): void {
    this.#source.close();
    this.#rows?.close();
  }

  async #fill(): Promise<Row[]> {
    const input = await this.#read();
    const buckets = this.#buckets(input);
    const series = new Map<string, { key: Row; rows: Map<bigint, Row> }>();
    for (const row of input) {
      const key = row.slice(1, 1 + this.#options.keyCount);
      const id = key.map((value) => `${typeof value}:${value}`).join("\0");
      let one = series.get(id);
      if (one === undefined) series.set(id, one = { key, rows: new Map() });
      one.rows.set(row[0] as bigint, row);
    }
    if (series.size === 0 && this.#options.keyCount === 0) {
      series.set("", { key: [], rows: new Map() });
    }
    if (buckets.length * series.size > FILLED_ROWS_MAX) {
      throw new LimitError("too many rows to fill", { limit: FILLED_ROWS_MAX });
    }
    const filled = [...series.values()].map(({ key, rows }) => this.#series(buckets, key, rows));
    return buckets.flatMap((_, i) => filled.map((rows) => rows[i]));
  }

  async #read(): Promise<Row[]> {
    const rows: Row[] = [];
    while (true) {
      const batch = await this.#source.next();
      if (batch === null) return rows;
      const readers = batch.vectors.map((vector) =>
        valueReader(this.#options.memory.core.memory, vector)
      );
      for (let row = 0; row < batch.rowCount; row++) rows.push(readers.map((read) => read(row)));
      if (rows.length > FILLED_ROWS_MAX) {
        throw new LimitError("too many rows to fill", { limit: FILLED_ROWS_MAX });
      }
      await this.#options.execution.yieldIfDue();
    }
  }
  #buckets(rows: readonly Row[]): bigint[] {
    const { rule, from, to } = this.#options;
    const first = rows[0]?.[0] as bigint | undefined,
      last = rows[rows.length - 1]?.[0] as bigint | undefined;
    let start = from ?? first;
    const end = to ?? (last === undefined ? undefined : last + 1n);
    const buckets: bigint[] = [];
    if (start === undefined || end === undefined) return buckets;
    start = rule.floor(start);
    for (let at = start; at < end; at = rule.next(at)) {
      buckets.push(at);
      if (buckets.length > FILLED_ROWS_MAX) {
        throw new LimitError("too many rows to fill", { limit: FILLED_ROWS_MAX });
      }
    }
    return buckets;
  }

  /** One row per bucket for one combination of keys. */
  #series(buckets: readonly bigint[], key: Row, rows: ReadonlyMap<bigint, Row>): Row[] {
    const { fills, keyCount } = this.#options;
    const series = buckets.map((bucket): Row => {
      const row = rows.get(bucket);
      return row ?? [bucket, ...key, ...fills.map(() => null)];
    });
    for (const [i, fill] of fills.entries()) {
      const column = 1 + keyCount + i;
      const isMissing = (index: number) => !rows.has(buckets[index]);
      if (fill.kind === "prev") fillPrevious(series, column, isMissing);
      else if (fill.kind === "linear") {
        fillLinear(series, column, { isMissing, type: this.columns[column].type });
      } else if (fill.kind === "value") {
        const value = this.#constant(fill, this.columns[column].type);
        for (const [index, row] of series.entries()) if (isMissing(index)) row[column] = value;
      }
    }
    return series;
  }
  #constant(fill: FillRule & { kind: "value" }, type: number): ScalarValue {
    const value = parseText(fill.text, type);
    if (value !== undefined) return value;
    throw new SqlError(fill.position, `invalid fill value: ${fill.text}`);
  }
}

function fillPrevious(
  series: readonly Row[],
  column: number,
  isMissing: (index: number) => boolean,
): void {
  let previous: ScalarValue = null;
  for (const [index, row] of series.entries()) {
    if (isMissing(index)) row[column] = previous;
    else previous = row[column];
  }
}

/** A straight line between the known values; nothing before the first and behind the last. */
function fillLinear(
  series: readonly Row[],
  column: number,
  { isMissing, type }: { isMissing: (index: number) => boolean; type: number },
): void {
  const isReal = typeTag(type) === ColumnType.DOUBLE || typeTag(type) === ColumnType.FLOAT;
  let known = -1;
  for (const [index, row] of series.entries()) {
    if (isMissing(index) || row[column] === null) continue;
    if (known >= 0 && index > known + 1) {
      const low = Number(series[known][column]), high = Number(row[column]);
      for (let i = known + 1; i < index; i++) {
        const value = (low * (index - i) + high * (i - known)) / (index - known);
        series[i][column] = isReal
          ? value
          : typeof row[column] === "bigint"
          ? BigInt(Math.trunc(value))
          : Math.trunc(value);
      }
    }
    known = index;
  }
}
