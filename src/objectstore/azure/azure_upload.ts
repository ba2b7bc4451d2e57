/**
 * Blobs of several blocks. A block's id tells its number, length and hash, so the list of uncommitted blocks is all that is
 * needed to go on with an upload; there is no token but the blob's name. Blocks that are never committed go after a week.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { BlockBlobClient } from "@azure/storage-blob";
import { ObjectStoreError } from "../../common/mod.ts";
import type { CallOptions, ObjectUpload, UploadOptions } from "../object_store.ts";
import { crcBase64 } from "../remote/crc32c.ts";
import { combineCrc32 } from "../remote/crc32_combine.ts";
import { remoteCall, type RemoteContext } from "../remote/remote_call.ts";
import { asBuffer, AzureMetadata, codeOf, isConflict, statusOf } from "./azure_object_store.ts";

/** Default length of a block. */
const PART_BYTES_DEFAULT = 8_388_608;
/** Most blocks of a blob. */
const PARTS_MAX = 50_000;
const TOKEN = "blocks";
const NUMBER_DIGITS = 6;
const SIZE_DIGITS = 10;

/** What an upload concerns. */
export interface AzureUploadTarget {
  /** Key in the store. */
  readonly key: string;
  readonly options: UploadOptions;
}

/** Begins an upload, or goes on with one. */
export async function openAzureUpload(
  blob: BlockBlobClient,
  context: RemoteContext,
  target: AzureUploadTarget,
): Promise<ObjectUpload> {
  const { key, options } = target;
  let stored = new Set<string>();
  if (options.resumeToken !== undefined) {
    const request = { operation: "list parts", key, signal: options.signal };
    stored = await remoteCall(context, request, async (deadline) => {
      try {
        const list = await blob.getBlockList("uncommitted", { abortSignal: deadline.signal });
        return new Set((list.uncommittedBlocks ?? []).map(({ name }) => name));
      } catch (error) {
        if (statusOf(error) === 404) return new Set<string>();
        throw error;
      }
    });
  }
  return new AzureUpload(blob, context, { ...target, stored });
}

interface Block {
  readonly id: string;
  readonly size: number;
  readonly crc: number;
  readonly md5: Uint8Array;
}

class AzureUpload implements ObjectUpload {
  readonly token = TOKEN;
  readonly partBytes: number;
  readonly isSequential = false;
  readonly #blob: BlockBlobClient;
  readonly #context: RemoteContext;
  readonly #target: AzureUploadTarget;
  readonly #stored: ReadonlySet<string>;
  readonly #blocks = new Map<number, Block>();

  constructor(
    blob: BlockBlobClient,
    context: RemoteContext,
    facts: AzureUploadTarget & { readonly stored: ReadonlySet<string> },
  ) {
    this.#blob = blob;
    this.#context = context;
    this.#target = facts;
    this.#stored = facts.stored;
    this.partBytes = facts.options.partBytes ?? PART_BYTES_DEFAULT;
  }

  hasPart(number: number, bytes: Uint8Array): boolean {
    const block = blockOf(number, bytes);
    if (!this.#stored.has(block.id)) return false;
    this.#blocks.set(number, block);
    return true;
  }

  async putPart(number: number, bytes: Uint8Array, options: CallOptions = {}): Promise<void> {
    const { key } = this.#target;
    if (number > PARTS_MAX) {
      throw new ObjectStoreError("object has too many parts", { key, limit: PARTS_MAX });
    }
    const block = blockOf(number, bytes);
    const { size, md5, id } = block;
    const request = { operation: "put part", key, bytes: size, signal: options.signal };
    if (size > 0) {
      await remoteCall(
        this.#context,
        request,
        (deadline) =>
          this.#blob.stageBlock(id, asBuffer(bytes), size, {
            abortSignal: deadline.signal,
            transactionalContentMD5: md5,
          }),
      );
    }
    this.#blocks.set(number, block);
  }

  async complete(partCount: number, options: CallOptions = {}): Promise<boolean> {
    const { key, options: { ifNoneMatch, writeId } } = this.#target;
    const { ids, crc } = this.#list(partCount);
    const request = { operation: "complete upload", key, signal: options.signal };
    return await remoteCall(this.#context, request, async (deadline) => {
      try {
        await this.#blob.commitBlockList(ids, {
          abortSignal: deadline.signal,
          blobHTTPHeaders: { blobContentType: "application/octet-stream" },
          metadata: {
            [AzureMetadata.crc32]: crcBase64(crc),
            ...writeId === undefined ? {} : { [AzureMetadata.writeId]: writeId },
          },
          ...ifNoneMatch === true ? { conditions: { ifNoneMatch: "*" } } : {},
        });
        return true;
      } catch (error) {
        if (isConflict(error)) return false;
        // A completion whose answer was lost is repeated, and then the blocks are used up: was it ours?
        if (codeOf(error) !== "InvalidBlockList" || writeId === undefined) throw error;
        const answer = await this.#blob.getProperties({ abortSignal: deadline.signal });
        if (answer.metadata?.[AzureMetadata.writeId] !== writeId) throw error;
        return true;
      }
    });
  }

  /** Nothing to do: no call drops uncommitted blocks but a commit, and the service forgets them. */
  abort(): Promise<void> {
    return Promise.resolve();
  }

  #list(partCount: number): { ids: string[]; crc: number } {
    const ids: string[] = [];
    let crc = 0;
    for (let number = 1; number <= partCount; number++) {
      const block = this.#blocks.get(number);
      if (block === undefined) {
        throw new ObjectStoreError("a part of the object was not stored", {
          key: this.#target.key,
          part: number,
        });
      }
      if (block.size > 0) ids.push(block.id);
      crc = combineCrc32(crc, block.crc, block.size);
    }
    return { ids, crc };
  }
}

function blockOf(number: number, bytes: Uint8Array): Block {
  const md5 = createHash("md5").update(bytes).digest();
  const text = String(number).padStart(NUMBER_DIGITS, "0") +
    String(bytes.byteLength).padStart(SIZE_DIGITS, "0") + md5.toString("hex");
  return { id: btoa(text), size: bytes.byteLength, crc: crc32(bytes), md5 };
}
