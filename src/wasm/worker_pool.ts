/**
 * A pool of workers over the shared memory.
 *
 * Invariants:
 * 1. A worker runs one task at a time; tasks of one affinity never overlap and keep their order.
 * 2. A worker that dies rejects its task and every task bound to it, and the pool refuses new ones: its region of memory may
 *    hold anything, and the process should end.
 * 3. At most {@linkcode MAX_WAITING_TASKS} tasks wait.
 * 4. A task whose arguments cannot be sent fails alone; its worker goes on.
 *
 * @module
 */
import { assert, LimitError, QuestError } from "../common/mod.ts";
import { lowerThreadPriority, RealFileSystem, SystemClock } from "../platform/mod.ts";
import { loadCore } from "./core.ts";
import { planRegions, type Region } from "./memory.ts";
import { type ErrorData, fromErrorData, toErrorData } from "./task_error.ts";
import {
  type TaskContext,
  type TaskHandlers,
  type TaskOptions,
  type TaskRunner,
  Transferred,
} from "./task_runner.ts";

/** Tasks that may wait for a worker; more means that a caller forgot to wait for results. */
export const MAX_WAITING_TASKS = 4096;

interface StartMessage {
  readonly kind: "start";
  readonly memory: WebAssembly.Memory;
  readonly region: Region;
}

interface RunMessage {
  readonly kind: "run";
  readonly name: string;
  readonly args: unknown;
}

type Reply =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly value: unknown }
  | { readonly kind: "failed"; readonly error: ErrorData };

interface Task {
  readonly message: RunMessage;
  readonly options: TaskOptions;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** When it began to wait, by the monotonic clock. */
  readonly queuedMillis: number;
  /** Runs when the task's signal fires. */
  readonly onAbort: () => void;
}

interface PoolWorker {
  readonly worker: Worker;
  current: Task | null;
}

/** How to start a pool. */
export interface WorkerPoolOptions {
  /** URL of a module that calls {@linkcode startWorker} in worker scope. */
  readonly workerUrl: string;
  readonly workerCount: number;
  /** The shared memory; workers get the regions of `planRegions(workerCount)`. */
  readonly memory: WebAssembly.Memory;
}

/** Runs tasks in workers. */
export class WorkerPool implements TaskRunner {
  readonly workerCount: number;
  readonly #workers: PoolWorker[] = [];
  #waiting: Task[] = [];
  #failure: Error | null = null;
  readonly #clock = new SystemClock();
  /** Of the tasks of the class `apply` that were started since somebody asked. */
  #queueDelayMillis = 0;
  /** Resolves with the reason when a worker dies; never rejects. The process should end then. */
  readonly died: Promise<Error>;
  readonly #reportDeath: (error: Error) => void;

  private constructor(workerCount: number) {
    this.workerCount = workerCount;
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.died = promise;
    this.#reportDeath = resolve;
  }

  /** Starts the workers and waits until each has loaded the core. @throws {QuestError} if one cannot start. */
  static async start(options: WorkerPoolOptions): Promise<WorkerPool> {
    assert(options.workerCount > 0, "a pool has workers");
    const pool = new WorkerPool(options.workerCount);
    const { workers: regions } = planRegions(options.workerCount);
    try {
      await Promise.all(regions.map((region) => pool.#startWorker(options, region)));
    } catch (error) {
      await pool[Symbol.asyncDispose]();
      throw error;
    }
    return pool;
  }

  run<T>(name: string, args: unknown, options: TaskOptions = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      if (options.signal?.aborted) return reject(options.signal.reason);
      const { affinity = 0 } = options;
      assert(
        Number.isSafeInteger(affinity) && affinity >= 0,
        `affinity is a non-negative integer: ${affinity}`,
      );
      if (this.#waiting.length >= MAX_WAITING_TASKS) {
        return reject(
          new LimitError("too many tasks are waiting for a worker", { limit: MAX_WAITING_TASKS }),
        );
      }
      const task: Task = {
        message: { kind: "run", name, args },
        options,
        queuedMillis: this.#clock.monotonicMillis(),
        resolve: resolve as (value: unknown) => void,
        reject,
        onAbort: () => this.#abort(task),
      };
      this.#waiting.push(task);
      options.signal?.addEventListener("abort", task.onAbort);
      this.#dispatch();
    });
  }

