/**
 * A file system that fails on demand: wraps any other one, counts the calls, and makes the chosen ones throw. Over the
 * real file system it shows that errors are handled; over the simulated one, that a machine stopped at any call recovers:
 *
 * ```ts
 * const disk = new SimulatedFileSystem();
 * for (let n = 1; ; n++) {
 *   const faults = new FaultFileSystem(disk);
 *   faults.stopAt(n);
 *   … work with faults until it throws StoppedError …
 *   disk.crash(random);
 *   … reopen with disk, check …
 * }
 * ```
 *
 * @module
 */
import type { DirEntry, FileHandle, FileInfo, FileSystem, OpenMode } from "./file_system.ts";

/** What a call does. `close` is never counted and never fails, so that `using` stays usable. */
export type FileOperation =
  | "open"
  | "stat"
  | "readDir"
  | "mkdir"
  | "remove"
  | "removeTree"
  | "rename"
  | "link"
  | "syncDir"
  | "syncAll"
  | "availableBytes"
  | "read"
  | "write"
  | "size"
  | "truncate"
  | "sync"
  | "syncData"
  | "tryLock";

/** Operations that change what is, or what is durable. An `open` counts when it may create the file. */
const CHANGES: ReadonlySet<FileOperation> = new Set([
  "mkdir",
  "remove",
  "removeTree",
  "rename",
  "link",
  "syncDir",
  "syncAll",
  "write",
  "truncate",
  "sync",
  "syncData",
]);

/** One call, as a predicate sees it. */
export interface FileCall {
  readonly operation: FileOperation;
  /** The path the operation is on; for a rename or link, where it comes from. */
  readonly path: string;
  /** True if it changes content, names or durability. */
  readonly isChange: boolean;
  /** 1 for the first call since the wrapper was made. */
  readonly callNumber: number;
  /** 1 for the first change since the wrapper was made; for other calls, the number of the last change. */
  readonly changeNumber: number;
}

/** How much of a failing call happens nevertheless: nothing, the first half of a write, or all of it. */
export type FaultEffect = "none" | "partial" | "applied";

/** Options of an injected fault. */
export interface FaultOptions {
  /** Default `none`. `partial` is `none` for everything but writes. */
  readonly effect?: FaultEffect;
  /** The error to throw; an {@linkcode InjectedError} when left out. */
  readonly error?: Error;
}

/** The failure of a call that was asked to fail. */
export class InjectedError extends Error {
  override readonly name: string = "InjectedError";
  readonly call: FileCall;

  constructor(call: FileCall, message = "Injected failure") {
    super(`${message} of ${call.operation} on "${call.path}" (call ${call.callNumber})`);
    this.call = call;
  }
}

/** The machine stopped: this call and every later one fail. */
export class StoppedError extends InjectedError {
  override readonly name: string = "StoppedError";

  constructor(call: FileCall) {
    super(call, "The machine stopped, refusal");
  }
}

interface Fault {
  matches(call: FileCall): boolean;
  readonly isOnce: boolean;
  readonly options: FaultOptions;
}

/** {@linkcode FileSystem} that passes calls on, counts them and fails the chosen ones. */
export class FaultFileSystem implements FileSystem {
  readonly #inner: FileSystem;
  #faults: Fault[] = [];
  #stopNumber = Infinity;
  #stopEffect: FaultEffect = "none";
  #callCount = 0;
  #changeCount = 0;

  constructor(inner: FileSystem) {
    this.#inner = inner;
  }

