/**
 * Text functions. STRING in gives STRING out, VARCHAR gives VARCHAR.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { ColumnType, isDecimal, SqlError, typeTag } from "../../common/mod.ts";
import { type Batch, BATCH_ROWS, fixedVector, type Vector } from "../../wasm/mod.ts";
import { choiceExpression } from "./choice.ts";
import { coerce } from "./coerce.ts";
import { ANY, type CallSite, type Overload, TEXT } from "./overloads.ts";
import { strictRowExpression } from "./row_function.ts";
import {
  type CompileContext,
  constantExpression,
  isText,
  kernelExpression,
  lazyBuffer,
  operandOf,
  type VectorExpression,
} from "./vector_expression.ts";

const { BOOLEAN, INT, STRING, VARCHAR } = ColumnType;

type Registry = Readonly<Record<string, readonly Overload[]>>;
type TextRun = (text: string, ...rest: (string | number)[]) => string | null;

/** A function of texts and INTs that gives a text of the first argument's type. */
function textFunction(parameters: readonly number[], run: TextRun): Overload {
  return {
    parameters,
    compile: (args, site) =>
      strictRowExpression(site, {
        type: args[0].type === ColumnType.NULL ? STRING : args[0].type,
        args,
      }, (text, ...rest) => run(text as string, ...rest as (string | number)[])),
  };
}

/** A function of texts that gives a number or a flag. */
function measure(
  type: number,
  parameters: readonly number[],
  run: (...texts: string[]) => number | boolean,
): Overload {
  return {
    parameters,
    compile: (args, site) =>
      strictRowExpression(site, { type, args }, (...values) => run(...values as string[])),
  };
}

const length: Overload = {
  parameters: [TEXT],
  compile(args, site) {
    return kernelExpression(site, INT, (batch, out) => {
      const { data, heap, heapOffset } = args[0].evaluate(batch);
      site.core.kernels.varcharLengths(data, heap, heapOffset, out, batch.rowCount);
    });
  },
};

/** Appends vectors two by two; numbers become text first. */
export function concatExpression(
  context: CompileContext,
  args: readonly VectorExpression[],
): VectorExpression {
  const parts = args.map((arg) => concatPart(context, arg));
  const first = parts.length === 1 ? [...parts, constantExpression(context, STRING, "")] : parts;
  return first.reduce((a, b) => concatPair(context, a, b));
}

/** Code of VARCHAR entries in core-wasm/expr/convert.ts. */
const TEXT_KIND = 3;

/** What NULL becomes in a concatenation; of the other types, nothing. */
const NULL_TEXTS: Readonly<Record<number, string>> = {
  [INT]: "null",
  [ColumnType.LONG]: "null",
  [ColumnType.DATE]: "null",
  [ColumnType.FLOAT]: "NaN",
  [ColumnType.DOUBLE]: "NaN",
  [ColumnType.CHAR]: "\0",
  [ColumnType.IPV4]: "0.0.0.0",
};

function concatPart(context: CompileContext, arg: VectorExpression): VectorExpression {
  const { type } = arg;
  if (isText(type)) return arg;
  const tag = typeTag(type);
  if (tag === ColumnType.BINARY) return constantExpression(context, STRING, "[]"); // as QuestDB
  const filler = isDecimal(type) ? "null" : NULL_TEXTS[tag];
  // QuestDB writes dates as milliseconds here.
  const plain = tag === ColumnType.DATE ? { ...arg, type: ColumnType.LONG, evaluate: longs } : arg;
  function longs(batch: Batch) {
    return { ...arg.evaluate(batch), type: ColumnType.LONG };
  }
  const text = coerce(context, plain, { type: STRING, isExplicit: true });
  return filler === undefined ? text : filledText(context, text, filler);
}

/** A text with another in the place of NULL; nothing is copied as long as there is no NULL. */
function filledText(
  context: CompileContext,
  text: VectorExpression,
  filler: string,
): VectorExpression {
  if (text.constant !== undefined) {
    return constantExpression(context, STRING, text.constant.value ?? filler);
  }
  const { kernels } = context.core;
  const flags = lazyBuffer(context, 1);
  // The text is made once a batch, however often the choice below asks for it.
  let current: Vector | null = null;
  const made: VectorExpression = { type: STRING, evaluate: () => current! };
  const filled = choiceExpression(context, [
    {
      condition: { type: BOOLEAN, evaluate: () => fixedVector(BOOLEAN, flags()) },
      value: constantExpression(context, STRING, filler),
      position: 0,
    },
    { condition: null, value: made, position: 0 },
  ]);
  return {
    type: STRING,
    ...(text.isVolatile === true ? { isVolatile: true } : {}),
    evaluate(batch) {
      current = text.evaluate(batch);
      kernels.isNullRows(TEXT_KIND, 16, current.data, flags(), batch.rowCount);
      const hasNull = kernels.countTrue(flags(), batch.rowCount) > 0;
      return hasNull ? filled.evaluate(batch) : current;
    },
  };
}

function concatPair(
  context: CompileContext,
  a: VectorExpression,
  b: VectorExpression,
): VectorExpression {
  const { kernels } = context.core;
  const entries = lazyBuffer(context, 16);
  let heap = 0, capacity = 0;
  return {
    type: STRING,
    ...(a.isVolatile === true || b.isVolatile === true ? { isVolatile: true } : {}),
    evaluate(batch) {
      const x = operandOf(a, batch), y = operandOf(b, batch);
      const n = batch.rowCount;
      const bound = kernels.concatVarcharBytes(x.pointer, x.stride, n) +
        kernels.concatVarcharBytes(y.pointer, y.stride, n);
      if (bound + 16 > capacity) {
        capacity = Math.max(BATCH_ROWS * 16, 2 * bound);
        heap = context.arena.alloc(capacity);
      }
      const { vector: v } = x, { vector: w } = y;
      const out = entries();
      const heapBytes = kernels.concatVarchar(
        v.data,
        x.stride,
        v.heap,
        v.heapOffset,
        w.data,
        y.stride,
        w.heap,
        w.heapOffset,
        out,
        heap,
        n,
      );
      return { type: STRING, data: out, heap, heapBytes, heapOffset: 0, symbols: null };
    },
  };
}

