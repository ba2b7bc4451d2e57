/**
 * A streaming reader of `multipart/form-data` (RFC 7578). Bodies of parts are never held as a whole.
 *
 * @module
 */
import { LimitError, QuestError } from "../../common/mod.ts";

/** Bytes of one part's header block. */
export const PART_HEADER_BYTES_MAX = 16_384;
/** Parts of one request. */
export const PARTS_MAX = 16;
const BOUNDARY_BYTES_MAX = 200;
/** Bytes of a refused body that are read and dropped, so that a client that sends first and reads then gets the answer. */
export const DRAIN_BYTES_MAX = 16 << 20;

const CRLF_CRLF = new Uint8Array([13, 10, 13, 10]);

/** One part; its body must be read, or skipped by asking for the next part. */
export interface Part {
  /** The form field's name. */
  readonly name: string;
  /** The file's name, `null` if the part has none. */
  readonly fileName: string | null;
  readonly body: AsyncGenerator<Uint8Array, void>;
}

/** Returns the boundary of a content type, `null` if it is not a multipart one or its boundary cannot be used. */
export function multipartBoundary(contentType: string | null): string | null {
  const match = /^multipart\/form-data\s*;.*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(
    contentType ?? "",
  );
  const boundary = match?.[1] ?? match?.[2] ?? "";
  return boundary === "" || boundary.length > BOUNDARY_BYTES_MAX ? null : boundary;
}

/** Position of `needle` in `bytes` from `start`, −1 if it is not there. */
function indexOf(bytes: Uint8Array, needle: Uint8Array, start: number): number {
  const first = needle[0];
  for (let at = bytes.indexOf(first, start); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (at + needle.length > bytes.length) return -1;
    let i = 1;
    while (i < needle.length && bytes[at + i] === needle[i]) i++;
    if (i === needle.length) return at;
  }
  return -1;
}

class Source {
  #buffer: Uint8Array = new Uint8Array(0);
  #isDone = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  /** @param signal Makes the body end. */
  constructor(stream: ReadableStream<Uint8Array>, signal: AbortSignal | null) {
    this.#reader = stream.getReader();
    const give = () => {
      this.#isDone = true;
      // A reader that waits for a client that sends nothing more gets the end; failures have nobody left to tell.
      this.#reader.cancel(signal?.reason).catch(() => undefined);
    };
    if (signal?.aborted) give();
    else signal?.addEventListener("abort", give, { once: true });
  }
  get buffer(): Uint8Array {
    return this.#buffer;
  }
  /** Drops bytes from the front. */
  consume(count: number): void {
    this.#buffer = this.#buffer.subarray(count);
  }
  /** Reads more; `false` at the end. */
  async more(): Promise<boolean> {
    if (this.#isDone) return false;
    const { value, done } = await this.#reader.read();
    if (done) {
      this.#isDone = true;
      return false;
    }
    if (this.#buffer.length === 0) this.#buffer = value;
    else {
      const joined = new Uint8Array(this.#buffer.length + value.length);
      joined.set(this.#buffer);
      joined.set(value, this.#buffer.length);
      this.#buffer = joined;
    }
    return true;
  }
  /** Reads what is left and drops it, up to {@linkcode DRAIN_BYTES_MAX}. */
  async drain(): Promise<void> {
    let size = 0;
    while (size < DRAIN_BYTES_MAX) {
      this.#buffer = new Uint8Array(0);
      if (!await this.more()) return;
      size += this.#buffer.length;
    }
  }
}

/**
 * Reads the parts of a body. What the caller leaves unread is dropped.
 *
 * @throws {QuestError} if the body is cut off or malformed. @throws {LimitError}
 */
export async function* readMultipart(
  stream: ReadableStream<Uint8Array>,
  boundary: string,
  signal: AbortSignal | null = null,
): AsyncGenerator<Part, void> {
  const source = new Source(stream, signal);
  const delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
  try {
    await skipPreamble(source, delimiter.subarray(2));
    for (let count = 0; await isPartNext(source); count++) {
      if (count >= PARTS_MAX) throw new LimitError("too many parts", { limit: PARTS_MAX });
      const headers = await readHeaders(source);
      const body = readBody(source, delimiter);
      yield {
        name: parameterOf(headers, "name") ?? "",
        fileName: parameterOf(headers, "filename"),
        body,
      };
      for await (const _ of body) { /* what the caller did not read is skipped */ }
    }
  } finally {
    await source.drain();
  }
}

async function skipPreamble(source: Source, delimiter: Uint8Array): Promise<void> {
  while (source.buffer.length < delimiter.length && await source.more());
  if (indexOf(source.buffer.subarray(0, delimiter.length), delimiter, 0) !== 0) {
    throw new QuestError("malformed multipart body: it does not start with the boundary");
  }
  source.consume(delimiter.length);
}

/** Behind a delimiter: CRLF and another part, or `--` and the end. */
async function isPartNext(source: Source): Promise<boolean> {
  while (source.buffer.length < 2) {
    if (!await source.more()) {
      throw new QuestError("malformed multipart body: it ends behind a boundary");
    }
  }
  const [a, b] = source.buffer;
  source.consume(2);
  if (a === 13 && b === 10) return true;
  if (a === 45 && b === 45) return false;
  throw new QuestError("malformed multipart body: line end expected behind the boundary");
}

async function readHeaders(source: Source): Promise<string> {
  while (true) {
    const end = indexOf(source.buffer, CRLF_CRLF, 0);
    if (end >= 0 && end <= PART_HEADER_BYTES_MAX) {
      const text = new TextDecoder().decode(source.buffer.slice(0, end));
      source.consume(end + 4);
      return text;
    }
    if (source.buffer.length > PART_HEADER_BYTES_MAX) {
      throw new LimitError("multipart header is too long", { limit: PART_HEADER_BYTES_MAX });
    }
    if (!await source.more()) {
      throw new QuestError("malformed multipart body: it ends within a part's headers");
    }
  }
}

/** A parameter of the content disposition. */
function parameterOf(headers: string, name: "name" | "filename"): string | null {
  const line = /^content-disposition:([^\r\n]*)/im.exec(headers)?.[1] ?? "";
  return new RegExp(`[; ]${name}="([^"]*)"`, "i").exec(line)?.[1] ?? null;
}

async function* readBody(source: Source, delimiter: Uint8Array): AsyncGenerator<Uint8Array, void> {
  while (true) {
    const at = indexOf(source.buffer, delimiter, 0);
    if (at >= 0) {
      if (at > 0) yield source.buffer.subarray(0, at);
      source.consume(at + delimiter.length);
      return;
    }
    // The tail may be the beginning of a delimiter.
    const safe = source.buffer.length - delimiter.length + 1;
    if (safe > 0) {
      const part = source.buffer.subarray(0, safe);
      source.consume(safe);
      yield part;
    }
    if (!await source.more()) {
      throw new QuestError("malformed multipart body: it ends within a part");
    }
  }
}
