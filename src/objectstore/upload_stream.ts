/**
 * Stores a stream of bytes of any length as one object, with bounded memory.
 *
 * ```
 * chunks ─► parts of partBytes ─► up to `concurrency` parts on their way ─► complete
 * ```
 * A stream that ends within the first part is stored by one `put`. An upload that was interrupted goes on from its token: the
 * stream is given again from its start, and parts that are stored already are not sent again.
 *
 * @module
 */
import { freeBytes } from "../common/mod.ts";
import type { ObjectStore, ObjectUpload, PutOptions } from "./object_store.ts";

/** Options of {@linkcode uploadStream}. */
export interface UploadStreamOptions extends PutOptions {
  /** Length of the parts; 8 MiB if left out. */
  readonly partBytes?: number;
  /** Parts on their way at a time; 4 if left out. Memory is that many parts and one more. */
  readonly concurrency?: number;
  /** Token of an upload to go on with. */
  readonly resumeToken?: string;
  /** Told the token of the upload; a failure then leaves the parts where they are, to go on later. */
  readonly onToken?: (token: string) => void;
}

const PART_BYTES = 8_388_608;
const CONCURRENCY = 4;

/**
 * Stores a stream as an object.
 *
 * @returns `false`, with nothing changed, if `ifNoneMatch` is set and the key exists.
 * @throws what the stream or the store throws; the parts are dropped unless `onToken` was given.
 */
export async function uploadStream(
  store: ObjectStore,
  key: string,
  chunks: AsyncIterable<Uint8Array>,
  options: UploadStreamOptions = {},
): Promise<boolean> {
  const partBytes = options.partBytes ?? PART_BYTES;
  const stream = new PartReader(chunks);
  try {
    if (options.resumeToken === undefined) {
      const first = await stream.read(partBytes);
      if (first.byteLength < partBytes) return await store.put(key, first, putOptionsOf(options));
      stream.unread(first);
    }
    const upload = await store.openUpload(key, { ...options, partBytes });
    options.onToken?.(upload.token);
    try {
      const partCount = await sendParts(upload, stream, options);
      return await upload.complete(partCount, signalOf(options));
    } catch (error) {
      if (options.onToken === undefined) await dropAfterFailure(upload);
      throw error;
    }
  } finally {
    await stream.close();
  }
}

function putOptionsOf({ ifNoneMatch, writeId, signal }: UploadStreamOptions): PutOptions {
  return {
    ...ifNoneMatch === undefined ? {} : { ifNoneMatch },
    ...writeId === undefined ? {} : { writeId },
    ...signal === undefined ? {} : { signal },
  };
}

function signalOf({ signal }: UploadStreamOptions) {
  return signal === undefined ? {} : { signal };
}

/** Drops the parts. If that fails, too, the first failure is what the caller must know; parts left behind cost space only. */
async function dropAfterFailure(upload: ObjectUpload): Promise<void> {
  await upload.abort().catch(() => undefined);
}

/** Sends all parts. @returns how many there are. */
async function sendParts(
  upload: ObjectUpload,
  stream: PartReader,
  options: UploadStreamOptions,
): Promise<number> {
  const limit = upload.isSequential ? 1 : options.concurrency ?? CONCURRENCY;
  const underWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let number = 0;
  let previous: Uint8Array | null = null;
  const put = async (partNumber: number, bytes: Uint8Array) => {
    try {
      await upload.putPart(partNumber, bytes, signalOf(options));
      // An upload in sequence may keep a part back until it has the next one.
      const done = upload.isSequential ? previous : bytes;
      previous = bytes;
      if (done !== null) stream.free(done);
    } catch (error) {
      failures.push(error); // somebody may still be sending the part: it is left to the collector
    }
  };
  try {
    for (;;) {
      const bytes = await stream.read(upload.partBytes);
      if (bytes.byteLength === 0 && number > 0) break;
      number++;
      if (upload.hasPart(number, bytes)) {
        stream.free(bytes);
        continue;
      }
      const sent: Promise<void> = put(number, bytes).finally(() => underWay.delete(sent));
      underWay.add(sent);
      if (underWay.size >= limit) await Promise.race(underWay);
      if (failures.length > 0) break;
    }
  } finally {
    await Promise.all(underWay);
  }
  if (failures.length > 0) throw failures[0];
  return number;
}

/** Cuts a stream into parts. */
class PartReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #isDone = false;
  /** Parts that were joined here, so that nobody else knows their memory. */
  readonly #own = new WeakSet<Uint8Array>();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Reads `bytes` bytes, fewer only at the end. */
  async read(bytes: number): Promise<Uint8Array> {
    while (this.#pendingBytes < bytes && !this.#isDone) {
      const { done, value } = await this.#chunks.next();
      if (done) this.#isDone = true;
      else if (value.byteLength > 0) {
        this.#pending.push(value);
        this.#pendingBytes += value.byteLength;
      }
    }
    return this.#take(Math.min(bytes, this.#pendingBytes));
  }

  /** Puts bytes back in front. */
  unread(bytes: Uint8Array): void {
    this.#pending.unshift(bytes);
    this.#pendingBytes += bytes.byteLength;
  }

  /** Gives back the memory of a part that is stored. */
  free(part: Uint8Array): void {
    if (this.#own.delete(part)) freeBytes(part);
  }

  /** Tells the stream that no more is wanted. */
  async close(): Promise<void> {
    if (!this.#isDone) await this.#chunks.return?.();
  }

  #take(bytes: number): Uint8Array {
    this.#pendingBytes -= bytes;
    const first = this.#pending[0];
    if (first !== undefined && first.byteLength === bytes) return this.#pending.shift()!;
    const part = new Uint8Array(bytes);
    this.#own.add(part);
    for (let position = 0; position < bytes;) {
      const chunk = this.#pending[0];
      const piece = chunk.subarray(0, bytes - position);
      part.set(piece, position);
      position += piece.byteLength;
      if (piece.byteLength === chunk.byteLength) this.#pending.shift();
      else this.#pending[0] = chunk.subarray(piece.byteLength);
    }
    return part;
  }
}
