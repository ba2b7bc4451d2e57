/**
 * One slice to stored bytes and back: a typed filter, then zstd; whatever does not shrink is stored as it is.
 *
 * Codec names: `raw`, `zstd`, `<filter>+zstd`. A reader refuses any other.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { ColumnType, freeBytes, LimitError, RestoreError } from "../common/mod.ts";
import {
  Arena,
  filterSlice,
  type MemorySlice,
  SLICE_FILTERS,
  unfilterSlice,
  type WasmCore,
} from "../wasm/mod.ts";
import { FileKind } from "./table_manifest.ts";

const SUFFIX = "+zstd";
/** Larger than the buffers that Node.js cuts out of a common pool, so that a chunk is never part of one. */
const CHUNK_BYTES_MIN = 65_536;
/**
 * Filtered bytes are compressed at level 1 up to this configured level: on them levels 3 to 6 cost two to four times as much
 * and gain nothing (measured on the reference data set).
 */
const FAST_LEVEL_MAX = 6;

/** Stored form of a slice. */
export interface EncodedBytes {
  readonly codec: string;
  readonly stored: Uint8Array<ArrayBuffer>;
}

/** Encodes a slice in wasm memory. @param level `backup.compression.level`. */
export function encodeBytes(
  core: WasmCore,
  source: MemorySlice & { readonly kind: number; readonly type: number },
  level: number,
): EncodedBytes {
  const { pointer, byteSize, kind, type } = source;
  const raw = core.memory.bytes(pointer, byteSize);
  using arena = new Arena(core.memory);
  const content = contentOf(kind, type);
  const filtered = content === null
    ? null
    : filterSlice(core, { pointer, byteSize, ...content }, arena);
  const bytes = filtered === null ? raw : core.memory.bytes(filtered.pointer, byteSize);
  const compressed = zstdCompressSync(bytes, {
    params: {
      [constants.ZSTD_c_compressionLevel]: filtered === null || level > FAST_LEVEL_MAX ? level : 1,
    },
    chunkSize: chunkBytes(byteSize),
  });
  const codec = filtered === null ? "zstd" : `${filtered.filter}${SUFFIX}`;
  const isWorthIt = compressed.byteLength < byteSize &&
    decodesTo(core, compressed, { pointer, byteSize, codec });
  const result = isWorthIt
    ? { codec, stored: new Uint8Array(compressed) }
    : { codec: "raw", stored: new Uint8Array(raw) };
  freeBytes(compressed);
  return result;
}

/** Room that takes a result in one piece, so that zlib has nothing to put together. */
function chunkBytes(byteSize: number): number {
  return byteSize + (byteSize >>> 7) + CHUNK_BYTES_MIN;
}

/**
 * Tells whether stored bytes decode to what is in memory. Costs a tenth of encoding, and makes a fault in a filter or in the
 * compressor a larger backup instead of a lost one.
 */
function decodesTo(
  core: WasmCore,
  stored: Uint8Array,
  original: MemorySlice & { readonly codec: string },
): boolean {
  const { pointer, byteSize, codec } = original;
  using arena = new Arena(core.memory);
  const copy = arena.alloc(byteSize);
  try {
    decodeBytes(core, stored, { pointer: copy, byteSize, codec });
  } catch (error) {
    if (error instanceof LimitError) throw error;
    return false;
  }
  const { buffer } = core.memory.memory;
  return Buffer.from(buffer, copy, byteSize).equals(Buffer.from(buffer, pointer, byteSize));
}

/** What a filter may assume of a slice, or `null` if nothing. */
function contentOf(kind: number, type: number): { type: number; isAux: boolean } | null {
  if (kind === FileKind.FIXED) return { type, isAux: false };
  if (kind === FileKind.VARCHAR_AUX) return { type, isAux: true };
  if (kind === FileKind.OFFSET_AUX) return { type: ColumnType.LONG, isAux: false };
  return null;
}

/**
 * Decodes stored bytes, which are not trusted, into wasm memory. The caller compares the result's hash.
 *
 * @throws {RestoreError} if the codec is unknown or the bytes do not decode to exactly `byteSize` bytes.
 */
export function decodeBytes(
  core: WasmCore,
  stored: Uint8Array,
  target: MemorySlice & { readonly codec: string },
): void {
  const { pointer, byteSize, codec } = target;
  const out = core.memory.bytes(pointer, byteSize);
  if (codec === "raw") {
    checkLength(stored.byteLength, byteSize);
    out.set(stored);
    return;
  }
  const filter = codec.endsWith(SUFFIX) ? codec.slice(0, -SUFFIX.length) : null;
  if (codec !== "zstd" && (filter === null || !SLICE_FILTERS.includes(filter))) {
    throw new RestoreError("unknown codec", { codec: JSON.stringify(codec.slice(0, 40)) });
  }
  const bytes = zstdDecompressSync(stored, {
    maxOutputLength: Math.max(1, byteSize),
    chunkSize: chunkBytes(byteSize),
  });
  try {
    checkLength(bytes.byteLength, byteSize);
    if (filter === null) {
      out.set(bytes);
      return;
    }
    using arena = new Arena(core.memory);
    const source = arena.alloc(byteSize);
    core.memory.bytes(source, byteSize).set(bytes);
    unfilterSlice(core, filter, { source: { pointer: source, byteSize }, target: pointer });
  } finally {
    freeBytes(bytes);
  }
}

function checkLength(actual: number, expected: number): void {
  if (actual !== expected) {
    throw new RestoreError("slice has the wrong length", { expected, actual });
  }
}
