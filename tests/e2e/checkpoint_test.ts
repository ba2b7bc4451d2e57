/**
 * Checkpoints of the real process: the command line, the backup script, and kill -9 during create, release and recovery.
 */
import { ServerProcess } from "../../scripts/server_process.ts";
import { assert, assertEquals, assertStringIncludes } from "../support/assert.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";

const PROJECT = new URL("../..", import.meta.url).pathname;
const EXECUTABLE = Deno.env.get("TIDEMARK_EXECUTABLE");
const ROUNDS = Number(Deno.env.get("CHECKPOINT_KILL_ROUNDS") ?? 6);
const TABLES = 60;

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** The command of the server, as a script calls it. */
function command(): string[] {
  return EXECUTABLE === undefined
    ? [Deno.execPath(), "run", "-A", "--no-prompt", `${PROJECT}src/main.ts`]
    : [EXECUTABLE];
}

async function run(
  [program, ...args]: string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const output = await new Deno.Command(program, { args, env, cwd: PROJECT }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code: output.code, out: text(output.stdout), error: text(output.stderr) };
}

function start(root: string): Promise<ServerProcess> {
  return ServerProcess.start({
    root,
    ...(EXECUTABLE === undefined ? {} : { executable: EXECUTABLE }),
  });
}

async function fill(server: ServerProcess, tables: number, rows: number): Promise<void> {
  for (let i = 0; i < tables; i++) {
    await server.exec(
      `CREATE TABLE IF NOT EXISTS t${i} (ts TIMESTAMP, n LONG, s SYMBOL) TIMESTAMP(ts) PARTITION BY DAY WAL`,
    );
    await server.exec(
      `INSERT INTO t${i} SELECT timestamp_sequence('2024-01-01', 3600000000), x, rnd_symbol('a','b','c') FROM long_sequence(${rows})`,
    );
  }
  await server.drain();
}

async function counts(server: ServerProcess, tables: number): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < tables; i++) {
    all.push(await server.scalar(`SELECT count() FROM t${i}`) as number);
  }
  return all;
}

/** Writes the root's configuration so that commands find the server. */
async function configure(root: string, port: number): Promise<void> {
  await Deno.mkdir(`${root}/conf`, { recursive: true });
  await Deno.writeTextFile(`${root}/conf/server.conf`, `http.net.bind.to=127.0.0.1:${port}\n`);
}

Deno.test("tidemark checkpoint enters and leaves checkpoint mode, and says what is wrong", async () => {
  using dir = new TempDir();
  const root = `${dir.path}/root`;
  const checkpoint = (action: string) => run([...command(), "checkpoint", action, "-d", root]);
  let outcome: Outcome;
  {
    await using server = await start(root);
    await configure(root, server.port);
    await fill(server, 2, 10);
    outcome = await checkpoint("status");
    assertEquals([outcome.code, outcome.out], [3, "no checkpoint\n"]);
    outcome = await checkpoint("create");
    assertEquals([outcome.code, outcome.out], [0, "checkpoint created\n"]);
    outcome = await checkpoint("status");
    assertEquals(outcome.code, 0);
    assertStringIncludes(outcome.out, "in progress since 20");
    const vacuum = await server.tryExec("VACUUM TABLE t0");
    assertEquals(vacuum.error, "cannot vacuum while checkpoint is in progress");
    outcome = await checkpoint("create");
    assertEquals(outcome.code, 1);
    assertStringIncludes(outcome.error, "Waiting for CHECKPOINT RELEASE to be called");
    for (let i = 0; i < 2; i++) {
      outcome = await checkpoint("release");
      assertEquals([outcome.code, outcome.out], [0, "checkpoint released\n"]);
    }
  }
  outcome = await checkpoint("status");
  assertEquals(outcome.code, 1);
  assertStringIncludes(outcome.error, "cannot reach the server");
});

Deno.test("the backup script copies with cp and rsync, restores, and releases whatever happens", async () => {
  using dir = new TempDir();
  const root = `${dir.path}/root`;
  const env = { TIDEMARK: command().join(" ") };
  const script = (...args: string[]) =>
    run([`${PROJECT}scripts/checkpoint_backup.sh`, ...args], env);
  await using server = await start(root);
  await configure(root, server.port);
  await fill(server, 3, 50);
  for (const [at, method] of ["cp", "rsync", "rsync"].entries()) {
    const target = `${dir.path}/${method}`;
    // A file of the same size that changed within the same second as the copy before.
    const note = `${root}/conf/note`;
    await Deno.writeTextFile(note, String(at));
    await Deno.utime(note, new Date(), new Date(1_700_000_000_000 + at));
    const outcome = await script(method, root, target);
    assertEquals(outcome.code, 0, outcome.error);
    assertEquals(await Deno.readTextFile(`${target}/conf/note`), String(at));
    assertEquals(await server.scalar("SELECT in_progress FROM checkpoint_status()"), false);
    await fill(server, 3, 7); // after the copy
  }
  const refused = await script("cp", root, `${dir.path}/cp`);
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.error, "exists already");
  assertEquals(await server.scalar("SELECT in_progress FROM checkpoint_status()"), false);
  // Somebody else's checkpoint is left alone.
  await server.exec("CHECKPOINT CREATE");
  assertEquals((await script("cp", root, `${dir.path}/other`)).code, 1);
  assertEquals(await server.scalar("SELECT in_progress FROM checkpoint_status()"), true);
  await server.exec("CHECKPOINT RELEASE");
  assertEquals((await script("tar", root, "x")).code, 2);
  for (const [method, rows] of [["cp", 50], ["rsync", 64]] as const) {
    await Deno.writeTextFile(`${dir.path}/${method}/_restore`, "");
    await using restored = await start(`${dir.path}/${method}`);
    assertEquals(await counts(restored, 3), [rows, rows, rows], method);
  }
});

