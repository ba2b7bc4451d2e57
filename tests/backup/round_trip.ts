/**
 * Round trips through any store: a random history of statements, an incremental backup after each step, a restore of every
 * retained point into a fresh root on the real file system, and what it shows compared with what was acknowledged.
 *
 * @module
 */
import { formatTimestampMicros } from "../../src/common/mod.ts";
import {
  backupTasks,
  createBackupService,
  restoreIfTriggered,
  type RunnableBackupService,
} from "../../src/backup/mod.ts";
import type { ObjectStore } from "../../src/objectstore/mod.ts";
import {
  type FileSystem,
  RealFileSystem,
  SILENT_LOG,
  type SimulatedFileSystem,
} from "../../src/platform/mod.ts";
import { InlineTaskRunner } from "../../src/wasm/mod.ts";
import { Machine } from "../crash/machine.ts";
import { resetIds } from "../crash/operations.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { testCore } from "../support/engine_fixture.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { INSTALL_ROOT, newDisk } from "./chaos/chaos_server.ts";
import { compareShadows, readShadow, type Shadow, Workload } from "./chaos/workload.ts";
import { backUp, clock, PRODUCT_VERSION, random, TEST_BACKUP_CONFIG } from "./test_database.ts";

const STEPS = 6;
const STATEMENTS_MAX = 8;
const KEEP = 4;

/** A backup and what was acknowledged when it began. */
export interface Moment {
  readonly timestamp: bigint;
  readonly shadow: Shadow;
}

/** Opens a store of a test; called for each that uses it. */
export type OpenStore = () => Promise<ObjectStore>;

/** A server with a random history. */
export class RoundTrip implements AsyncDisposable {
  readonly moments: Moment[] = [];
  readonly #disk: SimulatedFileSystem;
  readonly #machine: Machine;
  readonly #workload: Workload;
  readonly #random: SeededRandom;

  private constructor(seed: number, disk: SimulatedFileSystem, machine: Machine) {
    this.#disk = disk;
    this.#machine = machine;
    this.#random = new SeededRandom(seed);
    this.#workload = new Workload(this.#random, { prefix: "t", trace: () => {} });
  }

  /** Starts an empty server. */
  static async start(seed: number): Promise<RoundTrip> {
    resetIds();
    const disk = newDisk();
    const machine = await Machine.start({ fs: disk, commitMode: "sync", bootId: "1", seed });
    return new RoundTrip(seed, disk, machine);
  }

  /** Creates a backup service into a store. */
  service(openStore: OpenStore, keepLatestCount = KEEP): RunnableBackupService {
    const fs = this.#disk;
    const { engine } = this.#machine;
    return createBackupService({
      engine,
      tasks: new InlineTaskRunner({ core: engine.core, fs }, backupTasks),
      fs,
      clock,
      random,
      log: SILENT_LOG,
      config: { ...TEST_BACKUP_CONFIG, keepLatestCount },
      dbRoot: `${INSTALL_ROOT}/db`,
      productVersion: PRODUCT_VERSION,
      openStore,
    });
  }

  /** Runs statements, then a backup, several times. What retention does not keep is no moment any more. */
  async run(service: RunnableBackupService, steps = STEPS): Promise<void> {
    for (let step = 0; step < steps; step++) {
      for (let i = this.#random.int(1, STATEMENTS_MAX); i > 0; i--) {
        await this.#workload.act(this.#machine, () => false);
      }
      const { shadow } = this.#workload;
      const timestamp = await backUp(service);
      this.moments.push({ timestamp, shadow });
    }
    this.moments.splice(0, Math.max(0, this.moments.length - KEEP));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#machine.engine.close();
  }
}

/** Restores a backup into a directory; no operator could do less. */
export async function restoreTo(
  installRoot: string,
  openStore: OpenStore,
  timestamp: bigint,
): Promise<void> {
  const fs = new RealFileSystem();
  const core = testCore();
  Deno.mkdirSync(installRoot, { recursive: true });
  Deno.writeTextFileSync(
    `${installRoot}/_backup_restore`,
    `backup.restore.timestamp=${formatTimestampMicros(timestamp)}\n`,
  );
  const summary = await restoreIfTriggered({
    installRoot,
    dbRoot: `${installRoot}/db`,
    fs,
    random,
    tasks: new InlineTaskRunner({ core, fs }, backupTasks),
    core,
    log: SILENT_LOG,
    configuredStore: "fs::unused=",
    productVersion: PRODUCT_VERSION,
    openStore,
  });
  assertEquals(summary?.timestamp, formatTimestampMicros(timestamp));
}

/** What a restored root shows. */
export async function shadowOf(installRoot: string): Promise<Shadow> {
  const machine = await Machine.start({
    fs: new RealFileSystem(),
    root: installRoot,
    commitMode: "nosync",
    bootId: "1",
    seed: 1,
  });
  try {
    return await readShadow(machine);
  } finally {
    await machine.engine.close();
  }
}

/** Restores every moment and compares. */
export async function checkMoments(
  moments: readonly Moment[],
  openStore: OpenStore,
): Promise<void> {
  for (const { timestamp, shadow } of moments) {
    using directory = new TempDir();
    await restoreTo(directory.path, openStore, timestamp);
    assertEquals(compareShadows(shadow, await shadowOf(directory.path)), null);
  }
}

/** Makes a round trip by each seed. */
export async function checkRoundTrips(
  seeds: readonly number[],
  openStoreOf: (seed: number) => OpenStore,
): Promise<void> {
  for (const seed of seeds) {
    try {
      const openStore = openStoreOf(seed);
      await using trip = await RoundTrip.start(seed);
      await using service = trip.service(openStore);
      await trip.run(service);
      assertEquals(trip.moments.length, KEEP);
      assert(trip.moments.some(({ shadow }) => shadow.size > 0), "there are tables");
      await checkMoments(trip.moments, openStore);
    } catch (error) {
      throw new Error(`SEED=${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** Every file below a directory with its bytes. */
export function filesOf(fs: FileSystem, directory: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const visit = (path: string) => {
    for (const { name, isDirectory } of fs.readDir(path)) {
      const child = `${path}/${name}`;
      if (isDirectory) {
        visit(child);
        continue;
      }
      using file = fs.open(child, "read");
      const bytes = new Uint8Array(file.size());
      file.read(bytes, 0);
      files.set(child.slice(directory.length + 1), bytes);
    }
  };
  visit(directory);
  return files;
}
