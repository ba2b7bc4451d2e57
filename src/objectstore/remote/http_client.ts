/**
 * Requests over `node:http` and `node:https`: with the store's agents, a deadline, and an answer that is read to its end. Used
 * where a provider's client cannot be cancelled, loses answers, or knows no private certificate authority.
 *
 * @module
 */
import { type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { ObjectStoreError } from "../../common/mod.ts";
import { readBody } from "./body.ts";
import type { Deadline } from "./deadline.ts";
import { remoteCall, type RemoteContext } from "./remote_call.ts";
import type { Agents } from "./tls.ts";

/** A request. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Parts that follow each other. */
  readonly body?: readonly Uint8Array[];
  readonly agents: Agents;
  /** For messages. */
  readonly operation: string;
  readonly key: string;
  readonly signal?: AbortSignal | undefined;
  /** Longest answer; of a longer one that is no success only as much is read. */
  readonly bytesMax: number;
}

/** An answer, read to its end. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Sends a request and reads the answer, whatever its status. @throws {ObjectStoreRequestError} if there is none. */
export function sendHttp(context: RemoteContext, request: HttpRequest): Promise<HttpAnswer> {
  const bytes = (request.body ?? []).reduce((sum, part) => sum + part.byteLength, 0);
  return remoteCall(context, { ...request, bytes }, async (deadline) => {
    const message = await send(request, { bytes, deadline });
    const body = await readAnswer(context, request, { message, deadline });
    return { status: message.statusCode!, headers: message.headers, body };
  });
}

function send(
  request: HttpRequest,
  { bytes, deadline }: { readonly bytes: number; readonly deadline: Deadline },
): Promise<IncomingMessage> {
  const { url, agents } = request;
  const isSecure = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    const hasBody = request.method === "PUT" || request.method === "POST";
    const options = {
      method: request.method,
      headers: {
        ...request.headers,
        ...hasBody ? { "content-length": String(bytes) } : {},
      },
      signal: deadline.signal,
    };
    const outgoing = isSecure
      ? httpsRequest(url, { ...options, agent: agents.https }, resolve)
      : httpRequest(url, { ...options, agent: agents.http }, resolve);
    outgoing.on("error", reject);
    for (const part of request.body ?? []) outgoing.write(part);
    outgoing.end();
  });
}

async function readAnswer(
  context: RemoteContext,
  request: HttpRequest,
  { message, deadline }: { readonly message: IncomingMessage; readonly deadline: Deadline },
): Promise<Uint8Array<ArrayBuffer>> {
  if (request.method === "HEAD" || message.statusCode === 204 || message.statusCode === 304) {
    message.resume();
    return new Uint8Array(0);
  }
  const { key } = request;
  const length = message.headers["content-length"];
  const isSuccess = message.statusCode! < 300;
  if (length !== undefined && Number(length) <= request.bytesMax) {
    return await readBody(
      message,
      { store: context.description, key, size: Number(length) },
      deadline,
    );
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of message) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size <= request.bytesMax) continue;
    message.destroy();
    if (!isSuccess) break;
    throw new ObjectStoreError("object is larger than expected", {
      key,
      size: Number(length ?? size),
      limit: request.bytesMax,
    });
  }
  const joined = new Uint8Array(size);
  let position = 0;
  for (const chunk of chunks) {
    joined.set(chunk, position);
    position += chunk.byteLength;
  }
  return joined;
}

/** One header of an answer. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
