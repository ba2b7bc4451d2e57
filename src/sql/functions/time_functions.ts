/**
 * Functions of timestamps: parts, truncation, arithmetic, text.
 *
 * @module
 */
import { ColumnType, SqlError, typeTag } from "../../common/mod.ts";
import { coerce } from "./coerce.ts";
import {
  compileDatePattern,
  formatWithPattern,
  parseWithPattern,
  requirePattern,
} from "./date_pattern.ts";
import { arithmeticExpression } from "./arithmetic.ts";
import { ANY, type CallSite, type Overload, TEXT, TIME } from "./overloads.ts";
import { strictRowExpression } from "./row_function.ts";
import {
  floorToStride,
  nextStride,
  parseStride,
  type Stride,
  UNIT_MICROS,
  UNIT_MONTHS,
} from "./time_unit.ts";
import { toTimezone, toUtc } from "./time_zone.ts";
import {
  constantExpression,
  kernelExpression,
  lazyBuffer,
  operandOf,
  type VectorExpression,
} from "./vector_expression.ts";

const { BOOLEAN, CHAR, DATE, INT, LONG, STRING, TIMESTAMP, TIMESTAMP_NS } = ColumnType;

type Registry = Readonly<Record<string, readonly Overload[]>>;

/** Codes of core-wasm/expr/time.ts. */
const PARTS = {
  year: 0,
  month: 1,
  day: 2,
  hour: 3,
  minute: 4,
  second: 5,
  millis: 6,
  micros: 7,
  day_of_week: 8,
  day_of_week_sunday_first: 9,
  day_of_year: 10,
  week_of_year: 11,
  days_in_month: 12,
  is_leap_year: 13,
  quarter: 14,
  isoyear: 15,
  decade: 16,
  century: 17,
  millennium: 18,
} as const;

function partExpression(site: CallSite, code: number, operand: VectorExpression): VectorExpression {
  return kernelExpression(site, INT, (batch, out) => {
    site.core.kernels.timestampPart(code, repeatedData(operand, batch), out, batch.rowCount);
  });
}

function repeatedData(
  operand: VectorExpression,
  batch: Parameters<VectorExpression["evaluate"]>[0],
) {
  return operand.evaluate(batch).data;
}

function part(code: number): readonly Overload[] {
  return [{ parameters: [TIMESTAMP], compile: ([ts], site) => partExpression(site, code, ts) }];
}

const isLeapYear: Overload = {
  parameters: [TIMESTAMP],
  compile: ([ts], site) =>
    coerce(site, partExpression(site, PARTS.is_leap_year, ts), { type: BOOLEAN, isExplicit: true }),
};

/** Parts of `extract(part FROM ts)` that are INT. */
const EXTRACT_PARTS: Readonly<Record<string, number>> = {
  year: PARTS.year,
  month: PARTS.month,
  day: PARTS.day,
  hour: PARTS.hour,
  minute: PARTS.minute,
  second: PARTS.second,
  isodow: PARTS.day_of_week,
  dow: PARTS.day_of_week,
  doy: PARTS.day_of_year,
  week: PARTS.week_of_year,
  quarter: PARTS.quarter,
  isoyear: PARTS.isoyear,
  decade: PARTS.decade,
  century: PARTS.century,
  millennium: PARTS.millennium,
};

