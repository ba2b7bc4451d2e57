/**
 * BLAKE3 in the spellings of backups: hexadecimal for objects, base64url for slices.
 *
 * @module
 */
import { Blake3, blake3, type WasmCore } from "../wasm/mod.ts";

/** Hash of bytes anywhere, in hexadecimal. */
export function hashHex(core: WasmCore, bytes: Uint8Array): string {
  using hash = new Blake3(core);
  hash.update(bytes);
  return toHex(hash.digest());
}

/** Hash of bytes in wasm memory, in base64url without padding. */
export function hashDigits(core: WasmCore, pointer: number, byteSize: number): string {
  return toDigits(blake3(core, pointer, byteSize));
}

/** Base64url text of a hash, without padding. */
export function toDigits(hash: Uint8Array): string {
  return btoa(String.fromCharCode(...hash))
    .replaceAll("+", "-").replaceAll("/", "_").replace("=", "");
}

/** Hexadecimal text of a hash. */
export function toHex(hash: Uint8Array): string {
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
