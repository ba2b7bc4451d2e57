/**
 * Vectors of texts, one value at a time.
 *
 * @module
 */
import { ColumnType } from "../../common/mod.ts";
import type { Arena, Vector, WasmCore, WasmMemory } from "../../wasm/mod.ts";

const ENTRY_BYTES = 16;
const INLINED = 1, NULL = 4;
const INLINE_BYTES_MAX = 9;
const ASCII_END = 0x80;

/** Makes a function that gives the text of a row of a SYMBOL, VARCHAR or STRING vector; `null` for NULL. */
export function textReader(memory: WasmMemory, vector: Vector): (row: number) => string | null {
  const { symbols, data } = vector;
  if (vector.type === ColumnType.SYMBOL && symbols !== null) {
    return (row) => {
      const key = memory.i32[data / 4 + row];
      return key < 0 ? null : symbols.text(key);
    };
  }
  return (row) => {
    const entry = data + ENTRY_BYTES * row;
    const header = memory.u32[entry / 4];
    if ((header & NULL) !== 0) return null;
    if ((header & INLINED) !== 0) {
      return decodeText(memory.bytes(entry + 1, (header >>> 4) & 0xf));
    }
    const low = memory.u8[entry + 10] | memory.u8[entry + 11] << 8;
    const offset = low + memory.u32[(entry + 12) / 4] * 0x1_0000;
    return decodeText(memory.bytes(vector.heap + offset - vector.heapOffset, header >>> 4));
  };
}

/** Decodes UTF-8 in which lone surrogates may be encoded as if they were characters. */
function decodeText(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length;) {
    const byte = bytes[i];
    if (byte < ASCII_END) {
      text += String.fromCharCode(byte);
      i++;
    } else if (byte < 0xe0) {
      text += String.fromCharCode((byte & 0x1f) << 6 | bytes[i + 1] & 0x3f);
      i += 2;
    } else if (byte < 0xf0) {
      text += String.fromCharCode(
        (byte & 0xf) << 12 | (bytes[i + 1] & 0x3f) << 6 | bytes[i + 2] & 0x3f,
      );
      i += 3;
    } else {
      text += String.fromCodePoint(
        (byte & 7) << 18 | (bytes[i + 1] & 0x3f) << 12 | (bytes[i + 2] & 0x3f) << 6 |
          bytes[i + 3] & 0x3f,
      );
      i += 4;
    }
  }
  return text;
}

/** Encodes as {@linkcode decodeText} decodes. */
function encodeText(text: string): Uint8Array {
  const bytes = new Uint8Array(3 * text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i)!;
    if (point < 0x80) bytes[length++] = point;
    else if (point < 0x800) {
      bytes[length++] = 0xc0 | point >> 6;
      bytes[length++] = 0x80 | point & 0x3f;
    } else if (point < 0x10000) {
      bytes[length++] = 0xe0 | point >> 12;
      bytes[length++] = 0x80 | point >> 6 & 0x3f;
      bytes[length++] = 0x80 | point & 0x3f;
    } else {
      bytes[length++] = 0xf0 | point >> 18;
      bytes[length++] = 0x80 | point >> 12 & 0x3f;
      bytes[length++] = 0x80 | point >> 6 & 0x3f;
      bytes[length++] = 0x80 | point & 0x3f;
      i++; // the low surrogate belongs to it
    }
  }
  return bytes.subarray(0, length);
}

/** Makes a VARCHAR or STRING vector of texts. */
export function textVector(
  core: WasmCore,
  texts: { type: number; rowCount: number; at: (row: number) => string | null },
  arena: Arena,
): Vector {
  const { memory, kernels } = core;
  const { type, rowCount, at } = texts;
  const encoded: (Uint8Array | null)[] = [];
  let heapBytes = 0;
  for (let row = 0; row < rowCount; row++) {
    const text = at(row);
    const bytes = text === null ? null : encodeText(text);
    encoded.push(bytes);
    if (bytes !== null && bytes.length > INLINE_BYTES_MAX) heapBytes += bytes.length;
  }
  const data = arena.alloc(rowCount * ENTRY_BYTES);
  const heap = arena.alloc(heapBytes + INLINE_BYTES_MAX);
  let used = 0;
  for (const [row, bytes] of encoded.entries()) {
    const entry = data + row * ENTRY_BYTES;
    if (bytes === null) {
      kernels.varcharNulls(entry, 1, used);
      continue;
    }
    // Short values lie behind the heap only until they are in their entry.
    memory.bytes(heap + used, bytes.length).set(bytes);
    kernels.varcharPut(entry, heap + used, bytes.length, used);
    if (bytes.length > INLINE_BYTES_MAX) used += bytes.length;
  }
  return { type, data, heap, heapBytes: used, heapOffset: 0, symbols: null };
}
