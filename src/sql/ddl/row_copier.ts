/**
 * Streams a query's rows into a table: the body of INSERT … SELECT and CREATE TABLE … AS.
 *
 * @module
 */
import { CancelledError, ColumnType, SqlError, typeTag } from "../../common/mod.ts";
import { commitDurably, type RowWriter } from "../../wal/mod.ts";
import { castVector, type RowCursor } from "../exec/mod.ts";
import { Arena, type Batch, type Vector } from "../../wasm/mod.ts";
import { findSuspectTimestamp, timestampFault } from "./insert_target.ts";
import { convertRows, isVectorWise } from "./insert_vector.ts";
import { checkNarrowing } from "./narrowing.ts";
import type { StatementEnvironment } from "./statement_environment.ts";

/** Which column of the query fills which column of the table. */
export interface ColumnMapping {
  /** Index into the query's columns. */
  readonly source: number;
  /** Writer index of the table's column. */
  readonly target: number;
  /** Type of the table's column. */
  readonly type: number;
}

/** What to copy where. */
export interface CopyOptions {
  readonly cursor: RowCursor;
  readonly writer: RowWriter;
  readonly mapping: readonly ColumnMapping[];
  /** Writer index of the designated timestamp; −1 if there is none. */
  readonly timestampIndex: number;
  /** Rows after which to commit; `Infinity` commits once at the end. */
  readonly commitRows: number;
}

/**
 * Copies all rows. Batches that were committed before an error stay, as in QuestDB; rows after the last commit do not.
 *
 * @returns Rows copied.
 * @throws {SqlError} if a value does not fit its column. @throws {CancelledError} if the statement was cancelled.
 */
export async function copyRows(
  options: CopyOptions,
  environment: StatementEnvironment,
): Promise<number> {
  const { cursor, writer } = options;
  const { context } = environment;
  let rowCount = 0, uncommitted = 0;
  try {
    for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
      if (context.signal.aborted) throw new CancelledError("cancelled by user");
      appendBatch(batch, options, environment);
      rowCount += batch.rowCount;
      uncommitted += batch.rowCount;
      if (uncommitted >= options.commitRows) {
        await commitDurably(writer);
        uncommitted = 0;
      }
      await context.yieldIfDue();
    }
    if (uncommitted > 0) await commitDurably(writer);
    return rowCount;
  } catch (error) {
    writer.rollback();
    throw error;
  }
}

function appendBatch(
  batch: Batch,
  options: CopyOptions,
  environment: StatementEnvironment,
): void {
  const { core } = environment;
  using arena = new Arena(core.memory);
  const columns: (Vector | null)[] = options.writer.metadata.columns.map(() => null);
  for (const { source, target, type } of options.mapping) {
    const vector = batch.vectors[source];
    columns[target] = convert(vector, type, { rowCount: batch.rowCount, arena, environment });
  }
  if (options.timestampIndex >= 0) {
    const timestamps = columns[options.timestampIndex];
    if (timestamps === null) throw new SqlError(0, timestampFault(null)!);
    checkTimestamps(timestamps, batch.rowCount, environment);
  }
  options.writer.append({ rowCount: batch.rowCount, columns });
}

function convert(
  vector: Vector,
  type: number,
  place: { rowCount: number; arena: Arena; environment: StatementEnvironment },
): Vector | null {
  const from = typeTag(vector.type), to = typeTag(type);
  if (from === ColumnType.NULL) return null;
  const isText = from === ColumnType.STRING || from === ColumnType.VARCHAR;
  if (isText && (to === ColumnType.SYMBOL || to === ColumnType.VARCHAR)) {
    return { ...vector, type: ColumnType.VARCHAR };
  }
  if (vector.type === type) return vector;
  const { core } = place.environment;
  if (!isVectorWise(vector.type, type)) {
    return convertRows(vector, type, { rowCount: place.rowCount, arena: place.arena, core });
  }
  checkNarrowing(vector, place.rowCount, { type, memory: core.memory });
  return castVector(vector, place.rowCount, { type, arena: place.arena, core });
}

function checkTimestamps(
  vector: Vector,
  rowCount: number,
  environment: StatementEnvironment,
): void {
  const { memory } = environment.core;
  const words = memory.i32.subarray(vector.data >> 2, (vector.data >> 2) + 2 * rowCount);
  const suspect = findSuspectTimestamp(words, rowCount);
  if (suspect < 0) return;
  for (let row = suspect; row < rowCount; row++) {
    const micros = memory.i64[(vector.data >> 3) + row];
    const fault = timestampFault(micros === -(1n << 63n) ? null : micros, vector.type);
    if (fault !== null) throw new SqlError(0, fault);
  }
}
