/**
 * Work for other threads: named tasks with plain arguments. A handler sees only its context and arguments, and returns a plain value or
 * a promise of one, so the same task runs in a worker, or inline in a test.
 *
 * @module
 */
import type { FileSystem } from "../platform/mod.ts";
import type { WasmCore } from "./core.ts";

/** What a handler may use besides its arguments. */
export interface TaskContext {
  /** A core whose memory region belongs to the thread that runs the task. */
  readonly core: WasmCore;
  readonly fs: FileSystem;
}

/**
 * A result with buffers that change hands instead of being copied: the thread that made them must not touch them again.
 */
export class Transferred {
  readonly value: unknown;
  readonly buffers: ArrayBuffer[];

  constructor(value: unknown, buffers: ArrayBuffer[]) {
    [this.value, this.buffers] = [value, buffers];
  }
}

/** Runs one task. Arguments and result, or what the result resolves to, must be structured-cloneable; or a {@linkcode Transferred}. */
// deno-lint-ignore no-explicit-any
export type TaskHandler = (context: TaskContext, args: any) => unknown;

/** Handlers by task name. */
export type TaskHandlers = Readonly<Record<string, TaskHandler>>;

/** Classes of work; a waiting task of an earlier class goes first. */
export const TASK_PRIORITIES = ["apply", "backup"] as const;

/** A class of work. */
export type TaskPriority = typeof TASK_PRIORITIES[number];

/** How a task is run. */
export interface TaskOptions {
  /** Tasks with the same number run on the same worker, one after the other. */
  readonly affinity?: number;
  /** Rejects the task with the signal's reason if it has not started yet. */
  readonly signal?: AbortSignal;
  /** Class of work; `backup` when left out. */
  readonly priority?: TaskPriority;
}

/** Something that runs tasks. */
export interface TaskRunner extends AsyncDisposable {
  /** How many tasks can run at the same time. */
  readonly workerCount: number;
  /**
   * Runs a task.
   *
   * @throws {QuestError} what the handler threw, by class, message and context.
   * @throws {LimitError} when too many tasks are waiting.
   */
  run<T>(name: string, args: unknown, options?: TaskOptions): Promise<T>;
  /**
   * Longest time that a task of the class `apply` waited for a worker since the last call, milliseconds. Left out where tasks do
   * not wait for workers.
   */
  takeQueueDelayMillis?(): number;
}

/** Runs tasks on the calling thread, one after the other; for tests and simulation. */
export class InlineTaskRunner implements TaskRunner {
  readonly workerCount = 1;
  readonly #context: TaskContext;
  readonly #handlers: TaskHandlers;
  /** Ends with the last task that was given. */
  #last: Promise<void> = Promise.resolve();

  constructor(context: TaskContext, handlers: TaskHandlers) {
    this.#context = context;
    this.#handlers = handlers;
  }
  run<T>(name: string, args: unknown, options: TaskOptions = {}): Promise<T> {
    const result = this.#last.then(async () => { // never before the caller goes on, as in a pool
      options.signal?.throwIfAborted();
      const handler = this.#handlers[name];
      if (handler === undefined) {
        throw new Error(`Assertion failed: task "${name}" has a handler`);
      }
      // Cloned both ways, so that what could not cross threads fails here too.
      const result = await handler(this.#context, structuredClone(args));
      const { value, buffers } = result instanceof Transferred
        ? result
        : new Transferred(result, []);
      return structuredClone(value, { transfer: buffers }) as T;
    });
    const ignore = () => {}; // the caller has the failure
    this.#last = result.then(ignore, ignore);
    return result;
  }
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
