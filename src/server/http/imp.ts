/**
 * `/imp`: a CSV document as `multipart/form-data`, with an optional `schema` part before it. `/chk`: tells whether a table is
 * there.
 *
 * @module
 */
import {
  fixedSize,
  LimitError,
  PartitionBy,
  partitionByFromName,
  partitionByName,
  QuestError,
  typeName,
} from "../../common/mod.ts";
import type { Engine } from "../../engine/mod.ts";
import type { Timers } from "../../platform/mod.ts";
import type { SqlEngine } from "../../sql/mod.ts";
import {
  IMPORT_STEP_BYTES,
  type ImportDefaults,
  ImportJob,
  type ImportOptions,
  type ImportResult,
  type SchemaEntry,
} from "./import_job.ts";
import { multipartBoundary, type Part, readMultipart } from "./multipart.ts";
import { jsonResponse, textResponse } from "./responses.ts";

const SCHEMA_BYTES_MAX = 1 << 20;

/** What an import works with. */
export interface ImportServices {
  readonly engine: Engine;
  readonly sql: SqlEngine;
  readonly timers: Timers;
  readonly importDefaults: ImportDefaults;
}

/** Answers an /imp request. */
export async function handleImport(
  services: ImportServices,
  request: Request,
  signal: AbortSignal,
): Promise<Response> {
  const parameters = new URL(request.url).searchParams;
  const isJson = parameters.get("fmt") === "json";
  try {
    const result = await runImport(services, { request, parameters, signal });
    return isJson ? jsonResponse(jsonBody(result)) : textResponse(tableBody(result));
  } catch (error) {
    if (!(error instanceof QuestError)) throw error;
    return isJson
      ? jsonResponse({ status: error.message })
      : textResponse(`${error.message}\r\n`, 400);
  }
}

interface ImportRequest {
  readonly request: Request;
  readonly parameters: URLSearchParams;
  readonly signal: AbortSignal;
}

async function runImport(
  services: ImportServices,
  work: ImportRequest,
): Promise<ImportResult> {
  const boundary = multipartBoundary(work.request.headers.get("content-type"));
  if (work.request.body === null) throw new QuestError("the request has no body");
  let schema: SchemaEntry[] = [];
  for await (const part of readMultipart(work.request.body, boundary)) {
    if (part.name === "schema") schema = parseSchema(await readText(part));
    else if (part.name === "data") {
      return await importPart(services, part, {
        options: readOptions(work.parameters, services.importDefaults, schema),
        signal: work.signal,
      });
    }
  }
  throw new QuestError("the request has no part named data");
}

async function importPart(
  services: ImportServices,
  part: Part,
  work: { options: ImportOptions; signal: AbortSignal },
): Promise<ImportResult> {
  using job = new ImportJob(services.engine, work.options);
  const commit = () =>
    services.sql.withWriter(job.table, work.signal, () => Promise.resolve(job.commit()));
  for await (const chunk of part.body) {
    for (let at = 0; at < chunk.length; at += IMPORT_STEP_BYTES) {
      job.push(chunk.subarray(at, at + IMPORT_STEP_BYTES));
      if (job.isBatchFull) await commit();
      await services.timers.sleep(0); // other requests get their turn
      work.signal.throwIfAborted();
    }
  }
  job.end();
  await commit();
  return job.result();
}

async function readText(part: Part): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of part.body) {
    text += decoder.decode(chunk.slice(), { stream: true });
    if (text.length > SCHEMA_BYTES_MAX) {
      throw new LimitError("schema is too long", { limit: SCHEMA_BYTES_MAX });
    }
  }
  return text + decoder.decode();
}

function parseSchema(text: string): SchemaEntry[] {
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch (error) {
    throw new QuestError("schema is no JSON", {}, { cause: error });
  }
  const isEntry = (entry: unknown): entry is SchemaEntry =>
    typeof entry === "object" && entry !== null &&
    typeof (entry as SchemaEntry).name === "string" &&
    typeof (entry as SchemaEntry).type === "string";
  if (!Array.isArray(entries) || !entries.every(isEntry)) {
    throw new QuestError("schema must be an array of objects with name and type");
  }
  return entries.map(({ name, type }) => ({ name, type }));
}

