/**
 * Small responses and error bodies as QuestDB shapes them.
 *
 * @module
 */
import { CancelledError, QuestError, SqlError } from "../../common/mod.ts";

/** Content types with QuestDB's spelling. */
export const ContentType = {
  JSON: "application/json; charset=utf-8",
  CSV: "text/csv; charset=utf-8",
  TEXT: "text/plain; charset=utf-8",
  HTML: "text/html; charset=utf-8",
} as const;

/** A response with a JSON body. */
export function jsonResponse(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": ContentType.JSON },
  });
}

/** A response with a text body. */
export function textResponse(body: string, status = 200): Response {
  return new Response(body, { status, headers: { "content-type": ContentType.TEXT } });
}

/** QuestDB's answer to a statement that failed: 400 with text and position; 500 for what is not the client's fault. */
export function statementError(query: string, error: unknown): Response {
  if (error instanceof SqlError) {
    return jsonResponse({ query, error: error.message, position: error.position }, 400);
  }
  if (error instanceof CancelledError) {
    return jsonResponse({ query, error: error.message, position: 0 }, 408);
  }
  if (error instanceof QuestError) {
    return jsonResponse({ query, error: error.message, position: 0 }, 400);
  }
  const message = error instanceof Error ? error.message : String(error);
  return jsonResponse({ query, error: `internal error: ${message}`, position: 0 }, 500);
}
