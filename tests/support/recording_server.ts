/**
 * An HTTP server that plays a part: every request is kept, and a function says what is answered.
 *
 * @module
 */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that came. */
export interface RecordedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What is answered; status 200 if left out. */
export interface PlayedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** See the module's description. */
export class RecordingServer implements AsyncDisposable {
  /** Every request, in order. */
  readonly requests: RecordedRequest[] = [];
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server, answer: (request: RecordedRequest) => PlayedAnswer) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("request", async (incoming, response) => {
      const { method, url, headers } = incoming;
      let body = "";
      for await (const chunk of incoming) body += new TextDecoder().decode(chunk);
      const request = { method: method!, url: url!, headers, body };
      this.requests.push(request);
      const played = answer(request);
      response.writeHead(played.status ?? 200, played.headers);
      response.end(played.body);
    });
  }

  /** Starts a server. */
  static async start(answer: (request: RecordedRequest) => PlayedAnswer): Promise<RecordingServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new RecordingServer(server, answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
