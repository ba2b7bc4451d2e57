/**
 * Fuzzes restores: fields of manifests, sealed again as an attacker would; bytes of packs, with and without their names; bytes of
 * any object. A restore must refuse with a `QuestError` and leave no trace outside its staging, or restore exactly the rows of the
 * backup; and where it refuses, VALIDATE BACKUP must not say OK.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { backupTasks, validateBackup } from "../../src/backup/mod.ts";
import { QuestError } from "../../src/common/mod.ts";
import { SimulatedFileSystem } from "../../src/platform/mod.ts";
import { InlineTaskRunner } from "../../src/wasm/mod.ts";
import {
  type AnyJson,
  attemptRestore,
  Forger,
  forgeryScene,
  rowsOn,
  traces,
} from "../backup/forgery.ts";
import { MemoryStore } from "../backup/memory_store.ts";
import { PRODUCT_VERSION } from "../backup/test_database.ts";
import { core } from "../storage/table_fixture.ts";
import { SeededRandom } from "../support/seeded_random.ts";

const VALUES: readonly unknown[] = [
  0,
  -1,
  1,
  0.5,
  2 ** 31,
  2 ** 40,
  2 ** 53,
  1e308,
  null,
  true,
  "",
  "x",
  "../evil",
  "/evil",
  "a\0b",
  ".",
  "..",
  "wal1/0/x.d",
  "x".repeat(300),
  "\ud800",
  "-1",
  "9223372036854775807",
  "f".repeat(64),
  "raw",
  "zstd",
  "delta+zstd",
  [],
  {},
];

/** Runs forged restores. @throws {Error} naming seed and iteration. */
export async function fuzzBackup(seed: number, iterations: number): Promise<void> {
  const original = await forgeryScene();
  let refused = 0, restored = 0;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const random = new SeededRandom(seed * 1_000_003 + iteration);
    const store = new MemoryStore(original.store.objects);
    const change = forge(random, store);
    const attempt = await attemptRestore(store);
    const problem = attempt.error === null
      ? isDeepStrictEqual(rowsOn(attempt.disk), original.rows) ? null : "other rows were restored"
      : attempt.error instanceof QuestError
      ? await validationProblem(store)
      : "not refused by a QuestError";
    const outside = traces(attempt);
    if (problem !== null || outside.length > 0) {
      throw new Error(
        `seed=${seed} iteration=${iteration}: ${problem ?? `left ${outside.join()}`}: ${change}`,
        { cause: attempt.error },
      );
    }
    if (attempt.error === null) restored++;
    else refused++;
  }
  const isVacuous = iterations >= 100 && (refused < iterations / 2 || restored === 0);
  if (isVacuous) throw new Error(`seed=${seed}: ${refused} refused, ${restored} restored`);
}

/** What VALIDATE BACKUP says of a backup that was refused; `null` if it refuses it, too. */
async function validationProblem(store: MemoryStore): Promise<string | null> {
  try {
    const { tables } = await validateBackup({
      store,
      core,
      tasks: new InlineTaskRunner({ core, fs: new SimulatedFileSystem() }, backupTasks),
      productVersion: PRODUCT_VERSION,
      level: "decode",
      instance: null,
      timestamp: null,
      signal: new AbortController().signal,
    });
    return tables.some(({ error }) => error !== null) ? null : "VALIDATE says OK";
  } catch (error) {
    return error instanceof QuestError ? null : `VALIDATE failed: ${error}`;
  }
}

/** Changes something of a backup. @returns what, for the message. */
function forge(random: SeededRandom, store: MemoryStore): string {
  const dice = random.next();
  if (dice < 0.2) return damageObject(random, store);
  const forger = new Forger(store);
  if (dice < 0.4) {
    const change = changeJson(random, forger.root);
    forger.seal();
    return `root ${change}`;
  }
  const index = random.int(0, forger.holders.length - 1);
  if (dice < 0.6) {
    const count = forger.manifest(index).packs.hash.length;
    const key = forger.replacePack(
      index,
      random.int(0, count - 1),
      (bytes) => changeBytes(random, bytes),
    );
    forger.seal();
    return `pack ${key}`;
  }
  const json = forger.manifest(index);
  const change = changeJson(random, json);
  forger.replace(index, json);
  forger.seal();
  return `manifest ${index} ${change}`;
}

function damageObject(random: SeededRandom, store: MemoryStore): string {
  const keys = [...store.objects.keys()].filter((key) => /\/(manifests|tables|packs)\//.test(key));
  const key = random.pick(keys);
  const dice = random.next();
  if (dice < 0.1 && !key.includes("/manifests/")) store.objects.delete(key);
  else if (dice < 0.2) store.objects.set(key, store.objects.get(random.pick(keys))!);
  else store.objects.set(key, changeBytes(random, store.objects.get(key)!.slice()));
  return `object ${key}`;
}

function changeBytes(
  random: SeededRandom,
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const dice = random.next();
  if (dice < 0.15) return bytes.slice(0, random.int(0, bytes.length - 1));
  if (dice < 0.25) return new Uint8Array([...bytes, ...bytes.subarray(0, random.int(1, 50))]);
  for (let count = random.int(1, 4); count > 0; count--) {
    bytes[random.int(0, bytes.length - 1)] ^= 1 << random.int(0, 7);
  }
  return bytes;
}

/** Changes one value somewhere in a JSON document, in place. @returns where and to what. */
function changeJson(random: SeededRandom, json: AnyJson): string {
  let at = json, path = "";
  while (true) {
    const keys = Object.keys(at);
    const key = random.pick(keys);
    path += `.${key}`;
    const value = at[key];
    const isLeaf = typeof value !== "object" || value === null || Object.keys(value).length === 0;
    if (!isLeaf && random.next() > 0.1) {
      at = value;
      continue;
    }
    return `${path} ${changeValue(random, at, key)}`;
  }
}

function changeValue(random: SeededRandom, holder: AnyJson, key: string): string {
  const dice = random.next();
  const value = holder[key];
  if (dice < 0.1) {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete holder[key];
    return "removed";
  }
  if (dice < 0.2 && Array.isArray(holder)) {
    holder.push(value);
    return "repeated";
  }
  if (dice < 0.3) {
    const keys = Object.keys(holder);
    holder[key] = holder[random.pick(keys)];
  } else if (typeof value === "number" && dice < 0.7) {
    holder[key] = value + random.pick([-1, 1, 8, 4096]);
  } else if (typeof value === "string" && dice < 0.6) holder[key] = `${value}x`;
  else holder[key] = random.pick(VALUES);
  return `to ${JSON.stringify(holder[key])?.slice(0, 40)}`;
}
