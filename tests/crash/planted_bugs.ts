/**
 * Bugs to plant between engine and disk, so that the simulation proves it would see them: an fsync that is left out, and two
 * steps in the wrong order. While the machine runs nothing is different; only a crash tells.
 *
 * @module
 */
import type {
  DirEntry,
  FileHandle,
  FileInfo,
  FileSystem,
  OpenMode,
} from "../../src/platform/mod.ts";

/** A call that a bug may touch. */
export interface BugCall {
  readonly operation: "write" | "sync" | "syncDir" | "rename";
  readonly path: string;
}

/** A bug: calls to leave out, or calls to hold back until another one was made. */
export interface PlantedBug {
  readonly name: string;
  /** Calls that do nothing. */
  readonly skips?: (call: BugCall) => boolean;
  /** Calls that wait … */
  readonly holds?: (call: BugCall) => boolean;
  /** … until after the next of these. */
  readonly releases?: (call: BugCall) => boolean;
  /** How many of these it takes; one by default. */
  readonly releaseAfter?: number;
}

const isSegmentFile = (path: string) => /\/wal\d+\/\d+\/[^/]+$/.test(path);
const isPartitionFile = (path: string) => /\/\d{4}-\d\d-\d\d[^/]*\/[^/]+$/.test(path);
const isTableDirectory = (path: string) => /\/db\/[^/]+$/.test(path);

/** At least one bug for every rule of the write order; docs/internals/testing.md lists them. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "segments are not synced before a commit",
    skips: ({ operation, path }) => operation === "sync" && isSegmentFile(path),
  },
  {
    name: "the sequencer's log is not synced",
    skips: ({ operation, path }) => operation === "sync" && path.endsWith("/_txnlog"),
  },
  {
    name: "partition files are not synced before _txn",
    skips: ({ operation, path }) => operation === "sync" && isPartitionFile(path),
  },
  {
    name: "_txn is not synced before the WAL is purged",
    skips: ({ operation, path }) => operation === "sync" && path.endsWith("/_txn"),
  },
  {
    name: "names in the table directory are not made durable",
    skips: ({ operation, path }) => operation === "syncDir" && isTableDirectory(path),
  },
  {
    name: "symbol texts are not synced",
    skips: ({ operation, path }) => operation === "sync" && /\.[co](\.\d+)?$/.test(path),
  },
  {
    name: "the log is published before the event",
    holds: ({ operation, path }) => operation === "write" && path.endsWith("/_event"),
    releases: ({ operation, path }) => operation === "write" && path.endsWith("/_txnlog"),
  },
  {
    name: "_txn is synced before the columns",
    holds: ({ operation, path }) => operation === "sync" && isPartitionFile(path),
    releases: ({ operation, path }) => operation === "sync" && path.endsWith("/_txn"),
    releaseAfter: 2, // the first sync of a commit is before the version that publishes it
  },
  {
    name: "the durable mark moves before the sync",
    holds: ({ operation, path }) =>
      operation === "sync" && (isSegmentFile(path) || path.endsWith("/_txnlog")),
    releases: ({ operation, path }) =>
      operation === "sync" && path.includes("/.durable/") && !path.endsWith(".table"),
  },
  {
    name: "the record of a table's durable state is not synced",
    skips: ({ operation, path }) => operation === "sync" && path.endsWith(".table"),
  },
  {
    name: "the record of a table's durable state moves before its files are synced",
    holds: ({ operation, path }) => operation === "sync" && isPartitionFile(path),
    releases: ({ operation, path }) => operation === "sync" && path.endsWith(".table"),
  },
  {
    name: "the record of a table's durable state stays when its columns change",
    skips: ({ operation, path }) => operation === "syncDir" && path.endsWith("/.durable"),
  },
  {
    name: "the registry is not synced",
    skips: ({ operation, path }) => operation === "sync" && /\/tables\.d\.\d+$/.test(path),
  },
];

/** Puts a bug between an engine and a file system. */
export class BuggyFileSystem implements FileSystem {
  readonly #inner: FileSystem;
  readonly #bug: PlantedBug;
  #releaseCount = 0;
  #held: { path: string; run: () => void }[] = [];

