/**
 * Count and order-independent hash of the rows of a CSV stream: equal digests mean the same rows, in any order, with the
 * same multiplicities (up to hash collisions of 2⁻⁶⁴ order).
 *
 * Each line is hashed by two independent 32-bit FNV-1a variants with a final avalanche; the sums of the hashes modulo 2³²
 * do not depend on the order of lines.
 *
 * @module
 */

/** What a CSV stream holds, header line left out. */
export interface RowDigest {
  readonly rowCount: number;
  /** 16 hex digits. */
  readonly hash: string;
}

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

function avalanche(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Digests the lines after the first one. */
export async function digestRows(body: ReadableStream<Uint8Array>): Promise<RowDigest> {
  let rowCount = -1; // the first line is the header
  let sumA = 0, sumB = 0, a = 0x811c9dc5, b = 0x9747b28c, length = 0;
  const endLine = () => {
    if (length > 0) {
      if (rowCount >= 0) {
        sumA = (sumA + avalanche(a ^ length)) | 0;
        sumB = (sumB + avalanche(b + length)) | 0;
      }
      rowCount++;
    }
    a = 0x811c9dc5;
    b = 0x9747b28c;
    length = 0;
  };
  for await (const part of body) {
    for (let i = 0; i < part.length; i++) {
      const byte = part[i];
      if (byte === NEWLINE) endLine();
      else if (byte !== CARRIAGE_RETURN) {
        a = Math.imul(a ^ byte, 0x01000193);
        b = Math.imul(b ^ byte, 0x5bd1e995) + 0x27220a95;
        length++;
      }
    }
  }
  endLine();
  const hex = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
  return { rowCount: Math.max(rowCount, 0), hash: hex(sumA) + hex(sumB) };
}
