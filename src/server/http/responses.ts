/**
 * Small responses as QuestDB shapes them.
 *
 * @module
 */

/** Content types with QuestDB's spelling. */
export const ContentType = {
  JSON: "application/json; charset=utf-8",
  CSV: "text/csv; charset=utf-8",
  TEXT: "text/plain; charset=utf-8",
  HTML: "text/html; charset=utf-8",
} as const;

/** The header that QuestDB sends with answers to statements. */
export const KEEP_ALIVE = { "keep-alive": "timeout=5, max=10000" } as const;

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
