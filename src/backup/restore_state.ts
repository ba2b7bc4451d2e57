/**
 * What a restore leaves on disk on its way, and what the next start makes of it after a crash.
 *
 * ```
 * db/.restore/tables/<dir>/   tables being restored        db/.restore/files/   database-level files
 * db/.restore/plan.json       written when all of that is complete, verified and synced
 *
 * phase      on disk                             next start with the trigger      without it
 * staging    .restore, no plan                   removed, begins again            removed
 * publishing .restore with plan, no .data_id     renames what is still staged     refuses to open the root
 * published  .restore with plan, .data_id        removes trigger, then .restore   removes .restore
 * ```
 * A table becomes visible in `db/` only in the publishing phase, when every table is complete. `.data_id` is written after
 * the last rename.
 *
 * A table that fails is moved to `.restore_failed/<dir>` and its name is added to `_restore_failed`; starts are then refused
 * until the operator has removed both.
 *
 * @module
 */
import { RestoreError } from "../common/mod.ts";
import { type FileSystem, parentPath, readFile, writeFileAtomic } from "../platform/mod.ts";
import { checkComponent, checkTableDirectory } from "./path_safety.ts";
import { TRIGGER_FILE } from "./restore_trigger.ts";

/** Directory of failed tables. */
export const FAILED_DIRECTORY = ".restore_failed";
/** File that lists them. */
export const FAILED_FILE = "_restore_failed";
const STAGING_DIRECTORY = ".restore";
const DATA_ID_FILE = ".data_id";
const DATA_ID_BYTES = 16;
const PLAN_BYTES_MAX = 268_435_456;
const REGISTRY_FILE = /^tables\.d\.\d+$/;

/** What is to be published. */
export interface PublishPlan {
  /** UUID text. */
  readonly data_id: string;
  readonly instance: string;
  readonly timestamp: string;
  readonly tables: readonly string[];
  readonly files: readonly string[];
}

/** The restore's view of the two roots. */
export class RestoreState {
  readonly staging: string;
  readonly #fs: FileSystem;
  readonly #installRoot: string;
  readonly #dbRoot: string;

  constructor(fs: FileSystem, roots: { readonly installRoot: string; readonly dbRoot: string }) {
    this.#fs = fs;
    this.#installRoot = roots.installRoot;
    this.#dbRoot = roots.dbRoot;
    this.staging = `${roots.dbRoot}/${STAGING_DIRECTORY}`;
  }

