/**
 * A restore of a history: onto a fresh disk, interrupted at random steps, with an operator who does what the messages say; then
 * power is cut, the root is opened, and what it shows is compared.
 *
 * @module
 */
import { formatTimestampMicros, QuestError } from "../../../src/common/mod.ts";
import { FaultFileSystem, type SimulatedFileSystem } from "../../../src/platform/mod.ts";
import { Machine } from "../../crash/machine.ts";
import {
  INSTALL_ROOT,
  newDisk,
  openHostileStore,
  runRestore,
  type ServerWorld,
} from "./chaos_server.ts";
import { KilledError, type StoreFault, type Weather } from "./hostile_store.ts";
import { ChaosFailure, readShadow, type Shadow } from "./workload.ts";

const TRIGGER = `${INSTALL_ROOT}/_backup_restore`;
const ATTEMPTS_MAX = 30;
const FILE_CHANGES_MAX = 150;
const STORE_CALLS_MAX = 25;

/** What to restore, and in what weather. */
export interface RestorePlan {
  readonly instance: string;
  /** Microseconds; `null`: the latest. */
  readonly timestamp: bigint | null;
  /** How often the restore is interrupted at most. */
  readonly interruptions: number;
  readonly weather: Weather;
  readonly trace: (line: string) => void;
}

/** What came of it. */
export interface RestoreOutcome {
  readonly shadow: Shadow;
  /** Timestamp of the backup that was restored; `null` if the process died before it could say. */
  readonly timestamp: string | null;
  readonly interruptions: number;
  readonly faultCounts: ReadonlyMap<StoreFault, number>;
}

/** Restores. @throws {ChaosFailure} if it never gets to its end, or opens on less than everything. */
export async function restoreSomewhere(
  world: ServerWorld,
  plan: RestorePlan,
): Promise<RestoreOutcome> {
  return await new RestoreStep(world, plan).run();
}

class RestoreStep {
  readonly #world: ServerWorld;
  readonly #plan: RestorePlan;
  readonly #disk: SimulatedFileSystem = newDisk();
  readonly #faultCounts = new Map<StoreFault, number>();
  #timestamp: string | null = null;
  #interruptions = 0;
  #boot = 0;

  constructor(world: ServerWorld, plan: RestorePlan) {
    this.#world = world;
    this.#plan = plan;
  }

