/**
 * One server of a history: a simulated disk, an engine with SQL on it, and a backup service; started, killed, cut off from power
 * and started again.
 *
 * @module
 */
import {
  backupTasks,
  createBackupService,
  restoreIfTriggered,
  type RestoreSummary,
  type RunnableBackupService,
} from "../../../src/backup/mod.ts";
import type { ObjectStore } from "../../../src/objectstore/mod.ts";
import { withRetry } from "../../../src/objectstore/wrappers/retry.ts";
import {
  type Clock,
  type FaultEffect,
  FaultFileSystem,
  type FileSystem,
  type Random,
  SILENT_LOG,
  SimulatedFileSystem,
  type Timers,
} from "../../../src/platform/mod.ts";
import { InlineTaskRunner } from "../../../src/wasm/mod.ts";
import { Machine } from "../../crash/machine.ts";
import { testCore } from "../../support/engine_fixture.ts";
import type { SeededRandom } from "../../support/seeded_random.ts";
import { PRODUCT_VERSION, TEST_BACKUP_CONFIG } from "../test_database.ts";
import type { Bucket } from "./bucket.ts";
import { HostileStore } from "./hostile_store.ts";

/** Directory of `conf/` and of the trigger file. */
export const INSTALL_ROOT = "/data";
const DB_ROOT = "/data/db";
const ATTEMPTS_MAX = 3;

/** What may be put between the code and its world: planted bugs. */
export interface Wrappers {
  readonly store?: (store: ObjectStore) => ObjectStore;
  readonly fs?: (fs: FileSystem) => FileSystem;
  /** Only the file system that a restore sees. */
  readonly restoreFs?: (fs: FileSystem) => FileSystem;
  /** Backups do not make durable what they hold. */
  readonly isUnsynced?: boolean;
}

/** Wall clock that goes on by a millisecond whenever somebody looks, and jumps when it is told to. */
export class JumpingClock implements Clock {
  #micros = 1_780_000_000_000_000n;
  #millis = 0;
  nowMicros(): bigint {
    return this.#micros += 1000n;
  }
  monotonicMillis(): number {
    return ++this.#millis;
  }
  jump(micros: bigint): void {
    this.#micros += micros;
  }
}

/** Random bytes from a seed. */
export class SeededBytes implements Random {
  readonly #random: SeededRandom;
  constructor(random: SeededRandom) {
    this.#random = random;
  }
  fill<T extends Uint8Array<ArrayBuffer>>(bytes: T): T {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.#random.int(0, 256);
    return bytes;
  }
}

/** Pauses that take no time. */
export class HastyTimers implements Timers {
  sleep(): Promise<void> {
    return Promise.resolve();
  }
}

/** What servers of a history share. */
export interface ServerWorld {
  readonly bucket: Bucket;
  readonly random: SeededRandom;
  readonly wrappers: Wrappers;
  readonly keepCount: number;
}

/** Opens a client's store: hostile, with the retries that every client has, and whatever is planted. */
export function openHostileStore(
  world: ServerWorld,
): { readonly hostile: HostileStore; readonly store: ObjectStore } {
  const hostile = new HostileStore(world.bucket, world.random);
  const store = withRetry(hostile, {
    timers: new HastyTimers(),
    random: new SeededBytes(world.random),
    attemptsMax: ATTEMPTS_MAX,
  });
  return { hostile, store: world.wrappers.store?.(store) ?? store };
}

/** Runs the restore that a trigger file on a disk asks for. */
export function runRestore(
  world: ServerWorld,
  fs: FileSystem,
  store: ObjectStore,
): Promise<RestoreSummary | null> {
  const core = testCore();
  const seen = world.wrappers.restoreFs?.(fs) ?? fs;
  return restoreIfTriggered({
    installRoot: INSTALL_ROOT,
    dbRoot: DB_ROOT,
    fs: seen,
    random: new SeededBytes(world.random),
    tasks: new InlineTaskRunner({ core, fs: seen }, backupTasks),
    core,
    log: SILENT_LOG,
    configuredStore: "fs::unused=",
    productVersion: PRODUCT_VERSION,
    openStore: () => Promise.resolve(store),
  });
}

/** A disk with an empty install root. */
export function newDisk(): SimulatedFileSystem {
  const disk = new SimulatedFileSystem();
  disk.mkdir(INSTALL_ROOT);
  disk.syncDir("/");
  return disk;
}

