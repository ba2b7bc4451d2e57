/**
 * Column types for random histories, and literals of each that both servers must store the same way.
 *
 * @module
 */
import type { SeededRandom } from "../../support/seeded_random.ts";

/** Types that values can be inserted into by literals. */
export const LITERAL_TYPES: readonly string[] = [
  "BOOLEAN",
  "BYTE",
  "SHORT",
  "CHAR",
  "INT",
  "LONG",
  "DATE",
  "TIMESTAMP",
  "TIMESTAMP_NS",
  "FLOAT",
  "DOUBLE",
  "STRING",
  "VARCHAR",
  "SYMBOL",
  "UUID",
  "LONG256",
  "IPv4",
  "GEOHASH(1c)",
  "GEOHASH(3c)",
  "GEOHASH(5c)",
  "GEOHASH(12c)",
  "GEOHASH(7b)",
  "DOUBLE[]",
  "DOUBLE[][]",
  "DECIMAL(2,1)",
  "DECIMAL(4,2)",
  "DECIMAL(9,3)",
  "DECIMAL(18,4)",
  "DECIMAL(38,10)",
  "DECIMAL(76,20)",
  "BINARY",
];
const NULL_SHARE = 0.15;
const BASE32 = "0123456789bcdefghjkmnpqrstuvwxyz";
const HEX = "0123456789abcdef";
const TEXT_ALPHABET = [
  "a",
  "b",
  "Z",
  "0",
  " ",
  "_",
  "é",
  "ž",
  "ю",
  "漢",
  "🐎",
  "''",
  "%",
  "\\",
  '"',
];

function characters(random: SeededRandom, alphabet: readonly string[] | string, count: number) {
  return Array.from({ length: count }, () => alphabet[random.int(0, alphabet.length)]).join("");
}

function text(random: SeededRandom): string {
  const kind = random.next();
  if (kind < 0.1) return "";
  if (kind < 0.5) return characters(random, "abcdefgh", random.int(1, 10));
  if (kind < 0.95) return characters(random, TEXT_ALPHABET, random.int(1, 24));
  return characters(random, TEXT_ALPHABET, random.int(100, 300));
}

function digits(random: SeededRandom, count: number): string {
  return characters(random, "0123456789", count).replace(/^0+(?=\d)/, "");
}

function integer(random: SeededRandom, limit: number): string {
  const value = random.next() < 0.1
    ? random.pick([limit, -limit, 0])
    : random.int(-limit, limit + 1);
  return String(value);
}

function array(random: SeededRandom): string {
  const count = random.int(0, 6);
  if (count === 0) return "null";
  return `ARRAY[${
    Array.from(
      { length: count },
      () => `${random.int(-1000, 1000)}.${random.pick(["0", "5", "25"])}`,
    )
      .join(",")
  }]`;
}

function array2(random: SeededRandom): string {
  const rows = random.int(1, 4), columns = random.int(1, 4);
  const row = () =>
    `[${Array.from({ length: columns }, () => `${random.int(-99, 99)}.5`).join(",")}]`;
  return `ARRAY[${Array.from({ length: rows }, row).join(",")}]`;
}

function decimal(random: SeededRandom, precision: number, scale: number): string {
  const sign = random.next() < 0.4 ? "-" : "";
  const whole = digits(random, random.int(1, precision - scale + 1)) || "0";
  const fraction = characters(random, "0123456789", random.int(0, scale + 1));
  return `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}m`;
}

const MILLIS_2024 = Date.UTC(2024, 0, 1);

function date(random: SeededRandom): string {
  return new Date(MILLIS_2024 + random.int(-3e10, 3e10)).toISOString();
}

const NUMBERED = /^(GEOHASH|DECIMAL)\((\d+)([cb]|,(\d+))\)$/;

