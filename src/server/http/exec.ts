/**
 * `/exec`: runs a statement and answers in JSON. `/exp`: runs a query and answers in CSV.
 *
 * @module
 */
import { SqlError, typeName } from "../../common/mod.ts";
import type { Clock, Timers } from "../../platform/mod.ts";
import {
  parseStatement,
  type RowCursor,
  type SqlEngine,
  type StatementResult,
} from "../../sql/mod.ts";
import type { WasmMemory } from "../../wasm/mod.ts";
import { executionContext } from "./request_context.ts";
import { ContentType, jsonResponse, statementError } from "./responses.ts";
import { limitedQuery, parseRowLimit, type RowLimit } from "./row_limit.ts";
import { type RowLayout, rowStream } from "./row_stream.ts";
import { CSV_FORMAT, jsonFormat } from "./value_writer.ts";

const COMMA = 44;

/** What statement endpoints need. */
export interface StatementServices {
  readonly sql: SqlEngine;
  readonly memory: WasmMemory;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Refuses every statement that changes something. */
  readonly isReadonly: boolean;
}

/** Runs a statement of a request. @throws {SqlError} if it may not run here. */
async function run(
  services: StatementServices,
  query: string,
  request: { limit: RowLimit; signal: AbortSignal; allowed: "all" | "queries" },
): Promise<StatementResult> {
  const text = limitedQuery(query, request.limit);
  const statement = parseStatement(text);
  const isQuery = statement.kind === "select" || statement.kind === "show";
  if (!isQuery && request.allowed === "queries") {
    throw new SqlError(0, "/exp endpoint only accepts SELECT");
  }
  if (!isQuery && services.isReadonly) throw new SqlError(0, "permission denied");
  return await services.sql.executeStatement(
    statement,
    text,
    executionContext(services, request.signal),
  );
}

function isTrue(value: string | null): boolean {
  return value === "true";
}

/** Answers an /exec request. */
export async function handleExec(
  services: StatementServices,
  parameters: URLSearchParams,
  signal: AbortSignal,
): Promise<Response> {
  const query = parameters.get("query");
  if (query === null || query.trim() === "") {
    // The position is a text here, as QuestDB sends it.
    return jsonResponse({
      error: query === null ? "No query text" : "empty query",
      query: query ?? "",
      position: "0",
    }, query === null ? 400 : 200);
  }
  const limit = parseRowLimit(parameters.get("limit"));
  const started = services.clock.monotonicMillis();
  try {
    const result = await run(services, query, { limit, signal, allowed: "all" });
    const compiled = services.clock.monotonicMillis();
    if (result.kind === "ddl") return jsonResponse({ ddl: "OK" });
    if (result.kind === "insert") return jsonResponse({ dml: "OK" });
    if (result.kind === "update") return jsonResponse({ dml: "OK", updated: result.rowCount });
    const tail = execTail(parameters, () => ({
      compiler: compiled - started,
      execute: services.clock.monotonicMillis() - compiled,
    }));
    const layout: RowLayout = {
      format: jsonFormat(isTrue(parameters.get("quoteLargeNum"))),
      delimiter: COMMA,
      head: execHead(query, result.cursor, isTrue(parameters.get("nm"))),
      tail,
      isJson: true,
    };
    return await respond(services, result, { layout, limit, contentType: ContentType.JSON });
  } catch (error) {
    return statementError(query, error);
  }
}

function execHead(query: string, cursor: RowCursor, isWithoutMetadata: boolean): string {
  if (isWithoutMetadata) return '{"dataset":[';
  const columns = cursor.columns.map(({ name, type }) => ({ name, type: typeName(type) }));
  return `{"query":${JSON.stringify(query)},"columns":${JSON.stringify(columns)},` +
    `"timestamp":${cursor.timestampIndex},"dataset":[`;
}

function execTail(
  parameters: URLSearchParams,
  timings: () => { compiler: number; execute: number },
): (rows: number) => string {
  return (rows) => {
    let text = `],"count":${rows}`;
    if (isTrue(parameters.get("timings"))) {
      const nanos = (millis: number) => Math.round(millis * 1e6);
      const { compiler, execute } = timings();
      text += `,"timings":{"authentication":0,"compiler":${nanos(compiler)},"execute":${
        nanos(execute)
      },"count":0}`;
    }
    if (isTrue(parameters.get("explain"))) text += ',"explain":{"jitCompiled":false}';
    return `${text}}`;
  };
}

/** Answers an /exp request. */
export async function handleExp(
  services: StatementServices,
  parameters: URLSearchParams,
  signal: AbortSignal,
): Promise<Response> {
  const query = parameters.get("query") ?? "";
  if (query.trim() === "") return jsonResponse({ query, error: "No query text", position: 0 }, 400);
  if ((parameters.get("fmt") ?? "csv") !== "csv") {
    return jsonResponse({
      query,
      error: "unrecognised format [format=" + parameters.get("fmt") + "]",
      position: 0,
    }, 400);
  }
  const limit = parseRowLimit(parameters.get("limit"));
  const delimiter = parameters.get("delimiter")?.charCodeAt(0) || COMMA;
  try {
    const result = await run(services, query, { limit, signal, allowed: "queries" });
    if (result.kind !== "rows") throw new SqlError(0, "/exp endpoint only accepts SELECT");
    const separator = String.fromCharCode(delimiter);
    const names = result.cursor.columns.map((column) => CSV_FORMAT.quote(column.name)).join(
      separator,
    );
    const layout: RowLayout = {
      format: CSV_FORMAT,
      delimiter,
      head: isTrue(parameters.get("nm")) ? "" : `${names}\r\n`,
      tail: () => "",
      isJson: false,
    };
    return await respond(services, result, { layout, limit, contentType: ContentType.CSV });
  } catch (error) {
    return statementError(query, error);
  }
}

/** Computes the first batch before the status line is sent, so that most errors still get a proper answer. */
async function respond(
  services: StatementServices,
  result: Extract<StatementResult, { kind: "rows" }>,
  body: { layout: RowLayout; limit: RowLimit; contentType: string },
): Promise<Response> {
  try {
    const first = await result.cursor.next();
    const stream = rowStream(result.cursor, services.memory, {
      layout: body.layout,
      limit: body.limit,
      first,
    });
    return new Response(stream, { headers: { "content-type": body.contentType } });
  } catch (error) {
    result.cursor.close();
    throw error;
  }
}
