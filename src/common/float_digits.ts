/**
 * The decimal digits that `Float.toString` of Java 17 (and with it QuestDB) gives a FLOAT. They are not always the fewest
 * that read back as the same number:
 *
 * ```
 *          fewest          Java 17
 * 2^31     2.1474836E9     2.14748365E9     whole numbers are written out and cut where the type's precision ends
 * 2^-126   1.1754944E-38   1.17549435E-38   the neighbour below a power of two is nearer; it counts on both sides
 * 2^83     9.6714066E24    9.6714065E24     sums that do not fit into a long run over
 * ```
 *
 * Digits are generated one by one (Steele and White): `value = rest / scale`, half the distance to the neighbours
 * `= margin / scale`. Generation ends as soon as the rest is less than the margin, or the next digit nearer than that.
 *
 * Invariants:
 * - Numbers are positive and finite.
 * - {@linkcode generateSmall} and {@linkcode generateLarge} are the same algorithm; the first is for numbers that a double
 *   holds exactly.
 *
 * @module
 */

/** Digits and where the point is: `0.DIGITS × 10^exponent`. */
export interface DecimalDigits {
  readonly digits: string;
  readonly exponent: number;
}

/** Bits of a FLOAT's fraction, the leading one included. */
const PRECISION_BITS = 24;
/** Power of two of the smallest normal FLOAT. */
const NORMAL_EXPONENT_MIN = -126;
const LEADING_ONE = 2 ** (PRECISION_BITS - 1);
/** Widths of the integers that Java computes with, sign included; where they do not do, it takes big ones. */
const INT_BITS = 32, LONG_BITS = 64;
/** Width up to which {@linkcode generateSmall} is exact. */
const SMALL_BITS = 49;
/** Powers of five that fit into a long: 5^0 … 5^26. */
const LONG_POWER_COUNT = 27;
/** Whole numbers below 2^63 are written out. */
const WHOLE_EXPONENT_MAX = 62;
/** Powers of ten of a first digit beyond which `d.dE±n` is written, so that there are two digits at least. */
const PLAIN_MIN = -3, PLAIN_MAX = 7;
const LOG10_2 = Math.LOG10E * Math.LN2;

const view = new DataView(new ArrayBuffer(4));

/** Gives the digits of a FLOAT that is positive and finite. */
export function floatDigits(value: number): DecimalDigits {
  const { fraction, binaryExponent, significantBits } = partsOf(value);
  const trailingZeros = 31 - Math.clz32(fraction & -fraction);
  const fractionBits = PRECISION_BITS - trailingZeros;
  const bitsBehindPoint = Math.max(0, fractionBits - binaryExponent - 1);
  if (bitsBehindPoint === 0 && binaryExponent <= WHOLE_EXPONENT_MAX) {
    return wholeDigits(BigInt(value), binaryExponent - significantBits - 1);
  }
  const estimate = estimatedExponent(fraction, binaryExponent);
  const fives = Math.max(0, -estimate), scaleFives = Math.max(0, estimate);
  let twos = fives + bitsBehindPoint + binaryExponent;
  let scaleTwos = scaleFives + bitsBehindPoint;
  let marginTwos = twos - significantBits;
  twos -= fractionBits - 1;
  const common = Math.min(twos, scaleTwos);
  twos -= common;
  scaleTwos -= common;
  marginTwos -= common;
  if (fractionBits === 1) marginTwos--; // a power of two
  if (marginTwos < 0) {
    twos -= marginTwos;
    scaleTwos -= marginTwos;
    marginTwos = 0;
  }
  const bits = Math.max(
    fractionBits + twos + powerOfFiveBits(fives),
    scaleTwos + 1 + powerOfFiveBits(scaleFives + 1),
  );
  const odd = fraction >>> trailingZeros;
  const scaled = { odd, fives, twos, scaleFives, scaleTwos, marginTwos, estimate, bits };
  return bits <= SMALL_BITS ? generateSmall(scaled) : generateLarge(scaled);
}

/** `odd · 5^fives · 2^twos / (5^scaleFives · 2^scaleTwos)`, with a margin of `5^fives · 2^marginTwos`. */
interface Scaled {
  readonly odd: number;
  readonly fives: number;
  readonly twos: number;
  readonly scaleFives: number;
  readonly scaleTwos: number;
  readonly marginTwos: number;
  /** Power of ten of the first digit, or one more. */
  readonly estimate: number;
  /** Width of the largest number of the computation. */
  readonly bits: number;
}

function partsOf(value: number) {
  view.setFloat32(0, value);
  const bits = view.getUint32(0);
  const stored = bits >>> (PRECISION_BITS - 1);
  const low = bits & (LEADING_ONE - 1);
  if (stored > 0) {
    return {
      fraction: low | LEADING_ONE,
      binaryExponent: stored + NORMAL_EXPONENT_MIN - 1,
      significantBits: PRECISION_BITS,
    };
  }
  const significantBits = 32 - Math.clz32(low);
  const shift = PRECISION_BITS - significantBits;
  return { fraction: low << shift, binaryExponent: NORMAL_EXPONENT_MIN - shift, significantBits };
}