  constructor(inner: FileSystem, bug: PlantedBug) {
    this.#inner = inner;
    this.#bug = bug;
  }
  /** Makes a call, or does to it what the bug does. */
  call(call: BugCall, run: () => void): void {
    if (this.#bug.skips?.(call) === true) return;
    if (this.#bug.holds?.(call) === true) {
      this.#held.push({ path: call.path, run });
      return;
    }
    if (call.operation !== "sync") this.catchUp(call.path);
    run();
    if (this.#bug.releases?.(call) !== true) return;
    if (++this.#releaseCount % (this.#bug.releaseAfter ?? 1) === 0) this.catchUp(null);
  }
  /** Makes the held calls on a path, or all, so that nobody notices while the machine runs. */
  catchUp(path: string | null): void {
    if (this.#held.length === 0) return;
    if (path !== null && !this.#held.some((held) => held.path === path)) return;
    const held = this.#held;
    this.#held = [];
    for (const { run } of held) run();
  }
  /** Closes a file, behind the held calls on it. */
  closeAfterHeld(path: string, close: () => void): void {
    if (this.#held.some((held) => held.path === path)) this.#held.push({ path, run: close });
    else close();
  }

  open(path: string, mode: OpenMode): FileHandle {
    return new BuggyHandle(this, this.#inner.open(path, mode));
  }
  stat(path: string): FileInfo | null {
    this.catchUp(path);
    return this.#inner.stat(path);
  }
  readDir(path: string): DirEntry[] {
    return this.#inner.readDir(path);
  }
  mkdir(path: string): void {
    this.#inner.mkdir(path);
  }
  remove(path: string): void {
    this.catchUp(path);
    this.#inner.remove(path);
  }
  removeTree(path: string): void {
    this.catchUp(null);
    this.#inner.removeTree(path);
  }
  rename(from: string, to: string): void {
    this.catchUp(from);
    this.call({ operation: "rename", path: to }, () => this.#inner.rename(from, to));
  }
  link(from: string, to: string): void {
    this.catchUp(from);
    this.#inner.link(from, to);
  }
  syncDir(path: string): void {
    this.call({ operation: "syncDir", path }, () => this.#inner.syncDir(path));
  }
  syncDirAsync(path: string): Promise<void> {
    return Promise.resolve().then(() => this.syncDir(path));
  }
  syncAll(): Promise<void> {
    this.catchUp(null);
    return this.#inner.syncAll();
  }
  availableBytes(path: string): number | null {
    return this.#inner.availableBytes(path);
  }
}

class BuggyHandle implements FileHandle {
  readonly path: string;
  readonly #system: BuggyFileSystem;
  readonly #inner: FileHandle;

  constructor(system: BuggyFileSystem, inner: FileHandle) {
    this.#system = system;
    this.#inner = inner;
    this.path = inner.path;
  }
  read(buffer: Uint8Array, position: number): number {
    this.#system.catchUp(this.path);
    return this.#inner.read(buffer, position);
  }
  write(buffer: Uint8Array, position: number): void {
    const bytes = buffer.slice(); // the caller may use its memory again before a held write is made
    this.#system.call(
      { operation: "write", path: this.path },
      () => this.#inner.write(bytes, position),
    );
  }
  async writeAsync(buffer: Uint8Array, position: number): Promise<void> {
    await Promise.resolve();
    this.write(buffer, position);
  }
  size(): number {
    this.#system.catchUp(this.path);
    return this.#inner.size();
  }
  truncate(size: number): void {
    this.#system.catchUp(this.path);
    this.#inner.truncate(size);
  }
  sync(): void {
    this.#system.call({ operation: "sync", path: this.path }, () => this.#inner.sync());
  }
  syncData(): void {
    this.#system.call({ operation: "sync", path: this.path }, () => this.#inner.syncData());
  }
  async syncDataAsync(): Promise<void> {
    await Promise.resolve();
    this.syncData();
  }
  tryLock(): boolean {
    return this.#inner.tryLock();
  }
  close(): void {
    this.#system.closeAfterHeld(this.path, () => this.#inner.close());
  }
  [Symbol.dispose](): void {
    this.close();
  }
}