function sliceLeft(text: string, count: number): string {
  return count >= 0 ? text.slice(0, count) : text.slice(0, Math.max(0, text.length + count));
}

function sliceRight(text: string, count: number): string {
  if (count >= 0) return count === 0 ? "" : text.slice(-count);
  return text.slice(-count);
}

function substring(args: readonly VectorExpression[], site: CallSite): VectorExpression {
  const count = args[2].constant?.value;
  if (typeof count === "number" && count < 0) throw negativeLength(site);
  return strictRowExpression(site, { type: args[0].type, args }, (text, start, length) => {
    if (Number(length) < 0) throw negativeLength(site);
    const from = Number(start) - 1;
    return (text as string).slice(Math.max(0, from), Math.max(0, from + Number(length)));
  });
}

function negativeLength(site: CallSite): SqlError {
  return new SqlError(site.position, "negative substring length is not allowed");
}

function pad(
  text: string,
  length: number,
  options: { fill: string; isLeft: boolean },
): string | null {
  if (length < 0) return null;
  if (text.length >= length) return text.slice(0, length);
  return options.isLeft ? text.padStart(length, options.fill) : text.padEnd(length, options.fill);
}

function splitPart(text: string, separator: string, index: number): string {
  const parts = separator === "" ? [text] : text.split(separator);
  return (index > 0 ? parts[index - 1] : parts[parts.length + index]) ?? "";
}

function digest(algorithm: string): Overload {
  return {
    parameters: [TEXT],
    compile: (args, site) =>
      strictRowExpression(
        site,
        { type: VARCHAR, args },
        (text) => createHash(algorithm).update(text as string).digest("hex"),
      ),
  };
}

function regexpReplace(args: readonly VectorExpression[], site: CallSite): VectorExpression {
  const source = args[1].constant?.value;
  if (typeof source !== "string") {
    throw new SqlError(site.positions[1], "pattern must be a constant");
  }
  const pattern = compilePattern(source, site.positions[1]);
  return strictRowExpression(
    site,
    { type: args[0].type, args },
    (text, _pattern, replacement) => (text as string).replaceAll(pattern, replacement as string),
  );
}

/** Compiles a regular expression. @throws {SqlError} if it is malformed. */
export function compilePattern(source: string, position: number): RegExp {
  try {
    return new RegExp(source, "g");
  } catch (cause) {
    throw new SqlError(position, `invalid regular expression: ${source}`, { cause });
  }
}

const lower = textFunction([TEXT], (text) => text.toLowerCase());
const upper = textFunction([TEXT], (text) => text.toUpperCase());
const position = measure(INT, [TEXT, TEXT], (text, part) => text.indexOf(part) + 1);

/** Text functions by name. */
export const TEXT_FUNCTIONS: Registry = {
  length: [length],
  length_bytes: [measure(INT, [TEXT], (text) => new TextEncoder().encode(text).length)],
  lower: [lower],
  to_lowercase: [lower],
  upper: [upper],
  to_uppercase: [upper],
  trim: [textFunction([TEXT], (text) => text.replace(/^ +| +$/g, ""))],
  ltrim: [textFunction([TEXT], (text) => text.replace(/^ +/, ""))],
  rtrim: [textFunction([TEXT], (text) => text.replace(/ +$/, ""))],
  left: [textFunction([TEXT, INT], (text, count) => sliceLeft(text, count as number))],
  right: [textFunction([TEXT, INT], (text, count) => sliceRight(text, count as number))],
  substring: [
    { parameters: [ColumnType.STRING, INT, INT], compile: substring },
    { parameters: [ColumnType.VARCHAR, INT, INT], compile: substring },
  ],
  replace: [
    textFunction(
      [TEXT, TEXT, TEXT],
      (text, part, other) =>
        part === "" ? text : text.replaceAll(part as string, () => other as string),
    ),
  ],
  strpos: [position],
  position: [position],
  starts_with: [measure(BOOLEAN, [TEXT, TEXT], (text, prefix) => text.startsWith(prefix))],
  lpad: [
    textFunction([TEXT, INT], (text, n) => pad(text, n as number, { fill: " ", isLeft: true })),
    textFunction(
      [TEXT, INT, TEXT],
      (text, n, fill) => pad(text, n as number, { fill: fill as string, isLeft: true }),
    ),
  ],
  rpad: [
    textFunction([TEXT, INT], (text, n) => pad(text, n as number, { fill: " ", isLeft: false })),
    textFunction(
      [TEXT, INT, TEXT],
      (text, n, fill) => pad(text, n as number, { fill: fill as string, isLeft: false }),
    ),
  ],
  split_part: [
    textFunction(
      [TEXT, TEXT, INT],
      (text, separator, n) => splitPart(text, separator as string, n as number),
    ),
  ],
  quote_ident: [
    textFunction(
      [TEXT],
      (text) => /^[a-z_][a-z0-9_]*$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`,
    ),
  ],
  regexp_replace: [{ parameters: [TEXT, TEXT, TEXT], compile: regexpReplace }],
  concat: [{
    parameters: [ANY],
    isVariadic: true,
    compile: (args, site) => concatExpression(site, args),
  }],
  md5: [digest("md5")],
  sha1: [digest("sha1")],
  sha256: [digest("sha256")],
};
