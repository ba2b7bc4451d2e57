/**
 * What an /imp request asks for: its parameters and its `schema` part.
 *
 * @module
 */
import {
  ColumnType,
  isTimestamp,
  PartitionBy,
  partitionByFromName,
  QuestError,
  typeTag,
} from "../../common/mod.ts";
import type { EngineConfig } from "../../engine/mod.ts";
import { resolveTypeName } from "../../sql/mod.ts";
import { TimestampPattern } from "./timestamp_pattern.ts";

const ASCII_END = 128;

/** What happens to a row with a value that cannot be read. */
export type Atomicity = "skipCol" | "skipRow" | "abort";

/** A column of the `schema` part. */
export interface SchemaEntry {
  readonly name: string;
  readonly type: number;
  readonly pattern: TimestampPattern | null;
  /** A new SYMBOL column gets an index. */
  readonly isIndexed: boolean;
}

/** What a request asks for. */
export interface ImportOptions {
  readonly tableName: string;
  readonly overwrite: boolean;
  readonly create: boolean;
  /** Designated timestamp, `null` if not said. */
  readonly timestamp: string | null;
  /** A `PartitionBy` code, `null` if not said. */
  readonly partitionBy: number | null;
  readonly atomicity: Atomicity;
  readonly delimiter: string | null;
  readonly forceHeader: boolean;
  /** Values beyond the columns are ignored; otherwise their row is. */
  readonly ignoresExtraValues: boolean;
  readonly maxUncommittedRows: number;
  readonly o3MaxLagMicros: bigint;
  readonly schema: readonly SchemaEntry[];
}

/** Settings of new tables that a request does not mention. */
export type ImportDefaults = Pick<EngineConfig, "maxUncommittedRows" | "o3MaxLagMicros">;

/** What the options are read from. */
export interface ImportSource {
  readonly parameters: URLSearchParams;
  /** File name of the data part, `null` if it has none: names the table if no parameter does. */
  readonly fileName: string | null;
  readonly schema: readonly SchemaEntry[];
  readonly defaults: ImportDefaults;
}

/** Reads a request's parameters. @throws {QuestError} with the text for the answer's status. */
export function readImportOptions(source: ImportSource): ImportOptions {
  const { parameters, fileName, schema, defaults } = source;
  const tableName = parameters.get("name") ?? fileName;
  if (tableName === null) throw new QuestError("no file name given");
  const isTrue = (name: string) => parameters.get(name)?.toLowerCase() === "true";
  const unit = parameters.get("partitionBy");
  const partitionBy = unit === null ? null : partitionByFromName(unit);
  if (partitionBy === undefined) throw new QuestError("invalid partitionBy");
  const timestamp = parameters.get("timestamp") || null;
  if (partitionBy !== null && partitionBy !== PartitionBy.NONE && timestamp === null) {
    throw new QuestError("when specifying partitionBy you must also specify timestamp");
  }
  return {
    tableName,
    overwrite: isTrue("overwrite"),
    create: parameters.get("create")?.toLowerCase() !== "false",
    timestamp,
    partitionBy,
    atomicity: atomicityOf(parameters.get("atomicity")),
    delimiter: delimiterOf(parameters.get("delimiter")),
    forceHeader: isTrue("forceHeader"),
    ignoresExtraValues: isTrue("skipLev"),
    maxUncommittedRows: rowsOf(parameters.get("maxUncommittedRows"), defaults.maxUncommittedRows),
    o3MaxLagMicros: microsOf(parameters.get("o3MaxLag"), defaults.o3MaxLagMicros),
    schema,
  };
}

/** Text that is none of the three means `skipCol`, as in QuestDB. */
function atomicityOf(text: string | null): Atomicity {
  const name = text?.toLowerCase();
  if (name === "skiprow") return "skipRow";
  return name === "abort" ? "abort" : "skipCol";
}

/** One ASCII character; anything else means that the delimiter is to be found. */
function delimiterOf(text: string | null): string | null {
  if (text?.length !== 1 || text.charCodeAt(0) >= ASCII_END) return null;
  return text === '"' || text === "\n" || text === "\r" ? null : text;
}

function rowsOf(text: string | null, fallback: number): number {
  if (text === null) return fallback;
  const rows = /^-?\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(Math.abs(rows) <= 0x7fffffff)) {
    throw new QuestError("invalid maxUncommittedRows, must be an int");
  }
  return rows > 0 ? rows : fallback;
}

function microsOf(text: string | null, fallback: bigint): bigint {
  if (text === null) return fallback;
  if (!/^-?\d{1,18}$/.test(text)) {
    throw new QuestError("invalid o3MaxLag value, must be a long");
  }
  const micros = BigInt(text);
  return micros >= 0n ? micros : fallback;
}

/** Reads the `schema` part: a JSON array of objects with `name`, `type` and, for times, `pattern`. */
export function parseSchema(text: string): SchemaEntry[] {
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch (error) {
    throw new QuestError("Unexpected symbol", {}, { cause: error });
  }
  if (!Array.isArray(entries)) throw new QuestError("Unexpected object");
  return entries.map(parseEntry);
}

function parseEntry(entry: unknown): SchemaEntry {
  if (typeof entry !== "object" || entry === null) {
    throw new QuestError("Must be an object");
  }
  const { name, type: typeText, pattern, index } = entry as Record<string, unknown>;
  if (typeof name !== "string") throw new QuestError("Missing 'name' property");
  if (typeof typeText !== "string") throw new QuestError("Missing 'type' property");
  const resolved = resolveTypeName(typeText.replaceAll(" ", ""));
  if (resolved.error !== null) throw new QuestError("Invalid type");
  const { type } = resolved;
  const hasPattern = typeof pattern === "string";
  const isTime = typeTag(type) === ColumnType.DATE || isTimestamp(type);
  if (isTime && !hasPattern) {
    const kind = isTimestamp(type) ? "TIMESTAMP" : "DATE";
    throw new QuestError(`${kind} format pattern is required`);
  }
  const isIndexed = typeTag(type) === ColumnType.SYMBOL && String(index) === "true";
  return {
    name,
    type,
    pattern: isTime ? new TimestampPattern(pattern as string) : null,
    isIndexed,
  };
}
