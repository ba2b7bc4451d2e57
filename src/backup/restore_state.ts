/**
 * What a restore leaves on disk on its way, and what the next start makes of it after a crash.
 *
 * ```
 * db/.restore/tables/<dir>/   tables being restored        db/.restore/files/   database-level files
 * db/.restore/complete/<dir>  hash of the manifest of a table that is complete, verified and synced
 * db/.restore/plan.json       written when all of that is complete
 *
 * phase      on disk                             next start with the trigger      without it
 * staging    .restore, no plan                   goes on with what is there       removed
 * publishing .restore with plan, no .data_id     renames what is still staged     refuses to open the root
 * published  .restore with plan, .data_id        removes trigger, then .restore   removes .restore
 * ```
 * A table becomes visible in `db/` only in the publishing phase, when every table is complete. `.data_id` is written after
 * the last rename.
 *
 * What is staged is trusted only by its content: a complete table by the hash of its manifest, of others each slice by its own
 * hash. So it does not matter which backup an earlier attempt was restoring, or what a crash made of its files.
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
const TABLES = "tables";
const FILES = "files";
const COMPLETE = "complete";
const DATA_ID_FILE = ".data_id";
const DATA_ID_BYTES = 16;
const PLAN_BYTES_MAX = 268_435_456;
const MARK_BYTES_MAX = 1024;
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
        "an interrupted restore left the database incomplete; put the restore file back or run tidemark restore again to finish it, or remove the database directory",
        { file: `${this.#installRoot}/${TRIGGER_FILE}`, directory: this.#dbRoot },
      );
    }
    // A trigger that comes back with the power must find the staging directory, not a database that is in its way.
    this.#fs.syncDir(this.#installRoot);
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

  /** Makes the staging directory, or goes on with an earlier one: tables that this backup does not have are removed. */
  beginStaging(tables: readonly string[]): void {
    const names = new Set(tables);
    for (const part of [TABLES, COMPLETE]) {
      const directory = `${this.staging}/${part}`;
      this.#fs.mkdir(directory);
      for (const { name } of this.#fs.readDir(directory)) {
        if (!names.has(name)) this.#fs.removeTree(`${directory}/${name}`);
      }
    }
    // Few and small: not worth going on with.
    this.#fs.removeTree(this.filesDirectory);
    this.#fs.mkdir(this.filesDirectory);
  }

  /** Bytes of what an earlier attempt has staged. */
  stagedBytes(): number {
    return treeBytes(this.#fs, this.staging);
  }

  /** Tells whether a table is staged completely. @param manifestHash of the table's manifest. */
  isComplete(table: string, manifestHash: string): boolean {
    const mark = this.#mark(table);
    if (this.#fs.stat(mark) === null || this.#fs.stat(this.tableDirectory(table)) === null) {
      return false;
    }
    return new TextDecoder().decode(readFile(this.#fs, mark, MARK_BYTES_MAX)) === manifestHash;
  }

  /** Takes back that a table is complete, before its files are changed. */
  beginTable(table: string): void {
    const mark = this.#mark(table);
    if (this.#fs.stat(mark) === null) return;
    this.#fs.remove(mark);
    this.#fs.syncDir(`${this.staging}/${COMPLETE}`);
  }

  /** Notes that a table is complete; everything in its directory is synced already. */
  completeTable(table: string, manifestHash: string): void {
    this.#fs.syncDir(`${this.staging}/${TABLES}`);
    writeFileAtomic(this.#fs, this.#mark(table), new TextEncoder().encode(manifestHash));
  }

  #mark(table: string): string {
    return `${this.staging}/${COMPLETE}/${table}`;
  }

  /** Staged directory of a table. */
  tableDirectory(table: string): string {
    return `${this.staging}/${TABLES}/${table}`;
  }

  /** Staged directory of database-level files. */
  get filesDirectory(): string {
    return `${this.staging}/${FILES}`;
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
    const list = `${this.#installRoot}/${FAILED_FILE}`;
    const others = this.#fs.stat(list) === null
      ? ""
      : new TextDecoder().decode(readFile(this.#fs, list, PLAN_BYTES_MAX));
    writeFileAtomic(this.#fs, list, new TextEncoder().encode(`${others}${table.name}\n`));
  }

  /** Declares the staged state complete. Everything in it is synced already. */
  writePlan(plan: PublishPlan): void {
    this.#fs.syncDir(`${this.staging}/${TABLES}`);
    this.#fs.syncDir(`${this.staging}/${FILES}`);
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

function treeBytes(fs: FileSystem, directory: string): number {
  if (fs.stat(directory) === null) return 0;
  let bytes = 0;
  for (const { name, isDirectory } of fs.readDir(directory)) {
    const path = `${directory}/${name}`;
    bytes += isDirectory ? treeBytes(fs, path) : fs.stat(path)?.size ?? 0;
  }
  return bytes;
}

/** The 16 bytes of a UUID's text, big endian. */
function uuidBytes(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replaceAll("-", "");
  return Uint8Array.from({ length: 16 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}
