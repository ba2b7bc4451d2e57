/**
 * A server that takes connections and says nothing.
 *
 * @module
 */

/** See the module's description. */
export class SilentServer implements Disposable {
  readonly port: number;
  /** Resolves with the first connection. */
  readonly connected: Promise<void>;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections: Deno.Conn[] = [];

  constructor() {
    this.port = this.#listener.addr.port;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.connected = promise;
    this.#accept(resolve);
  }

  async #accept(onConnection: () => void): Promise<void> {
    try {
      for await (const connection of this.#listener) {
        this.#connections.push(connection);
        onConnection();
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error; // it was closed
    }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
  }
}
