/**
 * Objects in a bucket of Google Cloud Storage.
 *
 * Integrity: the CRC-32C of the bytes travels with a PUT (the service checks it) and comes back with a whole GET, where it is
 * checked here.
 *
 * @module
 */
import {
  bodyByteSize,
  type CallOptions,
  checkObjectRange,
  checkObjectSize,
  type GetOptions,
  type ObjectBody,
  type ObjectInfo,
  ObjectNotFoundError,
  type ObjectStore,
  type ObjectUpload,
  type PutOptions,
  type UploadOptions,
  validateObjectKey,
  validateObjectPrefix,
} from "../object_store.ts";
import { damaged } from "../remote/body.ts";
import { crc32c, crcBase64 } from "../remote/crc32c.ts";
import { headerOf, type HttpAnswer } from "../remote/http_client.ts";
import { shorter } from "../short_object.ts";
import { ObjectStoreRequestError } from "../request_error.ts";
import type { GcsClient } from "./gcs_client.ts";
import { openGcsUpload } from "./gcs_upload.ts";

/** Metadata that keeps {@linkcode PutOptions.writeId}. */
export const GCS_WRITE_ID = "tidemark-write";

/** Largest object that is read as a whole unless the caller allows more. */
const GET_BYTES_MAX = 1_073_741_824;
const DELETE_CONCURRENCY = 8;
const PAGE_OBJECTS = 1000;
const NOT_FOUND = 404;
const PRECONDITION_FAILED = 412;
const RANGE_NOT_SATISFIABLE = 416;

/** What the service tells of an object. */
export interface GcsResource {
  readonly name: string;
  /** Decimal text. */
  readonly size: string;
  readonly updated: string;
  readonly crc32c?: string;
  readonly generation?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** {@linkcode ObjectStore} over Google Cloud Storage. */
export class GcsObjectStore implements ObjectStore {
  readonly description: string;
  readonly #client: GcsClient;
  readonly #boundary: string;

  constructor(client: GcsClient, boundary: string) {
    this.#client = client;
    this.#boundary = boundary;
    this.description = client.context.description;
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const { range, signal } = options;
    if (range !== undefined) checkObjectRange(key, range);
    const path = `${this.#objectPath(key)}?alt=media`;
    if (range?.length === 0) return await this.#getNothing(key, options);
    const answer = await this.#client.send({
      method: "GET",
      path,
      operation: "get",
      key,
      signal,
      bytesMax: range?.length ?? options.maxBytes ?? GET_BYTES_MAX,
      accepted: [NOT_FOUND, RANGE_NOT_SATISFIABLE],
      headers: {
        "accept-encoding": "identity",
        ...range === undefined
          ? {}
          : { range: `bytes=${range.offset}-${range.offset + range.length - 1}` },
      },
    });
    const { status, headers, body } = answer;
    if (status === NOT_FOUND) throw await this.#missing(key, answer, options);
    if (status === RANGE_NOT_SATISFIABLE) throw shorter(key, range ?? { offset: 0, length: 0 });
    const place = { store: this.description, key };
    if (range === undefined) {
      checkObjectSize(key, body.byteLength, options);
      const stored = /crc32c=([A-Za-z0-9+/=]+)/.exec(headerOf(headers, "x-goog-hash") ?? "")?.[1];
      const actual = crcBase64(crc32c(body));
      if (stored !== undefined && stored !== actual) {
        throw damaged(place, `checksum is ${actual}, stored was ${stored}`);
      }
      return body;
    }
    const answered = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headerOf(headers, "content-range") ?? "");
    if (answered === null || Number(answered[1]) !== range.offset) {
      throw damaged(place, "the answer is not the range asked for");
    }
    if (Number(answered[2]) !== range.offset + range.length - 1) {
      throw shorter(key, { ...range, size: Number(answered[3]) });
    }
    if (body.byteLength !== range.length) {
      throw damaged(place, `${body.byteLength} of ${range.length} bytes came`);
    }
    return body;
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<boolean> {
    validateObjectKey(key);
    const parts = body instanceof Uint8Array ? [body] : body;
    const crc = parts.reduce((state, part) => crc32c(part, state), 0);
    const resource = {
      ...describeObject(this.#client, key, options),
      crc32c: crcBase64(crc),
    };
    const boundary = this.#boundary;
    const text = (value: string) => new TextEncoder().encode(value);
    const answer = await this.#client.send({
      method: "POST",
      path: `${uploadPath(this.#client)}?uploadType=multipart${precondition(options)}`,
      operation: "put",
      key,
      signal: options.signal,
      accepted: [PRECONDITION_FAILED],
      headers: { "content-type": `multipart/related; boundary=${boundary}` },
      body: [
        text(
          `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n` +
            `${JSON.stringify(resource)}\r\n--${boundary}\r\n` +
            "content-type: application/octet-stream\r\n\r\n",
        ),
        ...parts,
        text(`\r\n--${boundary}--\r\n`),
      ],
    });
    if (answer.status === PRECONDITION_FAILED) return false;
    checkStored(this.#client, key, {
      answer,
      size: bodyByteSize(body),
      crc: crcBase64(crc),
    });
    return true;
  }

  async head(key: string, options: CallOptions = {}): Promise<ObjectInfo | null> {
    const path = this.#objectPath(key);
    const answer = await this.#client.send({
      method: "GET",
      path,
      operation: "head",
      key,
      signal: options.signal,
      accepted: [NOT_FOUND],
    });
    if (answer.status === NOT_FOUND) {
      await this.#checkBucket(answer, key, options);
      return null;
    }
    const resource = parseAnswer<GcsResource>(this.#client, key, answer);
    const writeId = resource.metadata?.[GCS_WRITE_ID];
    return {
      ...this.#info(resource),
      key,
      ...writeId === undefined ? {} : { writeId },
    };
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncIterable<readonly ObjectInfo[]> {
    validateObjectPrefix(prefix);
    const { bucket, prefix: root } = this.#client.options;
    let token: string | undefined;
    do {
      const query = new URLSearchParams({
        prefix: `${root}${prefix}`,
        maxResults: String(PAGE_OBJECTS),
        fields: "items(name,size,updated),nextPageToken",
        ...token === undefined ? {} : { pageToken: token },
      });
      const answer = await this.#client.send({
        method: "GET",
        path: `/storage/v1/b/${encodeURIComponent(bucket)}/o?${query}`,
        operation: "list",
        key: prefix,
        signal: options.signal,
      });
      const page = parseAnswer<{ items?: GcsResource[]; nextPageToken?: string }>(
        this.#client,
        prefix,
        answer,
      );
      const infos = (page.items ?? []).map((resource) => this.#info(resource));
      if (infos.length > 0) yield infos;
      token = page.nextPageToken;
    } while (token !== undefined && token !== "");
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    keys.forEach(validateObjectKey);
    for (let start = 0; start < keys.length; start += DELETE_CONCURRENCY) {
      const batch = keys.slice(start, start + DELETE_CONCURRENCY);
      await Promise.all(batch.map((key) =>
        this.#client.send({
          method: "DELETE",
          path: this.#objectPath(key),
          operation: "delete",
          key,
          signal: options.signal,
          accepted: [NOT_FOUND],
        })
      ));
    }
  }

  async openUpload(key: string, options: UploadOptions = {}): Promise<ObjectUpload> {
    validateObjectKey(key);
    return await openGcsUpload(this.#client, key, { store: this, options });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    return Promise.resolve();
  }

  #objectPath(key: string): string {
    validateObjectKey(key);
    const { bucket, prefix } = this.#client.options;
    return `/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(prefix + key)}`;
  }

  #info({ name, size, updated }: GcsResource): ObjectInfo {
    return {
      key: name.slice(this.#client.options.prefix.length),
      size: Number(size),
      modifiedMillis: Date.parse(updated),
    };
  }

  async #missing(key: string, answer: HttpAnswer, options: CallOptions): Promise<Error> {
    await this.#checkBucket(answer, key, options);
    return new ObjectNotFoundError(key);
  }

  /** A missing bucket is not a missing object. */
  async #checkBucket(answer: HttpAnswer, key: string, options: CallOptions): Promise<void> {
    if (/No such object/i.test(new TextDecoder().decode(answer.body))) return;
    await this.#client.send({
      method: "GET",
      path: `/storage/v1/b/${encodeURIComponent(this.#client.options.bucket)}`,
      operation: "head bucket",
      key,
      signal: options.signal,
    });
  }

  /** An empty range: nothing to read, but the object must be there and long enough. */
  async #getNothing(key: string, options: GetOptions): Promise<Uint8Array<ArrayBuffer>> {
    const info = await this.head(key, options);
    if (info === null) throw new ObjectNotFoundError(key);
    if (info.size < options.range!.offset) {
      throw shorter(key, { ...options.range!, size: info.size });
    }
    return new Uint8Array(0);
  }
}

