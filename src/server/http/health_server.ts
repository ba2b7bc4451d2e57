/**
 * The health check on a port of its own: any GET is answered with 200 while the process is up.
 *
 * @module
 */
import { textResponse } from "./responses.ts";

/** Answers every GET with `Status: Healthy`. */
export class HealthServer implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(address: { hostname: string; port: number }) {
    this.#server = Deno.serve(
      { ...address, onListen: () => {} },
      ({ method }) =>
        method === "GET"
          ? new Response("Status: Healthy", { headers: { "content-type": "text/plain" } })
          : textResponse(`Method ${method} not supported\r\n`, 405),
    );
  }
  /** Starts listening; port 0 takes a free one. @throws {Deno.errors.AddrInUse} */
  static start(address: { hostname: string; port: number }): HealthServer {
    return new HealthServer(address);
  }
  /** The port it listens on. */
  get port(): number {
    return this.#server.addr.port;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
