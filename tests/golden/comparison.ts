/**
 * When two answers are equal: same status, and same text but for what differs between two runs of the same server.
 *
 * - The number in a WAL table's directory name, the time of a transaction, the disk size of partitions (the reference
 *   shows what it preallocated), ids of errors and the database root are blanked out.
 * - Rows of catalog functions come in hash order unless the query asks for one.
 * - Numbers are compared as text, so that formatting counts.
 *
 * @module
 */
import type { RecordedCase } from "./recording.ts";

/** Columns whose values belong to one run: name → what is left of the value. */
const VOLATILE_COLUMNS: Readonly<Record<string, (value: unknown) => unknown>> = {
  directoryName: (value) => typeof value === "string" ? value.replace(/~\d+$/, "~N") : value,
  diskSize: () => "*",
  diskSizeHuman: () => "*",
  id: () => "*",
};
const WAL_TRANSACTION_COLUMNS: Readonly<Record<string, (value: unknown) => unknown>> = {
  timestamp: () => "*",
};
const HASH_ORDERED =
  /\b(all_tables|tables|wal_tables|information_schema\.\w+|pg_catalog\.\w+)\b|^\s*show\s+tables/i;

/** An answer as it was received. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Tells whether an answer is the recorded one. `root`: our install root, which the recording writes as `<root>`. */
export function isSameAnswer(request: RecordedCase, actual: Answer, root: string): boolean {
  if (request.status !== actual.status) return false;
  const body = actual.body.replaceAll(root, "<root>");
  return body === request.response ||
    comparable(request, body) === comparable(request, request.response);
}

function comparable(request: RecordedCase, body: string): string {
  if (!body.startsWith("{")) return body;
  const answer = parseKeepingNumbers(body);
  if (answer === null) return body;
  if ("errorId" in answer) answer.errorId = "*";
  const columns = answer.columns as { name: string }[] | undefined;
  const rows = answer.dataset as unknown[][] | undefined;
  if (columns === undefined || rows === undefined) return JSON.stringify(answer);
  const query = request.params?.query ?? "";
  const blanks = columns.map(({ name }) =>
    (/wal_transactions/.test(query) ? WAL_TRANSACTION_COLUMNS[name] : undefined) ??
      VOLATILE_COLUMNS[name]
  );
  const shown = rows.map((row) =>
    JSON.stringify(row.map((value, column) => blanks[column]?.(value) ?? value))
  );
  if (HASH_ORDERED.test(query) && !/order\s+by/i.test(query)) shown.sort();
  return JSON.stringify({ ...answer, dataset: shown });
}

/** Parses JSON with numbers as their text. @returns `null` if it is none. */
function parseKeepingNumbers(text: string): Record<string, unknown> | null {
  const revive = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === "number" ? `number ${context?.source}` : value;
  try {
    return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}
