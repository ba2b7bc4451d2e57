/**
 * Timestamps in a format that a pattern describes, as in `dd/MM/yyyy HH:mm:ss.SSSUUU`.
 *
 * Letters: `y` (year, all digits), `yy`, `yyyy`; `M`, `MM`, `MMM` (English name, any length); `d`, `dd`; `H`, `HH` (0–23);
 * `h`, `hh`, `K`, `KK` with `a` (AM, PM); `m`, `mm`; `s`, `ss`; `S`, `SSS` (milliseconds); `U`, `UUU` (microseconds behind the
 * milliseconds); `N`, `NNN` (nanoseconds, dropped); `E` (weekday name, skipped); `z`, `Z` (zone: `Z`, `UTC`, `GMT`, `±hh`,
 * `±hhmm`, `±hh:mm`). One letter takes all digits there are, more letters take as many digits. Other characters, and those
 * between single quotes, stand for themselves.
 *
 * @module
 */
import { QuestError } from "../../common/mod.ts";

/** Longest pattern. */
const PATTERN_CHARS_MAX = 200;
const DIGITS_MAX = 15;
const ZERO = 48;
const SECONDS_PER_DAY = 86_400;
const MICROS_PER_SECOND = 1_000_000;
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const LETTERS = "yMdHhKmsSUNEzZa";
/** Years whose microseconds a double holds exactly; the pattern refuses others. */
const YEAR_MIN = 1685;
const YEAR_MAX = 2254;

interface Item {
  /** A letter of {@linkcode LETTERS}, or `=` for text. */
  readonly letter: string;
  readonly width: number;
  readonly text: string;
}

interface Fields {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  micros: number;
  offsetMinutes: number;
  /** −1 none, 0 AM, 1 PM. */
  half: number;
}

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) +
    dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** Tells whether there is such a day. */
export function isDate(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return day <= MONTH_DAYS[month - 1] + (month === 2 && isLeap ? 1 : 0);
}

/** A compiled pattern. */
export class TimestampPattern {
  readonly #items: readonly Item[];

  /** @throws {QuestError} if the pattern is empty, too long, or has an unknown letter. */
  constructor(pattern: string) {
    if (pattern === "" || pattern.length > PATTERN_CHARS_MAX) {
      throw new QuestError("invalid timestamp pattern", { pattern: pattern.slice(0, 50) });
    }
    this.#items = compile(pattern);
  }

  /** Returns microseconds since the epoch, NaN if the bytes do not follow the pattern. */
  parse(bytes: Uint8Array, start: number, end: number): number {
    const fields: Fields = {
      year: 1970,
      month: 1,
      day: 1,
      hour: 0,
      minute: 0,
      second: 0,
      micros: 0,
      offsetMinutes: 0,
      half: -1,
    };
    let at = start;
    for (const item of this.#items) {
      at = readItem(item, { bytes, at, end }, fields);
      if (at < 0) return NaN;
    }
    return at === end ? microsOf(fields) : NaN;
  }
}

function compile(pattern: string): Item[] {
  const items: Item[] = [];
  for (let at = 0; at < pattern.length;) {
    const letter = pattern[at];
    if (letter === "'") {
      const close = pattern.indexOf("'", at + 1);
      const end = close < 0 ? pattern.length : close;
      items.push({ letter: "=", width: end - at - 1, text: pattern.slice(at + 1, end) });
      at = end + 1;
    } else if (LETTERS.includes(letter)) {
      let end = at + 1;
      while (end < pattern.length && pattern[end] === letter && end - at < 9) end++;
      items.push({ letter, width: end - at, text: "" });
      at = end;
    } else {
      items.push({ letter: "=", width: 1, text: letter });
      at++;
    }
  }
  return items;
}

interface Position {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly end: number;
}

