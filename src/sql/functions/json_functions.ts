/**
 * `json_extract(text, path)`: a value out of a JSON document, as VARCHAR.
 *
 * Invariants:
 * 1. Documents and paths are untrusted: whatever does not parse gives NULL.
 *
 * @module
 */
import { ColumnType } from "../../common/mod.ts";
import { type Overload, TEXT } from "./overloads.ts";
import { strictRowExpression } from "./row_function.ts";

const { VARCHAR } = ColumnType;
/** Longer documents are not looked at: 16 MiB of characters. */
const DOCUMENT_CHARS_MAX = 16_777_216;
/** Steps of a path at most. */
const PATH_STEPS_MAX = 128;

/** A number with the digits it was written with. */
class SourceNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/** Parses `$.a.b[1]`, where `$` may be missing; `null` if it is no path. */
function parsePath(path: string): (string | number)[] | null {
  const rest = path.startsWith("$") ? path.slice(1) : path;
  const steps: (string | number)[] = [];
  const pattern = /\.([^.[\]]+)|\[(\d{1,9})\]/y;
  while (pattern.lastIndex < rest.length) {
    const match = pattern.exec(rest);
    if (match === null || steps.length === PATH_STEPS_MAX) return null;
    steps.push(match[1] ?? Number(match[2]));
  }
  return steps;
}

function parseDocument(text: string): unknown {
  if (text.length > DOCUMENT_CHARS_MAX) return undefined;
  try {
    return JSON.parse(
      text,
      (_key, value, context?: { source?: string }) =>
        typeof value === "number" ? new SourceNumber(context?.source ?? String(value)) : value,
    );
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function textOf(value: unknown): string {
  if (value instanceof SourceNumber) return value.source;
  if (typeof value === "string") return value;
  if (value === null) return "";
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(",")}]`;
  if (typeof value === "object") return jsonOf(value);
  return String(value);
}

function jsonOf(value: unknown): string {
  if (value instanceof SourceNumber) return value.source;
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, member]) =>
    `${JSON.stringify(name)}:${jsonOf(member)}`
  );
  return `{${members.join(",")}}`;
}

/** Extracts a value; `null` if the document, the path or the place is none. */
export function jsonExtract(text: string, path: string): string | null {
  const steps = parsePath(path);
  let value = steps === null ? undefined : parseDocument(text);
  for (const step of steps ?? []) {
    if (typeof value !== "object" || value === null || value instanceof SourceNumber) return null;
    const isElement = typeof step === "number";
    if (isElement !== Array.isArray(value)) return null;
    value = Object.hasOwn(value, step)
      ? (value as Record<string | number, unknown>)[step]
      : undefined;
  }
  return value === undefined ? null : textOf(value);
}

/** Functions over JSON by name. */
export const JSON_FUNCTIONS: Readonly<Record<string, readonly Overload[]>> = {
  json_extract: [{
    parameters: [TEXT, TEXT],
    compile: (args, site) =>
      strictRowExpression(
        site,
        { type: VARCHAR, args },
        (text, path) => jsonExtract(String(text), String(path)),
      ),
  }],
};