function extract([name, ts]: readonly VectorExpression[], site: CallSite): VectorExpression {
  const text = String(name.constant?.value ?? "");
  const code = EXTRACT_PARTS[text.toLowerCase()];
  if (code !== undefined) {
    const raw = partExpression(site, code, ts);
    if (text.toLowerCase() !== "dow") return raw;
    return strictRowExpression(site, { type: INT, args: [raw] }, (day) => Number(day) % 7);
  }
  const rest = (micros: bigint, size: bigint) => Number(((micros % size) + size) % size);
  switch (text.toLowerCase()) {
    case "epoch":
      return strictRowExpression(
        site,
        { type: LONG, args: [ts] },
        (t) => (t as bigint) / 1_000_000n,
      );
    case "microseconds":
      return strictRowExpression(
        site,
        { type: LONG, args: [ts] },
        (t) => rest(t as bigint, 60_000_000n),
      );
    case "milliseconds":
      return strictRowExpression(
        site,
        { type: LONG, args: [ts] },
        (t) => Math.floor(rest(t as bigint, 60_000_000n) / 1000),
      );
    default:
      throw new SqlError(site.positions[0], `unsupported timestamp part: ${text}`);
  }
}

/** Start of the stride of each time. */
export function floorExpression(
  site: Pick<CallSite, "core" | "arena" | "now" | "random">,
  operand: VectorExpression,
  stride: Stride,
): VectorExpression {
  const { kernels } = site.core;
  return kernelExpression(site, TIMESTAMP, (batch, out) => {
    const data = operand.evaluate(batch).data;
    if (stride.kind === "months") {
      kernels.floorMonthsI64(data, stride.months, 1970, out, batch.rowCount);
    } else kernels.floorI64(data, stride.micros, stride.origin, out, batch.rowCount);
  });
}

function strideOf(argument: VectorExpression, site: CallSite): Stride {
  const text = String(argument.constant?.value ?? "");
  const stride = parseStride(text);
  if (stride === null) throw new SqlError(site.positions[0], `invalid unit '${text}'`);
  return stride;
}

function timestampCeil([unit, ts]: readonly VectorExpression[], site: CallSite): VectorExpression {
  const stride = strideOf(unit, site);
  return strictRowExpression(site, { type: TIMESTAMP, args: [ts] }, (value) => {
    const floor = floorToStride(stride, value as bigint);
    return floor === value ? floor : nextStride(stride, floor);
  });
}

/** Units of date_trunc. */
const TRUNC_UNITS: Readonly<Record<string, string>> = {
  microsecond: "U",
  microseconds: "U",
  millisecond: "T",
  milliseconds: "T",
  second: "s",
  minute: "m",
  hour: "h",
  day: "d",
  week: "w",
  month: "M",
  quarter: "3M",
  year: "y",
};
/** Years of the long units of date_trunc and where they are counted from. */
const TRUNC_YEARS: Readonly<Record<string, readonly [number, number]>> = {
  decade: [10, 0],
  century: [100, 1],
  millennium: [1000, 1],
};

function dateTrunc([unit, ts]: readonly VectorExpression[], site: CallSite): VectorExpression {
  const name = String(unit.constant?.value ?? "");
  const years = TRUNC_YEARS[name.toLowerCase()];
  if (years !== undefined) {
    return kernelExpression(site, TIMESTAMP, (batch, out) => {
      const data = ts.evaluate(batch).data;
      site.core.kernels.floorMonthsI64(data, years[0] * 12, years[1], out, batch.rowCount);
    });
  }
  const stride = parseStride(TRUNC_UNITS[name.toLowerCase()] ?? "");
  if (stride === null) throw new SqlError(site.positions[0], `invalid unit '${name}'`);
  return floorExpression(site, ts, stride);
}

function periodOf(argument: VectorExpression, site: CallSite): string {
  const unit = String(argument.constant?.value ?? "");
  if (UNIT_MICROS[unit] === undefined && UNIT_MONTHS[unit] === undefined && unit !== "n") {
    throw new SqlError(site.positions[0] + 0, `invalid time period [unit=${unit}]`);
  }
  return unit;
}

