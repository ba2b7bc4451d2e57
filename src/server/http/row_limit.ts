/**
 * The `limit` parameter of /exec and /exp: `n` the first n rows, `lo,hi` rows lo to hi counted from 1, `-n` the last n rows.
 * Text that is none of these is ignored, as QuestDB does.
 *
 * @module
 */

/** Rows `low` … `high` − 1, counted from 0; `fromEnd` above 0 asks for the last rows instead. */
export interface RowLimit {
  readonly low: number;
  readonly high: number;
  readonly fromEnd: number;
}

/** Reads the parameter's text. */
export function parseRowLimit(text: string | null): RowLimit {
  const everything = { low: 0, high: Infinity, fromEnd: 0 };
  const match = /^(-?\d{1,15})(?:,(\d{1,15}))?$/.exec(text ?? "");
  if (match === null) return everything;
  const first = Number(match[1]);
  if (match[2] === undefined) {
    return first < 0 ? { ...everything, fromEnd: -first } : { ...everything, high: first };
  }
  return { low: Math.max(first - 1, 0), high: Number(match[2]), fromEnd: 0 };
}

/** Applies `fromEnd` to a query's text; all else is applied while rows are written. */
export function limitedQuery(query: string, limit: RowLimit): string {
  return limit.fromEnd > 0
    ? `SELECT * FROM (${query.replace(/;\s*$/, "")}\n) LIMIT -${limit.fromEnd}`
    : query;
}
