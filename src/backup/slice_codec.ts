/**
 * One slice to stored bytes and back: typed filter, then zstd; whatever does not shrink is stored as it is.
 *
 * Codec names: `raw`, `zstd`, `<filter>+zstd`. A reader refuses any other.
 *
 * @module
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { RestoreError } from "../common/mod.ts";
import type { WasmCore } from "../wasm/mod.ts";

/** Stored form of a slice. */
export interface EncodedBytes {
  readonly codec: string;
  readonly stored: Uint8Array<ArrayBuffer>;
}

export function encodeBytes(
  core: WasmCore,
  source: { readonly pointer: number; readonly byteSize: number; readonly type: number },
  level: number,
): EncodedBytes {
  const raw = core.memory.bytes(source.pointer, source.byteSize);
  const zstd = zstdCompressSync(raw, { params: { [constants.ZSTD_c_compressionLevel]: level } });
  if (zstd.byteLength < raw.byteLength) return { codec: "zstd", stored: new Uint8Array(zstd) };
  return { codec: "raw", stored: new Uint8Array(raw) };
}

export function decodeBytes(
  core: WasmCore,
  stored: Uint8Array,
  target: { readonly pointer: number; readonly byteSize: number; readonly codec: string },
): void {
  const out = core.memory.bytes(target.pointer, target.byteSize);
  if (target.codec === "raw") {
    out.set(stored);
    return;
  }
  const raw = zstdDecompressSync(stored, { maxOutputLength: target.byteSize });
  if (raw.byteLength !== target.byteSize) throw new RestoreError("short");
  out.set(raw);
}
