/**
 * `/imp`: a CSV document as `multipart/form-data`, with an optional `schema` part before it.
 *
 * Rows become visible a transaction at a time; with `atomicity=abort` all of them in one, and the table's other writers wait
 * until the document has come.
 *
 * @module
 */
import { LimitError, QuestError } from "../../common/mod.ts";
import type { Engine } from "../../engine/mod.ts";
import type { Clock, Timers } from "../../platform/mod.ts";
import type { SqlEngine } from "../../sql/mod.ts";
import { importJson, importTable } from "./import_answer.ts";
import { IMPORT_STEP_BYTES, ImportJob, type ImportResult } from "./import_job.ts";
import {
  type ImportDefaults,
  type ImportOptions,
  parseSchema,
  readImportOptions,
  type SchemaEntry,
} from "./import_options.ts";
import { multipartBoundary, type Part, readMultipart } from "./multipart.ts";
import { executionContext } from "./request_context.ts";
import { jsonResponse, textResponse } from "./responses.ts";

const SCHEMA_BYTES_MAX = 1 << 20;

/** What an import works with. */
export interface ImportServices {
  readonly engine: Engine;
  readonly sql: SqlEngine;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly importDefaults: ImportDefaults;
  readonly isReadonly: boolean;
}

/** Answers an /imp request: as QuestDB, with status 200 even if the import failed. */
export async function handleImport(
  services: ImportServices,
  request: Request,
  signal: AbortSignal,
): Promise<Response> {
  const parameters = new URL(request.url).searchParams;
  const boundary = multipartBoundary(request.headers.get("content-type"));
  if (boundary === null || request.body === null) {
    return textResponse("Non-multipart POST not supported\r\n", 400);
  }
  const isJson = parameters.get("fmt")?.toLowerCase() === "json";
  try {
    if (services.isReadonly) throw new QuestError("Write permission denied");
    const parts = readMultipart(request.body, boundary, signal);
    const result = await runImport(services, { parts, parameters, signal });
    return isJson ? jsonResponse(importJson(result)) : textResponse(importTable(result));
  } catch (error) {
    if (!(error instanceof QuestError)) throw error;
    return isJson ? jsonResponse({ status: error.message }) : textResponse(error.message);
  }
}

interface ImportWork {
  readonly parts: AsyncIterable<Part>;
  readonly parameters: URLSearchParams;
  readonly signal: AbortSignal;
}

async function runImport(services: ImportServices, work: ImportWork): Promise<ImportResult> {
  const { parameters, signal } = work;
  let schema: SchemaEntry[] = [];
  for await (const part of work.parts) {
    if (part.name === "schema") schema = parseSchema(await readText(part));
    else if (part.name === "data") {
      const options = readImportOptions({
        parameters,
        fileName: part.fileName,
        schema,
        defaults: services.importDefaults,
      });
      return await importPart(services, part, { options, signal });
    } else throw new QuestError("invalid value in 'Content-Disposition' multipart header");
  }
  throw new QuestError("the request has no part named data");
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

async function importPart(
  services: ImportServices,
  part: Part,
  work: { readonly options: ImportOptions; readonly signal: AbortSignal },
): Promise<ImportResult> {
  using job = new ImportJob(services.engine, work.options);
  const steps = stepsOf(part, services, work.signal);
  // Up to the point where the table is known.
  while (job.table === null) {
    const { value, done } = await steps.next();
    if (done) {
      job.end();
      break;
    }
    job.push(value);
  }
  const isAtomic = work.options.atomicity === "abort";
  await (isAtomic ? importAtOnce : importInBatches)(services, { job, steps, signal: work.signal });
  return job.result();
}

/** A body in pieces of a step's size: small ones are joined, large ones cut. Other requests get their turn in between. */
async function* stepsOf(
  part: Part,
  services: ImportServices,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const { yieldIfDue } = executionContext(services, signal);
  const step = new Uint8Array(IMPORT_STEP_BYTES);
  let length = 0;
  for await (const chunk of part.body) {
    for (let at = 0; at < chunk.length;) {
      const size = Math.min(chunk.length - at, step.length - length);
      step.set(chunk.subarray(at, at + size), length);
      length += size;
      at += size;
      if (length < step.length) continue;
      yield step;
      length = 0;
      await yieldIfDue();
      signal.throwIfAborted();
    }
  }
  if (length > 0) yield step.subarray(0, length);
}

interface RunningImport {
  readonly job: ImportJob;
  readonly steps: AsyncGenerator<Uint8Array, void>;
  readonly signal: AbortSignal;
}

async function importInBatches(services: ImportServices, work: RunningImport): Promise<void> {
  const { job, steps, signal } = work;
  const table = job.table!;
  const commit = () =>
    services.sql.withWriter(table, signal, () => {
      job.append();
      services.engine.rowWriter(table).commit();
      return Promise.resolve();
    });
  for await (const step of steps) {
    if (job.isBatchFull) await commit();
    job.push(step);
  }
  job.end();
  await commit();
}

async function importAtOnce(services: ImportServices, work: RunningImport): Promise<void> {
  const { job, steps, signal } = work;
  const table = job.table!;
  await services.sql.withWriter(table, signal, async () => {
    const writer = services.engine.rowWriter(table);
    try {
      for await (const step of steps) {
        if (job.isBatchFull) job.append();
        job.push(step);
      }
      job.end();
      job.append();
      writer.commit();
    } catch (error) {
      writer.rollback();
      throw error;
    }
  });
}
