/**
 * Objects as block blobs in a container of Azure Blob Storage.
 *
 * Integrity: the MD5 of a body travels with it and the server checks it; the CRC-32 is kept in the blob's metadata, and a whole
 * GET is checked against it. A range of up to 4 MiB comes with its own MD5, which is checked, too.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { BlobDownloadResponseParsed, ContainerClient } from "@azure/storage-blob";
import {
  bodyByteSize,
  type CallOptions,
  checkObjectRange,
  checkObjectSize,
  type GetOptions,
  joinBody,
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
import { damaged, readBody } from "../remote/body.ts";
import { crcBase64 } from "../remote/crc32c.ts";
import { shorter } from "../short_object.ts";
import type { Deadline } from "../remote/deadline.ts";
import { remoteCall, type RemoteContext } from "../remote/remote_call.ts";
import type { Agents } from "../remote/tls.ts";
import { uploadStream } from "../upload_stream.ts";
import type { AzureOptions } from "./azure_options.ts";
import { openAzureUpload } from "./azure_upload.ts";

/** Metadata that this project keeps with its blobs; names are identifiers here. */
export const AzureMetadata = {
  /** CRC-32 of the bytes, base64. */
  crc32: "tidemark_crc32",
  /** {@linkcode PutOptions.writeId}. */
  writeId: "tidemark_write",
} as const;

/** Largest blob of one request; the service takes 5 000 MiB, the client less memory. */
const SINGLE_PUT_BYTES_MAX = 268_435_456;
/** Longest range that the server hashes. */
const RANGE_MD5_BYTES_MAX = 4_194_304;
/** Blobs of one page. */
const PAGE_BLOBS = 1000;
/** Deletions at a time. The service's batches need rights of their own, so every blob is a request. */
const DELETE_CONCURRENCY = 8;

/** What a store is made of. */
export interface AzureParts {
  readonly client: ContainerClient;
  readonly options: AzureOptions;
  readonly context: RemoteContext;
  readonly agents: Agents;
}

/** {@linkcode ObjectStore} over Azure Blob Storage. */
export class AzureObjectStore implements ObjectStore {
  readonly description: string;
  readonly #parts: AzureParts;

