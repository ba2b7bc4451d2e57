/**
 * fake-gcs-server: an emulator of Google Cloud Storage's JSON interface; a Go program. It checks neither tokens nor
 * signatures.
 *
 * @module
 */
import { startGcsSessions } from "./gcs_sessions.ts";
import { installGo } from "./install.ts";
import { answers, freePorts, ServerProcess } from "./process.ts";
import type { StoreServer } from "./store_server.ts";

const MODULE = "github.com/fsouza/fake-gcs-server";
const VERSION = "v1.56.1";

/** Starts the server, with right resumable uploads in front of it. */
export async function startFakeGcs(): Promise<StoreServer> {
  const binary = await installGo(MODULE, VERSION);
  const [port] = freePorts(1);
  const process = ServerProcess.start(binary, [
    "-scheme",
    "http",
    "-host",
    "127.0.0.1",
    "-port",
    String(port),
    "-backend",
    "memory",
    "-external-url",
    `http://127.0.0.1:${port}`,
    "-log-level",
    "error",
  ]);
  const base = `http://127.0.0.1:${port}/storage/v1/b`;
  await process.waitReady(() => answers(base));
  const sessions = await startGcsSessions(port);
  return {
    name: "fake-gcs-server",
    port: sessions.port,
    directPort: port,
    pids: [process.pid],
    async makeBucket(name) {
      const response = await fetch(`${base}?project=tests`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name }),
      });
      if (!response.ok) throw new Error(`Cannot make a bucket: ${await response.text()}`);
      await response.body?.cancel();
    },
    connection: (bucket, { port: proxyPort = sessions.port, root = "tests/db", extra = "" } = {}) =>
      `gcs::bucket=${bucket};root=${root};endpoint=http://127.0.0.1:${proxyPort};` +
      `token=tidemark-test-token;${extra}`,
    async [Symbol.asyncDispose]() {
      await sessions[Symbol.asyncDispose]();
      await process[Symbol.asyncDispose]();
    },
  };
}
