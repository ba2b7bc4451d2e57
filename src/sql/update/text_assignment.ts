/**
 * Texts that UPDATE puts into columns of numbers, times, characters and UUIDs: as INSERT reads them, with QuestDB's exceptions.
 *
 * @module
 */
import { ColumnType, isTimestamp, SqlError, typeTag } from "../../common/mod.ts";
import { convertScalar } from "../ddl/implicit_conversion.ts";
import {
  type CompileContext,
  parseText,
  rowExpression,
  type ScalarValue,
  type VectorExpression,
} from "../functions/mod.ts";

const { CHAR, DATE, IPV4, LONG, SHORT, STRING, SYMBOL, TIMESTAMP, TIMESTAMP_NS, UUID, VARCHAR } =
  ColumnType;

const TARGETS: ReadonlySet<number> = new Set([SHORT, LONG, CHAR, DATE, IPV4, TIMESTAMP, UUID]);
const NANOS_PER_MICRO = 1000n;
const WHOLE = /^-?\d[\d_]*[lL]?$/;

/** Makes the expression that reads the texts of `value`; `null` if it gives none, or the column's type has no exceptions. */
export function textAssignment(
  context: CompileContext,
  value: VectorExpression,
  type: number,
): VectorExpression | null {
  const from = typeTag(value.type), to = typeTag(type);
  if (!TARGETS.has(to)) return null;
  const isLenient = to === UUID || (from === SYMBOL && to === TIMESTAMP);
  if (from !== STRING && from !== VARCHAR && !(from === SYMBOL && isLenient)) return null;
  const read = (text: ScalarValue): ScalarValue => {
    if (typeof text !== "string") return null;
    // What is no UUID, and a symbol that is no time, is NULL.
    if (isLenient) return parseText(text, type) ?? null;
    return isTimestamp(type) && type !== TIMESTAMP_NS
      ? readMicros(text, value.type)
      : convertScalar(text, value.type, type);
  };
  return rowExpression(context, { type, args: [value] }, read);
}

/** QuestDB reads TIMESTAMPs as nanoseconds first, which shows in whole numbers and in errors. */
function readMicros(text: string, from: number): ScalarValue {
  const type = WHOLE.test(text) ? TIMESTAMP_NS : TIMESTAMP;
  try {
    const time = convertScalar(text, from, type) as bigint | null;
    return time === null || type === TIMESTAMP ? time : time / NANOS_PER_MICRO;
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const message = error.message.replace(/TIMESTAMP\]$/, "TIMESTAMP_NS]");
    throw new SqlError(error.position, message, { cause: error });
  }
}
