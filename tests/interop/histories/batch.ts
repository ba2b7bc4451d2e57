/**
 * Many histories on one pair of servers:
 *
 * ```
 * reference on root R, ours on root O   histories, compared step by step
 *   both stop                           files of R and O compared byte by byte
 * reference on root O, ours on root R   every table shows what it showed; the histories go on
 * ```
 *
 * @module
 */
import { ServerProcess } from "../../../scripts/server_process.ts";
import { startQuestDb } from "../../support/questdb_server.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { ByteReport, compareTableFiles } from "./byte_comparison.ts";
import { History, type Pair } from "./history.ts";
import { Target } from "./target.ts";

/** Options of a batch. */
export interface BatchOptions {
  readonly seeds: readonly number[];
  readonly stepCount: number;
  /** Steps after the servers were exchanged. */
  readonly furtherStepCount: number;
  /** Histories at the same time. */
  readonly concurrency: number;
}

/** What a batch came to. */
export interface BatchResult {
  readonly histories: readonly History[];
  readonly bytes: ByteReport;
}

/** Runs histories of seeds. */
export async function runBatch(options: BatchOptions): Promise<BatchResult> {
  using referenceRoot = new TempDir();
  using ourRoot = new TempDir();
  const histories = options.seeds.map((seed) => new History(seed));
  const bytes = new ByteReport();
  {
    await using servers = await Servers.start(referenceRoot.path, ourRoot.path);
    await forEach(histories, options.concurrency, (history) => {
      return history.run(servers.pair, options.stepCount);
    });
    await servers.close(async () => {
      const directories = await directoriesOf(histories, servers.pair);
      return () => compareFiles(directories, bytes);
    });
  }
  {
    await using servers = await Servers.start(ourRoot.path, referenceRoot.path);
    await forEach(histories, options.concurrency, async (history) => {
      await history.compareWithBefore(servers.pair);
      await history.run(servers.pair, options.furtherStepCount);
    });
  }
  return { histories, bytes };
}

/** A reference server and one of ours. */
export class Servers implements AsyncDisposable {
  readonly pair: Pair;
  readonly #stack: AsyncDisposableStack;

  private constructor(pair: Pair, stack: AsyncDisposableStack) {
    this.pair = pair;
    this.#stack = stack;
  }
  static async start(referenceRoot: string, ourRoot: string): Promise<Servers> {
    await using stack = new AsyncDisposableStack();
    const reference = stack.use(await startQuestDb({ root: referenceRoot }));
    const ours = await ServerProcess.start({ root: ourRoot });
    stack.defer(async () => {
      const code = await ours.stop();
      if (code !== 0) throw new Error(`Our server ended with ${code}:\n${ours.log}`);
    });
    const target = (name: string, port: number, root: string) =>
      new Target({ name, url: `http://127.0.0.1:${port}`, dbRoot: `${root}/db` });
    const pair = {
      reference: target("reference", reference.port, referenceRoot),
      ours: target("ours", ours.port, ourRoot),
    };
    return new Servers(pair, stack.move());
  }
  /** Stops both; `prepare` runs before, what it returns after. */
  async close(prepare: () => Promise<() => void>): Promise<void> {
    const finish = await prepare();
    await this.#stack.disposeAsync();
    finish();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

async function forEach<T>(
  items: readonly T[],
  concurrency: number,
  action: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) await action(items[next++]);
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
}

interface TwoDirectories {
  readonly history: History;
  readonly table: string;
  readonly expected: string;
  readonly actual: string;
}

async function directoriesOf(
  histories: readonly History[],
  pair: Pair,
): Promise<TwoDirectories[]> {
  const directories: TwoDirectories[] = [];
  for (const history of histories) {
    if (history.isOver) continue;
    for (const table of history.tables.keys()) {
      directories.push({
        history,
        table,
        expected: await pair.reference.directoryOf(table),
        actual: await pair.ours.directoryOf(table),
      });
    }
  }
  return directories;
}

function compareFiles(directories: readonly TwoDirectories[], bytes: ByteReport): void {
  for (const { history, table, expected, actual } of directories) {
    try {
      bytes.merge(compareTableFiles(expected, actual));
    } catch (error) {
      history.fail(`files of ${table}`, String(error));
    }
  }
}

/** A batch's differences and counts, for people. */
export function describeBatch(result: BatchResult): string {
  const lines: string[] = [];
  for (
    const { seed, step, sql, expected, actual } of result.histories.flatMap((h) => h.differences)
  ) {
    lines.push(
      `── seed ${seed} step ${step}: ${sql.slice(0, 600)}`,
      `   expected ${expected.slice(0, 1500)}`,
      `   actual   ${actual.slice(0, 1500)}`,
    );
  }
  for (const line of result.bytes.unequal.slice(0, 40)) lines.push(`bytes ${line}`);
  for (const [kind, { equal, compared }] of result.bytes.counts) {
    lines.push(`${kind.padEnd(12)} ${equal}/${compared} equal`);
  }
  lines.push(`${result.bytes.aheadCount} tables with more transactions in the reference`);
  const { histories } = result;
  const steps = histories.flatMap((history) => history.steps);
  const equal = histories.filter((history) => history.differences.length === 0).length;
  const whole = histories.filter((history) => !history.isOver).length;
  lines.push(
    `${equal} of ${histories.length} histories equal, ${whole} to the end, ${steps.length} steps, ${
      steps.filter(({ error }) => error !== null).length
    } refused by the reference`,
  );
  return lines.join("\n");
}
