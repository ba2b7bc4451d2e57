/**
 * Makes files durable while others are still being written, so that the disk is busy all the time and not at the end only.
 *
 * @module
 */
import type { FileSystem } from "../platform/mod.ts";

/** Files that are synced at the same time. */
const SYNCS_MAX = 4;

/** Files are added when nothing more is written to them. After a failure nothing else is begun. */
export class BackgroundSync {
  readonly #fs: FileSystem;
  readonly #running = new Set<Promise<void>>();
  #waiting: string[] = [];
  #failure: { readonly error: unknown } | null = null;

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  /** Begins to sync a file, now or when others are done. @throws what has failed so far. */
  add(path: string): void {
    if (this.#failure !== null) throw this.#failure.error;
    this.#waiting.push(path);
    this.#begin();
  }

  /** Resolves when every file that was added is durable. @throws the first failure. */
  async finish(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Begins nothing more and waits for what runs, whatever comes of it. */
  async settle(): Promise<void> {
    this.#waiting = [];
    await Promise.all(this.#running);
  }

  #begin(): void {
    while (this.#running.size < SYNCS_MAX && this.#waiting.length > 0 && this.#failure === null) {
      const running = this.#sync(this.#waiting.shift()!).catch((error: unknown) => {
        this.#failure ??= { error };
      }).finally(() => {
        this.#running.delete(running);
        this.#begin();
      });
      this.#running.add(running);
    }
  }

  async #sync(path: string): Promise<void> {
    using file = this.#fs.open(path, "readWrite");
    await file.syncDataAsync();
  }
}
