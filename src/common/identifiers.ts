/**
 * Texts of UUID, IPv4 and LONG256 values.
 *
 * | type | as a scalar | text |
 * |---|---|---|
 * | UUID | `bigint`, 128 bits unsigned | `11111111-2222-3333-4444-555555555555` |
 * | IPv4 | `number`, 32 bits unsigned; 0 is NULL | `1.2.3.4` |
 * | LONG256 | `bigint`, 256 bits unsigned | `0x` and an even number of hexadecimal digits |
 *
 * @module
 */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const LONG256 = /^0x([0-9a-f]{1,64})$/i;

/** Parses a UUID; `null` if the text is none. */
export function parseUuid(text: string): bigint | null {
  return UUID.test(text) ? BigInt(`0x${text.replaceAll("-", "")}`) : null;
}

/** Formats a UUID. */
export function formatUuid(value: bigint): string {
  const hex = value.toString(16).padStart(32, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${
    hex.slice(20)
  }`;
}

/** Parses four decimal parts; `null` if the text is no IPv4 address. */
export function parseIpv4(text: string): number | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return null;
  let value = 0;
  for (let i = 1; i <= 4; i++) {
    const part = Number(match[i]);
    if (part > 255) return null;
    value = value * 256 + part;
  }
  return value;
}

/** Formats an IPv4 address given as an unsigned number. */
export function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** Parses `0x` and 1 to 64 hexadecimal digits; `null` if the text is no LONG256. */
export function parseLong256(text: string): bigint | null {
  const match = LONG256.exec(text);
  return match === null ? null : BigInt(`0x${match[1]}`);
}

/** Formats a LONG256: whole bytes, at least one. */
export function formatLong256(value: bigint): string {
  const hex = value.toString(16);
  return `0x${hex.length % 2 === 0 ? hex : `0${hex}`}`;
}
