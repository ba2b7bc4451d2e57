/**
 * Functions that make or take apart GEOHASH, UUID, IPv4, LONG256, BINARY and INTERVAL values.
 *
 * @module
 */
import {
  ColumnType,
  GEOHASH_BITS_MAX,
  geohashBits,
  geohashType,
  isGeohash,
  SqlError,
  typeName,
} from "../../common/mod.ts";
import { DECIMAL_FUNCTIONS } from "./decimal_functions.ts";
import { ANY, type Overload } from "./overloads.ts";
import { rowExpression, strictRowExpression } from "./row_function.ts";
import { constantExpression } from "./vector_expression.ts";
import { parseSubnet } from "./special_arithmetic.ts";

const { BINARY, DOUBLE, INT, INTERVAL, IPV4, LONG, LONG256, STRING, TIMESTAMP, UUID } = ColumnType;

type Registry = Readonly<Record<string, readonly Overload[]>>;

const WORD_BITS = 64n;

/** Joins signed words, least significant first, to an unsigned number. */
function joinWords(words: readonly bigint[]): bigint {
  return words.reduceRight((value, word) => (value << WORD_BITS) | BigInt.asUintN(64, word), 0n);
}

function fromLongs(type: number, count: number): Overload {
  return {
    parameters: new Array<number>(count).fill(LONG),
    compile: (args, site) =>
      strictRowExpression(site, { type, args }, (...words) => joinWords(words as bigint[])),
  };
}

/** Interleaves the halves of longitude and latitude, longitude first. */
function geohashOf(longitude: number, latitude: number, bits: number): bigint | null {
  const isInside = Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90;
  if (!isInside) return null;
  let value = 0n;
  const ranges: [number, number][] = [[-180, 180], [-90, 90]];
  for (let bit = 0; bit < bits; bit++) {
    const axis = bit % 2;
    const [low, high] = ranges[axis];
    const middle = (low + high) / 2;
    const isUpper = (axis === 0 ? longitude : latitude) >= middle;
    value = (value << 1n) | (isUpper ? 1n : 0n);
    ranges[axis] = isUpper ? [middle, high] : [low, middle];
  }
  return value;
}

const MAKE_GEOHASH: Overload = {
  parameters: [DOUBLE, DOUBLE, INT],
  compile(args, site) {
    const bits = args[2].constant?.value;
    if (typeof bits !== "number" || bits < 1 || bits > GEOHASH_BITS_MAX) {
      throw new SqlError(site.positions[2], "precision must be in [1..60] range");
    }
    return strictRowExpression(
      site,
      { type: geohashType(bits), args: args.slice(0, 2) },
      (longitude, latitude) => geohashOf(Number(longitude), Number(latitude), bits),
    );
  },
};

const NETMASK: Overload = {
  parameters: [STRING],
  compile: (args, site) =>
    strictRowExpression(site, { type: IPV4, args }, (text) => {
      const source = String(text);
      const subnet = source.includes("/") ? parseSubnet(source) : null;
      return subnet === null || subnet.mask === 0 ? null : subnet.mask;
    }),
};

const BASE64: Overload = {
  parameters: [BINARY, INT],
  compile: (args, site) =>
    strictRowExpression(site, { type: STRING, args }, (bytes, length) => {
      const part = (bytes as Uint8Array).subarray(0, Math.max(0, Number(length)));
      return btoa(Array.from(part, (byte) => String.fromCharCode(byte)).join(""));
    }),
};

/** The length of bytes, −1 for NULL. */
const BINARY_LENGTH: Overload = {
  parameters: [BINARY],
  compile: (args, site) =>
    rowExpression(
      site,
      { type: LONG, args },
      (bytes) => bytes === null ? -1n : BigInt((bytes as Uint8Array).length),
    ),
};

const MAKE_INTERVAL: Overload = {
  parameters: [TIMESTAMP, TIMESTAMP],
  compile: (args, site) =>
    strictRowExpression(site, { type: INTERVAL, args }, (low, high) => {
      if ((low as bigint) > (high as bigint)) {
        throw new SqlError(site.position, "invalid interval boundaries");
      }
      return joinWords([low as bigint, high as bigint]);
    }),
};

function intervalEnd(shift: bigint): Overload {
  return {
    parameters: [INTERVAL],
    compile: (args, site) =>
      strictRowExpression(
        site,
        { type: TIMESTAMP, args },
        (interval) => BigInt.asIntN(64, (interval as bigint) >> shift),
      ),
  };
}

/** `geohash WITHIN (prefix, …)`: the geohash starts with one of the prefixes. */
const WITHIN: Overload = {
  parameters: [ANY],
  isVariadic: true,
  compile(args, site) {
    const [value, ...prefixes] = args;
    if (!isGeohash(value.type)) {
      throw new SqlError(
        site.position,
        `there is no matching operator \`within\` with the argument type: ${typeName(value.type)}`,
      );
    }
    for (const [i, { type }] of prefixes.entries()) {
      if (isGeohash(type)) continue;
      throw new SqlError(
        site.positions[i + 1],
        `cannot compare GEOHASH with type ${typeName(type)}`,
      );
    }
    const own = geohashBits(value.type);
    const shifts = prefixes.map(({ type }) => BigInt(own - geohashBits(type)));
    return rowExpression(
      site,
      { type: ColumnType.BOOLEAN, args },
      (geohash, ...values) =>
        geohash !== null &&
        values.some((prefix, i) =>
          prefix !== null && shifts[i] >= 0n && ((geohash as bigint) >> shifts[i]) === prefix
        ),
    );
  },
};

const DAY_MICROS = 86_400_000_000n;

/** The day that is `offset` days from now, in UTC. */
function wholeDay(offset: bigint): Overload {
  return {
    parameters: [],
    compile(_args, site) {
      const low = (site.now / DAY_MICROS + offset) * DAY_MICROS;
      return constantExpression(site, INTERVAL, joinWords([low, low + DAY_MICROS - 1n]));
    },
  };
}

/** Functions of these types by name. */
export const VALUE_FUNCTIONS: Registry = {
  ...DECIMAL_FUNCTIONS,
  base64: [BASE64],
  interval: [MAKE_INTERVAL],
  interval_end: [intervalEnd(WORD_BITS)],
  interval_start: [intervalEnd(0n)],
  length: [BINARY_LENGTH],
  make_geohash: [MAKE_GEOHASH],
  netmask: [NETMASK],
  to_long256: [fromLongs(LONG256, 4)],
  to_uuid: [fromLongs(UUID, 2)],
  within: [WITHIN],
  today: [wholeDay(0n)],
  tomorrow: [wholeDay(1n)],
  yesterday: [wholeDay(-1n)],
};
