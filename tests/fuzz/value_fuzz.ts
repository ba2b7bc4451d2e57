/**
 * Fuzzes texts of values: random strings, and texts of values with characters changed. Every reader ends with a value or says
 * that there is none; and a value that it read is spelled and read again as the same value.
 *
 * @module
 */
import {
  arrayType,
  ColumnType,
  decimalType,
  formatDecimal,
  geohashType,
  parseDecimal,
} from "../../src/common/mod.ts";
import { jsonExtract } from "../../src/sql/functions/json_functions.ts";
import { formatValue, parseText } from "../../src/sql/functions/mod.ts";
import { SeededRandom } from "../support/seeded_random.ts";

const SEEDS = [
  "11111111-2222-3333-4444-555555555555",
  "1.2.3.4",
  "0x0102abcdef",
  "u33d8b12xyz9",
  "-123.4500",
  "1.5e-3",
  "[1.0,null,-2.5e10]",
  "[[1,2],[3,4]]",
  "{{},{}}",
  "2024-02-29T12:34:56.123456789Z",
  '{"a":{"b":[1,2.50,"x\\n"]},"":null}',
  "NaN",
  "Infinity",
];
const CHARS = "0123456789abcdefuxzLm.,:;-+eET[]{}\"' \\$\u0000\u00e9\ud83c";
const TYPES = [
  ColumnType.BOOLEAN,
  ColumnType.BYTE,
  ColumnType.SHORT,
  ColumnType.CHAR,
  ColumnType.INT,
  ColumnType.LONG,
  ColumnType.DATE,
  ColumnType.TIMESTAMP,
  ColumnType.TIMESTAMP_NS,
  ColumnType.FLOAT,
  ColumnType.DOUBLE,
  ColumnType.UUID,
  ColumnType.IPV4,
  ColumnType.LONG256,
  geohashType(15),
  geohashType(7),
  arrayType(1),
  arrayType(2),
  arrayType(5),
];
/** Types whose text says all of the value, and is read again. */
const EXACT = new Set<number>([
  ColumnType.UUID,
  ColumnType.IPV4,
  ColumnType.LONG256,
  geohashType(15),
  ColumnType.LONG,
  ColumnType.DOUBLE,
]);
const PATHS = ["$.a", "$.a.b[1]", ".a", "[0]", "$", "$..a", "$[99999999999]", "$.__proto__", ""];
const JSON_CHANCE = 4;

function mutate(random: SeededRandom): string {
  let text = SEEDS[random.int(0, SEEDS.length)];
  for (let changes = random.int(0, 6); changes > 0; changes--) {
    const at = random.int(0, text.length + 1), char = CHARS[random.int(0, CHARS.length)];
    const kind = random.int(0, 3);
    if (kind === 0) text = text.slice(0, at) + char + text.slice(at);
    else if (kind === 1) text = text.slice(0, at) + text.slice(at + 1);
    else text = text.slice(0, at) + text.slice(at).repeat(random.int(0, 3));
  }
  return text;
}

/**
 * Runs `iterations` texts.
 *
 * @returns How many values were read.
 * @throws {Error} naming seed, iteration and text when a reader fails or a value changes on its way.
 */
export function fuzzValues(seed: number, iterations: number): number {
  const random = new SeededRandom(seed);
  let read = 0;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const text = mutate(random), type = TYPES[random.int(0, TYPES.length)];
    const fail = (reason: string) => {
      throw new Error(
        `seed=${seed} iteration=${iteration} type=${type} text=${JSON.stringify(text)}: ${reason}`,
      );
    };
    try {
      const value = parseText(text, type);
      if (value !== undefined && value !== null) {
        read++;
        const spelled = formatValue(value, type)!;
        if (EXACT.has(type) && !Object.is(parseText(spelled, type), value)) fail(spelled);
      }
      const decimal = parseDecimal(text);
      if (decimal !== null) {
        const again = parseDecimal(formatDecimal(decimal.unscaled, decimal.scale));
        if (again?.unscaled !== decimal.unscaled || again.scale !== decimal.scale) fail("decimal");
        decimalType(Math.min(76, decimal.precision), Math.min(76, decimal.scale));
      }
      if (random.int(0, JSON_CHANCE) === 0) {
        jsonExtract(text, PATHS[random.int(0, PATHS.length)]);
      }
    } catch (error) {
      fail(String(error));
    }
  }
  return read;
}