/** Copies a disk, as cloning a virtual machine does. */
export function cloneDisk(from: FileSystem): SimulatedFileSystem {
  const disk = new SimulatedFileSystem();
  const visit = (path: string) => {
    for (const { name, isDirectory } of from.readDir(path === "" ? "/" : path)) {
      const child = `${path}/${name}`;
      if (isDirectory) {
        disk.mkdir(child);
        visit(child);
        disk.syncDir(child);
        continue;
      }
      using source = from.open(child, "read");
      const bytes = new Uint8Array(source.size());
      source.read(bytes, 0);
      using target = disk.open(child, "createNew");
      target.write(bytes, 0);
      target.sync();
    }
  };
  visit("");
  disk.syncDir("/");
  return disk;
}

/** See the module's description. */
export class ChaosServer {
  readonly name: string;
  readonly clock = new JumpingClock();
  readonly #world: ServerWorld;
  disk: SimulatedFileSystem;
  #boot = 0;
  #running: RunningServer | null = null;

  constructor(name: string, world: ServerWorld, disk: SimulatedFileSystem) {
    this.name = name;
    this.#world = world;
    this.disk = disk;
  }

  /** The server, which must be up. */
  get running(): RunningServer {
    if (this.#running === null) throw new Error(`Server ${this.name} is down`);
    return this.#running;
  }

  /** Starts engine and service. */
  async start(): Promise<RunningServer> {
    const faults = new FaultFileSystem(this.disk);
    const fs = this.#world.wrappers.fs?.(faults) ?? faults;
    const machine = await Machine.start({
      fs,
      commitMode: this.#world.random.pick(["nosync", "async", "sync"]),
      bootId: `boot ${this.#boot}`,
      seed: this.#world.random.int(0, 2 ** 31),
    });
    const { hostile, store } = openHostileStore(this.#world);
    const core = testCore();
    const { engine } = machine;
    const isUnsynced = this.#world.wrappers.isUnsynced === true;
    const service = createBackupService({
      engine: {
        dataId: engine.dataId,
        core,
        pinAll: () => engine.pinAll(),
        sync: () => isUnsynced ? Promise.resolve() : engine.sync(),
      },
      tasks: new InlineTaskRunner({ core, fs }, backupTasks),
      fs,
      clock: this.clock,
      random: new SeededBytes(this.#world.random),
      log: SILENT_LOG,
      config: { ...TEST_BACKUP_CONFIG, keepLatestCount: this.#world.keepCount },
      dbRoot: DB_ROOT,
      productVersion: PRODUCT_VERSION,
      openStore: () => Promise.resolve(store),
    });
    this.#running = new RunningServer({ machine, service, hostile, faults });
    return this.#running;
  }

  /** Ends the process, in an orderly way if it can. */
  async stop(): Promise<void> {
    const { machine, service } = this.running;
    this.#running = null;
    await service.abort();
    await service.idle(); // a cleanup is not aborted
    await machine.engine.close();
  }

  /** Kills the process, or cuts the power. */
  async crash(kind: "power" | "process"): Promise<void> {
    const { machine, service, hostile, faults } = this.running;
    this.#running = null;
    hostile.isDead = true;
    faults.stopAt(1); // unless it has stopped already
    await service.abort();
    await service.idle();
    await Promise.allSettled([machine.engine.close()]); // it fails on the stopped machine
    if (kind === "power") {
      this.#boot++;
      this.disk.crash(this.#world.random);
    } else this.disk.killProcess();
  }
}

/** What is there while a server is up. */
export class RunningServer {
  readonly machine: Machine;
  readonly service: RunnableBackupService;
  readonly hostile: HostileStore;
  readonly faults: FaultFileSystem;
  #stopsAt = Infinity;

  constructor(
    parts: {
      readonly machine: Machine;
      readonly service: RunnableBackupService;
      readonly hostile: HostileStore;
      readonly faults: FaultFileSystem;
    },
  ) {
    this.machine = parts.machine;
    this.service = parts.service;
    this.hostile = parts.hostile;
    this.faults = parts.faults;
  }

  /** True once the process does nothing any more. */
  readonly hasStopped = (): boolean =>
    this.hostile.isDead || this.faults.changeCount >= this.#stopsAt;

  /** Stops the process at the n-th change of a file from now. */
  stopAfter(changes: number, effect: FaultEffect): void {
    this.faults.stopAt(changes, effect);
    this.#stopsAt = this.faults.changeCount + changes;
  }
  /** Stops the process at once. */
  kill(): void {
    this.hostile.isDead = true;
    this.faults.stopAt(1);
  }
}
