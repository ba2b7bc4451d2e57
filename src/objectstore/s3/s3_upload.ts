/**
 * Objects of several parts in S3. The token is the server's upload id; which parts are there is asked of the server, and a part
 * counts as stored only if its ETag is the MD5 of the bytes.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { CompletedPart } from "@aws-sdk/client-s3";
import { ObjectStoreError } from "../../common/mod.ts";
import type { CallOptions, ObjectStore, ObjectUpload, UploadOptions } from "../object_store.ts";
import { remoteCall } from "../remote/remote_call.ts";
import {
  isPreconditionFailed,
  md5Base64,
  S3Metadata,
  type S3ObjectStore,
  type S3Parts,
  statusOf,
} from "./s3_object_store.ts";

/** Shortest part but the last. */
const PART_BYTES_MIN = 5_242_880;
/** Default length of a part. */
const PART_BYTES_DEFAULT = 8_388_608;
/** Most parts of an object. */
const PARTS_MAX = 10_000;

/** What an upload concerns. */
export interface S3UploadTarget {
  /** Key in the store. */
  readonly key: string;
  /** Key in the bucket. */
  readonly Key: string;
  readonly options: UploadOptions;
  readonly StorageClass?: "STANDARD";
  readonly ServerSideEncryption?: "AES256";
  readonly SSEKMSKeyId?: string;
}

interface StoredPart {
  readonly tag: string;
  readonly size: number;
}

/** Begins an upload, or goes on with one. */
export async function openS3Upload(
  store: S3ObjectStore,
  parts: S3Parts,
  target: S3UploadTarget,
): Promise<ObjectUpload> {
  const partBytes = Math.max(PART_BYTES_MIN, target.options.partBytes ?? PART_BYTES_DEFAULT);
  const token = target.options.resumeToken;
  if (token !== undefined) {
    const stored = await listParts(parts, target, token);
    if (stored !== null) return new S3Upload(store, parts, { ...target, token, partBytes, stored });
  }
  const { sdk, client, context, options: { bucket } } = parts;
  const { key, Key, options, StorageClass, ServerSideEncryption, SSEKMSKeyId } = target;
  const request = { operation: "begin upload", key, signal: options.signal };
  const { UploadId } = await remoteCall(context, request, (deadline) =>
    client.send(
      new sdk.CreateMultipartUploadCommand({
        Bucket: bucket,
        Key,
        StorageClass,
        ServerSideEncryption,
        SSEKMSKeyId,
        ContentType: "application/octet-stream",
        Metadata: {
          [S3Metadata.partBytes]: String(partBytes),
          ...options.writeId === undefined ? {} : { [S3Metadata.writeId]: options.writeId },
        },
      }),
      { abortSignal: deadline.signal },
    ));
  if (UploadId === undefined) throw new ObjectStoreError("server began no upload", { key });
  return new S3Upload(store, parts, { ...target, token: UploadId, partBytes, stored: new Map() });
}

/** The parts of an upload that are stored, or `null` if the server knows no such upload. */
async function listParts(
  parts: S3Parts,
  target: S3UploadTarget,
  token: string,
): Promise<Map<number, StoredPart> | null> {
  const { sdk, client, context, options: { bucket } } = parts;
  const request = { operation: "list parts", key: target.key, signal: target.options.signal };
  const stored = new Map<number, StoredPart>();
  let marker: string | undefined;
  do {
    const output = await remoteCall(context, request, async (deadline) => {
      try {
        return await client.send(
          new sdk.ListPartsCommand({
            Bucket: bucket,
            Key: target.Key,
            UploadId: token,
            PartNumberMarker: marker,
          }),
          { abortSignal: deadline.signal },
        );
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw error;
      }
    });
    if (output === null) return null;
    for (const { PartNumber, ETag, Size } of output.Parts ?? []) {
      stored.set(PartNumber!, { tag: ETag!, size: Size! });
    }
    marker = output.IsTruncated ? output.NextPartNumberMarker : undefined;
  } while (marker !== undefined);
  return stored;
}