/** A literal of a type, `null` now and then; symbols come from a small set so that keys repeat. */
export function literal(type: string, random: SeededRandom): string {
  if (type === "BINARY" || random.next() < NULL_SHARE) return "null";
  const numbered = NUMBERED.exec(type);
  if (numbered?.[1] === "DECIMAL") return decimal(random, Number(numbered[2]), Number(numbered[4]));
  if (numbered?.[1] === "GEOHASH") {
    const size = Number(numbered[2]);
    if (numbered[3] === "b") return `##${characters(random, "01", size)}`;
    return `#${characters(random, BASE32, size)}`;
  }
  switch (type) {
    case "BOOLEAN":
      return random.pick(["true", "false"]);
    case "BYTE":
      return integer(random, 127);
    case "SHORT":
      return integer(random, 32767);
    case "CHAR":
      return `'${random.pick(["a", "Z", "9", "ž", "漢", " "])}'`;
    case "INT":
      return integer(random, 2147483647);
    case "LONG":
      return `${random.next() < 0.3 ? "-" : ""}${digits(random, random.int(1, 19))}L`;
    case "DATE":
      return `'${date(random)}'`;
    case "TIMESTAMP":
      return `'${date(random).replace("Z", `${random.int(100, 1000)}Z`)}'`;
    case "TIMESTAMP_NS":
      return `'${date(random).replace("Z", `${random.int(100_000, 1_000_000)}Z`)}'`;
    case "FLOAT":
      return `${random.int(-100_000, 100_000) / 64}f`;
    case "DOUBLE":
      return random.next() < 0.05
        ? random.pick(["1e300", "-1e-300", "0.1"])
        : `${random.int(-1e9, 1e9) / 1024}`;
    case "SYMBOL":
      return `'${random.next() < 0.8 ? `s${random.int(0, 12)}` : text(random)}'`;
    case "UUID":
      return `'${characters(random, HEX, 8)}-${characters(random, HEX, 4)}-${
        characters(random, HEX, 4)
      }-${characters(random, HEX, 4)}-${characters(random, HEX, 12)}'`;
    case "LONG256":
      return `'0x${characters(random, HEX, 2 * random.int(1, 33))}'`;
    case "IPv4":
      return `'${random.int(1, 224)}.${random.int(0, 256)}.${random.int(0, 256)}.${
        random.int(0, 256)
      }'`;
    case "DOUBLE[]":
      return array(random);
    case "DOUBLE[][]":
      return array2(random);
    default:
      return `'${text(random)}'`;
  }
}

/** A literal with its type said, for where nothing else says it. */
export function typedLiteral(type: string, random: SeededRandom): string {
  const value = literal(type, random);
  if (
    value === "null" ||
    !/^(BYTE|SHORT|LONG256|UUID|IPv4|VARCHAR|DATE|TIMESTAMP|TIMESTAMP_NS)$/.test(type)
  ) {
    return value;
  }
  // Of a text that begins with a quote, the reference's cast to VARCHAR takes away the first and the last character.
  const text = type === "VARCHAR" ? value.replace(/^'''/, "'q") : value;
  return `cast(${text} as ${type})`;
}

/** An expression of `x`, the row's number, that gives the same value in both servers; `null` if there is none. */
export function sequenceExpression(type: string, random: SeededRandom): string | null {
  const factor = random.int(1, 50), modulus = random.int(2, 40);
  switch (type) {
    case "BOOLEAN":
      return `x % ${modulus} = 1`;
    case "INT":
      return `cast(x * ${factor} as int)`;
    case "LONG":
      return `x * ${factor}`;
    case "DOUBLE":
      return `x / ${factor}.0`;
    case "SHORT":
      return `cast(x % 1000 as short)`;
    case "BYTE":
      return `cast(x % 100 as byte)`;
    case "FLOAT":
      return `cast(x % 1000 as float)`;
    case "SYMBOL":
      return `'q' || (x % ${modulus})`;
    case "STRING":
      return `'text ' || x`;
    case "VARCHAR":
      return `cast('varchar ' || (x % ${modulus * 10}) as varchar)`;
    case "TIMESTAMP":
      return `cast(x * 1000000 as timestamp)`;
    case "DATE":
      return `cast(x * 1000 as date)`;
    default:
      return null;
  }
}