Deno.test("a recovery that cannot be done ends the process with the reason; the trigger stays, and the next start retries", async () => {
  using dir = new TempDir();
  const root = `${dir.path}/root`;
  {
    await using server = await start(root);
    await fill(server, 2, 30);
    await server.exec("CHECKPOINT CREATE");
    await run(["cp", "-a", root, `${dir.path}/copy`]);
    await server.exec("CHECKPOINT RELEASE");
  }
  const copy = `${dir.path}/copy`, missing = `${copy}/.checkpoint/db/t1~2/_txn`;
  await Deno.writeTextFile(`${copy}/_restore`, "");
  await Deno.rename(missing, `${missing}.away`);
  const failed = await run([
    ...command(),
    "start",
    "-d",
    copy,
    "--set",
    "http.net.bind.to=127.0.0.1:0",
  ]);
  assertEquals(failed.code, 1);
  assertStringIncludes(failed.error, "Checkpoint recovery failed");
  assertStringIncludes(failed.error, "t1~2/_txn");
  assert((await Deno.stat(`${copy}/_restore`)).isFile);
  await Deno.rename(`${missing}.away`, missing);
  await using server = await start(copy);
  assertEquals(await counts(server, 2), [30, 30]);
});

Deno.test("kill -9 during create and release loses nothing, and both can be done again", async () => {
  using dir = new TempDir();
  const root = `${dir.path}/root`;
  const random = new SeededRandom(11);
  const expected = Array.from({ length: TABLES }, () => 24);
  {
    await using server = await start(root);
    await fill(server, TABLES, 24);
  }
  for (let round = 0; round < ROUNDS; round++) {
    const statement = round % 2 === 0 ? "CREATE" : "RELEASE";
    {
      await using server = await start(root);
      if (statement === "RELEASE") await server.exec("CHECKPOINT CREATE");
      const running = server.tryExec(`CHECKPOINT ${statement}`).catch(() => null);
      await new Promise((resolve) => setTimeout(resolve, random.int(0, 60)));
      await server.kill();
      await running;
    }
    await using server = await start(root);
    assertEquals(await server.scalar("SELECT in_progress FROM checkpoint_status()"), false);
    assertEquals(await counts(server, TABLES), expected, `round ${round}`);
    await server.exec("CHECKPOINT CREATE");
    await server.exec("CHECKPOINT RELEASE");
  }
});

Deno.test("kill -9 during recovery: the next start finishes it", async () => {
  using dir = new TempDir();
  const root = `${dir.path}/root`;
  const random = new SeededRandom(12);
  {
    await using server = await start(root);
    await fill(server, TABLES, 24);
    await server.exec("CHECKPOINT CREATE");
    await fill(server, TABLES, 24); // as late rows: every partition is rewritten
    await server.exec("CREATE TABLE young (ts TIMESTAMP) TIMESTAMP(ts) PARTITION BY DAY WAL");
    await run(["cp", "-a", root, `${dir.path}/pristine`]);
    await server.exec("CHECKPOINT RELEASE");
  }
  await Deno.writeTextFile(`${dir.path}/pristine/_restore`, "");
  for (let round = 0; round < ROUNDS; round++) {
    const copy = `${dir.path}/copy${round}`;
    await run(["cp", "-a", `${dir.path}/pristine`, copy]);
    const killed = ServerProcess.spawn({
      root: copy,
      ...(EXECUTABLE === undefined ? {} : { executable: EXECUTABLE }),
    });
    await new Promise((resolve) => setTimeout(resolve, random.int(250, 900)));
    await killed.kill();
    await using server = await start(copy);
    assertEquals(await counts(server, TABLES), Array.from({ length: TABLES }, () => 24));
    assert((await server.tryExec("SELECT * FROM young")).error !== undefined);
    await Deno.stat(`${copy}/_restore`).then(
      () => assert(false, "the trigger is removed"),
      () => undefined,
    );
  }
});