function dateAdd(
  [unitArgument, count, ts]: readonly VectorExpression[],
  site: CallSite,
): VectorExpression {
  const unit = periodOf(unitArgument, site);
  const { kernels, memory } = site.core;
  const months = UNIT_MONTHS[unit];
  if (months !== undefined) {
    return kernelExpression(site, TIMESTAMP, (batch, out) => {
      const t = ts.evaluate(batch).data;
      const n = operandOf(count, batch);
      kernels.addMonthsI64(t, n.pointer, n.stride, months, out, batch.rowCount);
    });
  }
  if (unit === "n") return ts;
  const wide = coerce(site, count, { type: LONG });
  const product = lazyBuffer(site, 8);
  const factor = site.arena.alloc(8);
  memory.i64[factor >> 3] = UNIT_MICROS[unit];
  return kernelExpression(site, TIMESTAMP, (batch, out) => {
    const n = operandOf(wide, batch), t = operandOf(ts, batch);
    const scaled = product();
    kernels.arithI64(2, n.pointer, n.stride, factor, 0, scaled, batch.rowCount);
    kernels.arithI64(0, t.pointer, t.stride, scaled, 8, out, batch.rowCount);
  });
}

function monthsBetween(a: bigint, b: bigint): bigint {
  const [low, high] = a < b ? [a, b] : [b, a];
  const x = new Date(Number(low / 1000n)), y = new Date(Number(high / 1000n));
  const months = (y.getUTCFullYear() - x.getUTCFullYear()) * 12 + y.getUTCMonth() - x.getUTCMonth();
  const inMonth = (date: Date) =>
    date.getTime() - Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
  return BigInt(inMonth(y) < inMonth(x) ? months - 1 : months);
}

function dateDiff(
  [unitArgument, a, b]: readonly VectorExpression[],
  site: CallSite,
): VectorExpression {
  const unit = periodOf(unitArgument, site);
  return strictRowExpression(site, { type: LONG, args: [a, b] }, (x, y) => {
    const from = x as bigint, to = y as bigint;
    if (unit === "M") return monthsBetween(from, to);
    if (unit === "y") return monthsBetween(from, to) / 12n;
    const distance = from < to ? to - from : from - to;
    return unit === "n" ? distance * 1000n : distance / UNIT_MICROS[unit];
  });
}

function parseTime(type: number): readonly Overload[] {
  const scale = (micros: bigint | null) =>
    micros === null ? null : typeTag(type) === DATE ? micros / 1000n : micros;
  return [
    {
      parameters: [TEXT],
      compile: (args, site) =>
        strictRowExpression(site, { type, args }, (text) => {
          const pattern = compileDatePattern("yyyy-MM-ddTHH:mm:ss.SSSUUUZ");
          return scale(parseWithPattern(pattern, text as string));
        }),
    },
    {
      parameters: [TEXT, TEXT],
      compile([text, format], site) {
        const pattern = requirePattern(format.constant?.value, site.positions[1]);
        return strictRowExpression(
          site,
          { type, args: [text] },
          (value) => scale(parseWithPattern(pattern, value as string)),
        );
      },
    },
  ];
}

function toText(type: number): Overload {
  return {
    parameters: [type, TEXT],
    compile([ts, format], site) {
      const pattern = requirePattern(format.constant?.value, site.positions[1]);
      const scale = typeTag(type) === DATE ? 1000n : 1n;
      return strictRowExpression(
        site,
        { type: STRING, args: [ts] },
        (value) => formatWithPattern(pattern, (value as bigint) * scale),
      );
    },
  };
}

function zoneFunction(
  convert: (micros: bigint, zone: string, position: number) => bigint,
): readonly Overload[] {
  const compile: Overload["compile"] = ([ts, zone], site) => {
    const name = zone.constant?.value;
    if (typeof name === "string") convert(0n, name, site.positions[1]); // refuses a bad zone before any row
    return strictRowExpression(
      site,
      { type: TIMESTAMP, args: [ts, zone] },
      (value, text) => convert(value as bigint, text as string, site.positions[1]),
    );
  };
  return [eitherUnit([TIMESTAMP, TEXT], compile, true)];
}

