/** `tidemark backup`, `backups`, `validate` and `restore` as a user runs them: processes, files, exit codes. */
import { freePort, ServerProcess } from "../../scripts/server_process.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";

const PROJECT = new URL("../..", import.meta.url).pathname;
const SECRET = "s3cr3t-v4lue";
const ROWS = 200_000;

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

function command(args: string[], env: Record<string, string> = {}): Deno.Command {
  const executable = Deno.env.get("TIDEMARK_EXECUTABLE");
  const program = executable === undefined ? ["run", "-A", "--no-prompt", "src/main.ts"] : [];
  return new Deno.Command(executable ?? Deno.execPath(), {
    args: [...program, ...args],
    cwd: PROJECT,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function run(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const { code, stdout, stderr } = await command(args, env).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

/** Runs a command that must succeed and returns its JSON answer. */
// deno-lint-ignore no-explicit-any -- answers differ by command
async function json(args: string[]): Promise<any> {
  const { code, out, error } = await run([...args, "--json"]);
  assertEquals([code, error], [0, ""], `${args.join(" ")}: ${error}`);
  return JSON.parse(out);
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

const QUERY = "SELECT count(), sum(n), min(ts), max(ts), count_distinct(s) FROM t";

/** A stopped root with a table; returns what the query answers. */
async function makeRoot(root: string): Promise<unknown> {
  await using server = await ServerProcess.start({ root });
  await server.exec(
    "CREATE TABLE t (ts TIMESTAMP, s SYMBOL, n LONG, d DOUBLE) TIMESTAMP(ts) PARTITION BY HOUR WAL",
  );
  await server.exec(
    "INSERT INTO t SELECT timestamp_sequence('2026-01-01', 360000), rnd_symbol('a','b','c'), x, " +
      `rnd_double() FROM long_sequence(${ROWS})`,
  );
  await server.drain();
  const { dataset } = await server.exec(QUERY);
  assertEquals(await server.stop(), 0);
  return dataset;
}

async function contents(root: string): Promise<unknown> {
  await using server = await ServerProcess.start({ root });
  const { dataset } = await server.exec(QUERY);
  assertEquals(await server.stop(), 0);
  return dataset;
}

function packs(store: string): string[] {
  return [...Deno.readDirSync(store)].flatMap(({ name, isDirectory }) =>
    isDirectory ? packs(`${store}/${name}`) : name.endsWith(".pack") ? [`${store}/${name}`] : []
  ).sort();
}

Deno.test("a stopped root is backed up, its backups listed, validated and restored with no server running", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`,
    store = `fs::root=${directory.path}/s;atomic_write_dir=${directory.path}/s/tmp;`;
  const rows = await makeRoot(root);
  const first = await json(["backup", "-d", root, "--store", store]);
  assertEquals([first.status, first.error], ["backup complete", null]);
  assertMatch(first.instance, /^[a-z]+-[a-z]+-[a-z]+$/);
  const second = await run(["backup", "-d", root, "--store", store]);
  assertEquals([second.code, second.error], [0, ""]);
  assertStringIncludes(second.out, `backup complete [instance=${first.instance}, timestamp=20`);

  const backups = await json(["backups", "--store", store]);
  assertEquals(backups.length, 2);
  assertEquals([backups[0].instance, backups[0].timestamp, backups[0].rows, backups[0].error], [
    first.instance,
    first.timestamp,
    ROWS,
    null,
  ]);
  const listed = await run(["backups", "--store", store]);
  assertEquals(listed.out.trim().split("\n").length, 3);
  assertMatch(listed.out, /^instance +timestamp +tables +rows +data +stored +uploaded +status\n/);

  const valid = await json(["validate", "--store", store, "--level", "decode"]);
  assertEquals([valid.status, valid.level], ["ok", "decode"]);
  const named = ["--instance", first.instance, "--timestamp", first.timestamp];
  const old = await run(["validate", "--store", store, ...named]);
  assertEquals([old.code, old.error], [0, ""]);
  assertStringIncludes(old.out, `${first.timestamp}, level hashes\n`);
  assertStringIncludes(old.out, "The backup is whole.\n");

  const to = `${directory.path}/new`;
  const plan = await json(["restore", "--to", to, "--store", store, "--dry-run"]);
  assertEquals([plan.status, plan.objects_missing, plan.rows], ["ok", 0, ROWS]);
  assert(!exists(to), "a dry run leaves nothing");
  const done = await json(["restore", "--to", to, "--store", store, ...named]);
  assertEquals([done.timestamp, done.rows, done.reused_bytes], [first.timestamp, ROWS, 0]);
  assertEquals(done.fetched_bytes, plan.bytes_to_fetch);
  assertEquals(await contents(to), rows);
  const again = await run(["restore", "--to", to, "--store", store]);
  assertEquals([again.code, again.out], [1, ""]);
  assertStringIncludes(again.error, "restore failed: The local database is not empty.");
  const planned = await run(["restore", "--to", to, "--store", store, "--dry-run"]);
  assertEquals(planned.code, 3);
  assertStringIncludes(planned.out, "A restore would be refused.\n");
});

Deno.test("tidemark backup asks the server that runs on the root", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`;
  await using server = await ServerProcess.start({
    root,
    settings: [
      `backup.object.store=fs::root=${directory.path}/s;atomic_write_dir=${directory.path}/s/tmp;`,
    ],
  });
  await server.exec("CREATE TABLE t (ts TIMESTAMP, n LONG) TIMESTAMP(ts) PARTITION BY DAY WAL");
  await server.exec("INSERT INTO t VALUES ('2026-01-01', 1)");
  const net = ["--set", `http.net.bind.to=127.0.0.1:${server.port}`];
  const made = await json(["backup", "-d", root, ...net]);
  const { dataset } = await server.exec("SELECT start_ts, status FROM backups()");
  assertEquals(dataset, [[made.timestamp, "backup complete"]]);
  assertEquals(made.instance, await server.scalar("SELECT backup_instance_name"));
  const byUrl = await json(["backup", "--url", server.url]);
  assertEquals(byUrl.instance, made.instance);
  const other = await run(["backup", "-d", root, ...net, "--store", "fs::root=/x;"]);
  assertEquals(other.code, 2);
  assertStringIncludes(other.error, "a running server has its own store");
  const away = await run(["backup", "--url", `http://127.0.0.1:${freePort()}`]);
  assertEquals(away.code, 1);
  assertStringIncludes(away.error, "cannot reach the server");
});

Deno.test("damage is named, and told by the exit code", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`,
    store = `fs::root=${directory.path}/s;atomic_write_dir=${directory.path}/s/tmp;`;
  const none = await run(["backups", "--store", store]);
  assertEquals([none.code, none.out], [3, `no backups in fs [root=${directory.path}/s]\n`]);
  await makeRoot(root);
  await json(["backup", "-d", root, "--store", store]);
  const files = packs(`${directory.path}/s`).filter((path) => path.includes("/t~"));
  assert(files.length > 2, `${files.length} packs`);
  const bytes = Deno.readFileSync(files[0]);
  bytes[bytes.length >> 1] ^= 1;
  Deno.writeFileSync(files[0], bytes);
  Deno.removeSync(files[1]);
  const found = await run(["validate", "--store", store, "--json"]);
  assertEquals(found.code, 3);
  const { status, tables } = JSON.parse(found.out);
  assertEquals(status, "damaged");
  const damaged = tables.filter(({ error }: { error: string | null }) => error !== null)
    .map(({ table, object }: { table: string; object: string }) => `${table} ${object}`).sort();
  assertEquals(
    damaged,
    files.slice(0, 2).map((path) => `t ${path.slice(`${directory.path}/s/`.length)}`),
  );
  const text = await run(["validate", "--store", store]);
  assertEquals(text.code, 3);
  assertStringIncludes(text.out, "The backup is damaged.\n");
  const to = `${directory.path}/new`;
  const plan = await run(["restore", "--to", to, "--store", store, "--dry-run"]);
  assertEquals(plan.code, 3);
  assertStringIncludes(plan.out, "1 missing");
  const restored = await run(["restore", "--to", to, "--store", store]);
  assertEquals(restored.code, 1);
  assert(exists(`${to}/.restore_failed`) && !exists(`${to}/db/.data_id`));
});

Deno.test("a restore that is killed with SIGKILL goes on when it is run again", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`, to = `${directory.path}/new`;
  const store = `fs::root=${directory.path}/s;atomic_write_dir=${directory.path}/s/tmp;`;
  const rows = await makeRoot(root);
  await json(["backup", "-d", root, "--store", store]);
  const whole = await json(["restore", "--to", `${directory.path}/whole`, "--store", store]);
  let killed = 0, reused = 0;
  for (let partitions = 2; partitions < 20 && killed < 3; partitions += 6) {
    const process = command(["restore", "--to", to, "--store", store]).spawn();
    const staged = `${to}/db/.restore/tables/t~1`;
    const ended = Promise.all([process.status, process.stdout.cancel(), process.stderr.cancel()]);
    let isEnded = false;
    ended.then(() => isEnded = true);
    while (!isEnded && countFiles(staged) < partitions * 4) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    if (!isEnded) process.kill("SIGKILL");
    await ended;
    if (exists(`${to}/db/.data_id`)) break;
    killed++;
  }
  assert(killed > 0, "at least one restore was killed in the middle");
  if (!exists(`${to}/db/.data_id`)) {
    const last = await json(["restore", "--to", to, "--store", store]);
    reused = last.reused_bytes;
    assert(reused > 0, "something was there");
    assert(
      last.fetched_bytes < whole.fetched_bytes,
      `${last.fetched_bytes} of ${whole.fetched_bytes}`,
    );
  }
  assertEquals(await contents(to), rows);
});

function countFiles(directory: string): number {
  if (!exists(directory)) return 0;
  let count = 0;
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    count += isDirectory ? countFiles(`${directory}/${name}`) : 1;
  }
  return count;
}

Deno.test("commands that make no sense say so, and no secret is ever printed", async () => {
  using directory = new TempDir();
  const root = `${directory.path}/root`;
  Deno.mkdirSync(root);
  const cases: [string[], number, string][] = [
    [["restore", "--store", "fs::root=/x;"], 2, "restore needs --to DIRECTORY"],
    [["restore", "--to", root, "--timestamp", "noon"], 2, "--timestamp is no timestamp"],
    [
      ["validate", "--level", "all", "--store", `fs::root=${root};atomic_write_dir=${root}/t;`],
      2,
      "--level is one of manifest, objects",
    ],
    [["backup", "-d", `${root}/none`], 2, "there is no such root"],
    [["backup", "-d", root], 1, "there is no database in this root"],
    [
      ["backups", "--store", `s3::bucket=b;secret_access_key=${SECRET};nokey`],
      1,
      "InvalidObjectStore",
    ],
    [
      [
        "backups",
        "--store",
        `s3::bucket=b;region=r;endpoint=http://127.0.0.1:${freePort()};access_key_id=a;secret_access_key=${SECRET};retry_attempts=1;`,
      ],
      1,
      "backups failed:",
    ],
    [["validate", "--store", `azblob::account_key=${SECRET};`], 1, "validate failed:"],
  ];
  for (const [args, code, text] of cases) {
    const ended = await run(args);
    assertEquals([ended.code, ended.out], [code, ""], `${args.join(" ")}: ${ended.error}`);
    assertStringIncludes(ended.error, text);
    assert(!ended.error.includes(SECRET), ended.error);
  }
  Deno.writeTextFileSync(`${root}/_backup_restore`, "");
  const pending = await run(["backup", "-d", root]);
  assertEquals(pending.code, 1);
  assertStringIncludes(pending.error, "the next start of the server is to restore this root");
});
