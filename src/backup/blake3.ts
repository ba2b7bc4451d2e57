import { blake3 } from "@noble/hashes/blake3.js";
import type { WasmCore } from "../wasm/mod.ts";

export function hashHex(_core: WasmCore, bytes: Uint8Array): string {
  return toHex(blake3(new Uint8Array(bytes)));
}
export function hashDigits(_core: WasmCore, pointer: number, byteSize: number): string {
  return toDigits(blake3(new Uint8Array(_core.memory.bytes(pointer, byteSize))));
}
export function toHex(hash: Uint8Array): string {
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
export function toDigits(hash: Uint8Array): string {
  return btoa(String.fromCharCode(...hash)).replace(/\+/g, "-").replace(/\//g, "_").slice(0, 43);
}
export class IncrementalHash {
  #hash = blake3.create();
  constructor(_core: WasmCore) {}
  update(bytes: Uint8Array): void {
    this.#hash.update(new Uint8Array(bytes));
  }
  hex(): string {
    return toHex(this.#hash.digest());
  }
}
