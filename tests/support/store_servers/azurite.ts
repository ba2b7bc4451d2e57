/**
 * Azurite: Microsoft's own emulator of Azure Blob Storage, from npm.
 *
 * @module
 */
import { ContainerClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { TempDir } from "../temp_dir.ts";
import { installNpm } from "./install.ts";
import { answers, freePorts, ServerProcess } from "./process.ts";
import type { StoreServer } from "./store_server.ts";

/** The newest release that runs on every Node.js that is around. */
const VERSION = "3.35.0";
const ACCOUNT = "tidemark";
const KEY = btoa("tidemark-test-account-key-0123456789abcdef");

/** Starts the server. */
export async function startAzurite(): Promise<StoreServer> {
  const modules = await installNpm("azurite", VERSION);
  const directory = new TempDir("tidemark-azurite-");
  const [port] = freePorts(1);
  const process = ServerProcess.start("node", [
    `${modules}/azurite/dist/src/blob/main.js`,
    "--blobHost",
    "127.0.0.1",
    "--blobPort",
    String(port),
    "--location",
    directory.path,
    "--silent",
    "--disableTelemetry",
    "--skipApiVersionCheck",
  ], { AZURITE_ACCOUNTS: `${ACCOUNT}:${KEY}` });
  await process.waitReady(() => answers(`http://127.0.0.1:${port}/`));
  return {
    name: "Azurite",
    port,
    pids: [process.pid],
    async makeBucket(name) {
      const credential = new StorageSharedKeyCredential(ACCOUNT, KEY);
      await new ContainerClient(`http://127.0.0.1:${port}/${ACCOUNT}/${name}`, credential).create();
    },
    connection: (container, options = {}) =>
      `azblob::endpoint=http://127.0.0.1:${options.port ?? port}/${ACCOUNT};` +
      `container=${container};root=${options.root ?? "tests/db"};account_name=${ACCOUNT};` +
      `account_key=${KEY};${options.extra ?? ""}`,
    async [Symbol.asyncDispose]() {
      await process[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}
