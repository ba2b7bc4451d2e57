// Calendar arithmetic on int64 microseconds since the epoch (proleptic Gregorian, UTC). NULL stays NULL.
// Days to civil dates and back by the era method: 400-year eras of 146097 days, years starting in March.

const DAY: i64 = 86_400_000_000;

// @ts-ignore: decorator
@inline function floorDiv(a: i64, b: i64): i64 {
  const q = a / b;
  return a % b < 0 ? q - 1 : q;
}

// @ts-ignore: decorator
@inline function dayOfEra(days: i64): i64 {
  const z = days + 719468;
  return z - floorDiv(z, 146097) * 146097;
}

/** Year, month (1..12) and day (1..31) of a day number, packed as year * 512 + month * 32 + day. */
// @ts-ignore: decorator
@inline function civil(days: i64): i64 {
  const era = floorDiv(days + 719468, 146097);
  const doe = dayOfEra(days);
  const yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const mp = (5 * doy + 2) / 153;
  const day = doy - (153 * mp + 2) / 5 + 1;
  const month = mp < 10 ? mp + 3 : mp - 9;
  const year = yoe + era * 400 + (month <= 2 ? 1 : 0);
  return year * 512 + month * 32 + day;
}

/** Day number of a civil date. */
// @ts-ignore: decorator
@inline function dayNumber(year: i64, month: i64, day: i64): i64 {
  const y = month <= 2 ? year - 1 : year;
  const era = floorDiv(y, 400);
  const yoe = y - era * 400;
  const mp = month > 2 ? month - 3 : month + 9;
  const doy = (153 * mp + 2) / 5 + day - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

// @ts-ignore: decorator
@inline function isLeap(year: i64): bool {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

function daysInMonth(year: i64, month: i64): i64 {
  if (month == 2) return isLeap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** 1 Monday .. 7 Sunday. */
// @ts-ignore: decorator
@inline function weekday(days: i64): i64 {
  const d = (days + 3) % 7;
  return (d < 0 ? d + 7 : d) + 1;
}

/** ISO week and its year, packed as year * 64 + week. */
function isoWeek(days: i64): i64 {
  const thursday = days + 4 - weekday(days);
  const year = civil(thursday) >> 9;
  return year * 64 + (thursday - dayNumber(year, 1, 1)) / 7 + 1;
}

function part(op: i32, t: i64): i32 {
  const days = floorDiv(t, DAY);
  const inDay = t - days * DAY;
  if (op == 3) return <i32>(inDay / 3_600_000_000);
  if (op == 4) return <i32>(inDay / 60_000_000 % 60);
  if (op == 5) return <i32>(inDay / 1_000_000 % 60);
  if (op == 6) return <i32>(inDay / 1000 % 1000);
  if (op == 7) return <i32>(inDay % 1000);
  if (op == 8) return <i32>weekday(days);
  if (op == 9) return <i32>(weekday(days) % 7 + 1);
  if (op == 11) return <i32>(isoWeek(days) & 63);
  if (op == 15) return <i32>(isoWeek(days) >> 6);
  const date = civil(days);
  const year = date >> 9, month = date >> 5 & 15;
  if (op == 0) return <i32>year;
  if (op == 1) return <i32>month;
  if (op == 2) return <i32>(date & 31);
  if (op == 10) return <i32>(days - dayNumber(year, 1, 1) + 1);
  if (op == 12) return <i32>daysInMonth(year, month);
  if (op == 13) return i32(isLeap(year));
  if (op == 14) return <i32>((month + 2) / 3);
  if (op == 16) return <i32>floorDiv(year, 10);
  if (op == 17) return <i32>(floorDiv(year - 1, 100) + 1);
  return <i32>(floorDiv(year - 1, 1000) + 1);
}

/**
 * out[i] (int32) = a part of a[i]: 0 year, 1 month, 2 day, 3 hour, 4 minute, 5 second, 6 milliseconds, 7 microseconds,
 * 8 weekday from Monday = 1, 9 weekday from Sunday = 1, 10 day of year, 11 ISO week, 12 days in month, 13 leap year,
 * 14 quarter, 15 ISO year, 16 decade, 17 century, 18 millennium.
 */
export function timestampPart(op: i32, a: usize, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const t = load<i64>(a + (i << 3));
    store<i32>(out + (i << 2), t == i64.MIN_VALUE ? i32.MIN_VALUE : part(op, t));
  }
}

/** out[i] = the last multiple of stride (from origin) at or before a[i]. */
export function floorI64(a: usize, stride: i64, origin: i64, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const t = load<i64>(a + (i << 3));
    store<i64>(out + (i << 3), t == i64.MIN_VALUE ? t : floorDiv(t - origin, stride) * stride + origin);
  }
}

/** out[i] = start of the group of `months` calendar months (counted from year `baseYear`) that holds a[i]. */
export function floorMonthsI64(a: usize, months: i32, baseYear: i32, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const t = load<i64>(a + (i << 3));
    let r = t;
    if (t != i64.MIN_VALUE) {
      const date = civil(floorDiv(t, DAY));
      const index = ((date >> 9) - <i64>baseYear) * 12 + (date >> 5 & 15) - 1;
      const floored = floorDiv(index, <i64>months) * <i64>months;
      const year = floorDiv(floored, 12);
      r = dayNumber(year + <i64>baseYear, floored - year * 12 + 1, 1) * DAY;
    }
    store<i64>(out + (i << 3), r);
  }
}

/** out[i] = a[i] plus months[i] calendar months; the day is cut to the month's length. sm: stride of months, 0 repeats. */
export function addMonthsI64(a: usize, months: usize, sm: i32, factor: i32, out: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) {
    const t = load<i64>(a + (i << 3));
    const count = load<i32>(months + i * <usize>sm);
    let r: i64 = i64.MIN_VALUE;
    if (t != i64.MIN_VALUE && count != i32.MIN_VALUE) {
      const days = floorDiv(t, DAY);
      const date = civil(days);
      const index = (date >> 9) * 12 + (date >> 5 & 15) - 1 + <i64>count * <i64>factor;
      const year = floorDiv(index, 12);
      const month = index - year * 12 + 1;
      const last = daysInMonth(year, month);
      const day = date & 31;
      r = dayNumber(year, month, day < last ? day : last) * DAY + (t - days * DAY);
    }
    store<i64>(out + (i << 3), r);
  }
}
