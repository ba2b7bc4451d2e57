/**
 * `/exp`: runs a query and answers in CSV.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { ByteWriter } from "./byte_writer.ts";
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
import { CSV_FORMAT, writeText } from "./value_writer.ts";

const COMMA = 44;
const ASCII_END = 128;
const HEAD_BYTES = 1024;
const FILE_NAME_CHARS_MAX = 200;
const MICROS_PER_MILLI = 1000n;
const MILLIS_PER_SECOND = 1000;

/** Answers an /exp request. */
export async function handleExp(
  services: StatementServices,
  request: Request,
  signal: AbortSignal,
): Promise<Response> {
  const parameters = new URL(request.url).searchParams;
  const query = parameters.get("query") ?? "";
  const refuse = (error: string) => jsonResponse({ query, error, position: 0 }, 400);
  if (query.trim() === "") return refuse("No query text");
  const format = parameters.get("fmt") ?? "csv";
  if (format === "parquet") return refuse("parquet export is not supported yet, use fmt=csv");
  if (format !== "csv" && format !== "") return refuse(`unrecognised format [format=${format}]`);
  const work = {
    query,
    limit: parseRowLimit(parameters.get("limit"), 0),
    signal: timeoutOf(parameters, request, signal),
    allowed: "queries",
  } as const;
  try {
    const result = await runStatement(services, work);
    if (result.kind !== "rows") throw new SqlError(0, "/exp endpoint only accepts SELECT");
    const delimiter = delimiterOf(parameters.get("delimiter"));
    const isBare = parameters.get("nm")?.toLowerCase() === "true";
    const names = result.cursor.columns.map((column) => column.name);
    const layout: RowLayout = {
      format: CSV_FORMAT,
      delimiter,
      head: isBare ? "" : headLine(names, delimiter),
      tail: () => "",
      columns: names.map((_, index) => index),
    };
    return await respondWithRows(services, result, {
      layout,
      limit: work.limit,
      headers: {
        "content-type": ContentType.CSV,
        "content-disposition": `attachment; filename="${fileName(services, parameters)}.csv"`,
        ...KEEP_ALIVE,
      },
      countsAll: false,
    });
  } catch (error) {
    return statementError(services, work, error);
  }
}

/** `timeout` of /exp is in seconds; the header that /exec knows goes before it. */
function timeoutOf(
  parameters: URLSearchParams,
  request: Request,
  signal: AbortSignal,
): AbortSignal {
  const header = request.headers.get("statement-timeout");
  if (header !== null) return withTimeout(signal, header);
  const seconds = parameters.get("timeout") ?? "";
  if (!/^\d{1,6}$/.test(seconds)) return signal;
  return withTimeout(signal, String(Number(seconds) * MILLIS_PER_SECOND));
}

/** One ASCII character; anything else means a comma, as in QuestDB. */
function delimiterOf(text: string | null): number {
  const code = text?.length === 1 ? text.charCodeAt(0) : COMMA;
  return code < ASCII_END ? code : COMMA;
}

function headLine(names: readonly string[], delimiter: number): string {
  const buffer = new ByteWriter(HEAD_BYTES);
  for (const [index, name] of names.entries()) {
    if (index > 0) buffer.byte(delimiter);
    writeText({ buffer, format: CSV_FORMAT }, name);
  }
  buffer.ascii("\r\n");
  return new TextDecoder().decode(buffer.take());
}

/** A name without anything that could break the header it stands in. */
function fileName(services: StatementServices, parameters: URLSearchParams): string {
  const wanted = parameters.get("filename")?.replace(/[^\w .+-]/g, "_") ?? "";
  if (wanted !== "") return wanted.slice(0, FILE_NAME_CHARS_MAX);
  return `questdb-query-${services.clock.nowMicros() / MICROS_PER_MILLI}`;
}
