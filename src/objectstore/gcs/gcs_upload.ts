/**
 * Resumable uploads of Google Cloud Storage. The token is the address of the session, which the service keeps for a week.
 *
 * Parts go one after the other, in multiples of 256 KiB. Where a part stopped is asked of the service. The last part that was
 * given is kept back until `complete` knows that it is the last: it goes with the object's length and checksum, which the
 * service checks before it shows the object.
 *
 * @module
 */
import { ObjectStoreError } from "../../common/mod.ts";
import type { CallOptions, ObjectStore, ObjectUpload, UploadOptions } from "../object_store.ts";
import { crc32c, crcBase64 } from "../remote/crc32c.ts";
import { headerOf, type HttpAnswer } from "../remote/http_client.ts";
import type { GcsClient } from "./gcs_client.ts";
import { checkStored, describeObject, precondition, uploadPath } from "./gcs_object_store.ts";

/** What parts are multiples of. */
const PART_STEP_BYTES = 262_144;
const PART_BYTES_DEFAULT = 8_388_608;
const INCOMPLETE = 308;
const PRECONDITION_FAILED = 412;
/** Statuses of a session that the service has forgotten. */
const GONE = [404, 410];

/** Begins an upload, or goes on with one. */
export async function openGcsUpload(
  client: GcsClient,
  key: string,
  target: { readonly store: ObjectStore; readonly options: UploadOptions },
): Promise<ObjectUpload> {
  const { store, options } = target;
  const wanted = options.partBytes ?? PART_BYTES_DEFAULT;
  const partBytes = Math.max(1, Math.ceil(wanted / PART_STEP_BYTES)) * PART_STEP_BYTES;
  if (options.resumeToken !== undefined) {
    const session = sessionOf(client, key, options.resumeToken);
    const upload = new GcsUpload(client, key, { session, partBytes, options, store });
    if (await upload.findPosition(options)) return upload;
  }
  const answer = await client.send({
    method: "POST",
    path: `${uploadPath(client)}?uploadType=resumable${precondition(options)}`,
    operation: "begin upload",
    key,
    signal: options.signal,
    accepted: [PRECONDITION_FAILED],
    headers: {
      "content-type": "application/json; charset=UTF-8",
      "x-upload-content-type": "application/octet-stream",
    },
    body: [new TextEncoder().encode(JSON.stringify(describeObject(client, key, options)))],
  });
  if (answer.status === PRECONDITION_FAILED) return new RefusedUpload(partBytes);
  const location = headerOf(answer.headers, "location");
  if (location === undefined) throw new ObjectStoreError("service began no upload", { key });
  const session = sessionOf(client, key, location);
  return new GcsUpload(client, key, { session, partBytes, options, store });
}

/** The address of a session; it must be on the store's own host, or the token would go somewhere else. */
function sessionOf(client: GcsClient, key: string, text: string): URL {
  const { endpoint } = client.options;
  const url = URL.canParse(text, endpoint) ? new URL(text, endpoint) : null;
  if (url === null || url.host !== endpoint.host || url.protocol !== endpoint.protocol) {
    throw new ObjectStoreError("upload session is not on the store's host", { key });
  }
  return url;
}

/** The key exists already: parts are accepted and forgotten. */
class RefusedUpload implements ObjectUpload {
  readonly token = "";
  readonly isSequential = true;
  constructor(readonly partBytes: number) {}
  hasPart(): boolean {
    return true;
  }
  putPart(): Promise<void> {
    return Promise.resolve();
  }
  complete(): Promise<boolean> {
    return Promise.resolve(false);
  }
  abort(): Promise<void> {
    return Promise.resolve();
  }
}

interface GcsUploadFacts {
  readonly session: URL;
  readonly partBytes: number;
  readonly options: UploadOptions;
  readonly store: ObjectStore;
}

class GcsUpload implements ObjectUpload {
  readonly token: string;
  readonly partBytes: number;
  readonly isSequential = true;
  readonly #client: GcsClient;
  readonly #key: string;
  readonly #session: URL;
  readonly #options: UploadOptions;
  readonly #store: ObjectStore;
  /** Bytes that the service has. */
  #position = 0;
  /** Bytes that the service had when this object was made: parts below are not sent again. */
  #resumedAt = 0;
  /** True if an answer was lost, so that the position has to be asked for. */
  #isUncertain = false;
  /** The part that may be the last. */
  #held: { readonly number: number; readonly bytes: Uint8Array } | null = null;
  /** Checksum of the parts 1…`#checked`. */
  #crc = 0;
  #checked = 0;

  constructor(
    client: GcsClient,
    key: string,
    facts: GcsUploadFacts,
  ) {
    this.#options = facts.options;
    this.#store = facts.store;
    this.#client = client;
    this.#key = key;
    this.#session = facts.session;
    this.partBytes = facts.partBytes;
    this.token = facts.session.href;
  }

