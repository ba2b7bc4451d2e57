/**
 * Partition names of ALTER TABLE … PARTITION LIST.
 *
 * @module
 */
import { ColumnType, parseTimestampMicros, PartitionBy, SqlError } from "../../common/mod.ts";
import type { TableMetadata } from "../../storage/mod.ts";
import type { Name } from "../ast/mod.ts";

const HOUR_MICROS = 3_600_000_000n;
const DAY_MICROS = 24n * HOUR_MICROS;

/** What the name of a unit's partition starts with, and how QuestDB calls that. */
const FORMS: Readonly<Record<number, { start: RegExp; text: string }>> = {
  [PartitionBy.HOUR]: { start: /^\d{4}-\d\d-\d\dT\d\d/, text: "'yyyy-MM-ddTHH'" },
  [PartitionBy.DAY]: { start: /^\d{4}-\d\d-\d\d/, text: "'yyyy-MM-dd'" },
  [PartitionBy.WEEK]: {
    start: /^(?:\d{4}-W\d\d|\d{4}-\d\d-\d\d)/,
    text: "'YYYY-Www' or 'yyyy-MM-dd'",
  },
  [PartitionBy.MONTH]: { start: /^\d{4}-\d\d/, text: "'yyyy-MM'" },
  [PartitionBy.YEAR]: { start: /^\d{4}/, text: "'yyyy'" },
};
const WEEK_NAME = /^(\d{4})-W(\d\d)(?:-([1-7]))?(.*)$/;
/** Time of day as split partitions are named: `T12`, `T120000`, `T120000-000001`. */
const COMPACT_TIME = /^T(\d\d)(?:(\d\d)(\d\d)(?:-(\d{6}))?)?$/;

/**
 * Reads a partition's name: at least as much of a date as the unit needs, more is allowed.
 *
 * @returns A time in the partition, in the unit of the table's designated timestamp.
 * @throws {SqlError} in QuestDB's words.
 */
export function parsePartitionName(name: Name, metadata: TableMetadata): bigint {
  const form = FORMS[metadata.partitionBy];
  const micros = form !== undefined && form.start.test(name.text) ? parse(name.text) : null;
  if (micros === null) {
    throw new SqlError(name.position, `${form?.text} expected, found [ts=${name.text}]`);
  }
  const { type } = metadata.columns[metadata.timestampIndex];
  return type === ColumnType.TIMESTAMP_NS ? micros * 1000n : micros;
}

function parse(text: string): bigint | null {
  const week = WEEK_NAME.exec(text);
  if (week !== null) {
    const [year, number] = [Number(week[1]), Number(week[2])];
    const start = weekStart(year, number);
    if (number < 1 || start >= weekStart(year + 1, 1)) return null;
    const time = week[4] === "" ? 0n : parseTime(week[4]);
    return time === null ? null : start + time + BigInt(Number(week[3] ?? 1) - 1) * DAY_MICROS;
  }
  const date = text.slice(0, 10);
  const time = text.length > 10 ? parseTime(text.slice(10)) : null;
  const day = time === null ? null : parseTimestampMicros(date);
  return day === null ? parseTimestampMicros(text) : day + time!;
}

function parseTime(text: string): bigint | null {
  const match = COMPACT_TIME.exec(text);
  if (match === null) return null;
  const [hours, minutes, seconds, micros] = match.slice(1).map((part) => Number(part ?? 0));
  if (hours > 23 || minutes > 59 || seconds > 59) return null;
  return BigInt(hours) * HOUR_MICROS + BigInt((minutes * 60 + seconds) * 1_000_000 + micros);
}

/** Monday of an ISO week. */
function weekStart(year: number, week: number): bigint {
  const fourth = new Date(0);
  fourth.setUTCFullYear(year, 0, 4); // always in week 1
  const weekday = (fourth.getUTCDay() + 6) % 7;
  const days = Math.floor(fourth.getTime() / 86_400_000) - weekday + 7 * (week - 1);
  return BigInt(days) * DAY_MICROS;
}
