/**
 * The container of `_preferences~store`, `_view`, `_mv` and `_mv.s`: typed blocks, replaced as a whole by writing a free region and
 * storing the version.
 *
 * ```
 * @0 i64 version (odd: region A, even: region B, 0: empty)   @8 A: i64 offset, i64 length   @24 B: the same   @40 regions
 * region   i32 CRC-32 of its bytes from 12 on, i32 blocks, blocks         offsets count from 40
 * block    i32 length with these 8 bytes, i32 type, payload
 * ```
 * The checksum leaves out itself, the number of blocks and the length of the first block: that is how the reference server has it.
 * Files are read here, not written. Details: docs/internals/registry.md.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { StorageError } from "../common/mod.ts";
import { type FileSystem, readFile } from "../platform/mod.ts";

const HEADER_BYTES = 40;
const REGION_HEADER_BYTES = 8;
const CHECKSUM_FROM = 12;
const BLOCK_HEADER_BYTES = 8;
const FILE_BYTES_MAX = 256 << 20;
const BLOCKS_MAX = 1 << 16;

/** One block. */
export interface Block {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** What a block file holds. */
export interface BlockFile {
  /** Raised by every replacement; 0 for a file that was never written. */
  readonly version: number;
  readonly blocks: readonly Block[];
}

/** Reads a block file. @throws {StorageError} if it is missing, torn or corrupt. */
export function readBlockFile(fs: FileSystem, path: string): BlockFile {
  let bytes: Uint8Array;
  try {
    bytes = readFile(fs, path, FILE_BYTES_MAX);
  } catch (error) {
    const reason = error instanceof RangeError ? "file is too large" : "file cannot be read";
    throw new StorageError(path, reason, {}, { cause: error });
  }
  return decodeBlockFile(path, bytes);
}

/** Decodes the bytes of a block file. @throws {StorageError} */
export function decodeBlockFile(path: string, bytes: Uint8Array): BlockFile {
  const fail = (message: string, context: Record<string, number> = {}) =>
    new StorageError(path, message, context);
  if (bytes.length < HEADER_BYTES) throw fail("file is too short", { length: bytes.length });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = (at: number) => Number(view.getBigInt64(at, true));
  const version = count(0);
  if (version === 0) return { version, blocks: [] };
  if (!Number.isSafeInteger(version) || version < 0) throw fail("invalid version");
  const slot = version % 2 === 1 ? 8 : 24;
  const start = HEADER_BYTES + count(slot), length = count(slot + 8);
  const isInside = Number.isSafeInteger(start) && start >= HEADER_BYTES &&
    length >= REGION_HEADER_BYTES && start + length <= bytes.length;
  if (!isInside) throw fail("region lies outside the file", { offset: start, length });
  const region = bytes.subarray(start, start + length);
  const stored = view.getUint32(start, true);
  const actual = crc32(region.subarray(Math.min(CHECKSUM_FROM, length)));
  if (stored !== actual) throw fail("checksum does not match", { stored, actual });
  return { version, blocks: decodeBlocks(region, view.getInt32(start + 4, true), fail) };
}

function decodeBlocks(
  region: Uint8Array,
  blockCount: number,
  fail: (message: string, context?: Record<string, number>) => StorageError,
): Block[] {
  if (blockCount < 0 || blockCount > BLOCKS_MAX) {
    throw fail("invalid number of blocks", { blockCount });
  }
  const view = new DataView(region.buffer, region.byteOffset, region.byteLength);
  const blocks: Block[] = [];
  let at = REGION_HEADER_BYTES;
  for (let i = 0; i < blockCount; i++) {
    const left = region.length - at;
    const length = left < BLOCK_HEADER_BYTES ? -1 : view.getInt32(at, true);
    if (length < BLOCK_HEADER_BYTES || length > left) throw fail("block is cut off", { block: i });
    const bytes = region.slice(at + BLOCK_HEADER_BYTES, at + length);
    blocks.push({ type: view.getInt32(at + 4, true), bytes });
    at += length;
  }
  return blocks;
}
