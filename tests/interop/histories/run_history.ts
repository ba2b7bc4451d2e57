/**
 * Applies one random history to two servers, step by step, and compares answers and tables.
 *
 * @module
 */
import { HistoryGenerator } from "./generator.ts";
import { firstDifference, type TableDump, type Target } from "./target.ts";

/** Something the two servers do not agree about. */
export interface Difference {
  readonly seed: number;
  readonly step: number;
  readonly sql: string;
  readonly expected: string;
  readonly actual: string;
}

/** What a history came to. */
export interface HistoryResult {
  readonly seed: number;
  readonly prefix: string;
  /** Steps in order, with what the reference said. */
  readonly steps: readonly { sql: string; error: string | null }[];
  readonly differences: readonly Difference[];
  /** Tables that exist at the end, with what the reference shows; empty if the states parted. */
  readonly tables: ReadonlyMap<string, TableDump>;
}

/** Options of {@linkcode runHistory}. */
export interface RunOptions {
  readonly seed: number;
  readonly stepCount: number;
  readonly reference: Target;
  readonly ours: Target;
  /** Compare the tables after this many steps and at the end. */
  readonly compareEvery: number;
}

/** Statements whose effect on a table is undefined here once the reference itself failed to apply them. */
class Stopped extends Error {}

/** Runs a history of a seed. */
export async function runHistory(options: RunOptions): Promise<HistoryResult> {
  const { seed, reference, ours } = options;
  const prefix = `h${seed}_`;
  const generator = new HistoryGenerator({ seed, prefix });
  const steps: { sql: string; error: string | null }[] = [];
  const differences: Difference[] = [];
  const note = (sql: string, expected: string, actual: string) =>
    differences.push({ seed, step: steps.length, sql, expected, actual });
  let tables = new Map<string, TableDump>();
  try {
    for (let number = 1; number <= options.stepCount; number++) {
      const step = generator.next();
      const expected = await reference.run(step.sql);
      const actual = await ours.run(step.sql);
      steps.push({ sql: step.sql, error: expected.error });
      if (expected.error !== actual.error || expected.position !== actual.position) {
        note(step.sql, answerText(expected), answerText(actual));
        if ((expected.error === null) !== (actual.error === null)) throw new Stopped();
      }
      if (expected.error === null) step.accept();
      const isSuspendedThere = (await reference.drain()).filter((text) => text.startsWith(prefix));
      const isSuspendedHere = (await ours.drain()).filter((text) => text.startsWith(prefix));
      if (isSuspendedHere.length > 0 || isSuspendedThere.length > 0) {
        if (isSuspendedThere.length !== isSuspendedHere.length) {
          note(step.sql, `suspended: ${isSuspendedThere}`, `suspended: ${isSuspendedHere}`);
        }
        throw new Stopped();
      }
      if (number % options.compareEvery === 0 || number === options.stepCount) {
        tables = await compare(generator.tables, { reference, ours }, (text) => {
          note(step.sql, text, "");
        });
      }
    }
  } catch (error) {
    if (!(error instanceof Stopped)) {
      throw new Error(`history ${seed}: ${steps.at(-1)?.sql}`, { cause: error });
    }
    tables = new Map();
  }
  return { seed, prefix, steps, differences, tables };
}

function answerText(outcome: { error: string | null; position: number | null }): string {
  return outcome.error === null ? "ok" : `${outcome.error} at ${outcome.position}`;
}

async function compare(
  names: readonly string[],
  targets: { reference: Target; ours: Target },
  note: (text: string) => void,
): Promise<Map<string, TableDump>> {
  const tables = new Map<string, TableDump>();
  for (const name of names) {
    const expected = await targets.reference.dump(name);
    const difference = firstDifference(expected, await targets.ours.dump(name));
    if (difference !== null) {
      note(`table ${name}: ${difference}`);
      throw new Stopped();
    }
    tables.set(name, expected);
  }
  return tables;
}