  async run(): Promise<RestoreOutcome> {
    this.#writeTrigger();
    for (let attempt = 1; !(await this.#attempt()); attempt++) {
      if (attempt > ATTEMPTS_MAX) throw new ChaosFailure("a restore never ends");
    }
    // All of it must be on the disk by now.
    this.#losePower();
    const machine = await this.#open();
    const shadow = await readShadow(machine);
    await machine.engine.close();
    return {
      shadow,
      timestamp: this.#timestamp,
      interruptions: this.#interruptions,
      faultCounts: this.#faultCounts,
    };
  }

  /** Starts the server once. @returns true once nothing is left to restore. */
  async #attempt(): Promise<boolean> {
    const { random } = this.#world;
    const isHostile = this.#interruptions < this.#plan.interruptions;
    const faults = new FaultFileSystem(this.#disk);
    const { hostile, store } = openHostileStore(this.#world);
    if (isHostile) this.#prepareTrouble(faults, hostile);
    try {
      const summary = await runRestore(this.#world, faults, store);
      if (summary !== null) this.#timestamp = summary.timestamp;
      return true;
    } catch (error) {
      this.#interruptions++;
      const reason = error instanceof Error ? error.message : String(error);
      this.#plan.trace(`    restore interrupted: ${reason.slice(0, 120)}`);
      if (isDeath(error)) {
        if (random.next() < 0.7) this.#losePower();
        else this.#disk.killProcess();
        await this.#tryWithoutTrigger();
        return false;
      }
      if (!(error instanceof QuestError) && (error as { code?: string }).code !== "ENOSPC") {
        throw new ChaosFailure("a restore failed in a strange way", { cause: error });
      }
      if (!isHostile && !reason.includes("Failed restore directory found")) {
        throw new ChaosFailure("a restore failed in calm weather", { cause: error });
      }
      this.#removeFailed();
      return false;
    } finally {
      for (const [fault, count] of hostile.faultCounts) {
        this.#faultCounts.set(fault, (this.#faultCounts.get(fault) ?? 0) + count);
      }
    }
  }

  #prepareTrouble(
    faults: FaultFileSystem,
    hostile: ReturnType<typeof openHostileStore>["hostile"],
  ): void {
    const { random } = this.#world;
    const dice = random.next();
    hostile.weather = this.#plan.weather;
    if (dice < 0.5) {
      faults.stopAt(
        random.int(1, FILE_CHANGES_MAX),
        random.pick(["none", "partial", "applied"] as const),
      );
    } else if (dice < 0.75) {
      const number = random.int(1, STORE_CALLS_MAX);
      const die = (call: { number: number }) => {
        if (call.number !== number) return;
        hostile.isDead = true;
        faults.stopAt(1);
      };
      if (random.next() < 0.5) hostile.before = die;
      else hostile.after = die;
    } else if (dice < 0.9) {
      // The disk is full from some write on.
      const first = random.int(1, FILE_CHANGES_MAX);
      faults.failWhen((call) => call.operation === "write" && call.changeNumber >= first, {
        effect: "partial",
        error: Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" }),
      });
    }
  }

  /** An operator may take the trigger away: nothing half restored may then open. */
  async #tryWithoutTrigger(): Promise<void> {
    if (this.#world.random.next() > 0.15 || this.#disk.stat(TRIGGER) === null) return;
    this.#disk.remove(TRIGGER);
    this.#disk.syncDir(INSTALL_ROOT);
    const { store } = openHostileStore(this.#world);
    try {
      await runRestore(this.#world, this.#disk, store);
    } catch (error) {
      if (!(error instanceof QuestError) || !error.message.includes("put the restore file back")) {
        throw new ChaosFailure("no start without the trigger", { cause: error });
      }
    }
    const isComplete = this.#disk.stat(`${INSTALL_ROOT}/db/.data_id`) !== null;
    const names = this.#disk.stat(`${INSTALL_ROOT}/db`) === null
      ? []
      : this.#disk.readDir(`${INSTALL_ROOT}/db`).map(({ name }) => name);
    if (!isComplete && this.#disk.stat(`${INSTALL_ROOT}/db/.restore/plan.json`) === null) {
      const table = names.find((name) => this.#disk.stat(`${INSTALL_ROOT}/db/${name}/_txn`));
      if (table !== undefined) throw new ChaosFailure(`${table} shows after half a restore`);
    }
    if (!isComplete) this.#writeTrigger();
  }

  #writeTrigger(): void {
    const { instance, timestamp } = this.#plan;
    const lines = [`backup.instance.name=${instance}`];
    if (timestamp !== null) {
      lines.push(`backup.restore.timestamp=${formatTimestampMicros(timestamp)}`);
    }
    using file = this.#disk.open(TRIGGER, "create");
    file.write(new TextEncoder().encode(lines.join("\n")), 0);
    file.sync();
    this.#disk.syncDir(INSTALL_ROOT);
  }

  /** What the operator does about a table that failed. */
  #removeFailed(): void {
    for (const root of [INSTALL_ROOT, `${INSTALL_ROOT}/db`]) {
      if (this.#disk.stat(root) === null) continue;
      this.#disk.removeTree(`${root}/.restore_failed`);
      this.#disk.removeTree(`${root}/_restore_failed`);
      this.#disk.syncDir(root);
    }
  }

  #losePower(): void {
    this.#boot++;
    this.#disk.crash(this.#world.random);
  }

  async #open(): Promise<Machine> {
    const { store } = openHostileStore(this.#world);
    if (await runRestore(this.#world, this.#disk, store) !== null) {
      this.#plan.trace("    restore finished by the next start");
    }
    return await Machine.start({
      fs: this.#disk,
      commitMode: "sync",
      bootId: `restored ${this.#boot}`,
      seed: 1,
    });
  }
}

function isDeath(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof KilledError || cause.name === "StoppedError") return true;
    if (/process was killed|machine stopped/i.test(cause.message)) return true;
  }
  return false;
}