  constructor(parts: AzureParts) {
    this.#parts = parts;
    this.description = parts.context.description;
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const { range, signal } = options;
    if (range !== undefined) checkObjectRange(key, range);
    const blob = this.#blob(key);
    if (range?.length === 0) return await this.#getNothing(key, options);
    const request = { operation: "get", key, bytes: range?.length ?? 0, signal };
    return await remoteCall(this.#parts.context, request, async (deadline) => {
      let answer: BlobDownloadResponseParsed;
      try {
        answer = await blob.download(range?.offset ?? 0, range?.length, {
          abortSignal: deadline.signal,
          maxRetryRequests: 0,
          ...range !== undefined && range.length <= RANGE_MD5_BYTES_MAX
            ? { rangeGetContentMD5: true }
            : {},
        });
      } catch (error) {
        if (statusOf(error) === 404 && codeOf(error) !== "ContainerNotFound") {
          throw new ObjectNotFoundError(key);
        }
        if (statusOf(error) === 416 && range !== undefined) throw shorter(key, range);
        throw error;
      }
      const body = answer.readableStreamBody as unknown as
        & AsyncIterable<Uint8Array>
        & { destroy(): void };
      try {
        return await this.#read({ key, answer, body }, options, deadline);
      } catch (error) {
        body.destroy();
        throw error;
      }
    });
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<boolean> {
    const size = bodyByteSize(body);
    if (size > SINGLE_PUT_BYTES_MAX) return await uploadStream(this, key, pieces(body), options);
    const blob = this.#blob(key);
    const bytes = joinBody(body);
    const request = { operation: "put", key, bytes: size, signal: options.signal };
    return await remoteCall(this.#parts.context, request, async (deadline) => {
      try {
        await blob.upload(asBuffer(bytes), size, {
          abortSignal: deadline.signal,
          blobHTTPHeaders: {
            blobContentType: "application/octet-stream",
            blobContentMD5: createHash("md5").update(bytes).digest(),
          },
          metadata: {
            [AzureMetadata.crc32]: crcBase64(crc32(bytes)),
            ...options.writeId === undefined ? {} : { [AzureMetadata.writeId]: options.writeId },
          },
          ...options.ifNoneMatch === true ? { conditions: { ifNoneMatch: "*" } } : {},
        });
        return true;
      } catch (error) {
        if (isConflict(error)) return false;
        throw error;
      }
    });
  }

  async head(key: string, options: CallOptions = {}): Promise<ObjectInfo | null> {
    const blob = this.#blob(key);
    const request = { operation: "head", key, signal: options.signal };
    return await remoteCall(this.#parts.context, request, async (deadline) => {
      try {
        const answer = await blob.getProperties({ abortSignal: deadline.signal });
        if (answer.contentLength === undefined || answer.lastModified === undefined) {
          throw damaged({ store: this.description, key }, "the answer has no length or time");
        }
        const writeId = answer.metadata?.[AzureMetadata.writeId];
        return {
          key,
          size: answer.contentLength,
          modifiedMillis: answer.lastModified.getTime(),
          ...writeId === undefined ? {} : { writeId },
        };
      } catch (error) {
        if (statusOf(error) === 404 && codeOf(error) !== "ContainerNotFound") return null;
        throw error;
      }
    });
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncIterable<readonly ObjectInfo[]> {
    validateObjectPrefix(prefix);
    const { client, context, options: { prefix: root } } = this.#parts;
    const request = { operation: "list", key: prefix, signal: options.signal };
    let token: string | undefined;
    do {
      const page = await remoteCall(context, request, async (deadline) => {
        const pages = client.listBlobsFlat({
          prefix: `${root}${prefix}`,
          abortSignal: deadline.signal,
        }).byPage({
          maxPageSize: PAGE_BLOBS,
          ...token === undefined ? {} : { continuationToken: token },
        });
        const { value } = await pages.next();
        return value;
      });
      const infos: ObjectInfo[] = page.segment.blobItems.map((
        { name, properties }: {
          name: string;
          properties: { contentLength?: number; lastModified: Date };
        },
      ) => ({
        key: name.slice(root.length),
        size: properties.contentLength!,
        modifiedMillis: properties.lastModified.getTime(),
      }));
      if (infos.length > 0) yield infos;
      token = page.continuationToken;
    } while (token !== undefined && token !== "");
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    keys.forEach(validateObjectKey);
    for (let start = 0; start < keys.length; start += DELETE_CONCURRENCY) {
      const batch = keys.slice(start, start + DELETE_CONCURRENCY);
      await Promise.all(batch.map((key) => this.#deleteOne(key, options)));
    }
  }

  openUpload(key: string, options: UploadOptions = {}): Promise<ObjectUpload> {
    const blob = this.#blob(key);
    return openAzureUpload(blob, this.#parts.context, { key, options });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#parts.agents[Symbol.dispose]();
    return Promise.resolve();
  }

  #blob(key: string) {
    validateObjectKey(key);
    return this.#parts.client.getBlockBlobClient(this.#parts.options.prefix + key);
  }

  async #read(
    { key, answer, body }: {
      key: string;
      answer: BlobDownloadResponseParsed;
      body: AsyncIterable<Uint8Array> & { destroy(): void };
    },
    options: GetOptions,
    deadline: Deadline,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { range } = options;
    const place = { store: this.description, key };
    const size = answer.contentLength;
    if (size === undefined) throw damaged(place, "the answer has no length");
    if (range === undefined) checkObjectSize(key, size, options);
    else checkAnsweredRange(key, answer, range);
    const bytes = await readBody(body, { ...place, size: range?.length ?? size }, deadline);
    const md5 = range === undefined ? undefined : answer.contentMD5;
    if (md5 !== undefined && !createHash("md5").update(bytes).digest().equals(md5)) {
      throw damaged(place, "MD5 of the range is not what the server says");
    }
    const stored = range === undefined ? answer.metadata?.[AzureMetadata.crc32] : undefined;
    const actual = stored === undefined ? undefined : crcBase64(crc32(bytes));
    if (stored !== actual) {
      throw damaged(place, `checksum is ${actual}, stored was ${stored}`);
    }
    return bytes;
  }

  async #deleteOne(key: string, options: CallOptions): Promise<void> {
    const blob = this.#blob(key);
    const request = { operation: "delete", key, signal: options.signal };
    await remoteCall(this.#parts.context, request, async (deadline) => {
      try {
        await blob.delete({ abortSignal: deadline.signal, deleteSnapshots: "include" });
      } catch (error) {
        if (statusOf(error) !== 404 || codeOf(error) === "ContainerNotFound") throw error;
      }
    });
  }

  async #getNothing(key: string, options: GetOptions): Promise<Uint8Array<ArrayBuffer>> {
    const info = await this.head(key, options);
    if (info === null) throw new ObjectNotFoundError(key);
    if (info.size < options.range!.offset) {
      throw shorter(key, { ...options.range!, size: info.size });
    }
    return new Uint8Array(0);
  }
}

/** A range past the end is answered in other ways by every server: only what it says of its bytes counts. */
function checkAnsweredRange(
  key: string,
  answer: BlobDownloadResponseParsed,
  range: { readonly offset: number; readonly length: number },
): void {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.contentRange ?? "");
  if (
    match === null || Number(match[1]) !== range.offset ||
    Number(match[2]) !== range.offset + range.length - 1
  ) {
    throw shorter(key, { ...range, ...match === null ? {} : { size: Number(match[3]) } });
  }
}

/** The client's streams want Node's own class. */
export function asBuffer(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The status of an answer that the client turned into an error. */
export function statusOf(error: unknown): number | undefined {
  return (error as { statusCode?: number }).statusCode;
}

/** The service's code of an error. */
export function codeOf(error: unknown): string | undefined {
  const { code, response } = error as {
    code?: string;
    response?: { headers?: { get(name: string): string | undefined } };
  };
  return response?.headers?.get("x-ms-error-code") ?? code;
}

/** True if a conditional request found a blob. */
export function isConflict(error: unknown): boolean {
  return statusOf(error) === 412 ||
    statusOf(error) === 409 && codeOf(error) === "BlobAlreadyExists";
}

async function* pieces(body: ObjectBody): AsyncGenerator<Uint8Array> {
  yield* body instanceof Uint8Array ? [body] : body;
}
