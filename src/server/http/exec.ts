/**
 * `/exec`: runs a statement and answers in JSON.
 *
 * @module
 */
import { arrayDimensions, ColumnType, SqlError, typeName, typeTag } from "../../common/mod.ts";
import type { CursorColumn, RowCursor, StatementResult } from "../../sql/mod.ts";
import { ContentType, jsonResponse, KEEP_ALIVE } from "./responses.ts";
import { parseRowLimit } from "./row_limit.ts";
import type { RowLayout } from "./row_stream.ts";
import {
  respondWithRows,
  runStatement,
  statementError,
  type StatementServices,
  withTimeout,
} from "./statement.ts";
import { jsonFormat } from "./value_writer.ts";

const COMMA = 44;
const NANOS_PER_MILLI = 1e6;
/** Bits of an ARRAY's type code that name the elements; `ARRAY[]` has none. */
const ARRAY_ELEMENT_BITS = 0x3f << 8;

/** Answers an /exec request. */
export async function handleExec(
  services: StatementServices,
  request: Request,
  signal: AbortSignal,
): Promise<Response> {
  const parameters = new URL(request.url).searchParams;
  const query = parameters.get("query") ?? "";
  if (query.trim() === "") return emptyQuery(query);
  const work = {
    query,
    limit: parseRowLimit(parameters.get("limit"), 1),
    signal: withTimeout(signal, request.headers.get("statement-timeout")),
    allowed: "all",
  } as const;
  try {
    const started = services.clock.monotonicMillis();
    const result = await runStatement(services, work);
    if (result.kind !== "rows") return jsonResponse(changeBody(result));
    const columns = chosenColumns(result.cursor, parameters.get("cols"));
    if (typeof columns === "string") {
      result.cursor.close();
      return jsonResponse({ query, error: `column not found: '${columns}'` }, 400);
    }
    const compiled = services.clock.monotonicMillis();
    const layout: RowLayout = {
      format: jsonFormat(isTrue(parameters, "quoteLargeNum")),
      delimiter: COMMA,
      head: head(result.cursor, { query, columns, isBare: isTrue(parameters, "nm") }),
      tail: tail(parameters, () => ({
        compiler: compiled - started,
        execute: services.clock.monotonicMillis() - compiled,
      })),
      columns,
    };
    return await respondWithRows(services, result, {
      layout,
      limit: work.limit,
      headers: { "content-type": ContentType.JSON, ...KEEP_ALIVE },
      countsAll: isTrue(parameters, "count"),
    });
  } catch (error) {
    if (error instanceof SqlError && error.message === "empty query") return emptyQuery(query);
    return statementError(services, work, error);
  }
}

/** The position is a text here, as QuestDB sends it. */
function emptyQuery(query: string): Response {
  return jsonResponse({ error: "empty query", query, position: "0" });
}

/** A flag is on if its text is `true` in any case. */
function isTrue(parameters: URLSearchParams, name: string): boolean {
  return parameters.get(name)?.toLowerCase() === "true";
}

function changeBody(result: Exclude<StatementResult, { kind: "rows" }>): Record<string, unknown> {
  if (result.kind === "ddl") return { ddl: "OK" };
  return result.kind === "insert" ? { dml: "OK" } : { dml: "OK", updated: result.rowCount };
}

/** Indexes of the columns that `cols` lists; the name of the first one that is not there. */
function chosenColumns(cursor: RowCursor, list: string | null): number[] | string {
  if (list === null || list === "") return cursor.columns.map((_, index) => index);
  const chosen: number[] = [];
  for (const name of list.split(",")) {
    const wanted = name.trim().toLowerCase();
    const index = cursor.columns.findIndex((column) => column.name.toLowerCase() === wanted);
    if (index < 0) return name;
    chosen.push(index);
  }
  return chosen;
}

function head(
  cursor: RowCursor,
  options: {
    readonly query: string;
    readonly columns: readonly number[];
    readonly isBare: boolean;
  },
): string {
  if (options.isBare) return '{"dataset":[';
  const columns = options.columns.map((index) => describe(cursor.columns[index]));
  return `{"query":${JSON.stringify(options.query)},"columns":${JSON.stringify(columns)},` +
    `"timestamp":${options.columns.indexOf(cursor.timestampIndex)},"dataset":[`;
}

/** Arrays are told apart by their dimensions and elements. */
function describe({ name, type }: CursorColumn): Record<string, string | number> {
  if (typeTag(type) !== ColumnType.ARRAY) return { name, type: typeName(type) };
  const elemType = (type & ARRAY_ELEMENT_BITS) === 0 ? "unknown" : "DOUBLE";
  return { name, type: "ARRAY", dim: arrayDimensions(type), elemType };
}

function tail(
  parameters: URLSearchParams,
  timings: () => { compiler: number; execute: number },
): (rows: number) => string {
  return (rows) => {
    let text = `],"count":${rows}`;
    if (isTrue(parameters, "timings")) {
      const { compiler, execute } = timings();
      const nanos = (millis: number) => Math.round(millis * NANOS_PER_MILLI);
      text += `,"timings":{"authentication":0,"compiler":${nanos(compiler)},` +
        `"execute":${nanos(execute)},"count":0}`;
    }
    if (isTrue(parameters, "explain")) text += ',"explain":{"jitCompiled":false}';
    return `${text}}`;
  };
}
