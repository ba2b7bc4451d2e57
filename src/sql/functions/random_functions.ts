/**
 * Row generators: `rnd_…` and sequences. One random state per query; a query with a single random column and the seeds of
 * `long_sequence(n, s0, s1)` gets the same values as from the reference. Several random columns draw a batch at a time,
 * not a row at a time, so they differ from it (and stay the same from run to run).
 *
 * @module
 */
import { ColumnType, SqlError, typeTag } from "../../common/mod.ts";
import { fixedVector } from "../../wasm/mod.ts";
import { coerce } from "./coerce.ts";
import { GrowingSymbolTable } from "./symbol_interning.ts";
import { ANY, type CallSite, type Overload } from "./overloads.ts";
import { rowExpression } from "./row_function.ts";
import { kernelExpression, lazyBuffer, type VectorExpression } from "./vector_expression.ts";

const {
  BOOLEAN,
  BYTE,
  CHAR,
  DATE,
  DOUBLE,
  FLOAT,
  INT,
  LONG,
  SHORT,
  STRING,
  SYMBOL,
  TIMESTAMP,
  VARCHAR,
} = ColumnType;

type Registry = Readonly<Record<string, readonly Overload[]>>;

/** Kinds of core-wasm/expr/random.ts. */
const ANY_VALUE = 0, IN_RANGE = 1, TOP_BIT = 2, INDEX = 3, LETTER = 4, WIDE_RANGE = 5;
const NO_NULLS = -1;
const FIRST_LETTER = 66, LETTER_COUNT = 25;

function volatile(parameters: readonly number[], compile: Overload["compile"]): Overload {
  return { parameters, isVolatile: true, compile };
}

/** Lengths of texts and the span of dates that are asked for without arguments. */
const DEFAULT_TEXT_MIN = 3, DEFAULT_TEXT_MAX = 10;
const DEFAULT_DATE_RANGE_MILLIS = 10_000_000n;

interface IntDraw {
  readonly kind: number;
  readonly low?: number;
  readonly range?: number;
  readonly nullRate?: number;
}

function drawInt(site: CallSite, type: number, draw: IntDraw): VectorExpression {
  const { kind, low = 0, range = 1, nullRate = 0 } = draw;
  const expression = kernelExpression(site, INT, (batch, out) => {
    site.core.kernels.randomI32(
      kind,
      site.random.pointer(),
      low,
      range,
      nullRate,
      out,
      batch.rowCount,
    );
  });
  if (typeTag(type) === INT) return expression;
  if (typeTag(type) !== CHAR) return coerce(site, expression, { type, isExplicit: true });
  return coerce(site, expression, { type: CHAR, isExplicit: true });
}

function constantNumber(argument: VectorExpression, position: number): number {
  const value = argument.constant?.value;
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  throw new SqlError(position, "constant expected");
}

function nullRate(argument: VectorExpression, position: number): number {
  const rate = constantNumber(argument, position);
  if (rate < 0) throw new SqlError(position, "invalid NaN rate");
  return rate;
}

function rangeOf(
  args: readonly VectorExpression[],
  site: CallSite,
): { low: bigint; range: bigint } {
  const low = args[0].constant?.value, high = args[1].constant?.value;
  if (low === undefined || high === undefined || low === null || high === null) {
    throw new SqlError(site.positions[0], "constant expected");
  }
  const from = BigInt(low as number), to = BigInt(high as number);
  if (from > to) throw new SqlError(site.position, "invalid range");
  return { low: from, range: to - from + 1n };
}

function drawLong(type: number): Overload {
  return volatile([type, type, INT], (args, site) => {
    const { low, range } = rangeOf(args, site);
    const rate = nullRate(args[2], site.positions[2]);
    return kernelExpression(site, type, (batch, out) => {
      const state = site.random.pointer();
      site.core.kernels.randomI64(IN_RANGE, state, low, range, rate, out, batch.rowCount);
    });
  });
}

