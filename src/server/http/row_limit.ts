/**
 * The `limit` parameter. /exec: `n` the first n rows, `lo,hi` rows lo to hi counted from 1, both included. /exp: `n` the first
 * n rows, `lo,hi` rows behind the first lo, up to row hi. Both: `lo,` everything from lo on, `-n` the last n rows. Text that
 * is none of these is ignored, as QuestDB does.
 *
 * @module
 */

/** Rows `low` … `high` − 1, counted from 0; `fromEnd` above 0 asks for the last rows instead. */
export interface RowLimit {
  readonly low: number;
  readonly high: number;
  readonly fromEnd: number;
}

/** Everything. */
export const NO_LIMIT: RowLimit = { low: 0, high: Infinity, fromEnd: 0 };

/** Reads the parameter's text; `firstRow` is the number that /exec (1) or /exp (0) gives to the first row. */
export function parseRowLimit(text: string | null, firstRow: 0 | 1): RowLimit {
  const match = /^(-?\d{1,15})(?:,(.*))?$/s.exec(text ?? "");
  if (match === null) return NO_LIMIT;
  const first = Number(match[1]);
  if (match[2] === undefined) {
    return first < 0 ? { ...NO_LIMIT, fromEnd: -first } : { ...NO_LIMIT, high: first };
  }
  const high = /^\d{1,15}$/.test(match[2]) ? Number(match[2]) : Infinity;
  return { low: Math.max(first - firstRow, 0), high, fromEnd: 0 };
}

const PREFIX = "SELECT * FROM (";

/** A query's text with `fromEnd` applied, and how far positions in it are shifted; the rest is applied to its rows. */
export function limitedQuery(query: string, limit: RowLimit): { text: string; shift: number } {
  if (limit.fromEnd === 0) return { text: query, shift: 0 };
  return {
    text: `${PREFIX}${query.replace(/;\s*$/, "")}\n) LIMIT -${limit.fromEnd}`,
    shift: PREFIX.length,
  };
}