function readOptions(
  parameters: URLSearchParams,
  defaults: ImportDefaults,
  schema: readonly SchemaEntry[],
): ImportOptions {
  const tableName = parameters.get("name") ?? "";
  if (tableName === "") throw new QuestError("table name missing: add the parameter name");
  const unitText = parameters.get("partitionBy") ?? "NONE";
  const partitionBy = partitionByFromName(unitText);
  if (partitionBy === undefined) {
    throw new QuestError("invalid partitionBy", { partitionBy: unitText });
  }
  const atomicity = parameters.get("atomicity") ?? "skipCol";
  if (atomicity !== "skipCol" && atomicity !== "skipRow" && atomicity !== "abort") {
    throw new QuestError("invalid atomicity", { atomicity, expected: "skipCol, skipRow or abort" });
  }
  return {
    tableName,
    overwrite: parameters.get("overwrite") === "true",
    create: parameters.get("create") !== "false",
    timestamp: parameters.get("timestamp"),
    partitionBy,
    atomicity,
    delimiter: parameters.get("delimiter")?.[0] ?? null,
    forceHeader: parameters.get("forceHeader") === "true",
    skipLines: parameters.get("skipLev") === "true",
    maxUncommittedRows: positiveInteger(
      parameters,
      "maxUncommittedRows",
      defaults.maxUncommittedRows,
    ),
    o3MaxLagMicros: BigInt(
      positiveInteger(parameters, "o3MaxLag", Number(defaults.o3MaxLagMicros)),
    ),
    schema,
  };
}

function positiveInteger(parameters: URLSearchParams, name: string, fallback: number): number {
  const text = parameters.get(name);
  if (text === null) return fallback;
  if (!/^\d{1,15}$/.test(text)) {
    throw new QuestError(`invalid ${name}`, { value: text.slice(0, 40) });
  }
  return Number(text);
}

function jsonBody(result: ImportResult): Record<string, unknown> {
  return {
    status: "OK",
    location: result.location,
    rowsRejected: result.rowsRejected,
    rowsImported: result.rowsImported,
    header: result.hasHeader,
    partitionBy: partitionByName(result.partitionBy),
    ...(result.timestamp === null ? {} : { timestamp: result.timestamp }),
    columns: result.columns.map(({ name, type, errors }) => ({
      name,
      type: typeName(type),
      size: fixedSize(type),
      errors,
    })),
  };
}

const TABLE_WIDTH = 113;

/** QuestDB's table of an import, for people. */
function tableBody(result: ImportResult): string {
  const rule = `+${"-".repeat(TABLE_WIDTH)}+`;
  const line = ([label, value, pattern, rest]: [string, string, string, string]) =>
    `|${label.padStart(15)}  |${value.padStart(50)}  |${pattern.padStart(24)}  |${
      rest.padStart(12)
    }  |`;
  const fact = (label: string, value: string) =>
    `|${label.padStart(15)}  |${value.padStart(50)}  |                 |         |              |`;
  const lines = [
    rule,
    `|${"Location:".padStart(15)}  |${result.location.padStart(50)}  |${
      "Pattern".padStart(15)
    }  | Locale  |${"Errors".padStart(12)}  |`,
    fact(
      "Partition by",
      result.partitionBy === PartitionBy.NONE ? "NONE" : partitionByName(result.partitionBy),
    ),
    fact("Timestamp", result.timestamp ?? "NONE"),
    rule,
    fact("Rows handled", String(result.rowsImported + result.rowsRejected)),
    fact("Rows imported", String(result.rowsImported)),
    rule,
    ...result.columns.map((column, index) =>
      line([String(index), column.name, typeName(column.type), String(column.errors)])
    ),
    rule,
  ];
  return lines.map((text) => `${text}\r\n`).join("");
}

/** Answers a /chk request. */
export function handleCheck(engine: Engine, parameters: URLSearchParams): Response {
  const name = parameters.get("j");
  if (name === null || name === "") return textResponse("table name missing\r\n");
  const status = engine.findTable(name) === null ? "Does not exist" : "Exists";
  if (parameters.get("f") === "json") return jsonResponse({ status });
  return textResponse(`${status}\r\n`);
}
