/**
 * An HTTP proxy between a client and a server of objects, which does what networks and servers do on bad days: at a chosen
 * request, so many times.
 *
 * @module
 */
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** What a request is, whichever the provider. */
export type ProxiedOperation = "get" | "head" | "put" | "list" | "delete" | "upload" | "other";

/** What happens to a request. */
export type Fault =
  /** The connection breaks before the request reaches the server. */
  | { readonly kind: "reset" }
  /** The server does what it is asked, but the connection breaks before its answer. */
  | { readonly kind: "fail after apply" }
  /** No answer ever comes. */
  | { readonly kind: "silence" }
  /** The answer comes a byte at a time. */
  | { readonly kind: "slow loris"; readonly millisPerByte: number }
  /** The body stops half way, and the connection stays. */
  | { readonly kind: "stall" }
  /** The body breaks off; its length is told right. */
  | { readonly kind: "truncated" }
  /** The body ends early, and its length is told accordingly. */
  | { readonly kind: "truncated, length adapted" }
  /** One bit of the answer's body is turned. */
  | { readonly kind: "bit flip" }
  /** One bit of the request's body is turned. */
  | { readonly kind: "bit flip in request" }
  /** An answer of the proxy's own. */
  | {
    readonly kind: "status";
    readonly status: number;
    readonly headers?: Record<string, string>;
    readonly body?: string;
  }
  /** The first answer is remembered and given again. */
  | { readonly kind: "stale" };

interface Injection {
  readonly fault: Fault;
  readonly matches: (operation: ProxiedOperation, request: IncomingMessage) => boolean;
  times: number;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Uint8Array;
}

/** See the module's description. */
export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  /** Requests seen, by operation. */
  readonly counts = new Map<ProxiedOperation, number>();
  /** Faults that happened. */
  faultCount = 0;
  readonly #server: Server;
  readonly #upstreamPort: number;
  readonly #sockets = new Set<Socket>();
  readonly #remembered = new Map<string, Answer>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #injections: Injection[] = [];

  private constructor(server: Server, upstreamPort: number) {
    this.#server = server;
    this.#upstreamPort = upstreamPort;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    server.on("request", (request, response) => {
      this.#handle(request, response).catch(() => request.socket.destroy());
    });
  }

  /** Connections that clients have open. */
  get openCount(): number {
    return this.#sockets.size;
  }

  /** Starts a proxy in front of a loopback port. */
  static async start(upstreamPort: number): Promise<FaultProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new FaultProxy(server, upstreamPort);
  }

  /** Injects a fault into the next `times` requests of an operation. */
  inject(operation: ProxiedOperation, fault: Fault, times = 1): void {
    this.#injections.push({ fault, times, matches: (actual) => actual === operation });
  }

  /** Injects a fault into the next request that `matches`. */
  injectWhen(
    matches: (operation: ProxiedOperation, request: IncomingMessage) => boolean,
    fault: Fault,
  ): void {
    this.#injections.push({ fault, times: 1, matches });
  }

  /** Takes back every fault. */
  clear(): void {
    this.#injections = [];
    this.#remembered.clear();
    this.faultCount = 0;
    this.counts.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = classify(request.method!, request.url!);
    this.counts.set(operation, (this.counts.get(operation) ?? 0) + 1);
    const body = await readAll(request);
    const fault = this.#next(operation, request);
    if (fault === null) return send(response, await this.#forward(request, body));
    this.faultCount++;
    switch (fault.kind) {
      case "reset":
        request.socket.destroy();
        return;
      case "silence":
        return;
      case "status":
        response.writeHead(fault.status, fault.headers);
        response.end(request.method === "HEAD" ? undefined : fault.body);
        return;
      case "bit flip in request":
        return send(response, await this.#forward(request, flipBit(body)));
      case "stale": {
        const key = `${request.method} ${request.url}`;
        const answer = this.#remembered.get(key) ?? await this.#forward(request, body);
        this.#remembered.set(key, answer);
        return send(response, answer);
      }
    }
    const answer = await this.#forward(request, body);
    switch (fault.kind) {
      case "fail after apply":
        request.socket.destroy();
        return;
      case "bit flip":
        return send(response, { ...answer, body: flipBit(answer.body) });
      case "truncated, length adapted": {
        const half = answer.body.subarray(0, answer.body.length >> 1);
        return send(response, { ...answer, body: half });
      }
      case "truncated":
        response.writeHead(answer.status, lengthened(answer));
        response.write(answer.body.subarray(0, answer.body.length >> 1), () => {
          request.socket.destroy();
        });
        return;
      case "stall":
        response.writeHead(answer.status, lengthened(answer));
        response.write(answer.body.subarray(0, answer.body.length >> 1));
        return;
      case "slow loris":
        response.writeHead(answer.status, lengthened(answer));
        this.#trickle(response, answer.body, fault.millisPerByte);
    }
  }

  #next(operation: ProxiedOperation, request: IncomingMessage): Fault | null {
    const injection = this.#injections.find(({ times, matches }) =>
      times > 0 && matches(operation, request)
    );
    if (injection === undefined) return null;
    injection.times--;
    return injection.fault;
  }

  #trickle(response: ServerResponse, body: Uint8Array, millis: number): void {
    let position = 0;
    const step = () => {
      if (response.destroyed) return;
      response.write(body.subarray(position, position + 1));
      if (++position >= body.length) {
        response.end();
        return;
      }
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        step();
      }, millis);
      this.#timers.add(timer);
    };
    step();
  }

  #forward(request: IncomingMessage, body: Uint8Array): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const upstream = httpRequest({
        host: "127.0.0.1",
        port: this.#upstreamPort,
        method: request.method!,
        path: request.url!,
        // The host stays: signatures are over it.
        headers: { ...request.headers, connection: "close" },
      }, (answer) => {
        if (request.method === "HEAD") {
          // Some servers break off here what has no body anyway.
          answer.on("error", () => undefined);
          answer.resume();
          resolve({ status: answer.statusCode!, headers: answer.headers, body: new Uint8Array(0) });
          return;
        }
        readAll(answer).then(
          (bytes) => resolve({ status: answer.statusCode!, headers: answer.headers, body: bytes }),
          reject,
        );
      });
      upstream.on("error", reject);
      upstream.end(body);
    });
  }
}