/** Digits of a whole number, rounded where they say nothing; `extraBits`: bits beyond the type's precision, less one. */
function wholeDigits(value: bigint, extraBits: number): DecimalDigits {
  const cut = extraBits > 1 ? Math.floor(extraBits * LOG10_2) : 0;
  const unit = 10n ** BigInt(cut);
  const isUp = cut > 0 && value % unit >= unit / 2n;
  const text = String(value / unit + (isUp ? 1n : 0n));
  return { digits: text.replace(/0+$/, ""), exponent: text.length + cut };
}

/** The logarithm's tangent at 1.5, and the power of two. */
function estimatedExponent(fraction: number, binaryExponent: number): number {
  const mantissa = fraction / LEADING_ONE;
  return Math.floor((mantissa - 1.5) * 0.289529654 + 0.176091259 + binaryExponent * LOG10_2);
}

/** Bits of 5^power; an upper bound for powers beyond a long, as Java has it. */
function powerOfFiveBits(power: number): number {
  if (power === 0) return 0;
  return power < LONG_POWER_COUNT ? Math.ceil(power * Math.log2(5)) : power * 3;
}

function generateSmall(scaled: Scaled): DecimalDigits {
  const five = 5 ** scaled.fives;
  const scale = 5 ** scaled.scaleFives * 2 ** scaled.scaleTwos;
  const tens = scale * 10;
  const isInt = scaled.bits < INT_BITS;
  let rest = scaled.odd * five * 2 ** scaled.twos;
  let margin = five * 2 ** scaled.marginTwos;
  let digits = "", exponent = scaled.estimate, isLow = false, isHigh = false;
  for (let isFirst = true; isFirst || !(isLow || isHigh); isFirst = false) {
    const digit = Math.floor(rest / scale);
    rest = 10 * (rest - digit * scale);
    margin = isInt ? (margin * 10) | 0 : margin * 10;
    // A margin that has run over is larger than the rest; sums that run over go unnoticed in Java.
    isLow = margin <= 0 || rest < margin;
    isHigh = margin <= 0 || (isInt ? (rest + margin) | 0 : rest + margin) > tens;
    if (isFirst && digit === 0 && !isHigh) exponent--;
    else digits += digit;
    if (isFirst && !isPlain(exponent)) isLow = isHigh = false;
  }
  const side = isInt ? ((rest << 1) - tens) | 0 : rest * 2 - tens;
  return rounded({ digits, exponent }, { isLow, isHigh, side });
}

function generateLarge(scaled: Scaled): DecimalDigits {
  const five = 5n ** BigInt(scaled.fives);
  const scale = 5n ** BigInt(scaled.scaleFives) << BigInt(scaled.scaleTwos);
  const tens = scale * 10n;
  const isLong = scaled.bits < LONG_BITS;
  const fit = (value: bigint) => isLong ? BigInt.asIntN(LONG_BITS, value) : value;
  let rest = BigInt(scaled.odd) * five << BigInt(scaled.twos);
  let margin = five << BigInt(scaled.marginTwos);
  let digits = "", exponent = scaled.estimate, isLow = false, isHigh = false;
  for (let isFirst = true; isFirst || !(isLow || isHigh); isFirst = false) {
    const digit = rest / scale;
    rest = 10n * (rest - digit * scale);
    margin = fit(margin * 10n);
    isLow = margin <= 0n || rest < margin;
    // With big integers a number exactly halfway counts, with others it does not.
    isHigh = margin <= 0n || (isLong ? fit(rest + margin) > tens : rest + margin >= tens);
    if (isFirst && digit === 0n && !isHigh) exponent--;
    else digits += digit;
    if (isFirst && !isPlain(exponent)) isLow = isHigh = false;
  }
  return rounded({ digits, exponent }, { isLow, isHigh, side: Number(fit(rest * 2n - tens)) });
}

function isPlain(exponent: number): boolean {
  return exponent >= PLAIN_MIN && exponent <= PLAIN_MAX;
}

/** Where generation ended: the rest is small, or near to the next digit; `side`: > 0 when it is nearer to that. */
interface Ending {
  readonly isLow: boolean;
  readonly isHigh: boolean;
  readonly side: number;
}

function rounded({ digits, exponent }: DecimalDigits, ending: Ending): DecimalDigits {
  const isOdd = Number(digits.at(-1)) % 2 === 1;
  const isUp = ending.isHigh &&
    (!ending.isLow || ending.side > 0 || (ending.side === 0 && isOdd));
  if (!isUp) return { digits, exponent: exponent + 1 };
  const nines = /9*$/.exec(digits)![0].length;
  const zeros = "0".repeat(nines);
  if (nines === digits.length) return { digits: `1${zeros.slice(1)}`, exponent: exponent + 2 };
  const at = digits.length - nines - 1;
  return {
    digits: `${digits.slice(0, at)}${Number(digits[at]) + 1}${zeros}`,
    exponent: exponent + 1,
  };
}