  /** Asks the service how far an earlier process got. @returns `false` if it has forgotten. */
  async findPosition(options: CallOptions): Promise<boolean> {
    const answer = await this.#ask(options);
    if (answer.status !== INCOMPLETE) return false;
    this.#resumedAt = this.#position;
    return true;
  }

  hasPart(number: number, bytes: Uint8Array): boolean {
    const end = (number - 1) * this.partBytes + bytes.byteLength;
    // The last part is always sent: it is the one that ends the upload.
    if (end > this.#resumedAt || bytes.byteLength < this.partBytes) return false;
    this.#check(number, bytes);
    return true;
  }

  async putPart(number: number, bytes: Uint8Array, options: CallOptions = {}): Promise<void> {
    if (this.#held !== null && this.#held.number !== number) {
      await this.#sendHeld(null, options);
    }
    this.#check(number, bytes);
    this.#held = { number, bytes };
  }

  async complete(partCount: number, options: CallOptions = {}): Promise<boolean> {
    if (partCount !== this.#checked) {
      throw new ObjectStoreError("a part of the object was not stored", {
        key: this.#key,
        part: this.#checked + 1,
      });
    }
    const size = this.#held === null
      ? this.#position
      : (this.#held.number - 1) * this.partBytes + this.#held.bytes.byteLength;
    const answer = await this.#sendHeld(size, options);
    if (answer.status === PRECONDITION_FAILED) return false;
    if (GONE.includes(answer.status)) return await this.#isStored(size, options);
    checkStored(this.#client, this.#key, { answer, size, crc: crcBase64(this.#crc) });
    return true;
  }

  /** A completion whose answer was lost is repeated, and then the session may be gone: was it ours that was stored? */
  async #isStored(size: number, options: CallOptions): Promise<boolean> {
    const { writeId } = this.#options;
    const info = await this.#store.head(this.#key, options);
    if (writeId !== undefined && info?.writeId === writeId && info.size === size) return true;
    throw new ObjectStoreError("upload session was lost", { key: this.#key });
  }

  async abort(options: CallOptions = {}): Promise<void> {
    await this.#client.send({
      method: "DELETE",
      path: this.#session,
      operation: "abort upload",
      key: this.#key,
      signal: options.signal,
      // The service answers a cancelled session with 499.
      accepted: [...GONE, 499, PRECONDITION_FAILED],
    });
  }

  #check(number: number, bytes: Uint8Array): void {
    if (number <= this.#checked) return;
    if (number !== this.#checked + 1) {
      throw new ObjectStoreError("parts of the object are out of order", {
        key: this.#key,
        part: number,
      });
    }
    this.#crc = crc32c(bytes, this.#crc);
    this.#checked = number;
  }

  /** Sends what is kept back. @param total length of the object if this is its end. */
  async #sendHeld(total: number | null, options: CallOptions): Promise<HttpAnswer> {
    if (this.#isUncertain) {
      const answer = await this.#ask(options);
      if (answer.status !== INCOMPLETE) return answer; // the lost answer was the one that ended the upload
    }
    const bytes = this.#held?.bytes ?? new Uint8Array(0);
    const start = this.#held === null ? this.#position : (this.#held.number - 1) * this.partBytes;
    const rest = bytes.subarray(Math.max(0, this.#position - start));
    const end = this.#position + rest.byteLength;
    this.#isUncertain = true;
    const answer = await this.#client.send({
      method: "PUT",
      path: this.#session,
      operation: total === null ? "put part" : "complete upload",
      key: this.#key,
      signal: options.signal,
      accepted: [INCOMPLETE, PRECONDITION_FAILED],
      headers: {
        "content-range": rest.byteLength === 0
          ? `bytes */${total ?? "*"}`
          : `bytes ${this.#position}-${end - 1}/${total ?? "*"}`,
        ...total === null ? {} : { "x-goog-hash": `crc32c=${crcBase64(this.#crc)}` },
      },
      body: [rest],
    });
    this.#isUncertain = false;
    if (answer.status === INCOMPLETE) {
      this.#position = positionOf(answer);
      if (total !== null || this.#position < end) {
        this.#isUncertain = true;
        throw new ObjectStoreError(
          "service took only some of a part",
          { key: this.#key, expected: end, actual: this.#position },
          { isRetryable: true },
        );
      }
    }
    this.#held = null;
    return answer;
  }

  async #ask(options: CallOptions): Promise<HttpAnswer> {
    const answer = await this.#client.send({
      method: "PUT",
      path: this.#session,
      operation: "ask for upload",
      key: this.#key,
      signal: options.signal,
      accepted: [INCOMPLETE, PRECONDITION_FAILED, ...GONE],
      headers: { "content-range": "bytes */*" },
      body: [],
    });
    if (answer.status === INCOMPLETE) this.#position = positionOf(answer);
    return answer;
  }
}

/** Bytes that the service has. */
function positionOf(answer: HttpAnswer): number {
  const match = /^(?:bytes=)?0-(\d+)$/.exec(headerOf(answer.headers, "range") ?? "");
  return match === null ? 0 : Number(match[1]) + 1;
}
