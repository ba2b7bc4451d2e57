/**
 * What clients do to a server of a history, and what its tables must show: the statements of the crash histories with their
 * models.
 *
 * @module
 */
import { QuestError } from "../../../src/common/mod.ts";
import { InjectedError } from "../../../src/platform/mod.ts";
import type { Machine } from "../../crash/machine.ts";
import { chooseOperation, definitionOf, newColumn } from "../../crash/operations.ts";
import { difference, TableModel, textOfImage, textOfSeen } from "../../crash/table_model.ts";
import type { SeededRandom } from "../../support/seeded_random.ts";

const TABLES_MAX = 3;

/** A history broke a promise. */
export class ChaosFailure extends Error {
  override readonly name: string = "ChaosFailure";
}

/** What a database shows: text by table name. */
export type Shadow = ReadonlyMap<string, string>;

/** Reads everything that a database shows. */
export async function readShadow(machine: Machine): Promise<Shadow> {
  await machine.drain();
  const shadow = new Map<string, string>();
  for (const { name } of machine.engine.tables()) {
    shadow.set(name, textOfSeen(await machine.read(name)));
  }
  return shadow;
}

/** What is different between two databases, or `null`. */
export function compareShadows(expected: Shadow, actual: Shadow): string | null {
  for (const [name, text] of expected) {
    const seen = actual.get(name);
    if (seen === undefined) return `table ${name} is missing`;
    if (seen !== text) return `table ${name} differs\n${difference(text, seen)}`;
  }
  const extra = [...actual.keys()].filter((name) => !expected.has(name));
  return extra.length === 0 ? null : `tables that should not be there: ${extra.join(", ")}`;
}

/** Statements on one server. */
export class Workload {
  readonly #random: SeededRandom;
  readonly #trace: (line: string) => void;
  readonly #prefix: string;
  #models: TableModel[];
  #nextTable = 1;

  constructor(random: SeededRandom, options: { prefix: string; trace: (line: string) => void }) {
    this.#random = random;
    this.#prefix = options.prefix;
    this.#trace = options.trace;
    this.#models = [];
  }

  /** What everything acknowledged adds up to. */
  get shadow(): Shadow {
    return new Map(this.#models.map((model) => [model.name, textOfImage(model.image)]));
  }

  /** Begins the models anew with the tables of another server, for its clone. */
  cloneFor(prefix: string): Workload {
    const clone = new Workload(this.#random, { prefix, trace: this.#trace });
    clone.#models = this.#models.map((model) =>
      new TableModel(model.name, { base: model.image, isWal: model.isWal })
    );
    return clone;
  }

  /** Says that everything acknowledged is durable. */
  markDurable(): void {
    for (const model of this.#models) model.markDurable();
  }

  /** Makes sure that the next backup has something to store. */
  async insertSomething(machine: Machine, hasStopped: () => boolean): Promise<void> {
    if (this.#models.length === 0) await this.#create(machine, hasStopped);
    for (let i = 0; i < 3; i++) await this.act(machine, hasStopped);
  }

  /** Makes one random statement. */
  async act(machine: Machine, hasStopped: () => boolean): Promise<void> {
    const random = this.#random;
    const dice = random.next();
    if (this.#models.length === 0 || (this.#models.length < TABLES_MAX && dice < 0.08)) {
      return await this.#create(machine, hasStopped);
    }
    const model = random.pick(this.#models);
    if (dice < 0.12) return await this.#drop(machine, model, hasStopped);
    if (dice < 0.15) return await this.#rename(machine, model, hasStopped);
    const operation = chooseOperation(model, random);
    if (operation.needsApplied) {
      if (!(await this.#attempt(() => machine.drain(), hasStopped))) return;
    }
    model.begin(operation);
    const outcome = await this.#run(machine, operation.sql, hasStopped);
    if (outcome === "done") model.acknowledge();
    else if (outcome === "refused") model.refuse();
  }

  /** Does what servers do by themselves. */
  async maintain(machine: Machine, hasStopped: () => boolean): Promise<void> {
    if (this.#random.next() < 0.5) {
      await this.#attempt(() => machine.engine.purge(), hasStopped);
    } else if (await this.#attempt(() => machine.engine.sync(), hasStopped)) this.markDurable();
  }

  /** Takes over what a started server shows after a crash. @throws {ChaosFailure} if it is none of the states that it may be. */
  async recover(machine: Machine, crash: "power" | "process"): Promise<void> {
    await machine.drain();
    const present = new Set(machine.engine.tables().map(({ name }) => name));
    for (const model of [...this.#models]) {
      if (model.newName !== null && present.has(model.newName)) model.name = model.newName;
      model.newName = null;
      if (!present.delete(model.name)) {
        if (!model.isDropping && !model.isCreating) {
          throw new ChaosFailure(`table ${model.name} is gone after a crash`);
        }
        this.#models.splice(this.#models.indexOf(model), 1);
        continue;
      }
      model.isDropping = false;
      model.isCreating = false;
      const problem = model.recover(await machine.read(model.name), crash);
      if (problem !== null) throw new ChaosFailure(problem);
    }
    if (present.size > 0) throw new ChaosFailure(`tables came back: ${[...present].join(", ")}`);
  }

  async #create(machine: Machine, hasStopped: () => boolean): Promise<void> {
    const random = this.#random;
    const columns = Array.from({ length: random.int(1, 5) }, () => newColumn(random));
    const isWal = random.next() < 0.8;
    const name = `${this.#prefix}${this.#nextTable++}`;
    const model = new TableModel(name, { base: { columns, keys: null, rows: [] }, isWal });
    model.isCreating = true;
    this.#models.push(model);
    const definitions = ["ts TIMESTAMP", ...columns.map(definitionOf)].join(", ");
    const outcome = await this.#run(
      machine,
      `CREATE TABLE ${name} (${definitions}) TIMESTAMP(ts) PARTITION BY DAY ${
        isWal ? "WAL" : "BYPASS WAL"
      }`,
      hasStopped,
    );
    if (outcome === "done") model.isCreating = false;
    else if (outcome === "refused") this.#models.splice(this.#models.indexOf(model), 1);
  }

  async #drop(machine: Machine, model: TableModel, hasStopped: () => boolean): Promise<void> {
    model.isDropping = true;
    const outcome = await this.#run(machine, `DROP TABLE ${model.name}`, hasStopped);
    if (outcome === "done") this.#models.splice(this.#models.indexOf(model), 1);
    else if (outcome === "refused") model.isDropping = false;
  }

  async #rename(machine: Machine, model: TableModel, hasStopped: () => boolean): Promise<void> {
    const to = model.newName = `${this.#prefix}${this.#nextTable++}`;
    const sql = `RENAME TABLE ${model.name} TO ${to}`;
    const outcome = await this.#run(machine, sql, hasStopped);
    if (outcome === "stopped") return;
    if (outcome === "done") model.name = to;
    model.newName = null;
  }

  async #run(
    machine: Machine,
    sql: string,
    hasStopped: () => boolean,
  ): Promise<"done" | "refused" | "stopped"> {
    this.#trace(`  ${sql.slice(0, 160)}`);
    try {
      await machine.run(sql);
      return "done";
    } catch (error) {
      if (hasStopped()) return "stopped";
      // A statement may be refused by name; anything else is a failure.
      if (error instanceof QuestError && !(error instanceof InjectedError)) return "refused";
      throw new ChaosFailure(sql, { cause: error });
    }
  }

  async #attempt(action: () => Promise<void>, hasStopped: () => boolean): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      if (hasStopped()) return false;
      throw new ChaosFailure("failed on a working disk", { cause: error });
    }
  }
}
