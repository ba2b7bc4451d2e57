/**
 * Which values UPDATE puts into which columns without a cast. Narrower than INSERT: nothing that could lose digits.
 *
 * @module
 */
import {
  arrayDimensions,
  ColumnType,
  geohashBits,
  isDecimal,
  isGeohash,
  isTimestamp,
  typeTag,
} from "../../common/mod.ts";

const { ARRAY, BINARY, BYTE, CHAR, DATE, DOUBLE, FLOAT, INT, IPV4, LONG, LONG256, SHORT } =
  ColumnType;
const { STRING, SYMBOL, TIMESTAMP, TIMESTAMP_NS, UUID, VARCHAR } = ColumnType;

/** Types by column type that it takes besides its own and texts. */
const SOURCES: Readonly<Record<number, readonly number[]>> = {
  [BYTE]: [],
  [SHORT]: [BYTE],
  [CHAR]: [SHORT],
  [INT]: [BYTE, SHORT],
  [LONG]: [BYTE, SHORT, INT, DATE, TIMESTAMP],
  [DATE]: [INT, LONG],
  [TIMESTAMP]: [INT, LONG, DATE, SYMBOL],
  [FLOAT]: [BYTE, SHORT, INT, LONG, DATE, TIMESTAMP],
  [DOUBLE]: [BYTE, SHORT, INT, LONG, DATE, TIMESTAMP, FLOAT],
  [STRING]: [CHAR, SYMBOL, UUID, IPV4],
  [VARCHAR]: [CHAR, SYMBOL, UUID, IPV4],
  [SYMBOL]: [CHAR],
  [UUID]: [SYMBOL],
  [IPV4]: [],
};
/** Columns that a one-letter constant fills. */
const CHAR_CONSTANT_TARGETS: ReadonlySet<number> = new Set([SHORT, INT, LONG, FLOAT, DOUBLE]);

/** Tells whether UPDATE converts values of one type for a column of another. */
export function isAssignable(
  from: { readonly type: number; readonly isConstant: boolean },
  to: number,
): boolean {
  const source = tagOf(from.type), target = tagOf(to);
  const isString = source === STRING || source === VARCHAR;
  if (source === ColumnType.NULL) return true;
  if (isGeohash(to)) {
    return isGeohash(from.type)
      ? geohashBits(from.type) >= geohashBits(to)
      : isString || source === SYMBOL;
  }
  if (isDecimal(to)) {
    return isDecimal(from.type) || isString || source === SYMBOL ||
      [BYTE, SHORT, INT, LONG].some((type) => type === source);
  }
  if (target === ARRAY) {
    return source === STRING || source === SYMBOL ||
      (source === ARRAY && arrayDimensions(from.type) === arrayDimensions(to));
  }
  if (source === target) return true;
  if (target === LONG256 || target === BINARY || target === ColumnType.BOOLEAN) return false;
  if (isString) return true;
  if (source === CHAR && from.isConstant && CHAR_CONSTANT_TARGETS.has(target)) return true;
  return SOURCES[target]?.includes(source) ?? false;
}

function tagOf(type: number): number {
  return isTimestamp(type) || type === TIMESTAMP_NS ? TIMESTAMP : typeTag(type);
}
