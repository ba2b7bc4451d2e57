/**
 * Looks at the beginning of a CSV document: delimiter, header, column types; the way QuestDB does, so that the same file
 * becomes the same table.
 *
 * A column's type is the first of {@linkcode PROBES} that all its values match, empty ones aside. If that makes every column a
 * text, the first line is left out and the columns are tried again: if one of them is no text then, the first line is a header.
 *
 * @module
 */
import { QuestError } from "../../common/mod.ts";
import { detectDelimiter } from "./csv_delimiter.ts";
import { type CsvLine, CsvLineReader, fieldText } from "./csv_lines.ts";
import { type Probe, PROBES, TEXT_PROBE } from "./csv_probes.ts";

/** Lines that the delimiter is found by: `http.text.analysis.max.lines`. */
export const DELIMITER_LINES = 1000;
/** Lines that types are found by; QuestDB looks at one more. */
export const SAMPLE_LINES = DELIMITER_LINES + 1;
/** Bytes that are looked at. */
export const SAMPLE_BYTES = 262_144;

/** What the sample tells. */
export interface CsvShape {
  /** Code of the delimiter. */
  readonly delimiter: number;
  readonly hasHeader: boolean;
  /** Names from the header, or `f0`, `f1`, … */
  readonly names: readonly string[];
  /** What the values of each column are. */
  readonly probes: readonly Probe[];
}

/** How to look. */
export interface SampleOptions {
  /** Name of the table, for messages. */
  readonly tableName: string;
  /** `null`: find it. */
  readonly delimiter: string | null;
  /** The first line is a header whatever it looks like. */
  readonly forceHeader: boolean;
  /** Name of the designated timestamp, `null` if not said: a first line that has it is a header. */
  readonly timestamp: string | null;
  /** The sample is the whole document. */
  readonly isWhole: boolean;
}

/** Looks at a sample. @throws {QuestError} if there is nothing to import, or the lines do not look like CSV. */
export function detectShape(sample: Uint8Array, options: SampleOptions): CsvShape {
  const delimiter = options.delimiter?.charCodeAt(0) ?? detectDelimiter(sample, DELIMITER_LINES);
  const lines = readLines(sample, { delimiter, isWhole: options.isWhole });
  if (lines.length < 2) throw new QuestError("not enough lines", { table: options.tableName });
  const wanted = options.timestamp?.toLowerCase();
  const isHeader = options.forceHeader ||
    lines[0].some((text) => columnName(text).toLowerCase() === wanted);
  const { probes, hasHeader } = isHeader
    ? { probes: probesOf(lines.slice(1), lines[0].length), hasHeader: true }
    : guessHeader(lines);
  const names = columnNames(hasHeader ? lines[0] : lines[0].map(() => ""));
  return { delimiter, hasHeader, names, probes };
}

function readLines(
  sample: Uint8Array,
  options: { readonly delimiter: number; readonly isWhole: boolean },
): string[][] {
  const lines: string[][] = [];
  const reader = new CsvLineReader(options.delimiter);
  const collect = (line: CsvLine) => {
    if (lines.length >= SAMPLE_LINES || line.isBroken) return;
    lines.push(Array.from({ length: line.fieldCount }, (_, field) => fieldText(line, field)));
  };
  reader.push(sample, collect);
  if (options.isWhole) reader.finish(collect);
  return lines;
}

/** How many values of a column match each probe; QuestDB counts the first line, too. */
interface Histogram {
  readonly matches: readonly number[];
  readonly blanks: number;
}

function histogramOf(lines: readonly string[][], column: number): Histogram {
  const matches = PROBES.map(() => 0);
  let blanks = 0;
  for (const line of lines) {
    const text = line[column] ?? "";
    if (text === "") blanks++;
    else for (const [index, probe] of PROBES.entries()) if (probe.matches(text)) matches[index]++;
  }
  return { matches, blanks };
}

function chosenProbe({ matches, blanks }: Histogram, lineCount: number): Probe | null {
  if (blanks >= lineCount) return null;
  return PROBES.find((_, index) => matches[index] + blanks === lineCount) ?? null;
}

function probesOf(lines: readonly string[][], columnCount: number): Probe[] {
  return Array.from(
    { length: columnCount },
    (_, column) => chosenProbe(histogramOf(lines, column), lines.length) ?? TEXT_PROBE,
  );
}

function guessHeader(lines: readonly string[][]): { probes: Probe[]; hasHeader: boolean } {
  const histograms = lines[0].map((_, column) => histogramOf(lines, column));
  const probes = histograms.map((histogram) => chosenProbe(histogram, lines.length) ?? TEXT_PROBE);
  if (!probes.every((probe) => probe.isText)) return { probes, hasHeader: false };
  const rest = histograms.map((histogram, column) =>
    chosenProbe(histogram, lines.length - 1) ?? probes[column]
  );
  return { probes: rest, hasHeader: !rest.every((probe) => probe.isText) };
}

/** Characters that a column name cannot have, and a byte order mark: dropped, and the next character is made upper case. */
const DROPPED = new Set([..." ?.,'\"\\/\0:)(+-*%~\ufeff"]);

/** @throws {QuestError} if two columns have the same name. */
function columnNames(header: readonly string[]): string[] {
  const names: string[] = [], seen = new Set<string>();
  for (const [index, text] of header.entries()) {
    const name = columnName(text) || `f${index}`;
    if (seen.has(name.toLowerCase())) {
      throw new QuestError(`duplicate column name found [no=${index},name=${name}]`);
    }
    seen.add(name.toLowerCase());
    names.push(name);
  }
  return names;
}

/** A header's text as a column name: `my value` gives `myValue`, `1st` gives `_1st`. */
export function columnName(text: string): string {
  let name = "", isUpperNext = false;
  for (const char of text) {
    if (DROPPED.has(char)) isUpperNext = true;
    else {
      if (name === "" && !/[\p{L}_]/u.test(char)) name = "_";
      name += isUpperNext ? char.toUpperCase() : char;
      isUpperNext = false;
    }
  }
  return name;
}