function drawDouble(args: readonly VectorExpression[], site: CallSite): VectorExpression {
  const rate = args.length === 0 ? NO_NULLS : nullRate(args[0], site.positions[0]);
  return kernelExpression(site, DOUBLE, (batch, out) => {
    site.core.kernels.randomF64(site.random.pointer(), rate, out, batch.rowCount);
  });
}

function drawFloat(args: readonly VectorExpression[], site: CallSite): VectorExpression {
  const rate = args.length === 0 ? NO_NULLS : nullRate(args[0], site.positions[0]);
  return kernelExpression(site, FLOAT, (batch, out) => {
    site.core.kernels.randomF32(site.random.pointer(), rate, out, batch.rowCount);
  });
}

/** A single draw below a bound. */
function randomIndex(site: CallSite, bound: number): number {
  const { kernels, memory } = site.core;
  const out = drawBuffer(site);
  kernels.randomI32(INDEX, site.random.pointer(), 0, bound, 0, out, 1);
  return memory.i32[out >> 2];
}

/** A single draw of any int32; a negative one never makes NULL. */
function randomSigned(site: CallSite): number {
  const { kernels, memory } = site.core;
  const out = drawBuffer(site);
  kernels.randomI32(ANY_VALUE, site.random.pointer(), 0, 1, 0, out, 1);
  return memory.i32[out >> 2];
}

const drawBuffers = new WeakMap<CallSite["random"], number>();

/** Four bytes for single draws, one place per query. */
function drawBuffer(site: CallSite): number {
  let pointer = drawBuffers.get(site.random);
  if (pointer === undefined) drawBuffers.set(site.random, pointer = site.arena.alloc(4));
  return pointer;
}

/** Random texts: a draw for the length, then letters 66 + draw % 25, as of `rnd_char`. */
function randomText(site: CallSite, low: number, high: number): string {
  const length = low + randomIndex(site, high - low + 1);
  let text = "";
  for (let i = 0; i < length; i++) {
    text += String.fromCharCode(FIRST_LETTER + randomIndex(site, LETTER_COUNT));
  }
  return text;
}

/** Symbols from a list of texts that is made when the first batch is asked for. */
function drawSymbol(
  site: CallSite,
  options: { texts: () => readonly string[]; nullRate: number | null },
): VectorExpression {
  const symbols = new GrowingSymbolTable();
  const buffer = lazyBuffer(site, 4);
  let keys: number[] | null = null;
  return {
    type: SYMBOL,
    evaluate(batch) {
      keys ??= options.texts().map((text) => symbols.intern(text));
      const out = buffer();
      const kind = options.nullRate === null ? INDEX : IN_RANGE;
      const state = site.random.pointer();
      site.core.kernels.randomI32(
        kind,
        state,
        0,
        keys.length,
        options.nullRate ?? 0,
        out,
        batch.rowCount,
      );
      return fixedVector(SYMBOL, out, symbols);
    },
  };
}

function textList(args: readonly VectorExpression[], site: CallSite): string[] {
  return args.map((arg, i) => {
    const value = arg.constant?.value;
    if (typeof value !== "string") {
      throw new SqlError(site.positions[i], "STRING constant expected");
    }
    return value;
  });
}

/** `rnd_symbol(count, low, high, nullRate)`. */
const generatedSymbols = volatile([INT, INT, INT, INT], (args, site) => {
  const [count, low, high] = args.map((arg, i) => constantNumber(arg, site.positions[i]));
  if (count < 1) throw new SqlError(site.positions[0], "invalid symbol count");
  if (low < 1 || high < low) throw new SqlError(site.position, "invalid range");
  const texts = () => Array.from({ length: count }, () => randomText(site, low, high));
  return drawSymbol(site, { texts, nullRate: nullRate(args[3], site.positions[3]) });
});

const listedSymbols: Overload = {
  parameters: [ANY],
  isVariadic: true,
  isVolatile: true,
  compile(args, site) {
    const texts = textList(args, site);
    return drawSymbol(site, { texts: () => texts, nullRate: null });
  },
};

