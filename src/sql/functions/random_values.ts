/**
 * `rnd_…` of the types without kernels. They draw from the query's generator, so seeds repeat them.
 *
 * @module
 */
import {
  ARRAY_ELEMENTS_MAX,
  arrayType,
  ColumnType,
  DECIMAL_PRECISION_MAX,
  decimalType,
  GEOHASH_BITS_MAX,
  geohashType,
  SqlError,
} from "../../common/mod.ts";
import type { CallSite, Overload } from "./overloads.ts";
import { parseSubnet } from "./special_arithmetic.ts";
import { rowExpression } from "./row_function.ts";
import type { ScalarValue } from "./scalar_value.ts";
import type { VectorExpression } from "./vector_expression.ts";

const { BINARY, INT, IPV4, LONG, LONG256, STRING, UUID } = ColumnType;
/** Kinds of core-wasm/expr/random.ts. */
const ANY_VALUE = 0;
const WORD_BITS = 64n;
const UUID_VERSION = 0x4000n, UUID_VERSION_CLEAR = ~0xf000n;
const UUID_VARIANT = 1n << 63n, UUID_VARIANT_CLEAR = ~(3n << 62n);
/** Elements per dimension at most, unless said otherwise. */
const DIMENSION_LENGTH_MAX = 16;

type Registry = Readonly<Record<string, readonly Overload[]>>;

/** Draws int64 values one at a time. */
function longDrawer(site: CallSite): () => bigint {
  const { kernels, memory } = site.core;
  let out = 0;
  return () => {
    if (out === 0) out = site.arena.alloc(8);
    kernels.randomI64(ANY_VALUE, site.random.pointer(), 0n, 1n, 0, out, 1);
    return memory.i64[out >> 3];
  };
}

function doubleDrawer(site: CallSite): () => number {
  const { kernels, memory } = site.core;
  let out = 0;
  return () => {
    if (out === 0) out = site.arena.alloc(8);
    kernels.randomF64(site.random.pointer(), -1, out, 1);
    return memory.f64[out >> 3];
  };
}

/** True once in `rate` times; never if the rate is 0. */
function nullDrawer(site: CallSite, rate: number): () => boolean {
  const draw = longDrawer(site);
  return () => rate > 0 && BigInt.asUintN(32, draw()) % BigInt(rate) === 0n;
}

function generator(
  parameters: readonly number[],
  make: (
    args: readonly VectorExpression[],
    site: CallSite,
  ) => { type: number; run: () => ScalarValue },
  isVariadic = false,
): Overload {
  return {
    parameters,
    isVolatile: true,
    ...(isVariadic ? { isVariadic } : {}),
    compile(args, site) {
      const { type, run } = make(args, site);
      return rowExpression(site, { type, args: [] }, run);
    },
  };
}

function constantOf(args: readonly VectorExpression[], site: CallSite, index: number): number {
  const value = args[index].constant?.value;
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  throw new SqlError(site.positions[index], "constant expected");
}

function rateOf(args: readonly VectorExpression[], site: CallSite, index: number): number {
  if (index >= args.length) return 0;
  const rate = constantOf(args, site, index);
  if (rate < 0) throw new SqlError(site.positions[index], "invalid NULL rate");
  return rate;
}

/** A value, or NULL at a rate that is the last argument. */
function sometimes(type: number, draw: (site: CallSite) => () => ScalarValue): Overload[] {
  const make = (args: readonly VectorExpression[], site: CallSite) => {
    const isNull = nullDrawer(site, rateOf(args, site, 0)), value = draw(site);
    return { type, run: () => isNull() ? null : value() };
  };
  return [generator([], make), generator([INT], make)];
}

function drawUuid(site: CallSite): () => bigint {
  const draw = longDrawer(site);
  return () => {
    const high = BigInt.asUintN(64, (draw() & UUID_VERSION_CLEAR) | UUID_VERSION);
    const low = BigInt.asUintN(64, (draw() & UUID_VARIANT_CLEAR) | UUID_VARIANT);
    return (high << WORD_BITS) | low;
  };
}

function drawLong256(site: CallSite): () => bigint {
  const draw = longDrawer(site);
  return () => {
    let value = 0n;
    for (let word = 0; word < 4; word++) value = (value << WORD_BITS) | BigInt.asUintN(64, draw());
    return value;
  };
}

function drawAddress(site: CallSite): () => number {
  const draw = longDrawer(site);
  return () => Number(BigInt.asUintN(32, draw())) || 1;
}

