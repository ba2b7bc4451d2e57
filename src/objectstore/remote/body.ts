/**
 * Reads the body of an answer into one buffer and checks that it is all there.
 *
 * @module
 */
import { freeBytes } from "../../common/mod.ts";
import { ObjectStoreRequestError } from "../request_error.ts";
import type { Deadline } from "./deadline.ts";

/** What is known of the body before it is read. */
export interface ExpectedBody {
  readonly store: string;
  readonly key: string;
  /** Length in bytes. */
  readonly size: number;
}

/**
 * Reads exactly the bytes that are expected.
 *
 * @throws {ObjectStoreRequestError} kind `damaged`, retryable, if there are fewer or more.
 */
export async function readBody(
  chunks: AsyncIterable<Uint8Array> & { destroy?(): unknown },
  expected: ExpectedBody,
  deadline: Deadline,
): Promise<Uint8Array<ArrayBuffer>> {
  deadline.expect(expected.size);
  const bytes = new Uint8Array(expected.size);
  let position = 0;
  try {
    for await (const chunk of chunks) {
      if (position + chunk.byteLength > bytes.length) {
        throw damaged(expected, `more than ${bytes.length} bytes came`);
      }
      bytes.set(chunk, position);
      position += chunk.byteLength;
      // A chunk with a buffer of its own is known to nobody else; the collector would be slow to see its size.
      if (chunk.byteLength === chunk.buffer.byteLength) freeBytes(chunk);
    }
  } finally {
    if (position !== bytes.length) chunks.destroy?.();
  }
  if (position !== bytes.length) {
    throw damaged(expected, `${position} of ${bytes.length} bytes came`);
  }
  return bytes;
}

/** An object whose bytes are not what was stored; trying again may help. */
export function damaged(
  expected: { readonly store: string; readonly key: string },
  reason: string,
): ObjectStoreRequestError {
  return new ObjectStoreRequestError(
    { kind: "damaged", reason, isRetryable: true },
    { store: expected.store, operation: "get", key: expected.key },
  );
}
