/**
 * Running a request's statement and answering with its rows: what /exec and /exp share.
 *
 * @module
 */
import { CancelledError, QuestError, SqlError } from "../../common/mod.ts";
import type { Clock, Log, Timers } from "../../platform/mod.ts";
import { parseStatement, type SqlEngine, type StatementResult } from "../../sql/mod.ts";
import type { WasmMemory } from "../../wasm/mod.ts";
import { executionContext } from "./request_context.ts";
import { jsonResponse } from "./responses.ts";
import { limitedQuery, NO_LIMIT, type RowLimit } from "./row_limit.ts";
import { type RowLayout, rowStream } from "./row_stream.ts";

/** Longest time a client may give a statement, milliseconds: what a timer takes. */
const TIMEOUT_MILLIS_MAX = 0x7fffffff;
const COMPONENT = "http-server";

/** What statement endpoints need. */
export interface StatementServices {
  readonly sql: SqlEngine;
  readonly memory: WasmMemory;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** Refuses every statement that changes something. */
  readonly isReadonly: boolean;
}

/** A statement as a request states it. */
export interface StatementRequest {
  readonly query: string;
  readonly limit: RowLimit;
  readonly signal: AbortSignal;
  /** /exp takes queries only. */
  readonly allowed: "all" | "queries";
}

/** A statement refused by `http.security.readonly`. */
class WriteDeniedError extends QuestError {}

/** Runs a statement. @throws {SqlError} with positions in the request's own text. */
export async function runStatement(
  services: StatementServices,
  request: StatementRequest,
): Promise<StatementResult> {
  const { query, limit, signal } = request;
  let statement = parseStatement(query);
  const isQuery = statement.kind === "select" || statement.kind === "show";
  if (!isQuery && request.allowed === "queries") {
    throw new SqlError(0, "/exp endpoint only accepts SELECT");
  }
  if (!isQuery && services.isReadonly) throw new WriteDeniedError("Write permission denied");
  const { text, shift } = limitedQuery(query, statement.kind === "select" ? limit : NO_LIMIT);
  try {
    if (shift > 0) statement = parseStatement(text);
    const context = executionContext(services, signal);
    return await services.sql.executeStatement(statement, text, context);
  } catch (error) {
    if (shift === 0 || !(error instanceof SqlError)) throw error;
    throw new SqlError(Math.max(error.position - shift, 0), error.message, { cause: error });
  }
}

/** The signal of a request with the `Statement-Timeout` header, milliseconds, applied; text that is no number is ignored. */
export function withTimeout(signal: AbortSignal, millis: string | null): AbortSignal {
  if (!/^\d{1,10}$/.test(millis ?? "") || Number(millis) === 0) return signal;
  const timeout = AbortSignal.timeout(Math.min(Number(millis), TIMEOUT_MILLIS_MAX));
  return AbortSignal.any([signal, timeout]);
}

/** What {@linkcode respondWithRows} answers with. */
export interface RowAnswer {
  readonly layout: RowLayout;
  readonly limit: RowLimit;
  readonly headers: Record<string, string>;
  readonly countsAll: boolean;
}

/** Computes the first batch before the status line is sent, so that most errors still get a proper answer. */
export async function respondWithRows(
  services: StatementServices,
  result: Extract<StatementResult, { kind: "rows" }>,
  answer: RowAnswer,
): Promise<Response> {
  const { cursor } = result;
  try {
    const isEmpty = answer.limit.high <= answer.limit.low && !answer.countsAll;
    const first = isEmpty ? null : await cursor.next();
    const { layout, limit, countsAll } = answer;
    const { memory } = services;
    return new Response(rowStream(cursor, { memory, layout, limit, first, countsAll }), {
      headers: answer.headers,
    });
  } catch (error) {
    cursor.close();
    throw error;
  }
}

/** QuestDB's answer to a statement that failed: 400 with text and position, 403 in readonly mode, 500 for a defect of ours. */
export function statementError(
  services: Pick<StatementServices, "log">,
  request: Pick<StatementRequest, "query" | "signal">,
  error: unknown,
): Response {
  const { query, signal } = request;
  const answer = (text: string, position: number, status: number) =>
    jsonResponse({ query, error: text, position }, status);
  if (isTimeout(error) || (error instanceof CancelledError && isTimeout(signal.reason))) {
    return answer("timeout, query aborted", 0, 400);
  }
  if (error instanceof SqlError) return answer(error.message, error.position, 400);
  if (error instanceof WriteDeniedError) return answer(error.message, 0, 403);
  if (error instanceof QuestError) return answer(error.message, 0, 400);
  const message = error instanceof Error ? error.message : String(error);
  services.log.critical(COMPONENT, "statement failed", { error: message });
  return answer(`internal error: ${message}`, 0, 500);
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === "TimeoutError";
}
