/**
 * A file system in memory that can lose power: it knows which bytes and names are durable and forgets the others, whole,
 * in part or not at all, as the caller's random numbers say. The same numbers give the same outcome.
 *
 * What survives a power loss:
 * - bytes and length of a file as of its last `sync`/`syncData`; what came later in any state that
 *   `simulated_file.ts` calls legal, torn writes included;
 * - names as of the last `syncDir` of their directory; what came later as `simulated_directory.ts` says. Syncing a file
 *   does not make its name durable.
 *
 * @module
 */
import type { DirEntry, FileHandle, FileInfo, FileSystem, OpenMode } from "./file_system.ts";
import { DirectoryJournal, SimulatedDirectory, type SimulatedNode } from "./simulated_directory.ts";
import { type RandomNumbers, SimulatedFile } from "./simulated_file.ts";

/** Options of {@linkcode SimulatedFileSystem}. */
export interface SimulatedFileSystemOptions {
  /** What `availableBytes` answers; unknown (`null`) when left out. */
  readonly availableBytes?: number;
}

function systemError(code: string, path: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message} [file=${path}]`), { code });
}

interface OpenedFile {
  readonly file: SimulatedFile;
  readonly path: string;
  readonly mode: OpenMode;
}

class SimulatedHandle implements FileHandle {
  readonly path: string;
  readonly #system: SimulatedFileSystem;
  readonly #file: SimulatedFile;
  readonly #isWritable: boolean;
  readonly #generation: number;
  #isOpen = true;

  constructor(system: SimulatedFileSystem, opened: OpenedFile) {
    this.#system = system;
    this.#file = opened.file;
    this.path = opened.path;
    this.#isWritable = opened.mode !== "read";
    this.#generation = system.generation;
  }
  read(buffer: Uint8Array, position: number): number {
    this.#check(false);
    return this.#file.read(buffer, position);
  }
  write(buffer: Uint8Array, position: number): void {
    this.#check(true);
    this.#file.write(buffer, position);
    this.#file.modifiedMillis = this.#system.tick();
  }
  async writeAsync(buffer: Uint8Array, position: number): Promise<void> {
    await Promise.resolve();
    this.write(buffer, position);
  }
  size(): number {
    this.#check(false);
    return this.#file.size;
  }
  truncate(size: number): void {
    this.#check(true);
    this.#file.resize(size);
    this.#file.modifiedMillis = this.#system.tick();
  }
  sync(): void {
    this.#check(false);
    this.#file.sync();
  }
  syncData(): void {
    this.sync();
  }
  syncDataAsync(): Promise<void> {
    return Promise.resolve().then(() => this.sync());
  }
  tryLock(): boolean {
    this.#check(false);
    if (this.#file.lockOwner !== null && this.#file.lockOwner !== this) return false;
    this.#file.lockOwner = this;
    return true;
  }
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#file.lockOwner === this) this.#file.lockOwner = null;
  }
  [Symbol.dispose](): void {
    this.close();
  }
  #check(needsWrite: boolean): void {
    if (!this.#isOpen || this.#generation !== this.#system.generation) {
      throw systemError("EBADF", this.path, "the handle is closed");
    }
    if (needsWrite && !this.#isWritable) {
      throw systemError("EBADF", this.path, "the handle is for reading");
    }
  }
}

/** {@linkcode FileSystem} in memory, with {@linkcode SimulatedFileSystem.crash}. Starts with an empty root directory. */
export class SimulatedFileSystem implements FileSystem {
  /** Counts crashes; handles of an earlier generation are dead. */
  generation = 0;
  readonly #root = new SimulatedDirectory(0);
  readonly #journal = new DirectoryJournal();
  readonly #availableBytes: number | null;
  #time = 0;

  constructor(options: SimulatedFileSystemOptions = {}) {
    this.#availableBytes = options.availableBytes ?? null;
  }

  /** Power loss: un-synced changes survive in part, as `random` says. Every handle is dead, every lock released. */
  crash(random: RandomNumbers): void {
    this.generation++;
    this.#journal.losePower(random);
    const seen = new Set<SimulatedNode>();
    const visit = (directory: SimulatedDirectory) => {
      directory.entries = new Map(directory.durable);
      for (const node of directory.entries.values()) {
        if (seen.has(node)) continue;
        seen.add(node);
        if (node.isDirectory) visit(node);
        else node.losePower(random);
      }
    };
    visit(this.#root);
  }

  /** The process dies, the machine lives on: nothing is lost, every handle is dead, every lock released. */
  killProcess(): void {
    this.generation++;
    const visit = (directory: SimulatedDirectory) => {
      for (const node of directory.entries.values()) {
        if (node.isDirectory) visit(node);
        else node.lockOwner = null;
      }
    };
    visit(this.#root);
  }

  /** Advances the logical clock of modification times. */
  tick(): number {
    return ++this.#time;
  }

  open(path: string, mode: OpenMode): FileHandle {
    const { directory, name } = this.#locate(path);
    let node = directory.entries.get(name) ?? null;
    if (node !== null && mode === "createNew") throw alreadyExists(path);
    if (node?.isDirectory) throw new Deno.errors.IsADirectory(`Is a directory [file=${path}]`);
    if (node === null) {
      if (mode === "read" || mode === "readWrite") throw notFound(path);
      node = new SimulatedFile(this.tick());
      this.#journal.add({ assignments: [{ directory, name, node }] });
    }
    return new SimulatedHandle(this, { file: node as SimulatedFile, path, mode });
  }
  stat(path: string): FileInfo | null {
    const node = this.#find(path);
    if (node === null) return null;
    return { isDirectory: node.isDirectory, size: node.size, modifiedMillis: node.modifiedMillis };
  }
  readDir(path: string): DirEntry[] {
    return [...this.#directory(path).entries]
      .map(([name, node]) => ({ name, isDirectory: node.isDirectory }))
      .sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  }
  mkdir(path: string): void {
    let directory = this.#root;
    for (const name of componentsOf(path)) {
      let node = directory.entries.get(name) ?? null;
      if (node === null) {
        node = new SimulatedDirectory(this.tick());
        this.#journal.add({ assignments: [{ directory, name, node }] });
      }
      if (!node.isDirectory) throw alreadyExists(path);
      directory = node;
    }
  }
  remove(path: string): void {
    const { directory, name } = this.#locate(path);
    const node = directory.entries.get(name);
    if (node === undefined) throw notFound(path);
    if (node.isDirectory && node.entries.size > 0) {
      throw systemError("ENOTEMPTY", path, "the directory is not empty");
    }
    this.#journal.add({ assignments: [{ directory, name, node: null }] });
  }
  removeTree(path: string): void {
    const node = this.#find(path);
    if (node === null) return;
    if (node.isDirectory) {
      for (const name of [...node.entries.keys()]) this.removeTree(`${path}/${name}`);
    }
    this.remove(path);
  }
  rename(from: string, to: string): void {
    const source = this.#locate(from), target = this.#locate(to);
    const node = source.directory.entries.get(source.name);
    if (node === undefined) throw notFound(from);
    const replaced = target.directory.entries.get(target.name);
    if (replaced === node) return;
    if (replaced?.isDirectory && (!node.isDirectory || replaced.entries.size > 0)) {
      throw systemError("ENOTEMPTY", to, "a directory is in the way");
    }
    if (replaced !== undefined && !replaced.isDirectory && node.isDirectory) {
      throw systemError("ENOTDIR", to, "a file is in the way");
    }
    this.#journal.add({ assignments: [{ ...source, node: null }, { ...target, node }] });
  }
  link(from: string, to: string): void {
    const source = this.#locate(from), target = this.#locate(to);
    const node = source.directory.entries.get(source.name);
    if (node === undefined) throw notFound(from);
    if (node.isDirectory) throw systemError("EPERM", from, "a directory cannot be linked");
    if (target.directory.entries.has(target.name)) throw alreadyExists(to);
    this.#journal.add({ assignments: [{ ...target, node }], sources: [source] });
  }
  syncDir(path: string): void {
    this.#journal.sync(this.#directory(path));
  }
  syncDirAsync(path: string): Promise<void> {
    return Promise.resolve().then(() => this.syncDir(path));
  }
  syncAll(): Promise<void> {
    const visit = (directory: SimulatedDirectory) => {
      this.#journal.sync(directory);
      for (const node of directory.entries.values()) {
        if (node.isDirectory) visit(node);
        else node.sync();
      }
    };
    return Promise.resolve().then(() => visit(this.#root));
  }
  availableBytes(_path: string): number | null {
    return this.#availableBytes;
  }

  #find(path: string): SimulatedNode | null {
    let node: SimulatedNode = this.#root;
    for (const name of componentsOf(path)) {
      if (!node.isDirectory) return null;
      const next = node.entries.get(name);
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }
  #directory(path: string): SimulatedDirectory {
    const node = this.#find(path);
    if (node === null) throw notFound(path);
    if (!node.isDirectory) throw systemError("ENOTDIR", path, "not a directory");
    return node;
  }
  #locate(path: string): { directory: SimulatedDirectory; name: string } {
    const components = componentsOf(path);
    const name = components.pop();
    if (name === undefined) throw systemError("EBUSY", path, "the root directory");
    return { directory: this.#directory(`/${components.join("/")}`), name };
  }
}

function componentsOf(path: string): string[] {
  const components = path.split("/").filter((part) => part !== "" && part !== ".");
  if (!path.startsWith("/") || components.includes("..")) {
    throw new TypeError(`Cannot use "${path}": paths are absolute and without ".."`);
  }
  return components;
}

function notFound(path: string): Error {
  return new Deno.errors.NotFound(`No such file or directory [file=${path}]`);
}

function alreadyExists(path: string): Error {
  return new Deno.errors.AlreadyExists(`File exists [file=${path}]`);
}