  takeQueueDelayMillis(): number {
    const now = this.#clock.monotonicMillis();
    const oldest = this.#waiting.find(({ options }) => options.priority === "apply");
    const delay = Math.max(this.#queueDelayMillis, now - (oldest?.queuedMillis ?? now));
    this.#queueDelayMillis = 0;
    return delay;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new QuestError("the worker pool is closed"));
    for (const { worker } of this.#workers) worker.terminate();
    return Promise.resolve();
  }

  #startWorker(options: WorkerPoolOptions, region: Region): Promise<void> {
    const worker = new Worker(options.workerUrl, { type: "module" });
    const slot: PoolWorker = { worker, current: null };
    this.#workers.push(slot);
    return new Promise((resolve, reject) => {
      worker.onmessage = (event: MessageEvent<Reply>) => {
        if (event.data.kind === "ready") resolve();
        else this.#finish(slot, event.data);
      };
      const die = (reason: string) => {
        const error = new QuestError("a worker thread died", { reason });
        reject(error);
        this.#fail(error);
        this.#reportDeath(error);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        die(event.message);
      };
      // The task that the answer belongs to would never end.
      worker.onmessageerror = () => die("its answer cannot be read");
      worker.postMessage({ kind: "start", memory: options.memory, region } satisfies StartMessage);
    });
  }

  #dispatch(): void {
    for (const [index, slot] of this.#workers.entries()) {
      while (slot.current === null) {
        const task = this.#takeFor(index);
        if (task === null) break;
        this.#send(slot, task);
      }
    }
  }

  #send(slot: PoolWorker, task: Task): void {
    // From here on the signal has no say: a started task runs to its end.
    task.options.signal?.removeEventListener("abort", task.onAbort);
    if (task.options.priority === "apply") {
      const delay = this.#clock.monotonicMillis() - task.queuedMillis;
      this.#queueDelayMillis = Math.max(this.#queueDelayMillis, delay);
    }
    try {
      slot.worker.postMessage(task.message);
      slot.current = task;
    } catch (error) {
      task.reject(error); // its arguments cannot be cloned
    }
  }

  #takeFor(workerIndex: number): Task | null {
    const fits = (task: Task) =>
      task.options.affinity === undefined ||
      task.options.affinity % this.workerCount === workerIndex;
    let best = this.#waiting.findIndex((task) => fits(task) && task.options.priority === "apply");
    if (best < 0) best = this.#waiting.findIndex(fits);
    return best < 0 ? null : this.#waiting.splice(best, 1)[0];
  }

  #finish(slot: PoolWorker, reply: Exclude<Reply, { kind: "ready" }>): void {
    const task = slot.current;
    assert(task !== null, "a worker answers only to a task");
    slot.current = null;
    if (reply.kind === "done") task.resolve(reply.value);
    else task.reject(fromErrorData(reply.error));
    this.#dispatch();
  }

  #abort(task: Task): void {
    const index = this.#waiting.indexOf(task);
    if (index < 0) return; // it runs already, or is done
    this.#waiting.splice(index, 1);
    task.options.signal!.removeEventListener("abort", task.onAbort);
    task.reject(task.options.signal!.reason);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    const tasks = [...this.#waiting, ...this.#workers.flatMap((slot) => slot.current ?? [])];
    this.#waiting = [];
    for (const slot of this.#workers) slot.current = null;
    for (const task of tasks) {
      task.options.signal?.removeEventListener("abort", task.onAbort);
      task.reject(error);
    }
  }
}

interface WorkerScope {
  onmessage: ((event: MessageEvent<StartMessage | RunMessage>) => void) | null;
  postMessage(reply: Reply, transfer?: ArrayBuffer[]): void;
}

/** Serves tasks; called once in worker scope. Statements and protocols, which run on the main thread, go first. */
export function startWorker(handlers: TaskHandlers): void {
  const scope = globalThis as unknown as WorkerScope;
  let context: TaskContext | null = null;
  lowerThreadPriority();
  scope.onmessage = async ({ data }) => {
    if (data.kind === "start") {
      context = { core: loadCore(data.memory, data.region), fs: new RealFileSystem() };
      scope.postMessage({ kind: "ready" });
      return;
    }
    try {
      assert(context !== null, "the worker was started");
      const handler = handlers[data.name];
      assert(handler !== undefined, `task "${data.name}" has a handler`);
      const result = await handler(context, data.args);
      if (result instanceof Transferred) {
        scope.postMessage({ kind: "done", value: result.value }, result.buffers);
      } else scope.postMessage({ kind: "done", value: result });
    } catch (error) {
      scope.postMessage({ kind: "failed", error: toErrorData(error) });
    }
  };
}
