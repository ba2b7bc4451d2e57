/**
 * Resumable uploads as Google documents them, in front of an emulator that ends an upload when it is asked how far it got.
 * Answers such questions itself, cuts off what was sent before, and passes everything else on.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";

interface Session {
  /** Bytes that the emulator has. */
  stored: number;
  /** The answer that ended the upload. */
  end: Answer | null;
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/** A running front. */
export interface GcsSessions extends AsyncDisposable {
  readonly port: number;
}

/** Starts a front of the emulator at a loopback port. */
export async function startGcsSessions(upstreamPort: number): Promise<GcsSessions> {
  const sessions = new Map<string, Session>();
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    handle(request, response, { sessions, upstreamPort }).catch(() => request.socket.destroy());
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  state: { readonly sessions: Map<string, Session>; readonly upstreamPort: number },
): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const id = new URL(request.url!, "http://front").searchParams.get("upload_id");
  const answer = id === null || request.method !== "PUT"
    ? await forward(request, body, state.upstreamPort)
    : await part(request, body, { ...state, id });
  const { location } = answer.headers;
  if (location !== undefined) {
    const url = new URL(location);
    url.host = request.headers.host!;
    answer.headers.location = url.href;
  }
  response.writeHead(answer.status, answer.headers);
  response.end(answer.body);
}

async function part(
  request: IncomingMessage,
  body: Uint8Array,
  state: {
    readonly sessions: Map<string, Session>;
    readonly upstreamPort: number;
    readonly id: string;
  },
): Promise<Answer> {
  const { sessions, upstreamPort, id } = state;
  const session = sessions.get(id) ?? { stored: 0, end: null };
  sessions.set(id, session);
  if (session.end !== null) return session.end;
  const range = /^bytes (?:\*|(\d+)-(\d+))\/(\*|\d+)$/.exec(request.headers["content-range"]!)!;
  const total = range[3] === "*" ? null : Number(range[3]);
  const isQuestion = range[1] === undefined && total !== session.stored;
  if (isQuestion) return progress(session);
  const skipped = range[1] === undefined ? 0 : session.stored - Number(range[1]);
  if (skipped < 0) return { status: 400, headers: {}, body: new Uint8Array(0) };
  const answer = await forward(request, body.subarray(skipped), upstreamPort);
  if (answer.status === 308) {
    session.stored = Number(range[2]) + 1;
    return progress(session);
  }
  session.end = answer;
  return answer;
}

function progress({ stored }: Session): Answer {
  const headers: Record<string, string> = { "content-length": "0" };
  if (stored > 0) headers.range = `bytes=0-${stored - 1}`;
  return { status: 308, headers, body: new Uint8Array(0) };
}

function forward(request: IncomingMessage, body: Uint8Array, port: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { ...request.headers, "content-length": String(body.length) };
    const upstream = httpRequest(
      { host: "127.0.0.1", port, method: request.method!, path: request.url!, headers },
      async (answer) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of answer) chunks.push(chunk);
        const bytes = Buffer.concat(chunks);
        const { ["transfer-encoding"]: _, ...rest } = answer.headers;
        const length = request.method === "HEAD" ? {} : { "content-length": String(bytes.length) };
        resolve({
          status: answer.statusCode!,
          headers: { ...rest, ...length } as Record<string, string>,
          body: bytes,
        });
      },
    );
    upstream.on("error", reject);
    upstream.end(body);
  });
}
