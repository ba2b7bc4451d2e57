/**
 * Date patterns (`yyyy-MM-dd HH:mm:ss.SSSUUU`): parsing and formatting, in UTC.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";

const TOKEN =
  /yyyy|yyy|yy|y|MMMM|MMM|MM|M|dd|d|HH|H|hh|h|KK|K|kk|k|mm|m|ss|s|SSS|S|UUU|U|NNN|N|EE|E|DD|D|ww|w|a|u|z|Z|G|'[^']*'|[^a-zA-Z]|[a-zA-Z]/g;
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** A date pattern cut into tokens. */
export interface DatePattern {
  readonly tokens: readonly string[];
}

/** Cuts a pattern into tokens. */
export function compileDatePattern(pattern: string): DatePattern {
  return { tokens: pattern.match(TOKEN) ?? [] };
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

function splitMicros(micros: bigint): { date: Date; micro: number } {
  let micro = Number(micros % 1000n);
  let millis = Number(micros / 1000n);
  if (micro < 0) {
    micro += 1000;
    millis -= 1;
  }
  return { date: new Date(millis), micro };
}

/** Formats microseconds since the epoch. */
export function formatWithPattern(pattern: DatePattern, micros: bigint): string {
  const { date, micro } = splitMicros(micros);
  return pattern.tokens.map((token) => formatToken(token, date, micro)).join("");
}

function formatToken(token: string, date: Date, micro: number): string {
  const year = date.getUTCFullYear(), hour = date.getUTCHours();
  const width = token.length;
  switch (token[0]) {
    case "y":
      return width === 2 ? pad(year % 100, 2) : width === 1 ? String(year) : pad(year, width);
    case "M":
      return width >= 3
        ? width === 4 ? MONTHS[date.getUTCMonth()] : MONTHS[date.getUTCMonth()].slice(0, 3)
        : pad(date.getUTCMonth() + 1, width);
    case "d":
      return pad(date.getUTCDate(), width);
    case "H":
      return pad(hour, width);
    case "h":
      return pad(hour % 12 === 0 ? 12 : hour % 12, width);
    case "K":
      return pad(hour % 12, width);
    case "k":
      return pad(hour === 0 ? 24 : hour, width);
    case "m":
      return pad(date.getUTCMinutes(), width);
    case "s":
      return pad(date.getUTCSeconds(), width);
    case "S":
      return pad(date.getUTCMilliseconds(), width);
    case "U":
      return pad(micro, width);
    case "N":
      return pad(0, width);
    case "E":
      return width === 1 ? WEEKDAYS[date.getUTCDay()].slice(0, 3) : WEEKDAYS[date.getUTCDay()];
    case "D":
      return pad(Math.floor((date.getTime() - Date.UTC(year, 0, 1)) / 86_400_000) + 1, width);
    case "a":
      return hour < 12 ? "AM" : "PM";
    case "u":
      return String(date.getUTCDay() === 0 ? 7 : date.getUTCDay());
    case "z":
    case "Z":
      return "Z";
    case "G":
      return year > 0 ? "AD" : "BC";
    case "'":
      return token.slice(1, -1);
    default:
      return token;
  }
}

interface Fields {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  millis: number;
  micros: number;
  offsetMinutes: number;
  isAfternoon: boolean | null;
}

/** Parses a text by a pattern; `null` if it does not fit. The whole text must be used. */
export function parseWithPattern(pattern: DatePattern, text: string): bigint | null {
  const fields: Fields = {
    year: 1970,
    month: 1,
    day: 1,
    hour: 0,
    minute: 0,
    second: 0,
    millis: 0,
    micros: 0,
    offsetMinutes: 0,
    isAfternoon: null,
  };
  let at = 0;
  for (const token of pattern.tokens) {
    const used = parseToken(token, text.slice(at), fields);
    if (used < 0) return null;
    at += used;
  }
  return at === text.length ? assemble(fields) : null;
}

/** Digits a token takes: fixed for repeated letters, greedy for a single one. */
function takeNumber(token: string, rest: string): { value: number; used: number } | null {
  const match = (token.length === 1 ? /^\d+/ : new RegExp(`^\\d{${token.length}}`)).exec(rest);
  return match === null ? null : { value: Number(match[0]), used: match[0].length };
}

const NUMBER_FIELDS: Readonly<Record<string, keyof Fields>> = {
  y: "year",
  M: "month",
  d: "day",
  H: "hour",
  h: "hour",
  K: "hour",
  k: "hour",
  m: "minute",
  s: "second",
  S: "millis",
  U: "micros",
};

function parseToken(token: string, rest: string, fields: Fields): number {
  const letter = token[0];
  if (token.startsWith("MMM")) return parseMonthName(rest, fields);
  if (letter === "E") return parseName(rest, WEEKDAYS)?.used ?? -1;
  if (letter === "a") {
    const match = /^[ap]m/i.exec(rest);
    if (match === null) return -1;
    fields.isAfternoon = match[0].toLowerCase() === "pm";
    return 2;
  }
  if (letter === "z" || letter === "Z") return parseZone(rest, fields);
  const field = NUMBER_FIELDS[letter];
  if (field === undefined || !/[a-zA-Z]/.test(letter)) {
    const literal = letter === "'" ? token.slice(1, -1) : token;
    return rest.startsWith(literal) ? literal.length : -1;
  }
  const taken = takeNumber(token, rest);
  if (taken === null) return -1;
  const value = token === "yy" ? 2000 + taken.value : taken.value;
  Object.assign(fields, { [field]: value });
  return taken.used;
}

function parseName(rest: string, names: readonly string[]): { index: number; used: number } | null {
  for (const length of [Infinity, 3]) {
    const index = names.findIndex((name) =>
      rest.toLowerCase().startsWith(name.slice(0, length).toLowerCase())
    );
    if (index >= 0) return { index, used: Math.min(names[index].length, length) };
  }
  return null;
}

function parseMonthName(rest: string, fields: Fields): number {
  const found = parseName(rest, MONTHS);
  if (found === null) return -1;
  fields.month = found.index + 1;
  return found.used;
}

function parseZone(rest: string, fields: Fields): number {
  const match = /^(?:Z|UTC|GMT|([+-])(\d{2}):?(\d{2})?)/i.exec(rest);
  if (match === null) return -1;
  const [all, sign, hours, minutes = "0"] = match;
  if (sign !== undefined) {
    fields.offsetMinutes = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  }
  return all.length;
}

function assemble(fields: Fields): bigint | null {
  let { hour } = fields;
  if (fields.isAfternoon !== null) hour = hour % 12 + (fields.isAfternoon ? 12 : 0);
  const date = new Date(0);
  date.setUTCFullYear(fields.year, fields.month - 1, fields.day);
  const isReal = fields.month >= 1 && fields.month <= 12 &&
    date.getUTCMonth() === fields.month - 1 && hour <= 23 && fields.minute <= 59 &&
    fields.second <= 59;
  if (!isReal) return null;
  date.setUTCHours(hour, fields.minute - fields.offsetMinutes, fields.second, fields.millis);
  return BigInt(date.getTime()) * 1000n + BigInt(fields.micros);
}

/** A pattern that must be known at compile time. @throws {SqlError} otherwise. */
export function requirePattern(value: unknown, position: number): DatePattern {
  if (typeof value !== "string") throw new SqlError(position, "pattern is required");
  return compileDatePattern(value);
}
