/**
 * The answers of /imp: JSON, or QuestDB's table for people.
 *
 * @module
 */
import { fixedSize, isVariableSize, partitionByName, typeName } from "../../common/mod.ts";
import type { ImportResult } from "./import_job.ts";

const TABLE_WIDTH = 113;
const LABEL_WIDTH = 15;
const VALUE_WIDTH = 50;
const TYPE_WIDTH = 25;
const COUNT_WIDTH = 12;

/** The answer with `fmt=json`. */
export function importJson(result: ImportResult): Record<string, unknown> {
  return {
    status: "OK",
    location: result.location,
    rowsRejected: result.rowsRejected,
    rowsImported: result.rowsImported,
    header: result.hasHeader,
    partitionBy: partitionByName(result.partitionBy),
    ...(result.timestamp === null ? {} : { timestamp: result.timestamp }),
    ...(result.warnings.length === 0 ? {} : { warnings: result.warnings }),
    columns: result.columns.map(({ name, type, errors }) => ({
      name,
      type: typeName(type),
      size: isVariableSize(type) ? 0 : fixedSize(type),
      errors,
    })),
  };
}

/** The answer without it. */
export function importTable(result: ImportResult): string {
  const rule = `+${"-".repeat(TABLE_WIDTH)}+`;
  const fact = (label: string, value: string) =>
    `|${label.padStart(LABEL_WIDTH)}  |${value.padStart(VALUE_WIDTH)}  |                 |` +
    "         |              |";
  const lines = [
    rule,
    `|${"Location:".padStart(LABEL_WIDTH)}  |${result.location.padStart(VALUE_WIDTH)}  |` +
    "        Pattern  | Locale  |      Errors  |",
    fact("Partition by", partitionByName(result.partitionBy)),
    fact("Timestamp", result.timestamp ?? "NONE"),
    ...result.warnings.map((warning) => fact("Warnings", warning)),
    rule,
    fact("Rows handled", String(result.rowsImported + result.rowsRejected)),
    fact("Rows imported", String(result.rowsImported)),
    rule,
    ...result.columns.map(({ name, type, errors }, index) =>
      `|${String(index).padStart(LABEL_WIDTH)}  |${name.padStart(VALUE_WIDTH)}  |` +
      `${typeName(type).padStart(TYPE_WIDTH)}  |${String(errors).padStart(COUNT_WIDTH)}  |`
    ),
    rule,
  ];
  return lines.map((text) => `${text}\r\n`).join("");
}
