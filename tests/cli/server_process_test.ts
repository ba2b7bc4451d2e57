/** The program as a user runs it: a process of its own, started, asked, stopped by signals. */
import { freePort, ServerProcess } from "../../scripts/server_process.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";

const PROJECT = new URL("../..", import.meta.url).pathname;
const SECRET = "s3cr3t-value";

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs the program to its end. */
async function run(args: string[], program = "src/main.ts"): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", program, ...args],
    cwd: PROJECT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("tidemark start makes a root, shows where it answers, and ends in order on SIGTERM", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/new/root`;
  let dataId: Uint8Array;
  {
    await using server = await ServerProcess.start({ root });
    assertStringIncludes(Deno.readTextFileSync(`${root}/conf/server.conf`), "#cairo.root=db");
    dataId = Deno.readFileSync(`${root}/db/.data_id`);
    assertEquals(dataId.length, 16);
    const health = await fetch(`${server.url}/ping`);
    await health.body?.cancel();
    assertEquals(health.status, 204);
    assertEquals(await server.stop(), 0);
    for (
      const line of [
        `  root     ${root}`,
        `  http     ${server.url}`,
        `  backups  fs [root=${root}-backup/store]`,
        "I server stopping [signal=SIGTERM]",
        "I server stopped",
      ]
    ) assertStringIncludes(server.log, `${line}\n`);
  }
  Deno.writeTextFileSync(`${root}/conf/server.conf`, "# mine\n");
  await using server = await ServerProcess.start({ root });
  assertEquals(await server.stop(), 0);
  assertEquals(Deno.readFileSync(`${root}/db/.data_id`), dataId, "the identity stays");
  assertEquals(Deno.readTextFileSync(`${root}/conf/server.conf`), "# mine\n");
});

Deno.test("tidemark start refuses a second server on the root and leaves the first one alone", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`;
  await using first = await ServerProcess.start({ root });
  const second = await run([
    "start",
    "-d",
    root,
    "--set",
    `http.net.bind.to=127.0.0.1:${freePort()}`,
  ]);
  assertEquals(second.code, 1);
  assertStringIncludes(second.error, `another server is running on this root [file=${root}/.lock`);
  assertStringIncludes(second.error, "choose another root with -d");
  assertMatch(second.error, /holder=pid=\d+/);
  const health = await fetch(`${first.url}/ping`);
  await health.body?.cancel();
  assertEquals(health.status, 204);
  await first.kill();
  // The lock of a killed process is gone with it.
  await using third = await ServerProcess.start({ root });
  assertEquals(await third.stop(), 0);
});

