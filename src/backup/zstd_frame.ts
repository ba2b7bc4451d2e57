/**
 * The length of a zstd frame, from its headers alone. The decoder at hand returns what it has when a frame is cut short and
 * ignores what follows a frame; so a manifest's object must be exactly one whole frame. The encoder at hand sometimes adds an
 * empty frame behind the one that holds everything; that one is cut off.
 *
 * ```
 * u32 magic · u8 descriptor · window? · dictionary id? · content size? · blocks · u32 checksum?
 * block: u24 (bit 0 last, bits 1-2 type, rest size) · content
 * ```
 * Format: RFC 8878.
 *
 * @module
 */

const MAGIC = 0xfd2fb528;
const BLOCK_RLE = 1;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];

/**
 * Returns the length of the frame that bytes begin with, checksum included; `null` if they begin with no whole frame that has
 * a checksum.
 */
export function frameByteSize(bytes: Uint8Array): number | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 6 || view.getUint32(0, true) !== MAGIC) return null;
  const descriptor = bytes[4];
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const hasChecksum = (descriptor & 0x04) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : CONTENT_SIZE_BYTES[sizeFlag];
  let at = 5 + (isSingleSegment ? 0 : 1) + DICTIONARY_ID_BYTES[descriptor & 3] + sizeBytes;
  for (let isLast = false; !isLast;) {
    if (at + 3 > bytes.length) return null;
    const header = bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16;
    isLast = (header & 1) !== 0;
    at += 3 + (((header >> 1) & 3) === BLOCK_RLE ? 1 : header >>> 3);
  }
  return hasChecksum && at + 4 <= bytes.length ? at + 4 : null;
}

/** Tells whether bytes are exactly one zstd frame that ends with a checksum. */
export function isWholeFrame(bytes: Uint8Array): boolean {
  return frameByteSize(bytes) === bytes.length;
}