/** Reads one item into the fields; returns the position behind it, −1 if it is not there. */
function readItem(item: Item, from: Position, fields: Fields): number {
  switch (item.letter) {
    case "=":
      return readText(item.text, from);
    case "E":
      return skipLetters(from);
    case "a":
      return readHalf(from, fields);
    case "z":
    case "Z":
      return readZone(from, fields);
    case "M":
      if (item.width > 2) return readMonthName(from, fields);
  }
  const end = numberEnd(item, from);
  if (end < 0) return -1;
  let value = 0;
  for (let at = from.at; at < end; at++) value = value * 10 + from.bytes[at] - ZERO;
  put(item, value, fields);
  return end;
}

/** One letter takes all digits there are, `yyyy` too if there are four or more; more letters take as many. */
function numberEnd(item: Item, { bytes, at, end }: Position): number {
  let digits = 0;
  const limit = item.width === 1 ? DIGITS_MAX : item.width;
  while (digits < limit && at + digits < end && isDigit(bytes[at + digits])) digits++;
  return digits === 0 || (item.width > 1 && digits < item.width) ? -1 : at + digits;
}

function put({ letter, width }: Item, value: number, fields: Fields): void {
  if (letter === "y") fields.year = width <= 2 && value < 100 ? 2000 + value : value;
  else if (letter === "M") fields.month = value;
  else if (letter === "d") fields.day = value;
  else if (letter === "H" || letter === "h" || letter === "K") fields.hour = value;
  else if (letter === "m") fields.minute = value;
  else if (letter === "s") fields.second = value;
  else if (letter === "S") fields.micros += value * 1000;
  else if (letter === "U") fields.micros += value;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}

function readText(text: string, { bytes, at, end }: Position): number {
  for (let i = 0; i < text.length; i++) {
    if (at + i >= end || bytes[at + i] !== text.charCodeAt(i)) return -1;
  }
  return at + text.length;
}

function letterAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(bytes[at]).toLowerCase();
}

function skipLetters({ bytes, at, end }: Position): number {
  let next = at;
  while (next < end && /[a-z]/.test(letterAt(bytes, next))) next++;
  return next === at ? -1 : next;
}

function readHalf({ bytes, at, end }: Position, fields: Fields): number {
  if (at + 2 > end || letterAt(bytes, at + 1) !== "m") return -1;
  const letter = letterAt(bytes, at);
  if (letter !== "a" && letter !== "p") return -1;
  fields.half = letter === "p" ? 1 : 0;
  return at + 2;
}

function readMonthName(from: Position, fields: Fields): number {
  const { bytes, at } = from;
  const end = skipLetters(from);
  if (end - at < 3) return -1;
  const name = letterAt(bytes, at) + letterAt(bytes, at + 1) + letterAt(bytes, at + 2);
  fields.month = MONTHS.indexOf(name) + 1;
  return fields.month === 0 ? -1 : end;
}

function readZone({ bytes, at, end }: Position, fields: Fields): number {
  const text = String.fromCharCode(...bytes.subarray(at, Math.min(end, at + 6)));
  const name = /^(UTC|GMT|Z)/i.exec(text);
  if (name !== null) return at + name[0].length;
  const match = /^([+-])(\d{2})(?::?(\d{2}))?/.exec(text);
  if (match === null) return -1;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  fields.offsetMinutes = match[1] === "-" ? -minutes : minutes;
  return at + match[0].length;
}

function microsOf(fields: Fields): number {
  const { year, month, day, minute, second } = fields;
  const hour = fields.half < 0 ? fields.hour : (fields.hour % 12) + 12 * fields.half;
  const isTime = hour < 24 && minute < 60 && second < 60 && fields.micros < MICROS_PER_SECOND &&
    (fields.half < 0 || (fields.hour >= 1 && fields.hour <= 12));
  if (!isTime || year < YEAR_MIN || year > YEAR_MAX || !isDate(year, month, day)) return NaN;
  const seconds = daysFromCivil(year, month, day) * SECONDS_PER_DAY + hour * 3600 +
    (minute - fields.offsetMinutes) * 60 + second;
  return seconds * MICROS_PER_SECOND + fields.micros;
}
