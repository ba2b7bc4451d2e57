/**
 * Objects in a bucket of S3 or of a server that speaks its protocol.
 *
 * Integrity: the CRC-32 of the bytes travels with a PUT (the server checks it), and is kept in the object's metadata, where the
 * provider's own checksum is not kept by every server; a whole GET is checked against it. Objects of several parts are checked
 * against the MD5 of MD5s that S3 gives them as ETag.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type {
  GetObjectCommandOutput,
  HeadObjectCommandOutput,
  PutObjectCommandInput,
  S3Client,
} from "@aws-sdk/client-s3";
import { ObjectStoreError } from "../../common/mod.ts";
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
import { remoteCall, type RemoteContext } from "../remote/remote_call.ts";
import type { Agents } from "../remote/tls.ts";
import { uploadStream } from "../upload_stream.ts";
import type { S3Sdk } from "./s3_client.ts";
import type { S3Options } from "./s3_options.ts";
import { openS3Upload } from "./s3_upload.ts";

/** Metadata that this project keeps with its objects. */
export const S3Metadata = {
  /** CRC-32 of the bytes, base64; of objects of one part. */
  crc32: "tidemark-crc32",
  /** {@linkcode PutOptions.writeId}. */
  writeId: "tidemark-write",
  /** Length of the parts; of objects of several. */
  partBytes: "tidemark-part-bytes",
} as const;

/** Keys of one DeleteObjects request. */
const DELETE_KEYS_MAX = 1000;

/** What a store is made of. */
export interface S3Parts {
  readonly sdk: S3Sdk;
  readonly client: S3Client;
  readonly options: S3Options;
  readonly context: RemoteContext;
  readonly agents: Agents;
}

/** {@linkcode ObjectStore} over S3's protocol. */
export class S3ObjectStore implements ObjectStore {
  readonly description: string;
  readonly #parts: S3Parts;

