/**
 * PARTITION BY units: codes as stored in `_meta`@4, names, floors and directory names.
 * Source: docs/internals/partition.md.
 *
 * @module
 */

/** Partition unit codes as stored in `_meta`. */
export const PartitionBy = {
  DAY: 0,
  MONTH: 1,
  YEAR: 2,
  NONE: 3,
  HOUR: 4,
  WEEK: 5,
  NOT_APPLICABLE: 6,
} as const;

const NAMES = ["DAY", "MONTH", "YEAR", "NONE", "HOUR", "WEEK", "N/A"];

/** Returns the SQL name of a unit code. */
export function partitionByName(unit: number): string {
  return NAMES[unit] ?? `unknown(${unit})`;
}

/** Returns the unit code of a SQL name, case-insensitively, or `undefined`. */
export function partitionByFromName(name: string): number | undefined {
  const index = NAMES.indexOf(name.toUpperCase());
  return index >= 0 && index !== PartitionBy.NOT_APPLICABLE ? index : undefined;
}

const HOUR = 3_600_000_000n;
const DAY = 24n * HOUR;

function floorDiv(a: bigint, b: bigint): bigint {
  const q = a / b;
  return a % b < 0n ? q - 1n : q;
}

/**
 * Returns the start of the partition that holds a timestamp.
 *
 * @param unit A {@linkcode PartitionBy} code.
 * @param micros Microseconds since the epoch.
 */
export function partitionFloor(unit: number, micros: bigint): bigint {
  switch (unit) {
    case PartitionBy.HOUR:
      return floorDiv(micros, HOUR) * HOUR;
    case PartitionBy.DAY:
      return floorDiv(micros, DAY) * DAY;
    case PartitionBy.WEEK: // Weeks start on Monday; 1970-01-01 was a Thursday.
      return (floorDiv(micros + 3n * DAY, 7n * DAY)) * 7n * DAY - 3n * DAY;
    case PartitionBy.MONTH:
    case PartitionBy.YEAR: {
      const date = new Date(Number(floorDiv(micros, 1000n)));
      const month = unit === PartitionBy.MONTH ? date.getUTCMonth() : 0;
      return BigInt(utcMillis(date.getUTCFullYear(), month)) * 1000n;
    }
    default:
      return 0n;
  }
}

/** Returns the start of the next partition, i.e. the exclusive end of the one that holds `micros`. */
export function partitionCeil(unit: number, micros: bigint): bigint {
  const floor = partitionFloor(unit, micros);
  switch (unit) {
    case PartitionBy.HOUR:
      return floor + HOUR;
    case PartitionBy.DAY:
      return floor + DAY;
    case PartitionBy.WEEK:
      return floor + 7n * DAY;
    case PartitionBy.MONTH:
    case PartitionBy.YEAR: {
      const date = new Date(Number(floor / 1000n));
      const next = unit === PartitionBy.MONTH
        ? utcMillis(date.getUTCFullYear(), date.getUTCMonth() + 1)
        : utcMillis(date.getUTCFullYear() + 1, 0);
      return BigInt(next) * 1000n;
    }
    default:
      return (1n << 63n) - 1n;
  }
}

/** `Date.UTC` without its special treatment of years 0–99. */
function utcMillis(year: number, month: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month, 1);
  return date.getTime();
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

/**
 * Returns the directory name of a partition without its `.nameTxn` suffix. A timestamp inside the unit (a split
 * partition) is printed at full resolution.
 */
export function partitionDirName(unit: number, micros: bigint): string {
  if (unit === PartitionBy.NONE) return "default";
  const floor = partitionFloor(unit, micros);
  const date = new Date(Number(floorDiv(micros, 1000n)));
  const year = pad(date.getUTCFullYear(), 4),
    month = pad(date.getUTCMonth() + 1, 2),
    day = pad(date.getUTCDate(), 2);
  const intraDay = micros - floorDiv(micros, DAY) * DAY;
  if (unit === PartitionBy.WEEK) {
    const { isoYear, isoWeek, isoDay } = isoWeekOf(date);
    const base = `${pad(isoYear, 4)}-W${pad(isoWeek, 2)}`;
    return micros === floor ? base : `${base}-${isoDay}${timeSuffix(intraDay, intraDay > 0n)}`;
  }
  if (micros === floor) {
    if (unit === PartitionBy.YEAR) return year;
    if (unit === PartitionBy.MONTH) return `${year}-${month}`;
    if (unit === PartitionBy.DAY) return `${year}-${month}-${day}`;
    return `${year}-${month}-${day}T${pad(date.getUTCHours(), 2)}`;
  }
  return `${year}-${month}-${day}${
    timeSuffix(intraDay, intraDay > 0n || unit === PartitionBy.HOUR)
  }`;
}

function timeSuffix(intraDay: bigint, hasTime: boolean): string {
  if (!hasTime) return "";
  const seconds = Number(intraDay / 1_000_000n);
  const fraction = Number(intraDay % 1_000_000n);
  const hour = pad(Math.floor(seconds / 3600), 2);
  const minuteSecond = pad(Math.floor(seconds / 60) % 60, 2) + pad(seconds % 60, 2);
  if (fraction !== 0) return `T${hour}${minuteSecond}-${pad(fraction, 6)}`;
  return minuteSecond === "0000" ? `T${hour}` : `T${hour}${minuteSecond}`;
}

function isoWeekOf(date: Date): { isoYear: number; isoWeek: number; isoDay: number } {
  const isoDay = date.getUTCDay() === 0 ? 7 : date.getUTCDay();
  const thursday = new Date(date.getTime() + (4 - isoDay) * 86_400_000);
  const isoYear = thursday.getUTCFullYear();
  const isoWeek = Math.floor((thursday.getTime() - utcMillis(isoYear, 0)) / 604_800_000) + 1;
  return { isoYear, isoWeek, isoDay };
}