function classify(method: string, url: string): ProxiedOperation {
  const { pathname, searchParams: query } = new URL(url, "http://proxy");
  if (method === "DELETE" || method === "POST" && query.has("delete")) return "delete";
  const isUpload = ["uploads", "uploadId", "upload_id"].some((name) => query.has(name)) ||
    query.get("uploadType") === "resumable" || /^block(list)?$/.test(query.get("comp") ?? "");
  if (isUpload) return "upload";
  if (query.has("list-type") || query.get("comp") === "list") return "list";
  if (method === "GET" && /^\/storage\/v1\/b\/[^/]+\/o$/.test(pathname)) return "list";
  if (method === "HEAD") return "head";
  if (method === "GET" && pathname.startsWith("/storage/v1/")) {
    return query.get("alt") === "media" ? "get" : "head";
  }
  if (method === "GET") return "get";
  return method === "PUT" || method === "POST" ? "put" : "other";
}

async function readAll(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.byteLength;
  }
  return bytes;
}

function flipBit(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  if (copy.length > 0) copy[copy.length >> 1] ^= 0x10;
  return copy;
}

type Headers = Record<string, string | string[]>;

/** Headers about the body, not about the connection that it came by. */
function endToEnd({ headers }: Answer): Headers {
  const { "transfer-encoding": _, connection: _connection, ...rest } = headers;
  return rest as Headers;
}

function lengthened(answer: Answer): Headers {
  return { ...endToEnd(answer), "content-length": String(answer.body.length) };
}

function send(response: ServerResponse, answer: Answer): void {
  const isHead = response.req.method === "HEAD";
  const headers = isHead ? endToEnd(answer) : answer.status === 204 ? {} : lengthened(answer);
  response.writeHead(answer.status, headers);
  response.end(isHead || answer.status === 204 ? undefined : answer.body);
}
