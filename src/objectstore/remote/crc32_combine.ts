/**
 * The CRC-32 of two byte strings behind each other from the CRC-32s of both: appending `n` zero bytes is a linear map over bits,
 * and its powers of two are made by squaring. So parts that are sent in any order have one checksum in the end.
 *
 * @module
 */

const POLYNOMIAL = 0xedb88320;
const BITS = 32;

type Matrix = Uint32Array;

function multiply(matrix: Matrix, vector: number): number {
  let sum = 0;
  for (let bit = 0, rest = vector; rest !== 0; rest >>>= 1, bit++) {
    if (rest & 1) sum ^= matrix[bit];
  }
  return sum >>> 0;
}

function square(matrix: Matrix): Matrix {
  return Uint32Array.from(matrix, (column) => multiply(matrix, column));
}

/** The map that appends one zero byte. */
function zeroByte(): Matrix {
  const bit = new Uint32Array(BITS);
  bit[0] = POLYNOMIAL;
  for (let i = 1; i < BITS; i++) bit[i] = 1 << (i - 1) >>> 0;
  return square(square(square(bit)));
}

/** @returns the CRC-32 of both. @param secondBytes length of the second byte string. */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  let crc = first;
  let matrix = zeroByte();
  for (let rest = secondBytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) crc = multiply(matrix, crc);
    matrix = square(matrix);
  }
  return (crc ^ second) >>> 0;
}