Deno.test("tidemark start refuses a bad value, naming file, line and key, and makes nothing", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`;
  const fresh = await run(["start", "-d", root, "--set", "cairo.commit.mode=often"]);
  assertEquals(fresh.code, 1);
  assertStringIncludes(fresh.error, "option=--set cairo.commit.mode");
  assert(!exists(root), "no root was made");

  Deno.mkdirSync(`${root}/conf`, { recursive: true });
  const conf = `${root}/conf/server.conf`;
  Deno.writeTextFileSync(conf, `\nbackup.object.store=nowhere:${SECRET}\n`);
  const secret = await run(["start", "-d", root]);
  assertEquals(secret.code, 1);
  assertStringIncludes(secret.error, `[file=${conf}, line=2, key=backup.object.store, value=****]`);
  assert(!(secret.out + secret.error).includes(SECRET));
  assert(!secret.error.includes("    at "), "a mistake of the operator is no reason for a stack");
  assert(!exists(`${root}/db`), "no database was made");
});

Deno.test("tidemark start refuses a store that cannot be used, without its secrets", async () => {
  using directory = new TempDir();
  const store = `s3::bucket=b;secret_access_key=${SECRET};`;
  const { code, out, error } = await run([
    "start",
    "-d",
    `${directory.path}/root`,
    "--set",
    `backup.object.store=${store}`,
  ]);
  assertEquals(code, 1);
  assertStringIncludes(error, "key=backup.object.store");
  assert(!(out + error).includes(SECRET));
});

Deno.test("tidemark start names an address that is taken and unlocks the root", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`;
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${listener.addr.port}`;
  const { code, error } = await run([
    "start",
    "-d",
    root,
    "--set",
    `http.net.bind.to=${address}`,
    "--set",
    "http.min.enabled=false",
  ]);
  assertEquals(code, 1);
  assertStringIncludes(error, `[address=${address}]`);
  assertStringIncludes(error, "--set http.net.bind.to=HOST:PORT");
  await using server = await ServerProcess.start({ root });
  assertEquals(await server.stop(), 0);
});

Deno.test("tidemark start warns of an unknown key and never prints secrets", async () => {
  using directory = new TempDir();
  await using server = await ServerProcess.start({
    root: `${directory.path}/root`,
    settings: [
      `htp.password=${SECRET}`,
      `http.password=${SECRET}`,
      "http.user=admin",
      "pg.enabled=false",
    ],
  });
  const authorization = `Basic ${btoa(`admin:${SECRET}`)}`;
  const url = `${server.url}/exec?query=${encodeURIComponent("SHOW PARAMETERS")}`;
  const refused = await fetch(url);
  await refused.body?.cancel();
  assertEquals(refused.status, 401);
  const parameters = await (await fetch(url, { headers: { authorization } })).text();
  assertStringIncludes(parameters, '["http.password","QDB_HTTP_PASSWORD","****","cli",true,false]');
  assert(!parameters.includes(SECRET));
  assertEquals(await server.stop(), 0);
  assertStringIncludes(server.log, "unknown configuration key, did you mean http.password?");
  assertStringIncludes(server.log, "that this version does not use [keys=pg.enabled]");
  assert(!server.log.includes(SECRET));
});

Deno.test("reload_config() takes up a reloadable value of server.conf while the server runs", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`;
  await using server = await ServerProcess.start({ root });
  const limit = () =>
    server.scalar(
      "SELECT value FROM (SHOW PARAMETERS) WHERE property_path = 'http.net.connection.limit'",
    );
  assertEquals(await limit(), "256");
  assertEquals(await server.scalar("SELECT reload_config()"), false);
  Deno.writeTextFileSync(`${root}/conf/server.conf`, "http.net.connection.limit=7\n");
  assertEquals(await server.scalar("SELECT reload_config()"), true);
  assertEquals(await limit(), "7");
  Deno.writeTextFileSync(`${root}/conf/server.conf`, "http.net.connection.limit=many\n");
  assertEquals(await server.scalar("SELECT reload_config()"), false);
  assertEquals(await limit(), "7");
  assertEquals(await server.stop(), 0);
  assertStringIncludes(server.log, "[key=http.net.connection.limit, old=256, new=7]");
  assertStringIncludes(server.log, "line=1, key=http.net.connection.limit, value=many");
});

Deno.test("tidemark start serves a health check on a port of its own", async () => {
  using directory = new TempDir();
  const port = freePort();
  await using server = await ServerProcess.start({
    root: `${directory.path}/root`,
    settings: ["http.min.enabled=true", `http.min.net.bind.to=127.0.0.1:${port}`],
  });
  const health = await fetch(`http://127.0.0.1:${port}/anything`);
  assertEquals(health.status, 200);
  await health.body?.cancel();
  assertEquals(await server.stop(), 0);
  assertStringIncludes(server.log, `  health   http://127.0.0.1:${port}\n`);
});

Deno.test("tidemark runs from one bundled file, workers included", async () => {
  using directory = new TempDir();
  const bundle = `${directory.path}/tidemark.js`;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--unstable-raw-imports", "--output", bundle, "src/main.ts"],
    cwd: PROJECT,
    stderr: "piped",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  assertMatch((await run(["version"], bundle)).out, /^tidemark \d/);
  const root = `${directory.path}/root`;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--no-config", bundle, "start", "-d", root]
      .concat("--set", "http.net.bind.to=127.0.0.1:0", "--set", "http.min.enabled=false"),
    cwd: directory.path,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let log = "";
  const errors = new Response(process.stderr).text();
  for await (const part of process.stdout.pipeThrough(new TextDecoderStream())) {
    const wasReady = log.includes("Ready.");
    log += part;
    if (!wasReady && log.includes("Ready.")) process.kill("SIGINT");
  }
  assertEquals((await process.status).code, 0, log + await errors);
  assertEquals(await errors, "");
  assertStringIncludes(log, "I server stopping [signal=SIGINT]\n");
});
