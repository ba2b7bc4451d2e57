/**
 * The store that backups live in: immutable objects under keys. One interface, one contract, every provider; the contract
 * is a test suite (`tests/objectstore/contract.ts`) that each implementation must pass.
 *
 * Contract:
 * 1. A key is `/`-separated components; {@linkcode validateObjectKey} says which. Every call refuses any other key.
 * 2. `put` is atomic and durable: when it has resolved, the whole object is there and survives a loss of power; before
 *    that, a reader sees either nothing (or the old object) or the whole new one. A rejected `put` may have happened.
 * 3. With `ifNoneMatch` an existing object is never touched, not even by two concurrent calls: exactly one creates it.
 * 4. `get` with a range returns exactly that many bytes or rejects; it never returns fewer. `get` of a whole object checks the
 *    bytes against the checksum that was stored with them and rejects if they differ. A range has no checksum of its own at
 *    any provider but Azure: on its way it is protected by TLS, and whoever needs more keeps hashes of what he reads.
 * 5. `list` yields keys in ascending order of their UTF-8 bytes where the server does; some go by directories, so whoever needs
 *    an order sorts. It may lag behind `put` on some providers, so nothing may be concluded from a key that is absent.
 * 6. `delete` of a missing key is no error.
 * 7. A missing object is {@linkcode ObjectNotFoundError}; any other failure is an `ObjectStoreError`, retryable or not. No
 *    message holds a secret of the connection string.
 * 8. Every call ends: each request has a deadline made of a base and the bytes that move. An aborted `signal` ends the call
 *    with the signal's reason; a `put` that was aborted may have happened.
 * 9. An {@linkcode ObjectUpload} shows nothing under its key until `complete` has published it, whole, under the rules of 2 and
 *    3; until then it can be gone on with in another process.
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

/** Options of every call. */
export interface CallOptions {
  /** Ends the call early; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Options of {@linkcode ObjectStore.get}. */
export interface GetOptions extends CallOptions {
  /** Part of the object; the whole object when left out. */
  readonly range?: ObjectRange;
  /** Refuses a larger object before anything is allocated. Not used together with `range`. */
  readonly maxBytes?: number;
}

/** Options of {@linkcode ObjectStore.put}. */
export interface PutOptions extends CallOptions {
  /** Create only: an existing object stays as it is, and the call resolves to `false`. */
  readonly ifNoneMatch?: boolean;
  /** Kept with the object, so that a repeated call can tell its own object from another's. {@linkcode ObjectInfo.writeId} */
  readonly writeId?: string;
}

/** Options of {@linkcode ObjectStore.openUpload}. */
export interface UploadOptions extends PutOptions {
  /** Length of every part but the last; the store may raise it to what it can do. */
  readonly partBytes?: number;
  /** {@linkcode ObjectUpload.token} of an upload to go on with; one that the store has forgotten is begun anew. */
  readonly resumeToken?: string;
}

/** An object that is stored in parts: `putPart` in any order unless `isSequential`, then `complete`. */
export interface ObjectUpload {
  /** Names the upload in this store, to go on with it later. As secret as the store's credentials. */
  readonly token: string;
  /** Length of every part but the last, which may be shorter. */
  readonly partBytes: number;
  /** True if parts must come one after the other. */
  readonly isSequential: boolean;
  /** True if an earlier process has stored this very part. @param number 1-based. */
  hasPart(number: number, bytes: Uint8Array): boolean;
  /** Stores a part; storing it again is no error. @param number 1-based. */
  putPart(number: number, bytes: Uint8Array, options?: CallOptions): Promise<void>;
  /** Publishes the parts 1…`partCount`. Resolves to `false` if `ifNoneMatch` was set and the key exists. */
  complete(partCount: number, options?: CallOptions): Promise<boolean>;
  /** Drops what was stored. */
  abort(options?: CallOptions): Promise<void>;
}

/** What is known of an object without reading it. */
export interface ObjectInfo {
  readonly key: string;
  /** Length in bytes. */
  readonly size: number;
  /** When it was stored by the store's clock, milliseconds since the epoch. */
  readonly modifiedMillis: number;
  /** {@linkcode PutOptions.writeId} of the call that stored it, where the store keeps it; not in listings. */
  readonly writeId?: string;
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
  head(key: string, options?: CallOptions): Promise<ObjectInfo | null>;
  /** Lists objects whose key starts with `prefix`, a page at a time. Pages are never empty. */
  list(prefix: string, options?: CallOptions): AsyncIterable<readonly ObjectInfo[]>;
  /** Deletes any number of objects. If it rejects, some may be gone. */
  delete(keys: readonly string[], options?: CallOptions): Promise<void>;
  /** Begins to store an object in parts, or goes on with it. For whole streams see {@linkcode uploadStream}. */
  openUpload(key: string, options?: UploadOptions): Promise<ObjectUpload>;
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

/** The bytes of a body as one array; copies only if there are several parts. */
export function joinBody(body: ObjectBody): Uint8Array {
  if (body instanceof Uint8Array) return body;
  if (body.length === 1) return body[0];
  const bytes = new Uint8Array(bodyByteSize(body));
  let position = 0;
  for (const part of body) {
    bytes.set(part, position);
    position += part.byteLength;
  }
  return bytes;
}

/** Refuses an object that is larger than its reader expects. @throws {ObjectStoreError} */
export function checkObjectSize(key: string, size: number, options: GetOptions): void {
  if (options.maxBytes === undefined || size <= options.maxBytes) return;
  throw new ObjectStoreError("object is larger than expected", {
    key,
    size,
    limit: options.maxBytes,
  });
}

/** Refuses a range that is none. @throws {ObjectStoreError} */
export function checkObjectRange(key: string, { offset, length }: ObjectRange): void {
  const isRange = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 &&
    length >= 0;
  if (!isRange) throw new ObjectStoreError("invalid range of an object", { key, offset, length });
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
