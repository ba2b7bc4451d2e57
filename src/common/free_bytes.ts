/**
 * Gives the memory of byte arrays back at once. The collector counts only objects: megabytes behind a few of them would wait
 * for it in every thread.
 *
 * @module
 */

/** Smaller buffers may be parts of a pool that others use. */
const POOLED_BYTES_MAX = 16_384;

/**
 * Frees what a byte array occupies, all of its buffer. Whoever calls this owns the buffer: afterwards each view of it is empty.
 * Small buffers and shared ones are left to the collector.
 */
export function freeBytes(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength > POOLED_BYTES_MAX) buffer.transfer(0);
}