  /** True once `.data_id` is whole: the database exists. */
  get hasDataId(): boolean {
    return (this.#fs.stat(`${this.#dbRoot}/${DATA_ID_FILE}`)?.size ?? 0) >= DATA_ID_BYTES;
  }

  /** The plan of an interrupted publishing phase, or `null`. @throws {RestoreError} if it is damaged. */
  readPlan(): PublishPlan | null {
    const path = `${this.staging}/plan.json`;
    if (this.#fs.stat(path) === null) return null;
    try {
      const text = new TextDecoder().decode(readFile(this.#fs, path, PLAN_BYTES_MAX));
      const plan = JSON.parse(text) as PublishPlan;
      for (const table of plan.tables) checkTableDirectory(table, path);
      for (const file of plan.files) checkComponent(file, path);
      return plan;
    } catch (error) {
      throw new RestoreError("plan of an interrupted restore cannot be read", { file: path }, {
        cause: error,
      });
    }
  }

  /** Handles what an earlier restore left although no trigger is there. @throws {RestoreError} if it was publishing. */
  cleanWithoutTrigger(): void {
    if (this.#fs.stat(this.staging) === null) return;
    if (!this.hasDataId && this.readPlan() !== null) {
      throw new RestoreError(
        "an interrupted restore left the database incomplete; put the restore file back to finish it, or remove the database directory",
        { file: `${this.#installRoot}/${TRIGGER_FILE}`, directory: this.#dbRoot },
      );
    }
    this.removeStaging();
  }

  /** Refuses to restore over data or over a failed attempt. @throws {RestoreError} */
  checkEmpty(): void {
    const failed = [
      `${this.#installRoot}/${FAILED_DIRECTORY}`,
      `${this.#dbRoot}/${FAILED_DIRECTORY}`,
      `${this.#installRoot}/${FAILED_FILE}`,
    ].find((path) => this.#fs.stat(path) !== null);
    if (failed !== undefined) {
      throw new RestoreError("Failed restore directory found", { path: failed });
    }
    if (this.hasDataId) {
      throw new RestoreError(
        "The local database is not empty. It already has an associated data ID.",
        { file: `${this.#dbRoot}/${DATA_ID_FILE}` },
      );
    }
    if (this.#fs.stat(this.#dbRoot) === null) return;
    const table = this.#fs.readDir(this.#dbRoot).find((entry) =>
      entry.isDirectory && this.#fs.stat(`${this.#dbRoot}/${entry.name}/_txn`) !== null
    );
    if (table !== undefined) {
      throw new RestoreError("The local database is not empty.", {
        directory: `${this.#dbRoot}/${table.name}`,
      });
    }
  }

  /** Makes an empty staging directory; whatever an interrupted attempt left in it goes. */
  beginStaging(): void {
    this.#fs.removeTree(this.staging);
    this.#fs.mkdir(`${this.staging}/tables`);
    this.#fs.mkdir(`${this.staging}/files`);
  }

  /** Staged directory of a table. */
  tableDirectory(table: string): string {
    return `${this.staging}/tables/${table}`;
  }

  /** Staged directory of database-level files. */
  get filesDirectory(): string {
    return `${this.staging}/files`;
  }

  /** Removes everything that is staged. */
  removeStaging(): void {
    this.#fs.removeTree(this.staging);
    this.#fs.syncDir(this.#dbRoot);
  }

  /** Keeps what there is of a failed table for inspection and names it. */
  keepFailed(table: { readonly name: string; readonly directory: string }): void {
    const from = this.tableDirectory(table.directory);
    if (this.#fs.stat(from) === null) this.#fs.mkdir(from);
    const kept = `${this.#installRoot}/${FAILED_DIRECTORY}`;
    this.#fs.mkdir(kept);
    try {
      this.#fs.rename(from, `${kept}/${table.directory}`);
    } catch (error) {
      if ((error as { code?: string }).code !== "EXDEV") throw error;
      // The database is on another file system than the install root.
      const local = `${this.#dbRoot}/${FAILED_DIRECTORY}`;
      this.#fs.mkdir(local);
      this.#fs.rename(from, `${local}/${table.directory}`);
    }
    writeFileAtomic(
      this.#fs,
      `${this.#installRoot}/${FAILED_FILE}`,
      new TextEncoder().encode(`${table.name}\n`),
    );
  }

  /** Declares the staged state complete. Everything in it is synced already. */
  writePlan(plan: PublishPlan): void {
    this.#fs.syncDir(`${this.staging}/tables`);
    this.#fs.syncDir(`${this.staging}/files`);
    this.#fs.syncDir(this.staging);
    this.#fs.syncDir(this.#dbRoot);
    writeFileAtomic(
      this.#fs,
      `${this.staging}/plan.json`,
      new TextEncoder().encode(JSON.stringify(plan)),
    );
  }

  /** Moves everything into place and ends the restore; may be run again after a crash at any point. */
  publish(plan: PublishPlan): void {
    if (!this.hasDataId) {
      this.#moveFiles(plan);
      this.#moveTables(plan);
      this.#fs.syncDir(this.#dbRoot);
      this.#fs.syncDir(parentPath(this.#dbRoot));
      writeFileAtomic(this.#fs, `${this.#dbRoot}/${DATA_ID_FILE}`, uuidBytes(plan.data_id));
    }
    const trigger = `${this.#installRoot}/${TRIGGER_FILE}`;
    if (this.#fs.stat(trigger) !== null) {
      this.#fs.remove(trigger);
      this.#fs.syncDir(this.#installRoot);
    }
    this.removeStaging();
  }

  #moveFiles(plan: PublishPlan): void {
    const isStaged = (name: string) => this.#fs.stat(`${this.filesDirectory}/${name}`) !== null;
    for (const { name } of this.#fs.readDir(this.#dbRoot)) {
      // A registry without a data id is one of a first start that never ended.
      if (REGISTRY_FILE.test(name) && !(plan.files.includes(name) && !isStaged(name))) {
        this.#fs.remove(`${this.#dbRoot}/${name}`);
      }
    }
    for (const name of plan.files) {
      if (isStaged(name)) {
        this.#fs.rename(`${this.filesDirectory}/${name}`, `${this.#dbRoot}/${name}`);
      } else this.#requirePublished(name);
    }
  }

  #moveTables(plan: PublishPlan): void {
    for (const table of plan.tables) {
      const from = this.tableDirectory(table);
      if (this.#fs.stat(from) !== null) this.#fs.rename(from, `${this.#dbRoot}/${table}`);
      else this.#requirePublished(table);
    }
  }

  #requirePublished(name: string): void {
    if (this.#fs.stat(`${this.#dbRoot}/${name}`) === null) {
      throw new RestoreError("a restored file vanished before the restore was complete", {
        path: `${this.#dbRoot}/${name}`,
      });
    }
  }
}

/** The 16 bytes of a UUID's text, big endian. */
function uuidBytes(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replaceAll("-", "");
  return Uint8Array.from({ length: 16 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}
