/**
 * What INSERT converts without being asked, and how single values become column values. Texts and limits are QuestDB's:
 * numbers take strings that spell numbers, timestamps take ISO strings, texts take texts, and BOOLEAN takes nothing but
 * BOOLEAN.
 *
 * @module
 */
import {
  arrayDimensions,
  ColumnType,
  geohashBits,
  isDecimal,
  isGeohash,
  SqlError,
  typeName,
  typeTag,
} from "../../common/mod.ts";
import type { ScalarValue } from "../exec/mod.ts";
import { convertNumber } from "./insert_numbers.ts";
import { convertSpecial } from "./insert_special.ts";
import { convertMoment } from "./insert_times.ts";

const { ARRAY, BOOLEAN, BYTE, CHAR, DATE, DOUBLE, FLOAT, INT, IPV4, LONG, LONG256, NULL, SHORT } =
  ColumnType;
const { STRING, SYMBOL, TIMESTAMP, UUID, VARCHAR } = ColumnType;

const NUMBERS: ReadonlySet<number> = new Set([BYTE, SHORT, INT, LONG, FLOAT, DOUBLE]);
const WHOLE_NUMBERS: ReadonlySet<number> = new Set([BYTE, SHORT, INT, LONG]);
const STRINGS: ReadonlySet<number> = new Set([STRING, VARCHAR]);
const TEXTS: ReadonlySet<number> = new Set([STRING, VARCHAR, CHAR]);
const MOMENTS: ReadonlySet<number> = new Set([DATE, TIMESTAMP]);
/** Widest geohash that one character fills. */
const CHAR_BITS = 5;

/** Tells whether INSERT converts values of one type into a column of another without a cast. */
export function isInsertable(from: number, to: number): boolean {
  const source = typeTag(from), target = typeTag(to);
  if (source === NULL || from === to) return true;
  if (isGeohash(to)) return isGeohashInsertable(from, to);
  if (isDecimal(to)) return isDecimal(from) || WHOLE_NUMBERS.has(source) || TEXTS.has(source);
  if (target === ARRAY) {
    return STRINGS.has(source) ||
      (source === ARRAY && arrayDimensions(from) === arrayDimensions(to));
  }
  if (source === target) return true;
  if (NUMBERS.has(target)) {
    return NUMBERS.has(source) || TEXTS.has(source) || MOMENTS.has(source);
  }
  if (MOMENTS.has(target)) {
    if (source === SYMBOL) return target === TIMESTAMP; // which it leaves NULL
    return WHOLE_NUMBERS.has(source) || source === FLOAT || TEXTS.has(source) ||
      MOMENTS.has(source);
  }
  switch (target) {
    case CHAR: {
      // Numbers but INT, and times: QuestDB takes them and stores no character.
      const isEmptied = (NUMBERS.has(source) && source !== INT) || MOMENTS.has(source);
      return STRINGS.has(source) || isEmptied;
    }
    case LONG256:
    case UUID:
    case IPV4:
      return STRINGS.has(source);
    case SYMBOL:
      return TEXTS.has(source);
    case STRING:
    case VARCHAR:
      return TEXTS.has(source) || source === SYMBOL || source === UUID;
    default:
      return false;
  }
}

/** Tells whether `INSERT … VALUES` does so: besides what every INSERT converts, texts of symbols and addresses. */
export function isValueInsertable(from: number, to: number): boolean {
  if (isInsertable(from, to)) return true;
  const source = typeTag(from), target = typeTag(to);
  if (source === IPV4) return STRINGS.has(target);
  return source === SYMBOL &&
    (isGeohash(to) || isDecimal(to) || target === UUID || target === ARRAY);
}

function isGeohashInsertable(from: number, to: number): boolean {
  if (isGeohash(from)) return geohashBits(from) >= geohashBits(to);
  const source = typeTag(from);
  return STRINGS.has(source) || (source === CHAR && geohashBits(to) <= CHAR_BITS);
}

/** Makes QuestDB's error about types that INSERT does not convert. */
export function inconvertibleTypes(
  position: number,
  from: { type: number; text: string },
  to: { type: number; name: string },
): SqlError {
  return new SqlError(
    position,
    `inconvertible types: ${typeName(from.type)} -> ${typeName(to.type)} ` +
      `[from=${from.text}, to=${to.name}]`,
  );
}

/**
 * Converts a value to a column's type; the types are known to be convertible.
 *
 * @param value Of type `from`; NULL stays NULL, save that a BOOLEAN column reads it as false.
 * @returns The value as `rowsCursor` takes it for a column of type `to` (a text for a SYMBOL).
 * @throws {SqlError} `inconvertible value: …`
 */
export function convertScalar(value: ScalarValue, from: number, to: number): ScalarValue {
  const target = typeTag(to);
  if (target === BOOLEAN) return value === true;
  if (value === null || (typeof value === "number" && !Number.isFinite(value))) return null;
  if (from === to) return value;
  if (NUMBERS.has(target)) return convertNumber(value, from, to);
  if (MOMENTS.has(target)) return convertMoment(value, from, to);
  return convertSpecial(value, from, to);
}