/**
 * Lets a function of TIMESTAMP take TIMESTAMP_NS and give it back: the digits beyond microseconds are added to the result if the
 * function moves times, and fall away if it cuts them.
 */
function eitherUnit(
  parameters: readonly number[],
  compile: Overload["compile"],
  moves: boolean,
): Overload {
  return {
    parameters: parameters.map((parameter) => parameter === TIMESTAMP ? TIME : parameter),
    compile(args, site) {
      const index = args.findIndex((arg) => arg.type === TIMESTAMP_NS);
      if (index < 0) return compile(args, site);
      const fine = args[index];
      const coarse = coerce(site, fine, { type: TIMESTAMP });
      const result = coerce(site, compile(args.with(index, coarse), site), { type: TIMESTAMP_NS });
      if (!moves) return result;
      const { position } = site;
      const longs = [fine, coerce(site, coarse, { type: TIMESTAMP_NS })].map((time) =>
        coerce(site, time, { type: LONG })
      );
      const rest = arithmeticExpression(site, {
        operator: "-",
        left: longs[0],
        right: longs[1],
        position,
      });
      return arithmeticExpression(site, { operator: "+", left: result, right: rest, position });
    },
  };
}

/** Nanoseconds behind the microsecond. */
const NANOS: Overload = {
  parameters: [TIME],
  compile: ([ts], site) =>
    strictRowExpression(
      site,
      { type: INT, args: [ts] },
      (value) =>
        ts.type === TIMESTAMP_NS ? Number((((value as bigint) % 1000n) + 1000n) % 1000n) : 0,
    ),
};

const now: readonly Overload[] = [{
  parameters: [],
  compile: (_args, site) => ({
    ...constantExpression(site, TIMESTAMP, site.now),
    isOfStatement: true,
  }),
}];

/** Functions of time by name. */
export const TIME_FUNCTIONS: Registry = {
  now,
  systimestamp: now,
  sysdate: [{
    parameters: [],
    compile: (_args, site) => ({
      ...constantExpression(site, DATE, site.now / 1000n),
      isOfStatement: true,
    }),
  }],
  year: part(PARTS.year),
  month: part(PARTS.month),
  day: part(PARTS.day),
  hour: part(PARTS.hour),
  minute: part(PARTS.minute),
  second: part(PARTS.second),
  millis: part(PARTS.millis),
  micros: part(PARTS.micros),
  day_of_week: part(PARTS.day_of_week),
  day_of_week_sunday_first: part(PARTS.day_of_week_sunday_first),
  week_of_year: part(PARTS.week_of_year),
  days_in_month: part(PARTS.days_in_month),
  is_leap_year: [isLeapYear],
  extract: [{ parameters: [ANY, TIMESTAMP], compile: extract }],
  timestamp_floor: [
    eitherUnit(
      [TEXT, TIMESTAMP],
      ([unit, ts], site) => floorExpression(site, ts, strideOf(unit, site)),
      false,
    ),
  ],
  timestamp_ceil: [eitherUnit([TEXT, TIMESTAMP], timestampCeil, false)],
  date_trunc: [eitherUnit([TEXT, TIMESTAMP], dateTrunc, false)],
  dateadd: [eitherUnit([CHAR, INT, TIMESTAMP], dateAdd, true)],
  datediff: [{ parameters: [CHAR, TIMESTAMP, TIMESTAMP], compile: dateDiff }],
  nanos: [NANOS],
  to_timestamp: parseTime(TIMESTAMP),
  to_timestamp_ns: parseTime(TIMESTAMP).map((overload) => ({
    ...overload,
    compile: (args, site) => coerce(site, overload.compile(args, site), { type: TIMESTAMP_NS }),
  })),
  to_date: parseTime(DATE),
  to_str: [toText(DATE), toText(TIMESTAMP)],
  to_timezone: zoneFunction(toTimezone),
  to_utc: zoneFunction(toUtc),
};
