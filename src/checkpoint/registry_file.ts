/**
 * `tables.d.0`: the table name registry with one ADD entry per WAL table or view. Tables without WAL are found by their
 * directories.
 *
 * ```
 * i64 end of the file
 * per entry: i32 0 (ADD) · str name · str directory · i32 id · i32 type · 64 bytes reserved     str = i32 units, UTF-16
 * ```
 * Layout: docs/internals/registry.md.
 *
 * @module
 */
import type { TableToken } from "../engine/mod.ts";

const RESERVED_BYTES = 64;

/** Encodes a registry. */
export function encodeRegistry(tokens: readonly TableToken[]): Uint8Array<ArrayBuffer> {
  const entries = tokens.filter((token) => token.type !== 0);
  const size = entries.reduce(
    (sum, token) => sum + 20 + 2 * (token.name.length + token.dirName.length) + RESERVED_BYTES,
    8,
  );
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(size), true);
  let at = 8;
  const i32 = (value: number) => {
    view.setInt32(at, value, true);
    at += 4;
  };
  const text = (value: string) => {
    i32(value.length);
    for (let i = 0; i < value.length; i++, at += 2) view.setUint16(at, value.charCodeAt(i), true);
  };
  for (const token of entries) {
    i32(0);
    text(token.name);
    text(token.dirName);
    i32(token.id);
    i32(token.type);
    at += RESERVED_BYTES;
  }
  return bytes;
}
