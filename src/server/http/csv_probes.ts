/**
 * What a text in a CSV file may be: QuestDB's probes in its order, and the column type that each becomes.
 *
 * @module
 */
import { ColumnType, decimalType, parseTimestampMicros } from "../../common/mod.ts";
import { TimestampPattern } from "./timestamp_pattern.ts";

/** One kind of value. */
export interface Probe {
  /** Column type that it becomes. */
  readonly type: number;
  /** How values are written; `null` if the type's own format is meant. */
  readonly pattern: TimestampPattern | null;
  /** A text of one letter or more: tells nothing about whether the line above is a header. */
  readonly isText: boolean;
  matches(text: string): boolean;
}

/** What QuestDB makes of `1.5m`. */
const DECIMAL_TYPE = decimalType(18, 3);
const INT_MIN = -0x80000000n, INT_MAX = 0x7fffffffn;
const LONG_MIN = -0x8000000000000000n, LONG_MAX = 0x7fffffffffffffffn;
/** Longer texts are no number of these types. */
const NUMBER_CHARS_MAX = 400;

function probe(
  type: number,
  rule:
    | ((text: string) => boolean)
    | Pick<Probe, "matches" | "isText">
    | Pick<Probe, "matches" | "pattern">,
): Probe {
  const rules = typeof rule === "function" ? { matches: rule } : rule;
  return { type, pattern: null, isText: false, ...rules };
}

function matching(pattern: RegExp): (text: string) => boolean {
  return (text) => text.length <= NUMBER_CHARS_MAX && pattern.test(text);
}

/** `007` is a code, not a number. */
function hasLeadingZero(text: string): boolean {
  return text.length > 2 && text[0] === "0" && text[1] !== ".";
}

function isInteger(text: string, range: { min: bigint; max: bigint; suffix: boolean }): boolean {
  const match = /^([+-]?\d+(?:_\d+)*)([lL]?)$/.exec(text.slice(0, NUMBER_CHARS_MAX));
  if (match === null || hasLeadingZero(text) || (match[2] !== "" && !range.suffix)) return false;
  const value = BigInt(match[1].replaceAll("_", "").replace("+", ""));
  return value >= range.min && value <= range.max;
}

function isDouble(source: string): boolean {
  if (source.length > NUMBER_CHARS_MAX || hasLeadingZero(source)) return false;
  const text = source.trim();
  if (/^[+-]?(NaN|Infinity)$/.test(text)) return true;
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)[df]?$/i.exec(text);
  if (match === null) return false;
  const value = Number(match[1]);
  const isUnderflow = value === 0 && /[1-9]/.test(match[1].split(/e/i)[0]);
  return Number.isFinite(value) && !isUnderflow;
}

/** QuestDB's reading of IPv4: four parts, one whole number, or `null`. */
function isIpv4(text: string): boolean {
  if (/^null$/i.test(text)) return true;
  if (/^\d{1,10}$/.test(text)) return Number(text) <= 0xffffffff;
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) &&
    text.split(".").every((part) => Number(part) < 256);
}

function isIso(pattern: RegExp): (text: string) => boolean {
  return (text) =>
    text.length <= NUMBER_CHARS_MAX && pattern.test(text) &&
    parseTimestampMicros(text.replace(/z$/, "Z")) !== null;
}

function dated(text: string): Probe {
  const pattern = new TimestampPattern(text);
  const bytes = (value: string) => new TextEncoder().encode(value);
  const matches = (value: string) => {
    const encoded = bytes(value);
    return !Number.isNaN(pattern.parse(encoded, 0, encoded.length));
  };
  return probe(ColumnType.DATE, { matches, pattern });
}

const ZONE = "(?:Z|z|[+-]\\d{2}(?::?\\d{2})?)";
const SECONDS = "\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}";

/** The probe of a column without any value, or with values of no common kind. */
export const TEXT_PROBE: Probe = probe(ColumnType.VARCHAR, {
  matches: () => true,
  isText: true,
});

/** Tried in this order; a column takes the first one that all of its values match. */
export const PROBES: readonly Probe[] = [
  probe(ColumnType.CHAR, { matches: matching(/^[A-Za-z]$/), isText: true }),
  probe(
    ColumnType.INT,
    (text) => isInteger(text, { min: INT_MIN, max: INT_MAX, suffix: false }),
  ),
  probe(
    ColumnType.LONG,
    (text) => isInteger(text, { min: LONG_MIN, max: LONG_MAX, suffix: true }),
  ),
  probe(ColumnType.DOUBLE, isDouble),
  probe(ColumnType.BOOLEAN, matching(/^(true|false)$/i)),
  probe(ColumnType.DATE, isIso(new RegExp(`^${SECONDS}\\.\\d{3}${ZONE}$`))),
  dated("yyyy-MM-dd HH:mm:ss"),
  dated("yyyy-MM-dd"),
  dated("dd/MM/yyyy"),
  dated("MM/dd/yyyy"),
  probe(ColumnType.TIMESTAMP, isIso(new RegExp(`^${SECONDS}\\.\\d{1,6}${ZONE}?$`))),
  probe(ColumnType.TIMESTAMP_NS, isIso(new RegExp(`^${SECONDS}\\.\\d{7,9}${ZONE}?$`))),
  probe(ColumnType.LONG256, matching(/^0x(?:[0-9a-f]{2}){1,32}$/i)),
  probe(ColumnType.UUID, matching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)),
  probe(ColumnType.IPV4, isIpv4),
  probe(DECIMAL_TYPE, matching(/^[+-]?\d+(\.\d+)?m$/i)),
];
