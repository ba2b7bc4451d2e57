/**
 * One random history on two servers: step by step, comparing answers and tables. It can go on after the servers were
 * exchanged.
 *
 * @module
 */
import { HistoryGenerator } from "./generator.ts";
import { firstDifference, QueryFailure, type TableDump, type Target } from "./target.ts";

/** Something the two servers do not agree about. */
export interface Difference {
  readonly seed: number;
  readonly step: number;
  readonly sql: string;
  readonly expected: string;
  readonly actual: string;
}

/** Two servers that must agree. */
export interface Pair {
  readonly reference: Target;
  readonly ours: Target;
}

/** A step that was taken, and what the reference said. */
export interface TakenStep {
  readonly sql: string;
  readonly error: string | null;
}

const COMPARE_EVERY = 5;

/** See the module's description. */
export class History {
  readonly seed: number;
  readonly prefix: string;
  readonly steps: TakenStep[] = [];
  readonly differences: Difference[] = [];
  /** What the reference shows of each table; as of the last comparison. */
  tables = new Map<string, TableDump>();
  readonly #generator: HistoryGenerator;
  #isOver = false;

  constructor(seed: number, prefix = `h${seed}_`) {
    this.seed = seed;
    this.prefix = prefix;
    this.#generator = new HistoryGenerator({ seed, prefix: this.prefix });
  }

  /** The servers' states have parted, or the reference failed: there is nothing to compare any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Takes steps on both servers. */
  async run(pair: Pair, stepCount: number): Promise<void> {
    for (let number = 1; number <= stepCount && !this.#isOver; number++) {
      const step = this.#generator.next();
      const isAccepted = await this.take(pair, step.sql);
      if (isAccepted) step.accept();
      if (number % COMPARE_EVERY === 0 || number === stepCount) await this.compare(pair);
    }
  }

  /** Takes one step. @returns whether the reference accepted it. */
  async take(pair: Pair, sql: string): Promise<boolean> {
    const expected = await pair.reference.run(sql);
    const actual = await pair.ours.run(sql);
    this.steps.push({ sql, error: expected.error });
    if (expected.error !== actual.error || expected.position !== actual.position) {
      this.#note(sql, answerText(expected), answerText(actual));
      if ((expected.error === null) !== (actual.error === null)) this.#isOver = true;
    }
    const suspendedThere = await pair.reference.drain(this.prefix);
    const suspendedHere = await pair.ours.drain(this.prefix);
    if (suspendedThere.length > 0 || suspendedHere.length > 0) {
      // Where the reference itself fails, there is nothing to be equal to.
      if (suspendedThere.length === 0) this.#note(sql, "applied", `suspended: ${suspendedHere}`);
      this.#isOver = true;
    }
    return expected.error === null;
  }

  /** Compares every table. */
  async compare(pair: Pair, tables: readonly string[] = this.#generator.tables): Promise<void> {
    this.tables = new Map();
    for (const name of tables) {
      if (this.#isOver) return;
      const expected = await this.#dump(pair.reference, name);
      const actual = await this.#dump(pair.ours, name);
      if (expected === null || actual === null) return;
      this.#compareDump(name, expected, actual);
      this.tables.set(name, expected);
    }
  }

  /** Compares what both servers show with what the reference showed before. */
  async compareWithBefore(pair: Pair): Promise<void> {
    for (const [name, before] of this.tables) {
      if (this.#isOver) return;
      const ours = await this.#dump(pair.ours, name);
      const reference = await this.#dump(pair.reference, name);
      if (ours === null || reference === null) return;
      this.#compareDump(name, before, ours, "ours on the reference's root");
      this.#compareDump(name, before, reference, "reference on our root");
    }
  }

  /** Ends the history with a difference that was found elsewhere. */
  fail(what: string, difference: string): void {
    this.#note(what, difference, "");
    this.#isOver = true;
  }

  /** What a server shows of a table; `null`, and the end of the history, if it cannot. */
  async #dump(target: Target, name: string): Promise<TableDump | null> {
    try {
      return await target.dump(name);
    } catch (error) {
      if (!(error instanceof QueryFailure)) throw error;
      this.fail(`table ${name}`, error.message);
      return null;
    }
  }

  #compareDump(name: string, expected: TableDump, actual: TableDump, label = "table"): void {
    const difference = firstDifference(expected, actual);
    if (difference !== null) this.fail(`${label} ${name}`, difference);
  }

  #note(sql: string, expected: string, actual: string): void {
    this.differences.push({ seed: this.seed, step: this.steps.length, sql, expected, actual });
  }
}

/**
 * Takes given steps on fresh tables and compares them at the end; for making failing histories small.
 *
 * @param steps statements with `from` as the prefix of their tables; `to` takes its place. `compare` compares between them.
 * @returns what is different, or `null`.
 */
export async function replaySteps(
  pair: Pair,
  steps: readonly string[],
  prefix: { from: string; to: string },
): Promise<Difference | null> {
  const history = new History(0, prefix.to);
  for (const step of [...steps, "compare"]) {
    if (step === "compare") {
      const rows = await pair.reference.query("SELECT table_name FROM tables()");
      const tables = rows.map(([name]) => String(name)).filter((name) =>
        name.startsWith(prefix.to)
      );
      await history.compare(pair, tables);
    } else await history.take(pair, step.replaceAll(prefix.from, prefix.to));
    if (history.differences.length > 0 || history.isOver) return history.differences[0] ?? null;
  }
  return null;
}

function answerText(outcome: { error: string | null; position: number | null }): string {
  return outcome.error === null ? "ok" : `${outcome.error} at ${outcome.position}`;
}
