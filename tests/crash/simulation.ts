/**
 * One history of crashes: lives of an engine on a simulated disk, each ended by a power cut or a killed process at a random
 * file operation, also in the middle of a recovery. After each the tables are compared with the model.
 *
 * @module
 */
import { QuestError } from "../../src/common/mod.ts";
import {
  FaultFileSystem,
  type FileSystem,
  InjectedError,
  SimulatedFileSystem,
} from "../../src/platform/mod.ts";
import type { CommitMode } from "../../src/wal/mod.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { Machine } from "./machine.ts";
import { chooseOperation, definitionOf, newColumn, resetIds } from "./operations.ts";
import { difference, type SeenTable, TableModel, textOfImage, textOfSeen } from "./table_model.ts";

/** Options of a history. */
export interface SimulationOptions {
  readonly seed: number;
  /** Puts something between engine and disk, such as a planted bug. */
  readonly wrap?: (fs: FileSystem) => FileSystem;
  /** Commit modes to choose from; all by default. */
  readonly modes?: readonly CommitMode[];
  /** Is told what is done, a line at a time. */
  readonly trace?: (line: string) => void;
}

/** What a history did. */
export interface SimulationResult {
  /** Acknowledged operations by kind. */
  readonly acknowledged: Map<string, number>;
  /** Refused operations by kind, with the last reason. */
  readonly refused: Map<string, string>;
  readonly crashes: number;
}

const LIVES = 4;
const TABLES_MAX = 2;
const CHANGES_MAX = 900;
const MODES: readonly CommitMode[] = ["nosync", "async", "sync"];

/** The state of a table is not what it may be. */
export class CrashFailure extends Error {
  override readonly name: string = "CrashFailure";
}

