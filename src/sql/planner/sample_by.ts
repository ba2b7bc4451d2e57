/**
 * SAMPLE BY: where buckets begin, and what FILL asks for.
 *
 * @module
 */
import { isTimestamp, parseTimestampMicros, SqlError } from "../../common/mod.ts";
import type { Expression, SampleBy } from "../ast/mod.ts";
import type { Binder } from "../analyzer/mod.ts";
import {
  floorToStride,
  nextStride,
  offsetAt,
  parseStride,
  type Stride,
  toTimezone,
  toUtc,
} from "../functions/mod.ts";
import type { BucketRule } from "../exec/bucket_key.ts";

/** FROM and TO, microseconds; `null` if left out. */
export interface SampleBounds {
  readonly from: bigint | null;
  readonly to: bigint | null;
}

const DAY = 86_400_000_000n;
const HOUR = 3_600_000_000n;
const MINUTE = 60_000_000n;

function constantText(expression: Expression | null, binder: Binder): string | null {
  if (expression === null) return null;
  const value = binder.bind(expression).constant?.value;
  if (typeof value !== "string") {
    throw new SqlError(expression.position, "STRING constant expected");
  }
  return value;
}

/** `+01:30` as microseconds. */
function parseOffset(expression: Expression | null, binder: Binder): bigint {
  const text = constantText(expression, binder);
  if (text === null) return 0n;
  const match = /^([+-]?)(\d{2}):(\d{2})$/.exec(text.trim());
  if (match === null) throw new SqlError(expression!.position, `invalid offset: ${text}`);
  const size = BigInt(match[2]) * HOUR + BigInt(match[3]) * MINUTE;
  return match[1] === "-" ? -size : size;
}

function boundOf(expression: Expression | null, binder: Binder): bigint | null {
  if (expression === null) return null;
  const { type, constant } = binder.bind(expression);
  const value = constant?.value;
  if (typeof value === "bigint" && isTimestamp(type)) return value;
  const micros = typeof value === "string" ? parseTimestampMicros(value) : null;
  if (micros === null) throw new SqlError(expression.position, "TIMESTAMP constant expected");
  return micros;
}

/** Evaluates FROM and TO. */
export function sampleBounds(sampleBy: SampleBy, binder: Binder): SampleBounds {
  return { from: boundOf(sampleBy.from, binder), to: boundOf(sampleBy.to, binder) };
}

/** Makes the rule by which rows fall into buckets. @throws {SqlError} if the stride, zone or offset is malformed. */
export function bucketRule(sampleBy: SampleBy, bounds: SampleBounds, binder: Binder): BucketRule {
  const stride = parseStride(sampleBy.stride);
  if (stride === null) throw new SqlError(sampleBy.position, `Invalid unit: ${sampleBy.stride}`);
  if (sampleBy.alignTo === "firstObservation") return firstObservationRule(stride);
  if (bounds.from !== null) return shiftedRule(stride, bounds.from);
  const zone = constantText(sampleBy.timeZone, binder);
  const offset = parseOffset(sampleBy.offset, binder);
  const calendar = shiftedRule(stride, offset);
  if (zone === null) return calendar;
  const position = sampleBy.timeZone!.position;
  offsetAt(0n, zone, position); // refuses a bad zone before any row
  return zonedRule(stride, calendar, { zone, position });
}

/** Buckets counted from an origin; calendar units keep their months and shift only by the offset. */
function shiftedRule(stride: Stride, origin: bigint): BucketRule {
  if (stride.kind === "micros") {
    const shifted: Stride = { ...stride, origin: origin === 0n ? stride.origin : origin };
    return {
      floor: (micros) => floorToStride(shifted, micros),
      next: (start) => nextStride(shifted, start),
    };
  }
  const inMonth = origin % DAY;
  return {
    floor: (micros) => floorToStride(stride, micros - inMonth) + inMonth,
    next: (start) => nextStride(stride, start - inMonth) + inMonth,
  };
}

function firstObservationRule(stride: Stride): BucketRule {
  let rule: BucketRule | null = null;
  let origin = 0n;
  return {
    floor(micros) {
      if (rule === null) {
        origin = micros;
        rule = stride.kind === "micros"
          ? shiftedRule(stride, origin)
          : monthsFrom(stride.months, origin);
      }
      return rule.floor(micros);
    },
    next: (start) => rule!.next(start),
  };
}

/** Calendar months counted from a moment inside a month. */
function monthsFrom(months: number, origin: bigint): BucketRule {
  const at = (count: number) => {
    const date = new Date(Number(origin / 1000n));
    date.setUTCMonth(date.getUTCMonth() + count * months);
    return BigInt(date.getTime()) * 1000n + origin % 1000n;
  };
  let count = 0;
  return {
    floor(micros) {
      while (at(count + 1) <= micros) count++;
      return at(count);
    },
    next: () => at(count + 1),
  };
}

/** Strides of a day and more follow the zone's calendar; shorter ones its offset at the time. */
function zonedRule(
  stride: Stride,
  calendar: BucketRule,
  { zone, position }: { zone: string; position: number },
): BucketRule {
  const isShort = stride.kind === "micros" && stride.micros < DAY;
  if (isShort) {
    const shift = (micros: bigint) => offsetAt(micros, zone, position);
    return {
      floor: (micros) => calendar.floor(micros + shift(micros)) - shift(micros),
      next: (start) => calendar.next(start + shift(start)) - shift(start),
    };
  }
  return {
    floor: (micros) => toUtc(calendar.floor(toTimezone(micros, zone, position)), zone, position),
    next: (start) => toUtc(calendar.next(toTimezone(start, zone, position)), zone, position),
  };
}

/** How one aggregate column is filled. */
export type Fill =
  | { readonly kind: "null" }
  | { readonly kind: "prev" }
  | { readonly kind: "linear" }
  | { readonly kind: "value"; readonly text: string; readonly position: number };

/** Reads FILL for `count` aggregate columns; `null` if there is nothing to fill. */
export function fillsOf(sampleBy: SampleBy, count: number): readonly Fill[] | null {
  const written = sampleBy.fill;
  if (written === null || written.length === 0) return null;
  const fills = written.map(fillOf);
  if (fills.length === 1 && fills[0] === "none") return null;
  if (fills.includes("none")) {
    throw new SqlError(written[fills.indexOf("none")].position, "FILL(NONE) must be alone");
  }
  const known = fills as Fill[];
  if (known.length >= count) return known.slice(0, count);
  if (known.length > 1 || known[0].kind === "value") {
    throw new SqlError(-1, "not enough fill values");
  }
  return new Array(count).fill(known[0]);
}

function fillOf(expression: Expression): Fill | "none" {
  const { position } = expression;
  const word = expression.kind === "column"
    ? expression.name.toLowerCase()
    : expression.kind === "literal" && expression.literal === "null"
    ? "null"
    : null;
  if (word === "none") return "none";
  if (word === "null" || word === "prev" || word === "linear") return { kind: word };
  if (expression.kind === "literal") return { kind: "value", text: expression.text, position };
  if (
    expression.kind === "unary" && expression.operator === "-" &&
    expression.operand.kind === "literal"
  ) {
    return { kind: "value", text: `-${expression.operand.text}`, position };
  }
  throw new SqlError(position, "'none', 'prev', 'mid', 'null' or number expected");
}