  constructor(parts: S3Parts) {
    this.#parts = parts;
    this.description = parts.context.description;
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const Key = this.#key(key);
    const { sdk, client, context } = this.#parts;
    const { range, signal } = options;
    if (range !== undefined) checkObjectRange(key, range);
    if (range?.length === 0) return await this.#getNothing(key, options);
    const request = { operation: "get", key, bytes: range?.length ?? 0, signal };
    return await remoteCall(context, request, async (deadline) => {
      const command = new sdk.GetObjectCommand({
        ...this.#bucket(),
        Key,
        ...range === undefined
          ? {}
          : { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` },
      });
      let output: GetObjectCommandOutput;
      try {
        output = await client.send(command, { abortSignal: deadline.signal });
      } catch (error) {
        throw this.#missing(key, error) ?? this.#outOfRange(key, error, options) ?? error;
      }
      const body = output.Body as unknown as AsyncIterable<Uint8Array> & { destroy(): void };
      try {
        const size = this.#answeredSize(key, output, options);
        const expected = { store: this.description, key, size };
        const bytes = await readBody(body, expected, deadline);
        if (range === undefined) this.#checkWhole(key, bytes, output);
        return bytes;
      } catch (error) {
        body.destroy();
        throw error;
      }
    });
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<boolean> {
    const Key = this.#key(key);
    const size = bodyByteSize(body);
    if (size > this.#parts.options.singlePutBytesMax) {
      return await uploadStream(this, key, pieces(body), options);
    }
    const bytes = joinBody(body);
    const { sdk, client, context } = this.#parts;
    if (!await this.#mayCreate(key, options)) return false;
    const request = { operation: "put", key, bytes: size, signal: options.signal };
    const crc = crcBase64(crc32(bytes));
    const input: PutObjectCommandInput = {
      ...this.#bucket(),
      ...this.#storage(),
      Key,
      Body: bytes,
      ContentLength: size,
      ContentType: "application/octet-stream",
      Metadata: {
        [S3Metadata.crc32]: crc,
        ...options.writeId === undefined ? {} : { [S3Metadata.writeId]: options.writeId },
      },
      ...this.#checksum(bytes, crc),
      ...this.isConditional(options) ? { IfNoneMatch: "*" } : {},
    };
    return await remoteCall(context, request, async (deadline) => {
      try {
        await client.send(new sdk.PutObjectCommand(input), { abortSignal: deadline.signal });
        return true;
      } catch (error) {
        if (isPreconditionFailed(error)) return false;
        throw error;
      }
    });
  }

  async head(key: string, options: CallOptions = {}): Promise<ObjectInfo | null> {
    const { sdk, client, context } = this.#parts;
    const Key = this.#key(key);
    const request = { operation: "head", key, signal: options.signal };
    return await remoteCall(context, request, async (deadline) => {
      let output: HeadObjectCommandOutput;
      try {
        output = await client.send(new sdk.HeadObjectCommand({ ...this.#bucket(), Key }), {
          abortSignal: deadline.signal,
        });
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw error;
      }
      if (output.ContentLength === undefined || output.LastModified === undefined) {
        throw damaged({ store: this.description, key }, "the answer has no length or time");
      }
      const writeId = output.Metadata?.[S3Metadata.writeId];
      return {
        key,
        size: output.ContentLength,
        modifiedMillis: output.LastModified.getTime(),
        ...writeId === undefined ? {} : { writeId },
      };
    });
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncIterable<readonly ObjectInfo[]> {
    validateObjectPrefix(prefix);
    const { sdk, client, context, options: { prefix: root } } = this.#parts;
    const request = { operation: "list", key: prefix, signal: options.signal };
    let token: string | undefined;
    do {
      const output = await remoteCall(
        context,
        request,
        (deadline) =>
          client.send(
            new sdk.ListObjectsV2Command({
              ...this.#bucket(),
              Prefix: `${root}${prefix}`,
              ContinuationToken: token,
            }),
            { abortSignal: deadline.signal },
          ),
      );
      const page = (output.Contents ?? []).map(({ Key, Size, LastModified }) => ({
        key: Key!.slice(root.length),
        size: Size!,
        modifiedMillis: LastModified!.getTime(),
      }));
      if (page.length > 0) yield page;
      token = output.NextContinuationToken;
      if (output.IsTruncated && (token === undefined || token === "")) {
        throw new ObjectStoreError("listing ends without its end", { key: prefix });
      }
      if (!output.IsTruncated) token = undefined;
    } while (token !== undefined);
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<void> {
    const { sdk, client, context } = this.#parts;
    const objects = keys.map((key) => ({ Key: this.#key(key) }));
    for (let start = 0; start < objects.length; start += DELETE_KEYS_MAX) {
      const request = { operation: "delete", key: keys[start], signal: options.signal };
      const Delete = { Objects: objects.slice(start, start + DELETE_KEYS_MAX), Quiet: true };
      await remoteCall(context, request, async (deadline) => {
        const output = await client.send(
          new sdk.DeleteObjectsCommand({ ...this.#bucket(), Delete }),
          { abortSignal: deadline.signal },
        );
        const failed = (output.Errors ?? []).find(({ Code }) => Code !== "NoSuchKey");
        if (failed !== undefined) {
          throw Object.assign(new Error(failed.Message ?? failed.Code), {
            name: failed.Code,
            $metadata: { httpStatusCode: failed.Code === "AccessDenied" ? 403 : 500 },
          });
        }
      });
    }
  }

  async openUpload(key: string, options: UploadOptions = {}): Promise<ObjectUpload> {
    const Key = this.#key(key);
    return await openS3Upload(this, this.#parts, { key, Key, ...this.#storage(), options });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#parts.client.destroy();
    this.#parts.agents[Symbol.dispose]();
    return Promise.resolve();
  }

  /** True if the server is asked to create only. */
  isConditional(options: PutOptions): boolean {
    return options.ifNoneMatch === true && this.#parts.options.hasConditionalPut;
  }

  /** For servers without conditional requests: looks the key up first. */
  async #mayCreate(key: string, options: PutOptions): Promise<boolean> {
    if (options.ifNoneMatch !== true || this.#parts.options.hasConditionalPut) return true;
    return await this.head(key, options) === null;
  }

  #key(key: string): string {
    validateObjectKey(key);
    return this.#parts.options.prefix + key;
  }

  #bucket() {
    return { Bucket: this.#parts.options.bucket };
  }

  #storage() {
    const { serverSideEncryption, kmsKeyId, storageClass } = this.#parts.options;
    return {
      ...serverSideEncryption === undefined
        ? {}
        : { ServerSideEncryption: serverSideEncryption as "AES256" },
      ...kmsKeyId === undefined ? {} : { SSEKMSKeyId: kmsKeyId },
      ...storageClass === undefined ? {} : { StorageClass: storageClass as "STANDARD" },
    };
  }

  #checksum(bytes: Uint8Array, crc: string): { ChecksumCRC32?: string; ContentMD5?: string } {
    const { checksum } = this.#parts.options;
    if (checksum === "crc32") return { ChecksumCRC32: crc };
    return checksum === "none" ? {} : { ContentMD5: md5Base64(bytes) };
  }

  /** Bytes that follow, from what the answer says of itself. */
  #answeredSize(key: string, output: GetObjectCommandOutput, options: GetOptions): number {
    const { range } = options;
    const length = output.ContentLength;
    if (length === undefined) {
      throw damaged({ store: this.description, key }, "the answer has no length");
    }
    if (range === undefined) {
      checkObjectSize(key, length, options);
      return length;
    }
    const answered = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(output.ContentRange ?? "");
    if (answered === null || Number(answered[1]) !== range.offset) {
      throw damaged({ store: this.description, key }, "the answer is not the range asked for");
    }
    if (Number(answered[2]) !== range.offset + range.length - 1) {
      throw shorter(key, { ...range, size: Number(answered[3]) });
    }
    return range.length;
  }

  #checkWhole(key: string, bytes: Uint8Array, output: GetObjectCommandOutput): void {
    const stored = output.Metadata?.[S3Metadata.crc32] ??
      (output.ChecksumType === "COMPOSITE" ? undefined : output.ChecksumCRC32);
    const fail = (expected: string, actual: string) => {
      throw damaged(
        { store: this.description, key },
        `checksum is ${actual}, stored was ${expected}`,
      );
    };
    if (stored !== undefined) {
      const actual = crcBase64(crc32(bytes));
      if (actual !== stored) fail(stored, actual);
      return;
    }
    const partBytes = Number(output.Metadata?.[S3Metadata.partBytes] ?? 0);
    const etag = output.ETag?.replaceAll('"', "") ?? "";
    const isEncrypted = output.ServerSideEncryption?.startsWith("aws:kms") === true ||
      output.SSECustomerAlgorithm !== undefined;
    // An encrypted object's ETag is no hash of its bytes, and other servers make ETags of other kinds.
    if (isEncrypted || !(partBytes > 0)) return;
    const actual = compositeTag(bytes, partBytes);
    if (/^[0-9a-f]{32}-\d+$/.test(etag) && etag !== actual) fail(etag, actual);
  }

  #missing(key: string, error: unknown): ObjectNotFoundError | null {
    const isKey = (error as Error).name === "NoSuchKey" || (error as Error).name === "NotFound";
    return isKey ? new ObjectNotFoundError(key) : null;
  }

  #outOfRange(key: string, error: unknown, { range }: GetOptions): ObjectStoreError | null {
    return statusOf(error) === 416 && range !== undefined ? shorter(key, range) : null;
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

/** The MD5 of bytes as S3 wants it in Content-MD5. */
export function md5Base64(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("base64");
}

/** The ETag that S3 gives an object of several parts. */
function compositeTag(bytes: Uint8Array, partBytes: number): string {
  const all = createHash("md5");
  let count = 0;
  for (let start = 0; start < bytes.length || count === 0; start += partBytes) {
    all.update(createHash("md5").update(bytes.subarray(start, start + partBytes)).digest());
    count++;
  }
  return `${all.digest("hex")}-${count}`;
}

/** The status of an answer that the client turned into an error. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

/** True if a conditional request found an object. 409 is a race that is still undecided: that is tried again. */
export function isPreconditionFailed(error: unknown): boolean {
  return statusOf(error) === 412 || (error as Error).name === "PreconditionFailed";
}

async function* pieces(body: ObjectBody): AsyncGenerator<Uint8Array> {
  yield* body instanceof Uint8Array ? [body] : body;
}
