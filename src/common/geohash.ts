/**
 * Geohashes: 1 to 60 bits, kept as an unsigned number. A width that is a multiple of five is spelled in base 32, any other
 * in binary digits.
 *
 * @module
 */
import { ColumnType, typeTag } from "./column_type.ts";

const ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz";
const CHAR_BITS = 5;
/** Widest geohash. */
export const GEOHASH_BITS_MAX = 60;
/** NULL of every geohash width, read as a signed number. */
export const GEOHASH_NULL = -1n;

const VALUES = new Map([...ALPHABET].map((char, value) => [char, BigInt(value)]));
/** Set in the type code of every GEOHASH. */
const GEOHASH_FLAG = 1 << 16;
/** Widest geohash of GEOBYTE, GEOSHORT, GEOINT. */
const BYTE_BITS = 7, SHORT_BITS = 15, INT_BITS = 31;

/** Tells whether the type code is a GEOHASH of any width. */
export function isGeohash(type: number): boolean {
  const tag = typeTag(type);
  return tag >= ColumnType.GEOBYTE && tag <= ColumnType.GEOLONG;
}

/** Returns the width in bits of a GEOHASH type code. */
export function geohashBits(type: number): number {
  return (Math.abs(type) >> 8) & 0xff;
}

/** Returns the type code of a GEOHASH of 1 to 60 bits. */
export function geohashType(bits: number): number {
  const tag = bits <= BYTE_BITS
    ? ColumnType.GEOBYTE
    : bits <= SHORT_BITS
    ? ColumnType.GEOSHORT
    : bits <= INT_BITS
    ? ColumnType.GEOINT
    : ColumnType.GEOLONG;
  return tag | (bits << 8) | GEOHASH_FLAG;
}

/** Parses base-32 characters of either case; `null` if there are none, more than twelve, or one is no geohash character. */
export function parseGeohash(text: string): bigint | null {
  if (text.length === 0 || text.length * CHAR_BITS > GEOHASH_BITS_MAX) return null;
  let value = 0n;
  for (const char of text) {
    const digit = VALUES.get(char.toLowerCase());
    if (digit === undefined) return null;
    value = (value << 5n) | digit;
  }
  return value;
}

/** Parses binary digits; `null` if there are none, more than sixty, or other characters. */
export function parseGeohashBits(text: string): bigint | null {
  if (!/^[01]{1,60}$/.test(text)) return null;
  return BigInt(`0b${text}`);
}

/** Formats a geohash of a width in bits. */
export function formatGeohash(value: bigint, bits: number): string {
  if (bits % CHAR_BITS !== 0) return value.toString(2).padStart(bits, "0");
  let text = "";
  for (let shift = bits - CHAR_BITS; shift >= 0; shift -= CHAR_BITS) {
    text += ALPHABET[Number((value >> BigInt(shift)) & 31n)];
  }
  return text;
}
