/**
 * Ranges that an object does not have.
 *
 * @module
 */
import { ObjectStoreError } from "../common/mod.ts";

/** The error of a range that goes past the end of an object. */
export function shorter(
  key: string,
  facts: { readonly offset: number; readonly length: number; readonly size?: number },
): ObjectStoreError {
  const { offset, length, size } = facts;
  return new ObjectStoreError("object is shorter than the range asked for", {
    key,
    ...size === undefined ? {} : { size },
    offset,
    length,
  });
}