class S3Upload implements ObjectUpload {
  readonly token: string;
  readonly partBytes: number;
  readonly isSequential = false;
  readonly #store: ObjectStore & S3ObjectStore;
  readonly #parts: S3Parts;
  readonly #target: S3UploadTarget;
  readonly #stored: Map<number, StoredPart>;

  constructor(
    store: S3ObjectStore,
    parts: S3Parts,
    facts: S3UploadTarget & {
      readonly token: string;
      readonly partBytes: number;
      readonly stored: Map<number, StoredPart>;
    },
  ) {
    this.#store = store;
    this.#parts = parts;
    this.#target = facts;
    this.#stored = facts.stored;
    this.token = facts.token;
    this.partBytes = facts.partBytes;
  }

  hasPart(number: number, bytes: Uint8Array): boolean {
    const part = this.#stored.get(number);
    if (part === undefined || part.size !== bytes.byteLength) return false;
    return part.tag.replaceAll('"', "") === createHash("md5").update(bytes).digest("hex");
  }

  async putPart(number: number, bytes: Uint8Array, options: CallOptions = {}): Promise<void> {
    const { sdk, client, context } = this.#parts;
    const { key } = this.#target;
    if (number > PARTS_MAX) {
      throw new ObjectStoreError("object has too many parts", { key, limit: PARTS_MAX });
    }
    const size = bytes.byteLength;
    const request = { operation: "put part", key, bytes: size, signal: options.signal };
    const { ETag } = await remoteCall(context, request, (deadline) =>
      client.send(
        new sdk.UploadPartCommand({
          ...this.#place(),
          PartNumber: number,
          Body: bytes,
          ContentLength: size,
          ContentMD5: md5Base64(bytes),
        }),
        { abortSignal: deadline.signal },
      ));
    this.#stored.set(number, { tag: ETag!, size });
  }

  async complete(partCount: number, options: CallOptions = {}): Promise<boolean> {
    const { sdk, client, context } = this.#parts;
    const { key, options: { ifNoneMatch, writeId } } = this.#target;
    const isLookedUp = ifNoneMatch === true && !this.#store.isConditional(this.#target.options);
    if (isLookedUp && await this.#store.head(key, options) !== null) {
      await this.abort(options);
      return false;
    }
    const request = { operation: "complete upload", key, signal: options.signal };
    const isCreated = await remoteCall(context, request, async (deadline) => {
      try {
        await client.send(
          new sdk.CompleteMultipartUploadCommand({
            ...this.#place(),
            MultipartUpload: { Parts: this.#completedParts(partCount) },
            ...this.#store.isConditional(this.#target.options) ? { IfNoneMatch: "*" } : {},
          }),
          { abortSignal: deadline.signal },
        );
        return true;
      } catch (error) {
        if (isPreconditionFailed(error)) return false;
        // A completion whose answer was lost is repeated, and then the upload is gone: was it ours?
        if (statusOf(error) !== 404 || writeId === undefined) throw error;
        const info = await this.#store.head(key, options);
        if (info?.writeId !== writeId) throw error;
        return true;
      }
    });
    if (!isCreated) await this.abort(options);
    return isCreated;
  }

  async abort(options: CallOptions = {}): Promise<void> {
    const { sdk, client, context } = this.#parts;
    const request = {
      operation: "abort upload",
      key: this.#target.key,
      signal: options.signal,
    };
    await remoteCall(context, request, async (deadline) => {
      try {
        await client.send(new sdk.AbortMultipartUploadCommand(this.#place()), {
          abortSignal: deadline.signal,
        });
      } catch (error) {
        if (statusOf(error) !== 404) throw error; // gone already
      }
    });
  }

  #place() {
    const { options } = this.#parts;
    return { Bucket: options.bucket, Key: this.#target.Key, UploadId: this.token };
  }

  #completedParts(partCount: number): CompletedPart[] {
    return Array.from({ length: partCount }, (_, index) => {
      const part = this.#stored.get(index + 1);
      if (part === undefined) {
        throw new ObjectStoreError("a part of the object was not stored", {
          key: this.#target.key,
          part: index + 1,
        });
      }
      return { PartNumber: index + 1, ETag: part.tag };
    });
  }
}
