/**
 * One history of chaos: statements, backups, cleanups, aborts, restores, crashes and clones on simulated disks and a hostile
 * store, all drawn from a seed. The promises of docs/internals/testing.md are checked after every step.
 *
 * @module
 */
import { formatTimestampMicros } from "../../../src/common/mod.ts";
import { INSTANCE_FILE } from "../../../src/backup/backup_instance.ts";
import { resetIds } from "../../crash/operations.ts";
import { testCore } from "../../support/engine_fixture.ts";
import { SeededRandom } from "../../support/seeded_random.ts";
import { Auditor, type FoundBackup } from "./audit.ts";
import { Bucket } from "./bucket.ts";
import {
  ChaosServer,
  cloneDisk,
  INSTALL_ROOT,
  newDisk,
  type RunningServer,
  type ServerWorld,
  type Wrappers,
} from "./chaos_server.ts";
import {
  CALM,
  STORE_FAULTS,
  type StoreCall,
  type StoreFault,
  type Weather,
} from "./hostile_store.ts";
import { damageSomething } from "./damage_step.ts";
import { type RestoreOutcome, restoreSomewhere } from "./restore_step.ts";
import { ChaosFailure, compareShadows, type Shadow, Workload } from "./workload.ts";

/** Options of a history. */
export interface HistoryOptions {
  readonly seed: number;
  /** Planted bugs. */
  readonly wrappers?: Wrappers;
  /** Is told what is done, a line at a time. */
  readonly trace?: (line: string) => void;
}

/** What a history did. */
export interface HistoryResult {
  /** Complete backups, failed ones, restores, … by name. */
  readonly counts: Map<string, number>;
}

/** Anything that went wrong on purpose. */
const FAULT = "fault";
const STEPS = 12;
const HOUR = 3_600_000_000n;
const FILE_CHANGES_MAX = 14;
const STORE_CALLS_MAX = 40;
/** Calls of a backup at which its process is killed: any, or those whose text has this in it. */
const MOMENTS = ["any", "any", "delete", "put", "/manifests/", "/leases/", "/history/"] as const;
/** Between backups in calm weather: more than what the store's clock resolves. */
const PAUSE_MILLIS = 5000;
const FINAL_ATTEMPTS_MAX = 4;

/** Runs a history. @throws {ChaosFailure} if a promise was broken. */
export async function runHistory(options: HistoryOptions): Promise<HistoryResult> {
  const history = new History(options);
  try {
    return await history.run();
  } catch (error) {
    throw new ChaosFailure(`SEED=${options.seed}: ${(error as Error).message}`, { cause: error });
  }
}

interface Host {
  readonly server: ChaosServer;
  readonly workload: Workload;
}

class History {
  readonly #options: HistoryOptions;
  readonly #random: SeededRandom;
  readonly #world: ServerWorld;
  readonly #auditor: Auditor;
  readonly #counts = new Map<string, number>();
  /** What was pinned at a timestamp; by several servers if they are clones. */
  readonly #moments = new Map<bigint, Shadow[]>();
  readonly #hosts: Host[] = [];
  #wasCloned = false;