function texts(type: number): readonly Overload[] {
  return [
    volatile([], (_args, site) =>
      rowExpression(
        site,
        { type, args: [] },
        () => randomText(site, DEFAULT_TEXT_MIN, DEFAULT_TEXT_MAX),
      )),
    volatile([INT, INT, INT], (args, site) => {
      const [low, high] = args.map((arg, i) => constantNumber(arg, site.positions[i]));
      if (low < 1 || high < low) throw new SqlError(site.position, "invalid range");
      const rate = nullRate(args[2], site.positions[2]);
      return rowExpression(
        site,
        { type, args: [] },
        () => randomSigned(site) % (rate + 1) === 1 ? null : randomText(site, low, high),
      );
    }),
    {
      parameters: [ANY],
      isVariadic: true,
      isVolatile: true,
      compile: (args, site) => {
        const list = textList(args, site);
        return coerce(site, drawSymbol(site, { texts: () => list, nullRate: null }), { type });
      },
    },
  ];
}

/** Sequences: the value of a row is its number times the step. */
function timestampSequence(
  [start, step]: readonly VectorExpression[],
  site: CallSite,
): VectorExpression {
  const first = start.constant?.value;
  if (typeof first !== "bigint") throw new SqlError(site.positions[0], "constant expected");
  let next = first;
  const stride = step.constant?.value;
  if (stride === undefined) {
    return rowExpression(site, { type: TIMESTAMP, args: [step] }, (value) => {
      const current = next;
      next += (value as bigint | null) ?? 0n;
      return current;
    });
  }
  const by = (stride as bigint | null) ?? 0n;
  return kernelExpression(site, TIMESTAMP, (batch, out) => {
    site.core.kernels.sequenceI64(next, by, out, batch.rowCount);
    next += by * BigInt(batch.rowCount);
  });
}

function smallInt(type: number): readonly Overload[] {
  return [
    volatile([], (_args, site) => drawInt(site, type, { kind: ANY_VALUE })),
    volatile([INT, INT], (args, site) => {
      const { low, range } = rangeOf(args, site);
      return drawInt(site, type, { kind: WIDE_RANGE, low: Number(low), range: Number(range) });
    }),
  ];
}

/** Row generators by name. */
export const RANDOM_FUNCTIONS: Registry = {
  rnd_int: [
    volatile([], (_args, site) => drawInt(site, INT, { kind: ANY_VALUE })),
    volatile([INT, INT, INT], (args, site) => {
      const { low, range } = rangeOf(args, site);
      const rate = nullRate(args[2], site.positions[2]);
      return drawInt(site, INT, {
        kind: IN_RANGE,
        low: Number(low),
        range: Number(range),
        nullRate: rate,
      });
    }),
  ],
  rnd_long: [
    volatile([], (_args, site) =>
      kernelExpression(site, LONG, (batch, out) => {
        site.core.kernels.randomI64(
          ANY_VALUE,
          site.random.pointer(),
          0n,
          1n,
          0,
          out,
          batch.rowCount,
        );
      })),
    drawLong(LONG),
  ],
  rnd_timestamp: [drawLong(TIMESTAMP)],
  rnd_date: [
    drawLong(DATE),
    volatile([], (_args, site) =>
      kernelExpression(site, DATE, (batch, out) => {
        const state = site.random.pointer();
        site.core.kernels.randomI64(
          IN_RANGE,
          state,
          0n,
          DEFAULT_DATE_RANGE_MILLIS,
          0,
          out,
          batch.rowCount,
        );
      })),
  ],
  rnd_double: [volatile([], drawDouble), volatile([INT], drawDouble)],
  rnd_float: [volatile([], drawFloat), volatile([INT], drawFloat)],
  rnd_boolean: [
    volatile([], (_args, site) => drawInt(site, BOOLEAN, { kind: TOP_BIT })),
  ],
  rnd_byte: smallInt(BYTE),
  rnd_short: smallInt(SHORT),
  rnd_char: [volatile([], (_args, site) => drawInt(site, CHAR, { kind: LETTER }))],
  rnd_symbol: [generatedSymbols, listedSymbols],
  rnd_str: texts(STRING),
  rnd_varchar: texts(VARCHAR),
  timestamp_sequence: [volatile([TIMESTAMP, LONG], timestampSequence)],
};
