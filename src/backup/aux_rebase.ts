/**
 * Offsets of variable-size values count from the start of their slice in a backup, so that a slice's bytes do not depend on
 * what precedes it in the file.
 *
 * @module
 */
import { assert } from "../common/mod.ts";
import { FileKind } from "./table_manifest.ts";

/**
 * Adds `delta` to every offset in the aux entries of a slice, in place. Other kinds of files are left alone.
 *
 * @param bytes Whole entries; aligned to 8 bytes.
 * @throws {Error} if an offset would leave its 48 (or 53) bits.
 */
export function rebaseAux(bytes: Uint8Array, kind: number, delta: number): void {
  if (delta === 0) return;
  switch (kind) {
    case FileKind.VARCHAR_AUX:
      return rebase48(bytes, delta, { lowWord: 5, highWord: 3, isLowFirst: true });
    case FileKind.ARRAY_AUX:
      return rebase48(bytes, delta, { lowWord: 0, highWord: 2, isLowFirst: false });
    case FileKind.OFFSET_AUX:
      return rebase64(bytes, delta);
  }
}

const TWO_16 = 65_536, TWO_32 = 4_294_967_296, TWO_48 = 281_474_976_710_656;

/**
 * 16-byte entries. VARCHAR keeps bits 0–15 of the offset in 16-bit word 5 and bits 16–47 in 32-bit word 3; ARRAY keeps bits
 * 0–31 in 32-bit word 0 and bits 32–47 in 16-bit word 2.
 */
function rebase48(
  bytes: Uint8Array,
  delta: number,
  place: { readonly lowWord: number; readonly highWord: number; readonly isLowFirst: boolean },
): void {
  const words16 = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 1);
  const words32 = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
  const { lowWord, highWord, isLowFirst } = place;
  let lowest = 0, highest = 0;
  for (let row = 0, count = bytes.byteLength >>> 4; row < count; row++) {
    const low = isLowFirst ? words16[row * 8 + lowWord] : words32[row * 4 + lowWord];
    const high = isLowFirst ? words32[row * 4 + highWord] : words16[row * 8 + highWord];
    const value = low + high * (isLowFirst ? TWO_16 : TWO_32) + delta;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
    if (isLowFirst) {
      words16[row * 8 + lowWord] = value % TWO_16;
      words32[row * 4 + highWord] = Math.floor(value / TWO_16);
    } else {
      words32[row * 4 + lowWord] = value % TWO_32;
      words16[row * 8 + highWord] = Math.floor(value / TWO_32);
    }
  }
  assert(lowest >= 0 && highest < TWO_48, "offsets of a slice lie in its own data");
}

function rebase64(bytes: Uint8Array, delta: number): void {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
  let lowest = 0, highest = 0;
  for (let i = 0; i < words.length; i += 2) {
    const value = words[i] + words[i + 1] * TWO_32 + delta;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
    words[i] = value % TWO_32;
    words[i + 1] = Math.floor(value / TWO_32);
  }
  assert(
    lowest >= 0 && highest <= Number.MAX_SAFE_INTEGER,
    "offsets of a slice lie in its own data",
  );
}