/** Runs a history. @throws {CrashFailure} if a crash lost, doubled or halved something. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  return await new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #random: SeededRandom;
  readonly #disk = new SimulatedFileSystem();
  readonly #models: TableModel[] = [];
  readonly #acknowledged = new Map<string, number>();
  readonly #refused = new Map<string, string>();
  #nextTable = 1;
  #boot = 0;
  #life = "";

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    resetIds();
    this.#disk.mkdir("/data");
    this.#disk.syncDir("/");
  }

  async run(): Promise<SimulationResult> {
    const random = this.#random;
    for (let number = 1; number <= LIVES; number++) {
      const commitMode = random.pick(this.#options.modes ?? MODES);
      this.#life = `life ${number} ${commitMode}`;
      this.#options.trace?.(this.#life);
      const faults = new FaultFileSystem(this.#disk);
      const fs = this.#options.wrap?.(faults) ?? faults;
      const stop = new StopWatch(faults);
      if (random.next() < 0.2) stop.arm(random.int(1, 60), random); // in the middle of the start
      const machine = await this.#start(fs, commitMode, stop);
      if (machine !== null) {
        if (!stop.isArmed) stop.arm(random.int(1, CHANGES_MAX), random);
        await this.#live(machine, stop, commitMode);
      }
      await this.#crash();
    }
    return { acknowledged: this.#acknowledged, refused: this.#refused, crashes: LIVES };
  }

  async #start(
    fs: FileSystem,
    commitMode: CommitMode,
    stop: StopWatch,
  ): Promise<Machine | null> {
    try {
      return await Machine.start({
        fs,
        commitMode,
        bootId: `boot ${this.#boot}`,
        seed: this.#options.seed,
      });
    } catch (error) {
      if (!stop.hasStopped) throw new CrashFailure(this.#label("start failed"), { cause: error });
      return null;
    }
  }

  async #live(machine: Machine, stop: StopWatch, mode: CommitMode): Promise<void> {
    while (!stop.hasStopped) await this.#act(machine, stop, mode);
    await Promise.allSettled([machine.engine.close()]); // it fails on the stopped machine
  }

  async #act(machine: Machine, stop: StopWatch, mode: CommitMode): Promise<void> {
    const random = this.#random;
    const dice = random.next();
    if (this.#models.length === 0 || (this.#models.length < TABLES_MAX && dice < 0.05)) {
      return await this.#create(machine, stop, mode);
    }
    if (dice < 0.08) {
      await this.#attempt(stop, () => machine.engine.purge());
      return this.#count("purge");
    }
    if (dice < 0.14) {
      if (!(await this.#attempt(stop, () => machine.engine.sync()))) return;
      for (const model of this.#models) model.markDurable();
      return this.#count("sync");
    }
    if (dice < 0.24) return await this.#compareNow(machine, stop);
    const model = random.pick(this.#models);
    if (dice < 0.26) return await this.#drop(machine, stop, model);
    if (dice < 0.28) return await this.#rename(machine, stop, model);
    const operation = chooseOperation(model, random);
    if (operation.needsApplied && !(await this.#attempt(stop, () => machine.drain()))) return;
    model.begin(operation);
    this.#options.trace?.(`  ${operation.sql}`);
    try {
      await machine.run(operation.sql);
    } catch (error) {
      if (stop.hasStopped) return;
      this.#requireRefusal(error, operation.sql);
      this.#refused.set(operation.kind, (error as Error).message);
      model.refuse();
      return;
    }
    model.acknowledge();
    this.#count(operation.kind);
    if (mode === "sync") model.markDurable();
  }

  async #create(machine: Machine, stop: StopWatch, mode: CommitMode): Promise<void> {
    const random = this.#random;
    const columns = Array.from({ length: random.int(1, 5) }, () => newColumn(random));
    const isWal = random.next() < 0.8;
    const name = `t${this.#nextTable++}`;
    const model = new TableModel(name, { base: { columns, keys: null, rows: [] }, isWal });
    model.isCreating = true;
    this.#models.push(model);
    this.#options.trace?.(`  CREATE ${name}`);
    try {
      await machine.run(
        `CREATE TABLE ${name} (ts TIMESTAMP, ${
          columns.map(definitionOf).join(", ")
        }) TIMESTAMP(ts) PARTITION BY DAY ${isWal ? "WAL" : "BYPASS WAL"}`,
      );
    } catch (error) {
      if (stop.hasStopped) return;
      this.#requireRefusal(error, "create");
      this.#refused.set(isWal ? "create" : "create without WAL", (error as Error).message);
      this.#models.pop();
      return;
    }
    model.isCreating = false;
    this.#count(isWal ? "create" : "create without WAL");
    if (mode === "sync") model.markDurable();
  }

  async #drop(machine: Machine, stop: StopWatch, model: TableModel): Promise<void> {
    model.isDropping = true;
    this.#options.trace?.(`  DROP ${model.name}`);
    try {
      await machine.run(`DROP TABLE ${model.name}`);
    } catch (error) {
      if (stop.hasStopped) return;
      this.#requireRefusal(error, "drop");
      this.#refused.set("drop", (error as Error).message);
      model.isDropping = false;
      return;
    }
    this.#models.splice(this.#models.indexOf(model), 1);
    this.#count("drop");
  }

  async #rename(machine: Machine, stop: StopWatch, model: TableModel): Promise<void> {
    model.newName = `t${this.#nextTable++}`;
    this.#options.trace?.(`  RENAME ${model.name} TO ${model.newName}`);
    try {
      await machine.run(`RENAME TABLE ${model.name} TO ${model.newName}`);
    } catch (error) {
      if (stop.hasStopped) return;
      this.#requireRefusal(error, "rename");
      this.#refused.set("rename", (error as Error).message);
      model.newName = null;
      return;
    }
    model.name = model.newName;
    model.newName = null;
    this.#count("rename");
  }

  /** Everything acknowledged is visible as soon as it is applied. */
  async #compareNow(machine: Machine, stop: StopWatch): Promise<void> {
    if (!(await this.#attempt(stop, () => machine.drain()))) return;
    for (const model of this.#models) {
      let seen: SeenTable;
      try {
        seen = await machine.read(model.name);
      } catch (error) {
        if (stop.hasStopped) return;
        throw new CrashFailure(this.#label(`cannot read ${model.name}`), { cause: error });
      }
      const expected = textOfImage(model.image), actual = textOfSeen(seen);
      if (expected !== actual) {
        throw new CrashFailure(
          this.#label(`${model.name} shows something else\n${difference(expected, actual)}`),
        );
      }
      this.#checkOrder(model.name, seen);
    }
    this.#count("compare");
  }

  async #attempt(stop: StopWatch, action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      if (stop.hasStopped) return false;
      throw new CrashFailure(this.#label("failed on a working disk"), { cause: error });
    }
  }

  /** Cuts the power or kills the process, starts again and compares. */
  async #crash(): Promise<void> {
    const random = this.#random;
    const crash = random.next() < 0.7 ? "power" : "process";
    if (crash === "power") {
      this.#boot++;
      this.#disk.crash(random);
    } else this.#disk.killProcess();
    this.#life += `, then ${crash}`;
    this.#options.trace?.(this.#life);
    const machine = await this.#start(
      this.#disk,
      "nosync",
      new StopWatch(new FaultFileSystem(this.#disk)),
    );
    try {
      await machine!.drain();
      await this.#check(machine!, crash);
    } catch (error) {
      if (error instanceof CrashFailure) throw error;
      throw new CrashFailure(this.#label("recovery failed"), { cause: error });
    }
    await machine!.engine.close(); // makes everything durable
    for (const model of this.#models) model.markDurable();
  }

  async #check(machine: Machine, crash: "power" | "process"): Promise<void> {
    const present = new Set(machine.engine.tables().map(({ name }) => name));
    for (const model of [...this.#models]) {
      if (model.newName !== null && present.has(model.newName)) model.name = model.newName;
      model.newName = null;
      if (!present.delete(model.name)) {
        if (!model.isDropping && !model.isCreating) {
          throw new CrashFailure(this.#label(`table ${model.name} is gone`));
        }
        this.#models.splice(this.#models.indexOf(model), 1);
        continue;
      }
      model.isDropping = false;
      model.isCreating = false;
      const seen = await machine.read(model.name);
      this.#checkOrder(model.name, seen);
      const problem = model.recover(seen, crash);
      if (problem !== null) throw new CrashFailure(this.#label(problem));
    }
    if (present.size > 0) {
      throw new CrashFailure(this.#label(`tables came back: ${[...present].join(", ")}`));
    }
  }

  #checkOrder(name: string, seen: SeenTable): void {
    for (let i = 1; i < seen.rows.length; i++) {
      if (BigInt(seen.rows[i][0]) < BigInt(seen.rows[i - 1][0])) {
        throw new CrashFailure(this.#label(`${name} is out of order at row ${i}`));
      }
    }
  }

  /** A statement may be refused by name; anything else is a failure. */
  #requireRefusal(error: unknown, sql: string): void {
    if (error instanceof QuestError && !(error instanceof InjectedError)) return;
    throw new CrashFailure(this.#label(sql), { cause: error });
  }

  #count(kind: string): void {
    this.#options.trace?.(`    ${kind} is acknowledged`);
    this.#acknowledged.set(kind, (this.#acknowledged.get(kind) ?? 0) + 1);
  }

  #label(text: string): string {
    return `SEED=${this.#options.seed} ${this.#life}: ${text}`;
  }
}

/** Knows whether the machine has stopped. */
class StopWatch {
  readonly #faults: FaultFileSystem;
  #stopsAt = Infinity;

  constructor(faults: FaultFileSystem) {
    this.#faults = faults;
  }
  get isArmed(): boolean {
    return this.#stopsAt !== Infinity;
  }
  get hasStopped(): boolean {
    return this.#faults.changeCount >= this.#stopsAt;
  }
  /** Stops the machine at the n-th change from now. */
  arm(changes: number, random: SeededRandom): void {
    this.#faults.stopAt(changes, random.pick(["none", "partial", "applied"] as const));
    this.#stopsAt = this.#faults.changeCount + changes;
  }
}