  /** Calls so far. */
  get callCount(): number {
    return this.#callCount;
  }
  /** Changing calls so far. */
  get changeCount(): number {
    return this.#changeCount;
  }
  /** Makes the n-th call from now fail, once; 1 is the next one. */
  failAt(n: number, options: FaultOptions = {}): void {
    const callNumber = this.#callCount + n;
    this.#faults.push({
      matches: (call) => call.callNumber === callNumber,
      isOnce: true,
      options,
    });
  }
  /** Makes every call fail that the predicate picks, until {@linkcode clear}. */
  failWhen(predicate: (call: FileCall) => boolean, options: FaultOptions = {}): void {
    this.#faults.push({ matches: predicate, isOnce: false, options });
  }
  /** Stops the machine at the n-th changing call from now: it and every later call throw {@linkcode StoppedError}. */
  stopAt(n: number, effect: FaultEffect = "none"): void {
    this.#stopNumber = this.#changeCount + n;
    this.#stopEffect = effect;
  }
  /** Forgets all faults; a stopped machine runs again. */
  clear(): void {
    this.#faults = [];
    this.#stopNumber = Infinity;
  }

  open(path: string, mode: OpenMode): FileHandle {
    const isChange = mode === "create" || mode === "createNew";
    const apply = () => this.#inner.open(path, mode);
    const handle = this.run({ operation: "open", path, isChange }, {
      apply,
      undo: (h) => h.close(),
    });
    return new FaultHandle(this, handle);
  }
  stat(path: string): FileInfo | null {
    return this.run({ operation: "stat", path }, { apply: () => this.#inner.stat(path) });
  }
  readDir(path: string): DirEntry[] {
    return this.run({ operation: "readDir", path }, { apply: () => this.#inner.readDir(path) });
  }
  mkdir(path: string): void {
    this.run({ operation: "mkdir", path }, { apply: () => this.#inner.mkdir(path) });
  }
  remove(path: string): void {
    this.run({ operation: "remove", path }, { apply: () => this.#inner.remove(path) });
  }
  removeTree(path: string): void {
    this.run({ operation: "removeTree", path }, { apply: () => this.#inner.removeTree(path) });
  }
  rename(from: string, to: string): void {
    this.run({ operation: "rename", path: from }, { apply: () => this.#inner.rename(from, to) });
  }
  link(from: string, to: string): void {
    this.run({ operation: "link", path: from }, { apply: () => this.#inner.link(from, to) });
  }
  syncDir(path: string): void {
    this.run({ operation: "syncDir", path }, { apply: () => this.#inner.syncDir(path) });
  }
  async syncDirAsync(path: string): Promise<void> {
    await this.run({ operation: "syncDir", path }, {
      apply: () => this.#inner.syncDirAsync(path),
    });
  }
  async syncAll(): Promise<void> {
    await this.run({ operation: "syncAll", path: "/" }, { apply: () => this.#inner.syncAll() });
  }
  availableBytes(path: string): number | null {
    const apply = () => this.#inner.availableBytes(path);
    return this.run({ operation: "availableBytes", path }, { apply });
  }

  /**
   * Runs one call, or makes it fail. For the handles of this file system.
   *
   * @param work `apply`: the call; `partially`: what a partial failure does; `undo`: releases a result that is not returned.
   */
  run<T>(
    facts: { operation: FileOperation; path: string; isChange?: boolean },
    work: { apply: () => T; partially?: () => void; undo?: (result: T) => void },
  ): T {
    const isChange = facts.isChange ?? CHANGES.has(facts.operation);
    const call: FileCall = {
      operation: facts.operation,
      path: facts.path,
      isChange,
      callNumber: ++this.#callCount,
      changeNumber: isChange ? ++this.#changeCount : this.#changeCount,
    };
    const fail = (effect: FaultEffect, error: Error): never => {
      if (effect === "partial") work.partially?.();
      else if (effect === "applied") {
        const result = work.apply();
        work.undo?.(result);
      }
      throw error;
    };
    if (isChange && call.changeNumber === this.#stopNumber) {
      fail(this.#stopEffect, new StoppedError(call));
    }
    if (call.changeNumber >= this.#stopNumber) throw new StoppedError(call);
    const fault = this.#faults.find((candidate) => candidate.matches(call));
    if (fault === undefined) return work.apply();
    if (fault.isOnce) this.#faults.splice(this.#faults.indexOf(fault), 1);
    return fail(fault.options.effect ?? "none", fault.options.error ?? new InjectedError(call));
  }
}

class FaultHandle implements FileHandle {
  readonly path: string;
  readonly #system: FaultFileSystem;
  readonly #inner: FileHandle;

  constructor(system: FaultFileSystem, inner: FileHandle) {
    this.#system = system;
    this.#inner = inner;
    this.path = inner.path;
  }
  read(buffer: Uint8Array, position: number): number {
    return this.#run("read", () => this.#inner.read(buffer, position));
  }
  write(buffer: Uint8Array, position: number): void {
    this.#system.run({ operation: "write", path: this.path }, {
      apply: () => this.#inner.write(buffer, position),
      partially: () => this.#inner.write(buffer.subarray(0, buffer.byteLength >>> 1), position),
    });
  }
  async writeAsync(buffer: Uint8Array, position: number): Promise<void> {
    await this.#system.run({ operation: "write", path: this.path }, {
      apply: () => this.#inner.writeAsync(buffer, position),
      partially: () => this.#inner.write(buffer.subarray(0, buffer.byteLength >>> 1), position),
    });
  }
  size(): number {
    return this.#run("size", () => this.#inner.size());
  }
  truncate(size: number): void {
    this.#run("truncate", () => this.#inner.truncate(size));
  }
  sync(): void {
    this.#run("sync", () => this.#inner.sync());
  }
  syncData(): void {
    this.#run("syncData", () => this.#inner.syncData());
  }
  async syncDataAsync(): Promise<void> {
    await this.#run("syncData", () => this.#inner.syncDataAsync());
  }
  tryLock(): boolean {
    return this.#run("tryLock", () => this.#inner.tryLock());
  }
  close(): void {
    this.#inner.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }
  #run<T>(operation: FileOperation, apply: () => T): T {
    return this.#system.run({ operation, path: this.path }, { apply });
  }
}
