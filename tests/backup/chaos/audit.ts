/**
 * What must hold of a bucket at any moment, looked up behind the back of every client.
 *
 * @module
 */
import { readRootManifest, readTableManifest } from "../../../src/backup/manifest_store.ts";
import { DATABASE_DIRECTORY, InstanceKeys } from "../../../src/backup/object_keys.ts";
import type { ObjectStore } from "../../../src/objectstore/mod.ts";
import { testCore } from "../../support/engine_fixture.ts";
import { SeededRandom } from "../../support/seeded_random.ts";
import { PRODUCT_VERSION } from "../test_database.ts";
import type { Bucket } from "./bucket.ts";
import { HostileStore } from "./hostile_store.ts";
import { ChaosFailure } from "./workload.ts";

const MANIFEST = /^backup\/([a-z-]+)\/manifests\/[^/]+$/;

/** A backup that is in a bucket. */
export interface FoundBackup {
  readonly instance: string;
  readonly timestamp: bigint;
  readonly key: string;
}

/** Checks a bucket again and again over a history. */
export class Auditor {
  readonly store: ObjectStore;
  readonly #bucket: Bucket;
  readonly #keepCount: number;
  readonly #named = new Map<string, ReadonlySet<string>>();
  /** Every backup that was ever there, by instance. */
  readonly #seen = new Map<string, Set<bigint>>();
  readonly #acknowledged = new Set<bigint>();

  constructor(bucket: Bucket, keepCount: number) {
    this.#bucket = bucket;
    this.#keepCount = keepCount;
    this.store = new HostileStore(bucket, new SeededRandom(1));
  }

  /** Notes that a server has called a backup complete. */
  acknowledge(timestamp: bigint): void {
    this.#acknowledged.add(timestamp);
  }

  /** The backups that exist, by instance and time. */
  backups(): FoundBackup[] {
    const found: FoundBackup[] = [];
    for (const key of [...this.#bucket.objects.keys()].sort()) {
      const instance = MANIFEST.exec(key)?.[1];
      if (instance === undefined) continue;
      const timestamp = new InstanceKeys(instance).manifestTimestamp(key);
      if (timestamp !== null) found.push({ instance, timestamp, key });
    }
    return found;
  }

  /**
   * Checks that every backup has all its objects, and that retention has taken none of the newest.
   *
   * @throws {ChaosFailure}
   */
  async check(): Promise<void> {
    if (this.#bucket.misnamed.length > 0) {
      throw new ChaosFailure(`object is not what its name says: ${this.#bucket.misnamed[0]}`);
    }
    for (const { instance, timestamp, key } of this.backups()) {
      this.#seen.set(instance, (this.#seen.get(instance) ?? new Set()).add(timestamp));
      for (const object of await this.namedBy(key, instance)) {
        if (!this.#bucket.objects.has(object)) {
          throw new ChaosFailure(`${key} names ${object}, which is gone`);
        }
      }
    }
    for (const [instance, timestamps] of this.#seen) {
      const keys = new InstanceKeys(instance);
      const newest = [...timestamps].sort((a, b) => a < b ? 1 : -1).slice(0, this.#keepCount);
      // One that no server has called complete may go if its server cannot find it.
      const gone = newest.find((timestamp) =>
        this.#acknowledged.has(timestamp) && !this.#bucket.objects.has(keys.manifest(timestamp))
      );
      if (gone !== undefined) throw new ChaosFailure(`${keys.manifest(gone)} is gone`);
    }
  }

  /** Objects of an instance that no backup names. */
  async garbage(instance: string): Promise<string[]> {
    const named = new Set<string>();
    for (const backup of this.backups()) {
      for (const key of await this.namedBy(backup.key, backup.instance)) named.add(key);
    }
    const keys = new InstanceKeys(instance);
    return [...this.#bucket.objects.keys()].filter((key) =>
      (key.startsWith(keys.tables) || key.startsWith(keys.packs)) && !named.has(key)
    );
  }

  /** Keys of the objects that a backup needs besides its manifest. */
  async namedBy(manifestKey: string, instance: string): Promise<ReadonlySet<string>> {
    const known = this.#named.get(manifestKey);
    if (known !== undefined) return known;
    const context = { store: this.store, core: testCore(), productVersion: PRODUCT_VERSION };
    const keys = new InstanceKeys(instance);
    const named = new Set<string>();
    const root = await readRootManifest(context, manifestKey);
    const parts = [
      ...root.tables.map(({ manifest, dir }) => ({ manifest, dir })),
      { manifest: root.files, dir: DATABASE_DIRECTORY },
    ];
    for (const { manifest, dir } of parts) {
      if (!this.#bucket.objects.has(manifest.key)) {
        throw new ChaosFailure(`${manifestKey} names ${manifest.key}, which is gone`);
      }
      const table = await readTableManifest(context, manifest);
      named.add(manifest.key);
      for (const pack of table.packBytes().keys()) named.add(keys.pack(dir, pack));
    }
    this.#named.set(manifestKey, named);
    return named;
  }
}
