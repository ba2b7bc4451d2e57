/**
 * Time to live as people write it. `_meta` holds hours if positive, months if negative, 0 for none.
 *
 * @module
 */

/** A TTL as a count of the largest unit that divides it. */
export interface Ttl {
  readonly value: number;
  /** HOUR, DAY, WEEK, MONTH or YEAR. */
  readonly unit: string;
}

/** Splits the stored value into a count and a unit; no TTL is 0 HOUR. */
export function describeTtl(hoursOrMonths: number): Ttl {
  if (hoursOrMonths < 0) {
    const months = -hoursOrMonths;
    return months % 12 === 0
      ? { value: months / 12, unit: "YEAR" }
      : { value: months, unit: "MONTH" };
  }
  if (hoursOrMonths > 0 && hoursOrMonths % 168 === 0) {
    return { value: hoursOrMonths / 168, unit: "WEEK" };
  }
  if (hoursOrMonths > 0 && hoursOrMonths % 24 === 0) {
    return { value: hoursOrMonths / 24, unit: "DAY" };
  }
  return { value: hoursOrMonths, unit: "HOUR" };
}
