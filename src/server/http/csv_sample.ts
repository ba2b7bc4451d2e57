/**
 * Looks at the beginning of a CSV document: delimiter, header, column types.
 *
 * Types are tried from narrow to wide: BOOLEAN, INT, LONG, DOUBLE, TIMESTAMP, VARCHAR. A column takes the first type that every
 * non-empty sampled value has. QuestDB also detects CHAR, DATE, UUID, IPv4 and others, which come here as VARCHAR or TIMESTAMP.
 *
 * @module
 */
import { ColumnType, QuestError } from "../../common/mod.ts";
import { type CsvLine, CsvLineReader, fieldText } from "./csv_lines.ts";
import { parseBoolean, parseDouble, parseLong, parseTimestamp } from "./field_values.ts";

/** Lines that are looked at, as `http.text.analysis.max.lines`. */
export const SAMPLE_LINES = 1000;
/** Bytes that are looked at. */
export const SAMPLE_BYTES = 262_144;

const DELIMITERS = [",", "\t", ";", "|"];

/** What the sample tells. */
export interface CsvShape {
  readonly delimiter: number;
  readonly hasHeader: boolean;
  /** Names from the header, or `f0`, `f1`, … */
  readonly names: readonly string[];
  /** Detected column types. */
  readonly types: readonly number[];
}

/** Looks at a sample. @throws {QuestError} if there is nothing to import. */
export function detectShape(
  sample: Uint8Array,
  options: { readonly delimiter: string | null; readonly forceHeader: boolean },
): CsvShape {
  const delimiter = options.delimiter ?? detectDelimiter(sample);
  const lines = readLines(sample, delimiter.charCodeAt(0));
  if (lines.length === 0) throw new QuestError("not enough lines");
  const columnCount = lines[0].length;
  const typesOf = (rows: string[][]) =>
    Array.from(
      { length: columnCount },
      (_, column) => typeOf(rows.map((row) => row[column] ?? "")),
    );
  const rest = typesOf(lines.slice(1)), all = typesOf(lines);
  // A header is a line of plain texts above at least one column that is not.
  const looksLikeHeader = lines.length > 1 &&
    lines[0].every((text) => text !== "" && typeOf([text]) === ColumnType.VARCHAR) &&
    rest.some((type) => type !== ColumnType.VARCHAR);
  const hasHeader = options.forceHeader || looksLikeHeader;
  return {
    delimiter: delimiter.charCodeAt(0),
    hasHeader,
    names: lines[0].map((text, column) => hasHeader ? columnName(text, column) : `f${column}`),
    types: hasHeader ? rest : all,
  };
}

function columnName(text: string, column: number): string {
  // deno-lint-ignore no-control-regex -- exactly the characters that QuestDB does not allow in a column name
  const clean = text.trim().replace(/[?.,'"\\/:()+\-*%~\u0000-\u000f\u007f\ufeff]/g, "_");
  return clean === "" ? `f${column}` : clean;
}

function readLines(sample: Uint8Array, delimiter: number): string[][] {
  const lines: string[][] = [];
  const reader = new CsvLineReader(delimiter);
  const collect = (line: CsvLine) => {
    if (lines.length >= SAMPLE_LINES) return;
    lines.push(Array.from({ length: line.fieldCount }, (_, field) => fieldText(line, field)));
  };
  reader.push(sample, collect);
  if (sample.length < SAMPLE_BYTES) reader.finish(collect);
  return lines;
}

/** The delimiter that gives the most fields in the first line and the same number in the others, most of the time. */
function detectDelimiter(sample: Uint8Array): string {
  let best = ",", bestScore = 0;
  for (const delimiter of DELIMITERS) {
    const counts = readLines(sample, delimiter.charCodeAt(0)).slice(0, 100).map((line) =>
      line.length
    );
    if (counts.length === 0 || counts[0] < 2) continue;
    const score = counts[0] * counts.filter((count) => count === counts[0]).length / counts.length;
    if (score > bestScore) {
      best = delimiter;
      bestScore = score;
    }
  }
  return best;
}

const HALVES = { low: 0, high: 0 };
const ENCODER = new TextEncoder();

const CHECKS: readonly [number, (bytes: Uint8Array) => boolean][] = [
  [ColumnType.BOOLEAN, (bytes) => parseBoolean(bytes, 0, bytes.length) >= 0],
  [ColumnType.INT, (bytes) => isInt(bytes)],
  [ColumnType.LONG, (bytes) => parseLong(bytes, 0, bytes.length, HALVES)],
  [ColumnType.DOUBLE, (bytes) => !Number.isNaN(parseDouble(bytes, 0, bytes.length))],
  // A date alone, or a year, is more often something else.
  [
    ColumnType.TIMESTAMP,
    (bytes) => bytes.length >= 13 && parseTimestamp(bytes, 0, bytes.length, HALVES),
  ],
];

function isInt(bytes: Uint8Array): boolean {
  if (bytes.length > 11 || !parseLong(bytes, 0, bytes.length, HALVES)) return false;
  return Math.abs(HALVES.high * 4_294_967_296 + HALVES.low) <= 0x7fffffff;
}

/** The narrowest type of all non-empty values. */
function typeOf(values: readonly string[]): number {
  const present = values.filter((value) => value !== "").map((value) => ENCODER.encode(value));
  if (present.length === 0) return ColumnType.VARCHAR;
  return CHECKS.find(([, check]) => present.every(check))?.[0] ?? ColumnType.VARCHAR;
}
