/**
 * The end of a history: somebody deletes, cuts or overwrites objects of the backups behind everybody's back. Validation must name
 * each of them for every backup that needs it, and no other; what it calls whole must restore, and nothing may ever restore to
 * something else.
 *
 * @module
 */
import { RestoreError } from "../../../src/common/mod.ts";
import { backupTasks, validateBackup } from "../../../src/backup/mod.ts";
import { RealFileSystem } from "../../../src/platform/mod.ts";
import { InlineTaskRunner } from "../../../src/wasm/mod.ts";
import { testCore } from "../../support/engine_fixture.ts";
import { PRODUCT_VERSION } from "../test_database.ts";
import type { Auditor, FoundBackup } from "./audit.ts";
import type { ServerWorld } from "./chaos_server.ts";
import { CALM } from "./hostile_store.ts";
import { type RestoreOutcome, restoreSomewhere } from "./restore_step.ts";
import { ChaosFailure } from "./workload.ts";

const OBJECTS_MAX = 3;

/** What a history lends. */
export interface DamageOptions {
  readonly world: ServerWorld;
  readonly auditor: Auditor;
  readonly trace: (line: string) => void;
  /** Compares what was restored with what the backup must hold. @throws {ChaosFailure} */
  readonly compare: (backup: FoundBackup, outcome: RestoreOutcome) => void;
}

/** What came of it. */
export interface DamageResult {
  readonly damagedObjects: number;
  readonly damagedBackups: number;
  readonly wholeBackups: number;
}

/** Damages some objects, validates and restores every backup. @throws {ChaosFailure} */
export async function damageSomething(options: DamageOptions): Promise<DamageResult> {
  const { world, auditor, trace } = options;
  const { random } = world;
  const backups = auditor.backups();
  const needs = new Map<FoundBackup, ReadonlySet<string>>();
  for (const backup of backups) {
    needs.set(backup, await auditor.namedBy(backup.key, backup.instance));
  }
  const damaged = new Set<string>();
  for (let i = random.int(1, OBJECTS_MAX + 1); i > 0; i--) {
    const key = random.pick([...needs.get(random.pick(backups))!].sort());
    if (damaged.has(key)) continue;
    damaged.add(key);
    trace(`damaged: ${damage(world, key)} ${key}`);
  }
  let damagedBackups = 0;
  for (const backup of backups) {
    const wanted = [...needs.get(backup)!].filter((key) => damaged.has(key)).sort();
    await checkValidation(options, backup, wanted);
    if (wanted.length > 0) damagedBackups++;
    await checkRestore(options, backup, wanted);
  }
  const wholeBackups = backups.length - damagedBackups;
  return { damagedObjects: damaged.size, damagedBackups, wholeBackups };
}

function damage({ bucket, random }: ServerWorld, key: string): string {
  const { bytes } = bucket.objects.get(key)!;
  const kind = random.pick(["deleted", "cut short", "overwritten", "bit flipped"]);
  if (kind === "deleted") bucket.damage(key, null);
  else if (kind === "cut short") bucket.damage(key, bytes.slice(0, random.int(0, bytes.length)));
  else {
    const changed = bytes.slice();
    const position = random.int(0, bytes.length);
    if (kind === "overwritten") changed.fill(changed[position] ^ 1, 0);
    else changed[position] ^= 1 << random.int(0, 8);
    bucket.damage(key, changed);
  }
  return kind;
}

async function checkValidation(
  { world, auditor }: DamageOptions,
  { instance, timestamp, key }: FoundBackup,
  wanted: readonly string[],
): Promise<void> {
  const core = testCore();
  const { tables } = await validateBackup({
    store: auditor.store,
    core,
    tasks: new InlineTaskRunner({ core, fs: new RealFileSystem() }, backupTasks),
    productVersion: PRODUCT_VERSION,
    level: world.random.pick(["hashes", "decode"] as const),
    instance,
    timestamp,
    signal: new AbortController().signal,
  });
  const named = new Set(tables.map(({ object }) => object).filter((object) => object !== null));
  // What only a damaged table manifest names cannot be found out.
  const lost = wanted.filter((object) => object.includes("/tables/"));
  const missing = wanted.filter((object) => !named.has(object));
  const unexplained = missing.filter((object) =>
    !lost.some((manifest) => directoryOf(manifest) === directoryOf(object))
  );
  const extra = [...named].filter((object) => !wanted.includes(object));
  if (unexplained.length > 0 || extra.length > 0) {
    throw new ChaosFailure(
      `validation of ${key} names ${[...named]} where ${wanted} are damaged`,
    );
  }
}

function directoryOf(key: string): string {
  return key.split("/").at(-2)!;
}

async function checkRestore(
  { world, trace, compare }: DamageOptions,
  backup: FoundBackup,
  wanted: readonly string[],
): Promise<void> {
  let outcome: RestoreOutcome;
  try {
    outcome = await restoreSomewhere(world, { ...backup, interruptions: 0, weather: CALM, trace });
  } catch (error) {
    if (wanted.length > 0 && error instanceof ChaosFailure && isRefusal(error.cause)) return;
    throw error;
  }
  // A pack may be damaged where this backup does not need it; what does come back must be right.
  compare(backup, outcome);
}

function isRefusal(error: unknown): boolean {
  return error instanceof RestoreError || (error as Error)?.name === "ObjectNotFoundError" ||
    (error as { context?: unknown })?.context !== undefined;
}