/** Name, metadata and class of a new object. */
export function describeObject(client: GcsClient, key: string, options: PutOptions) {
  const { prefix, storageClass } = client.options;
  return {
    name: prefix + key,
    contentType: "application/octet-stream",
    ...storageClass === undefined ? {} : { storageClass },
    ...options.writeId === undefined ? {} : { metadata: { [GCS_WRITE_ID]: options.writeId } },
  };
}

/** Where uploads go. */
export function uploadPath(client: GcsClient): string {
  return `/upload/storage/v1/b/${encodeURIComponent(client.options.bucket)}/o`;
}

/** The query of "create only". */
export function precondition({ ifNoneMatch }: PutOptions): string {
  return ifNoneMatch === true ? "&ifGenerationMatch=0" : "";
}

/** Reads a JSON answer. @throws {ObjectStoreRequestError} if it is none: then it was cut off. */
export function parseAnswer<T>(client: GcsClient, key: string, answer: HttpAnswer): T {
  try {
    return JSON.parse(new TextDecoder().decode(answer.body)) as T;
  } catch {
    throw damaged({ store: client.context.description, key }, "the answer is no JSON");
  }
}

/** Checks that the service stored what was sent. */
export function checkStored(
  client: GcsClient,
  key: string,
  facts: { readonly answer: HttpAnswer; readonly size: number; readonly crc: string },
): void {
  const resource = parseAnswer<GcsResource>(client, key, facts.answer);
  const isSame = Number(resource.size) === facts.size &&
    (resource.crc32c === undefined || resource.crc32c === facts.crc);
  if (isSame) return;
  // Not to be tried again: the next try would find the damaged object and take it for its own.
  throw new ObjectStoreRequestError({
    kind: "damaged",
    isRetryable: false,
    reason: `${resource.size} bytes with checksum ${resource.crc32c} were stored, ` +
      `${facts.size} with ${facts.crc} were sent`,
  }, { store: client.context.description, operation: "put", key });
}