const SUBNET_ADDRESS = generator([STRING, INT], (args, site) => {
  const text = String(args[0].constant?.value ?? "");
  const subnet = parseSubnet(text);
  if (subnet === null) throw new SqlError(site.positions[0], `invalid argument: ${text}`);
  const isNull = nullDrawer(site, rateOf(args, site, 1)), draw = longDrawer(site);
  const { network, mask } = subnet;
  return {
    type: IPV4,
    run: () =>
      isNull() ? null : ((network | (Number(BigInt.asUintN(32, draw())) & ~mask)) >>> 0) || null,
  };
});

const GEOHASH_DRAW = generator([INT], (args, site) => {
  const bits = constantOf(args, site, 0);
  if (bits < 1 || bits > GEOHASH_BITS_MAX) {
    throw new SqlError(site.positions[0], "precision must be in [1..60] range");
  }
  const draw = longDrawer(site);
  return { type: geohashType(bits), run: () => BigInt.asUintN(bits, draw()) };
});

const DECIMAL_DRAW = generator([INT, INT, INT], (args, site) => {
  const precision = constantOf(args, site, 0), scale = constantOf(args, site, 1);
  if (precision < 1 || precision > DECIMAL_PRECISION_MAX) {
    throw new SqlError(site.positions[0], "precision out of range");
  }
  if (scale < 0 || scale > precision) throw new SqlError(site.positions[1], "scale out of range");
  const isNull = nullDrawer(site, rateOf(args, site, 2)), draw = drawLong256(site);
  const bound = 10n ** BigInt(precision);
  return { type: decimalType(precision, scale), run: () => isNull() ? null : draw() % bound };
});

const BINARY_DRAW = generator([LONG, LONG, INT], (args, site) => {
  const low = constantOf(args, site, 0), high = constantOf(args, site, 1);
  if (low < 1) throw new SqlError(site.positions[0], "minimum has to be grater than 0");
  if (low > high) throw new SqlError(site.position, "invalid range");
  const isNull = nullDrawer(site, rateOf(args, site, 2)), draw = longDrawer(site);
  return {
    type: BINARY,
    run() {
      if (isNull()) return null;
      const range = BigInt(high - low + 1);
      const length = low + Number(BigInt.asUintN(32, draw()) % range);
      return Uint8Array.from({ length }, () => Number(BigInt.asUintN(8, draw())));
    },
  };
});

/** `rnd_double_array(dimensions [, nullRate [, elementNullRate [, maxLength | lengths …]]])`. */
const ARRAY_DRAW = generator([LONG], (args, site) => {
  const dimensions = constantOf(args, site, 0);
  if (dimensions < 1 || dimensions > 32) {
    throw new SqlError(site.positions[0], `maximum for nDims is 32`);
  }
  const isNull = nullDrawer(site, rateOf(args, site, 1));
  const isElementNull = nullDrawer(site, rateOf(args, site, 2));
  const fixed = args.slice(3).map((_, i) => constantOf(args, site, i + 3));
  const isFixed = fixed.length === dimensions && fixed.length > 0;
  const max = fixed.length === 1 ? fixed[0] : DIMENSION_LENGTH_MAX;
  const length = longDrawer(site), element = doubleDrawer(site);
  const lengthOf = () => 1 + Number(BigInt.asUintN(32, length()) % BigInt(Math.max(1, max)));
  return {
    type: arrayType(dimensions),
    run() {
      if (isNull()) return null;
      const shape = Array.from({ length: dimensions }, (_, i) => isFixed ? fixed[i] : lengthOf());
      const count = shape.reduce((product, part) => product * part, 1);
      if (count > ARRAY_ELEMENTS_MAX) throw new SqlError(site.position, "array is too large");
      const values = Float64Array.from({ length: count }, () => isElementNull() ? NaN : element());
      return { shape, values };
    },
  };
}, true);

/** Generators by name. */
export const RANDOM_VALUES: Registry = {
  rnd_bin: [
    BINARY_DRAW,
    generator([], (_args, site) => {
      const draw = longDrawer(site);
      return {
        type: BINARY,
        run: () => Uint8Array.from({ length: 32 }, () => Number(BigInt.asUintN(8, draw()))),
      };
    }),
  ],
  rnd_decimal: [DECIMAL_DRAW],
  rnd_double_array: [ARRAY_DRAW],
  rnd_geohash: [GEOHASH_DRAW],
  rnd_ipv4: [
    generator([], (_args, site) => ({ type: IPV4, run: drawAddress(site) })),
    SUBNET_ADDRESS,
  ],
  rnd_long256: sometimes(LONG256, drawLong256),
  rnd_uuid4: sometimes(UUID, drawUuid),
};
