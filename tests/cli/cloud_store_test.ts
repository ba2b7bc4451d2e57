/** What a server pays for stores that it does not use, or that do not answer. */
import { ServerProcess } from "../../scripts/server_process.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { SilentServer } from "../support/silent_server.ts";
import { TempDir } from "../support/temp_dir.ts";

const PROJECT = new URL("../..", import.meta.url).pathname;
/** Modules of the providers, which only stores of theirs load. */
const CLIENTS = [
  "@aws-sdk/client-s3",
  "@azure/storage-blob",
  "@azure/identity",
  "@google-cloud/storage",
];
const PRINTED_MARK = "client was loaded: ";

async function waitForLog(server: ServerProcess, text: string): Promise<void> {
  while (!server.log.includes(text)) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** An import map with which every client says so when it is loaded, and fails. */
function writeImportMap(directory: string): string {
  const { imports } = JSON.parse(Deno.readTextFileSync(`${PROJECT}/deno.json`));
  for (const client of CLIENTS) {
    assert(client in imports, `${client} is imported by this name`);
    const text = `console.error(${JSON.stringify(PRINTED_MARK + client)});throw new Error("none");`;
    imports[client] = `data:application/javascript,${encodeURIComponent(text)}`;
  }
  for (const [name, target] of Object.entries<string>(imports)) {
    // Modules inside a package, which the project's own configuration allows for.
    if (target.startsWith("npm:")) imports[`${name}/`] = `${target.replace("npm:", "npm:/")}/`;
  }
  const path = `${directory}/imports.json`;
  Deno.writeTextFileSync(path, JSON.stringify({ imports }));
  return path;
}

Deno.test("a server without a cloud store loads no client of one, not even for a backup", async () => {
  using directory = new TempDir();
  const runtimeOptions = [`--import-map=${writeImportMap(directory.path)}`];
  {
    const root = `${directory.path}/root`;
    await using server = await ServerProcess.start({
      root,
      runtimeOptions,
      settings: ["backup.enabled=true"],
    });
    await server.exec("CREATE TABLE t (ts TIMESTAMP, x INT) TIMESTAMP(ts) PARTITION BY DAY WAL");
    await server.exec("BACKUP DATABASE");
    await waitForLog(server, "backup complete");
    assertEquals(await server.stop(), 0);
    assert(!server.log.includes(PRINTED_MARK), server.log);
  }
  const stores: Record<string, string> = {
    "@aws-sdk/client-s3":
      "s3::bucket=bucket;region=r;access_key_id=a;secret_access_key=b;endpoint=http://127.0.0.1:1;",
    "@azure/storage-blob": "azblob::endpoint=https://127.0.0.1:1;container=box;",
    "@google-cloud/storage": "gcs::bucket=bucket;endpoint=https://127.0.0.1:1;",
  };
  for (const [client, store] of Object.entries(stores)) {
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", ...runtimeOptions, "src/main.ts", "store", "check", store],
      cwd: PROJECT,
      stdout: "null",
    }).output();
    const text = new TextDecoder().decode(stderr);
    assert(text.includes(PRINTED_MARK + client), `a store of its own loads ${client}: ${text}`);
  }
});

Deno.test("tidemark start does not wait for a store that is silent; backups() tells what the server knows", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`;
  {
    await using server = await ServerProcess.start({ root, settings: ["backup.enabled=true"] });
    await server.exec("BACKUP DATABASE");
    await waitForLog(server, "backup complete");
    assertEquals(await server.stop(), 0);
  }
  using silent = new SilentServer();
  const store = `s3::bucket=bucket;access_key_id=id;secret_access_key=secret-value;` +
    `endpoint=http://127.0.0.1:${silent.port};request_timeout_ms=3600000;`;
  await using server = await ServerProcess.start({
    root,
    settings: ["backup.enabled=true", `backup.object.store=${store}`],
  });
  await silent.connected;
  const { dataset } = await server.exec("SELECT status, progress_percent FROM backups()");
  assertEquals(dataset, [["backup complete", 100]]);
  assertEquals(await server.stop(), 0);
});
