/**
 * CRC-32C (Castagnoli), the checksum that Google Cloud Storage keeps of every object. Eight bytes a step by tables; about as
 * fast as the clients' native ones over loopback, and there is none in the runtime.
 *
 * @module
 */

const POLYNOMIAL = 0x82f63b78;
const TABLE_SIZE = 256;
const STEP_BYTES = 8;

const TABLES: readonly Int32Array[] = makeTables();

function makeTables(): Int32Array[] {
  const tables = Array.from({ length: STEP_BYTES }, () => new Int32Array(TABLE_SIZE));
  for (let byte = 0; byte < TABLE_SIZE; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[0][byte] = crc;
  }
  for (let k = 1; k < STEP_BYTES; k++) {
    for (let byte = 0; byte < TABLE_SIZE; byte++) {
      const previous = tables[k - 1][byte];
      tables[k][byte] = (previous >>> 8) ^ tables[0][previous & 0xff];
    }
  }
  return tables;
}

/** Goes on with a CRC. @param crc what came before, 0 at the start. @returns an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  let state = ~crc;
  let i = 0;
  const end = bytes.length - (STEP_BYTES - 1);
  for (; i < end; i += STEP_BYTES) {
    state ^= bytes[i] | bytes[i + 1] << 8 | bytes[i + 2] << 16 | bytes[i + 3] << 24;
    state = t7[state & 0xff] ^ t6[state >>> 8 & 0xff] ^ t5[state >>> 16 & 0xff] ^ t4[state >>> 24] ^
      t3[bytes[i + 4]] ^ t2[bytes[i + 5]] ^ t1[bytes[i + 6]] ^ t0[bytes[i + 7]];
  }
  for (; i < bytes.length; i++) state = (state >>> 8) ^ t0[(state ^ bytes[i]) & 0xff];
  return ~state >>> 0;
}

/** A CRC as the providers write it: big-endian, base64. */
export function crcBase64(crc: number): string {
  return btoa(String.fromCharCode(crc >>> 24, crc >>> 16 & 0xff, crc >>> 8 & 0xff, crc & 0xff));
}