  constructor(options: HistoryOptions) {
    this.#options = options;
    const random = this.#random = new SeededRandom(options.seed);
    resetIds();
    this.#world = {
      random,
      bucket: new Bucket(testCore(), random.pick([1, 1, 1000])),
      wrappers: options.wrappers ?? {},
      keepCount: random.int(1, 4),
    };
    this.#auditor = new Auditor(this.#world.bucket, this.#world.keepCount);
  }

  async run(): Promise<HistoryResult> {
    const random = this.#random;
    const server = new ChaosServer("a", this.#world, newDisk());
    await server.start();
    const workload = new Workload(random, { prefix: "a", trace: this.#trace });
    this.#hosts.push({ server, workload });
    try {
      for (let step = 0; step < STEPS; step++) {
        await this.#step();
        await this.#auditor.check();
      }
      for (let i = 0; i < STEPS && !this.#counts.has(FAULT); i++) {
        await this.#backUp(this.#hosts[0]);
      }
      await this.#settle();
      await this.#damage();
    } finally {
      for (const host of this.#hosts) await host.server.crash("process");
    }
    return { counts: this.#counts };
  }

  readonly #trace = (line: string): void => this.#options.trace?.(line);

  async #step(): Promise<void> {
    const random = this.#random;
    const host = random.pick(this.#hosts);
    const dice = random.next();
    if (dice < 0.15) return await this.#work(host);
    if (dice < 0.62) {
      if (random.next() < 0.6) await this.#work(host);
      return await this.#backUp(host);
    }
    if (dice < 0.7) return await this.#crash(host, random.pick(["power", "process"]));
    if (dice < 0.75) return await this.#restart(host);
    if (dice < 0.8) {
      const jump = random.pick([-HOUR, HOUR]);
      this.#trace(`clock of ${host.server.name} jumps ${jump}`);
      host.server.clock.jump(jump);
      return this.#count("clock jump");
    }
    if (dice < 0.86) return await this.#clone(host);
    await this.#restore();
  }

  async #work({ server, workload }: Host): Promise<void> {
    const random = this.#random;
    const { machine, hasStopped } = server.running;
    for (let i = random.int(1, 6); i > 0; i--) {
      if (random.next() < 0.1) await workload.maintain(machine, hasStopped);
      else await workload.act(machine, hasStopped);
    }
  }

  async #crash({ server, workload }: Host, kind: "power" | "process"): Promise<void> {
    this.#trace(`${server.name}: ${kind} crash`);
    await server.crash(kind);
    const { machine } = await server.start();
    await workload.recover(machine, kind);
    if (this.#random.next() < 0.7) await server.running.service.load();
    this.#count(`${kind} crash`);
  }

  async #restart({ server, workload }: Host): Promise<void> {
    this.#trace(`${server.name}: restart`);
    await server.stop();
    workload.markDurable();
    await server.start();
    if (this.#random.next() < 0.7) await server.running.service.load();
    this.#count("restart");
  }

  /** A backup in bad weather; the process may be killed or the backup aborted in its middle, while statements go on. */
  async #backUp(host: Host): Promise<void> {
    const { server } = host;
    const { running } = server;
    this.#prepareTrouble(host);
    const timestamp = await this.#startBackup(host);
    if (timestamp !== null) await running.service.idle();
    running.hostile.before = () => {};
    running.hostile.after = () => {};
    this.#collectFaults(running);
    if (running.hasStopped()) {
      this.#count("crash in a backup");
      return await this.#crash(host, this.#random.pick(["power", "process"]));
    }
    running.faults.clear();
    if (timestamp !== null) this.#judge(running, timestamp);
    running.hostile.weather = CALM; // what was hidden or late still is
    // What the backup has must not be lost by its server.
    if (this.#random.next() < 0.12) await this.#crash(host, "power");
  }

  /** Starts a backup and notes what it pins. @returns `null` if the process died. */
  async #startBackup({ server, workload }: Host): Promise<bigint | null> {
    const { running } = server;
    const { shadow } = workload;
    try {
      const timestamp = await running.service.start();
      this.#moments.set(timestamp, [...this.#moments.get(timestamp) ?? [], shadow]);
      this.#trace(`${server.name}: backup ${formatTimestampMicros(timestamp)}`);
      return timestamp;
    } catch (error) {
      if (running.hasStopped()) return null;
      throw new ChaosFailure("a backup cannot be started", { cause: error });
    }
  }

  /** What the service says must be so. */
  #judge({ service }: RunningServer, timestamp: bigint): void {
    const row = service.list().at(-1)!;
    this.#trace(`  ${row.status} ${row.backupError ?? row.cleanupError ?? ""}`.slice(0, 200));
    this.#count(row.status);
    if (row.status === "backup failed") return;
    this.#auditor.acknowledge(timestamp);
    if (!this.#auditor.backups().some((backup) => backup.timestamp === timestamp)) {
      throw new ChaosFailure(
        `backup ${formatTimestampMicros(timestamp)} is complete and not there`,
      );
    }
  }

  #prepareTrouble({ server, workload }: Host): void {
    const random = this.#random;
    const { machine, service, hostile, faults, hasStopped } = server.running;
    const running = server.running;
    hostile.weather = this.#weather();
    const dice = random.next();
    const isAfter = random.next() < 0.5;
    const trouble = dice < 0.25 ? "kill" : dice < 0.32 ? "abort" : "none";
    // Any call, or one of those that matter most.
    const moment = random.pick(MOMENTS);
    let countdown = moment === "any" ? random.int(1, STORE_CALLS_MAX) : random.int(1, 4);
    let isWorking = false;
    const strike = (call: StoreCall) => {
      if (trouble === "none") return;
      const text = `${call.operation} ${call.key}`;
      if (moment !== "any" && !text.includes(moment)) return;
      if (--countdown !== 0) return;
      this.#trace(`  ${trouble} at ${text}`);
      if (trouble === "kill") running.kill();
      else if (trouble === "abort") {
        this.#count("abort");
        service.abort();
      }
    };
    hostile.before = async (call) => {
      if (!isAfter) strike(call);
      if (isWorking || random.next() > 0.06 || hasStopped()) return;
      isWorking = true;
      await workload.act(machine, hasStopped);
      isWorking = false;
    };
    if (isAfter) hostile.after = strike;
    if (dice >= 0.32 && dice < 0.42) {
      running.stopAfter(
        random.int(1, FILE_CHANGES_MAX),
        random.pick(["none", "partial", "applied"] as const),
      );
    } else if (dice >= 0.42 && dice < 0.47) {
      // The disk is full for what the backup keeps locally.
      faults.failWhen(
        (call) => call.operation === "write" && call.path.includes(INSTANCE_FILE),
        { effect: "partial", error: new Error("ENOSPC: no space left on device") },
      );
      this.#count("disk full");
    }
  }

  #weather(): Weather {
    const random = this.#random;
    if (random.next() < 0.25) return CALM;
    const count = random.int(1, 5);
    const faults = Array.from({ length: count }, () => random.pick(STORE_FAULTS));
    return { faultRate: random.pick([0.03, 0.1, 0.3]), faults };
  }

  /** The machine is cloned with its instance name; both make a backup at the same time, and only one may go on. */
  async #clone(host: Host): Promise<void> {
    if (this.#wasCloned) return await this.#work(host);
    this.#wasCloned = true;
    const random = this.#random;
    this.#trace(`${host.server.name} is cloned`);
    // The clone begins as after a power loss, and must have what its model has.
    await host.server.running.machine.engine.sync();
    host.workload.markDurable();
    const server = new ChaosServer("b", this.#world, cloneDisk(host.server.disk));
    if (random.next() < 0.5) server.clock.jump(random.pick([HOUR, 1n]));
    await server.start();
    const clone = { server, workload: host.workload.cloneFor("b") };
    this.#hosts.push(clone);
    this.#count("clone");
    await this.#work(clone);
    await Promise.all(this.#hosts.map(async (each) => {
      each.server.running.hostile.weather = this.#weather();
      const timestamp = await this.#startBackup(each);
      await each.server.running.service.idle();
      if (timestamp !== null) this.#judge(each.server.running, timestamp);
      this.#collectFaults(each.server.running);
      each.server.running.hostile.weather = CALM;
    }));
  }

  async #restore(): Promise<void> {
    const backups = this.#auditor.backups();
    if (backups.length === 0) return;
    const random = this.#random;
    const chosen = random.pick(backups);
    const weather = this.#weather();
    const outcome = await restoreSomewhere(this.#world, {
      instance: chosen.instance,
      timestamp: random.next() < 0.3 ? null : chosen.timestamp,
      interruptions: random.int(0, 4),
      weather,
      trace: this.#trace,
    });
    this.#noteRestore(outcome);
    if (outcome.timestamp === null || weather.faults.includes("stale list")) {
      // A listing that lags may have hidden the backup that was asked for; which one it was is found by what it shows.
      const candidates = backups.filter(({ instance }) => instance === chosen.instance);
      return this.#compareWithOneOf(candidates, outcome);
    }
    const restored = backups.find(({ timestamp, instance }) =>
      formatTimestampMicros(timestamp) === outcome.timestamp && instance === chosen.instance
    );
    if (restored === undefined) throw new ChaosFailure(`no such backup: ${outcome.timestamp}`);
    this.#compareWithOneOf([restored], outcome);
  }

  #noteRestore(outcome: RestoreOutcome): void {
    this.#trace(`restored ${outcome.timestamp}, ${outcome.interruptions} interruptions`);
    this.#count("restore");
    if (outcome.interruptions > 0) this.#count("interrupted restore");
    for (const [fault, count] of outcome.faultCounts) this.#count(fault, count);
  }

  #compareWithOneOf(backups: readonly FoundBackup[], outcome: RestoreOutcome): void {
    const problems: string[] = [];
    for (const { timestamp } of backups) {
      for (const shadow of this.#moments.get(timestamp)!) {
        const problem = compareShadows(shadow, outcome.shadow);
        if (problem === null) return;
        problems.push(`${formatTimestampMicros(timestamp)}: ${problem}`);
      }
    }
    throw new ChaosFailure(`a restore brought back something else\n${problems.join("\n")}`);
  }

  /** Calm weather: backups and cleanups must succeed, nothing may be left over, and every backup must restore. */
  async #settle(): Promise<void> {
    this.#trace("settling");
    for (const { server } of this.#hosts) server.running.hostile.calm();
    const host = this.#hosts[0];
    for (let round = 0; round <= this.#world.keepCount; round++) await this.#calmBackup(host);
    await this.#auditor.check();
    const instance = host.server.running.service.instanceName()!;
    const garbage = await this.#auditor.garbage(instance);
    if (garbage.length > 0) {
      throw new ChaosFailure(`${garbage.length} objects are left over, such as ${garbage[0]}`);
    }
    const backups = this.#auditor.backups();
    const kept = backups.filter((backup) => backup.instance === instance).length;
    if (kept !== this.#world.keepCount) throw new ChaosFailure(`${kept} backups were kept`);
    this.#count("garbage collected", this.#world.bucket.deletedCount);
    for (const backup of backups) {
      const outcome = await restoreSomewhere(this.#world, {
        ...backup,
        interruptions: this.#random.next() < 0.15 ? 1 : 0,
        weather: CALM,
        trace: this.#trace,
      });
      this.#noteRestore(outcome);
      this.#compareWithOneOf([backup], outcome);
    }
  }

  async #damage(): Promise<void> {
    const result = await damageSomething({
      world: this.#world,
      auditor: this.#auditor,
      trace: this.#trace,
      compare: (backup, outcome) => this.#compareWithOneOf([backup], outcome),
    });
    this.#count("damaged object", result.damagedObjects);
    this.#count("damaged backup", result.damagedBackups);
    this.#count("whole backup beside damage", result.wholeBackups);
  }

  /** A backup that must succeed; where another server has the instance, the operator starts a new one. */
  async #calmBackup(host: Host): Promise<void> {
    const { server, workload } = host;
    for (let attempt = 0; attempt < FINAL_ATTEMPTS_MAX; attempt++) {
      const { machine, service, hostile, hasStopped } = server.running;
      await workload.insertSomething(machine, hasStopped);
      hostile.calm();
      this.#world.bucket.tick(PAUSE_MILLIS);
      const timestamp = (await this.#startBackup(host))!;
      await service.idle();
      this.#judge(server.running, timestamp);
      const { status, backupError, cleanupError } = service.list().at(-1)!;
      if (status === "cleanup failed") throw new ChaosFailure(`cleanup failed: ${cleanupError}`);
      if (status !== "backup failed") return;
      if (backupError!.includes("did the clock step back")) server.clock.jump(HOUR);
      else if (backupError!.includes("another server") && this.#wasCloned) {
        this.#count("locked out");
        await server.stop();
        workload.markDurable();
        server.disk.remove(`${INSTALL_ROOT}/db/${INSTANCE_FILE}`);
        await server.start();
      } else throw new ChaosFailure(`a backup failed in calm weather: ${backupError}`);
    }
    throw new ChaosFailure("no backup succeeds in calm weather");
  }

  #collectFaults({ hostile }: RunningServer): void {
    for (const [fault, count] of hostile.faultCounts) {
      this.#count(fault, count);
      this.#count(FAULT, count);
    }
    hostile.faultCounts.clear();
  }

  #count(name: string | StoreFault, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }
}
