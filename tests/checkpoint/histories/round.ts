/**
 * Random histories around a checkpoint: many tables change in every way while the root is copied, and the recovered copy must
 * show what a twin that stopped at the checkpoint shows.
 *
 * @module
 */
import { ServerProcess } from "../../../scripts/server_process.ts";
import { HistoryGenerator } from "../../interop/histories/generator.ts";
import { firstDifference, type TableDump, Target } from "../../interop/histories/target.ts";
import { TempDir } from "../../support/temp_dir.ts";

/** One round: several histories share a database, a checkpoint and a copy. */
export interface RoundOptions {
  readonly seeds: readonly number[];
  /** Steps before the checkpoint. */
  readonly stepCount: number;
  /** Steps while the copy is taken. */
  readonly laterStepCount: number;
  readonly copyWith: "cp" | "rsync";
  readonly isLegacy: boolean;
}

/** What a round came to. */
export interface RoundResult {
  /** What the recovered copy shows otherwise than the twin, for people. */
  readonly differences: readonly string[];
  readonly tableCount: number;
  readonly rowCount: number;
  /** Steps that the server took while the copy was running. */
  readonly laterSteps: number;
}

/** Steps before the checkpoint after which nothing waits for the WAL to be applied. */
const HASTY_STEPS = 4;

interface Side extends AsyncDisposable {
  readonly root: string;
  readonly server: ServerProcess;
  readonly target: Target;
}

async function start(name: string, root: string): Promise<Side> {
  const server = await ServerProcess.start({ root, settings: ["cairo.wal.purge.interval=20"] });
  return {
    root,
    server,
    target: new Target({ name, url: server.url, dbRoot: `${root}/db` }),
    async [Symbol.asyncDispose]() {
      await server.stop();
    },
  };
}

/** Runs a round. */
export async function runRound(options: RoundOptions): Promise<RoundResult> {
  using dir = new TempDir();
  const copy = `${dir.path}/copy`;
  const histories = options.seeds.map((seed) => ({
    prefix: `h${seed}_`,
    generator: new HistoryGenerator({ seed, prefix: `h${seed}_` }),
  }));
  let expected: Map<string, TableDump>, laterSteps = 0;
  const statements = options.isLegacy
    ? ["SNAPSHOT PREPARE", "SNAPSHOT COMPLETE"]
    : ["CHECKPOINT CREATE", "CHECKPOINT RELEASE"];
  {
    await using live = await start("live", `${dir.path}/live`);
    {
      await using twin = await start("twin", `${dir.path}/twin`);
      for (const history of histories) await runBefore(history, { live, twin }, options.stepCount);
      expected = await dumpAll(twin.target);
    }
    await live.server.exec(statements[0]);
    let isCopied = false;
    const copying = copyTree(live.root, copy, options.copyWith).finally(() => isCopied = true);
    for (let step = 0; step < options.laterStepCount || !isCopied; step++) {
      for (const { generator } of histories) {
        const next = generator.next();
        if (next.sql.startsWith("attachable:")) continue;
        if ((await live.target.run(next.sql)).error === null) {
          next.accept();
          laterSteps++;
        }
      }
    }
    await copying;
    await live.server.exec(statements[1]);
  }
  await Deno.writeTextFile(`${copy}/_restore`, "");
  await using recovered = await start("recovered", copy);
  const actual = await dumpAll(recovered.target);
  return { ...compare(expected, actual), laterSteps };
}

async function runBefore(
  history: { readonly prefix: string; readonly generator: HistoryGenerator },
  sides: { readonly live: Side; readonly twin: Side },
  stepCount: number,
): Promise<void> {
  for (let number = 0; number < stepCount; number++) {
    const isHasty = number >= stepCount - HASTY_STEPS;
    const step = history.generator.next();
    if (isHasty && step.sql.startsWith("attachable:")) continue;
    const outcome = await sides.twin.target.run(step.sql);
    await sides.live.target.run(step.sql);
    if (outcome.error === null) step.accept();
    await sides.twin.target.drain(history.prefix);
    if (!isHasty) await sides.live.target.drain(history.prefix);
  }
}

async function dumpAll(target: Target): Promise<Map<string, TableDump>> {
  await target.drain("h");
  const dumps = new Map<string, TableDump>();
  for (const [name] of await target.query("SELECT table_name FROM tables() ORDER BY table_name")) {
    // Detached partitions are directories that no table refers to: recovery leaves those of later.
    dumps.set(String(name), { ...await target.dump(String(name)), partitions: "" });
  }
  return dumps;
}

function compare(
  expected: ReadonlyMap<string, TableDump>,
  actual: ReadonlyMap<string, TableDump>,
): Omit<RoundResult, "laterSteps"> {
  const differences: string[] = [];
  let rowCount = 0;
  for (const name of new Set([...expected.keys(), ...actual.keys()])) {
    const want = expected.get(name), got = actual.get(name);
    if (want === undefined) differences.push(`table ${name} was created later`);
    else if (got === undefined) differences.push(`table ${name} is missing`);
    else {
      const difference = firstDifference(want, got);
      if (difference !== null) differences.push(`table ${name}: ${difference}`);
      rowCount += want.rows.split("\n").length - 2;
    }
  }
  return { differences, tableCount: expected.size, rowCount };
}

async function copyTree(from: string, to: string, command: "cp" | "rsync"): Promise<void> {
  const args = command === "cp" ? ["-r", from, to] : ["-a", `${from}/`, `${to}/`];
  const { code, stderr } = await new Deno.Command(command, { args }).output();
  const complaints = new TextDecoder().decode(stderr).split("\n").filter((line) =>
    line !== "" && !/No such file or directory|vanished/.test(line)
  );
  if (code !== 0 && complaints.length > 0) throw new Error(complaints.join("\n"));
}
