/**
 * The store that backups live in: immutable objects under keys. One interface, one contract, every provider; the contract
 * is a test suite (`tests/objectstore/contract.ts`) that each implementation must pass.
 *
 * Contract:
 * 1. A key is `/`-separated components; {@linkcode validateObjectKey} says which. Every call refuses any other key.
 * 2. `put` is atomic and durable: when it has resolved, the whole object is there and survives a loss of power; before
 *    that, a reader sees either nothing (or the old object) or the whole new one. A rejected `put` may have happened.
 * 3. With `ifNoneMatch` an existing object is never touched, not even by two concurrent calls: exactly one creates it.
 * 4. `get` with a range returns exactly that many bytes or rejects; it never returns fewer.
 * 5. `list` yields keys in ascending order of their UTF-8 bytes. It may lag behind `put` on some providers, so nothing
 *    may be concluded from a key that is absent from it.
 * 6. `delete` of a missing key is no error.
 * 7. A missing object is {@linkcode ObjectNotFoundError}; any other failure is an `ObjectStoreError`. No message holds a
 *    secret of the connection string.
 *
 * @module
 */
import { ObjectStoreError } from "../common/mod.ts";

/** Bytes of an object: one buffer, or several that follow each other. */
export type ObjectBody = Uint8Array | readonly Uint8Array[];

/** A byte range of an object. */
export interface ObjectRange {
  /** First byte. */
  readonly offset: number;
  /** Bytes; all of them must exist. */
  readonly length: number;
}

/** Options of {@linkcode ObjectStore.get}. */
export interface GetOptions {
  /** Part of the object; the whole object when left out. */
  readonly range?: ObjectRange;
  /** Refuses a larger object before anything is allocated. Not used together with `range`. */
  readonly maxBytes?: number;
}

/** Options of {@linkcode ObjectStore.put}. */
export interface PutOptions {
  /** Create only: an existing object stays as it is, and the call resolves to `false`. */
  readonly ifNoneMatch?: boolean;
}

/** What is known of an object without reading it. */
export interface ObjectInfo {
  readonly key: string;
  /** Length in bytes. */
  readonly size: number;
}

/** See the module's description. */
export interface ObjectStore extends AsyncDisposable {
  /** Scheme and location for messages, without secrets. */
  readonly description: string;
  /** Reads an object or a range of it. @throws {ObjectNotFoundError} */
  get(key: string, options?: GetOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Stores an object. Resolves to `false`, and changes nothing, if `ifNoneMatch` is set and the key exists. */
  put(key: string, body: ObjectBody, options?: PutOptions): Promise<boolean>;
  /** Returns facts about an object, or `null` if there is none. */
  head(key: string): Promise<ObjectInfo | null>;
  /** Lists objects whose key starts with `prefix`, a page at a time. Pages are never empty. */
  list(prefix: string): AsyncIterable<readonly ObjectInfo[]>;
  /** Deletes a batch of objects. */
  delete(keys: readonly string[]): Promise<void>;
}

/** Thrown when a key names no object. */
export class ObjectNotFoundError extends ObjectStoreError {
  /** The key that was asked for. */
  readonly key: string;

  constructor(key: string, options?: ErrorOptions) {
    super("object does not exist", { key }, options);
    this.key = key;
  }
}

/** Total bytes of a body. */
export function bodyByteSize(body: ObjectBody): number {
  return body instanceof Uint8Array
    ? body.byteLength
    : body.reduce((sum, part) => sum + part.byteLength, 0);
}

/** Longest key in UTF-8 bytes; the limit of S3 and GCS. */
export const OBJECT_KEY_BYTES_MAX = 1024;
/** Longest component of a key in UTF-8 bytes; the limit of common file systems. */
export const OBJECT_KEY_COMPONENT_BYTES_MAX = 255;

/**
 * Checks a key: non-empty components separated by `/`; none is `.` or `..`, holds NUL, control characters or `\`.
 *
 * @throws {ObjectStoreError} naming the key and the reason.
 */
export function validateObjectKey(key: string): void {
  const reason = reasonAgainst(key);
  if (reason !== null) throw new ObjectStoreError(`invalid object key: ${reason}`, { key });
}

function reasonAgainst(key: string): string | null {
  if (key === "") return "empty";
  if (key.startsWith("/")) return "absolute";
  const encoder = new TextEncoder();
  if (encoder.encode(key).length > OBJECT_KEY_BYTES_MAX) return "too long";
  for (const component of key.split("/")) {
    if (component === "") return "empty component";
    if (component === "." || component === "..") return "dot component";
    if (encoder.encode(component).length > OBJECT_KEY_COMPONENT_BYTES_MAX) {
      return "component too long";
    }
    for (const character of component) {
      const code = character.codePointAt(0)!;
      if (code < 0x20 || code === 0x7f || character === "\\") return "forbidden character";
      if (code >= 0xd800 && code <= 0xdfff) return "unpaired surrogate";
    }
  }
  return null;
}

/**
 * Checks a prefix for {@linkcode ObjectStore.list}: empty, or a valid key, optionally with a trailing `/`.
 *
 * @throws {ObjectStoreError} naming the prefix.
 */
export function validateObjectPrefix(prefix: string): void {
  if (prefix !== "") validateObjectKey(prefix.endsWith("/") ? prefix.slice(0, -1) : prefix);
}
