/**
 * Runs tasks ahead of their consumer and hands the results over in order, within a budget of bytes and tasks.
 *
 * @module
 */

/** Raw bytes of slices that may be in flight between the planner and the packs. */
export const IN_FLIGHT_BYTES_MAX = 33_554_432;

interface Entry {
  readonly bytes: number;
  readonly settled: Promise<{ value: unknown } | { error: unknown }>;
  readonly consume: (value: never) => Promise<void> | void;
}

/** See the module's description. After a failure call {@linkcode settle} before what the tasks read goes away. */
export class OrderedTasks {
  readonly #taskCountMax: number;
  readonly #bytesMax: number;
  #queue: Entry[] = [];
  #bytes = 0;

  /** @param taskCountMax Tasks in flight. @param bytesMax their bytes together, unless one alone has more. */
  constructor(taskCountMax: number, bytesMax = IN_FLIGHT_BYTES_MAX) {
    this.#taskCountMax = taskCountMax;
    this.#bytesMax = bytesMax;
  }

  /** Starts a task as soon as the budget allows; its result is consumed after those of all tasks before it. */
  async add<T>(
    bytes: number,
    start: () => Promise<T>,
    consume: (value: T) => Promise<void> | void,
  ): Promise<void> {
    while (
      this.#queue.length > 0 &&
      (this.#queue.length >= this.#taskCountMax || this.#bytes + bytes > this.#bytesMax)
    ) await this.#consumeOne();
    const settled = start().then((value) => ({ value }), (error: unknown) => ({ error }));
    this.#queue.push({ bytes, settled, consume });
    this.#bytes += bytes;
  }

  /** Consumes every result. @throws what the first failing task threw. */
  async drain(): Promise<void> {
    while (this.#queue.length > 0) await this.#consumeOne();
  }

  /** Waits for the tasks in flight and forgets their results. */
  async settle(): Promise<void> {
    const queue = this.#queue;
    this.#queue = [];
    await Promise.all(queue.map((entry) => entry.settled));
  }

  async #consumeOne(): Promise<void> {
    const outcome = await this.#queue[0].settled;
    const [{ bytes, consume }] = this.#queue.splice(0, 1);
    this.#bytes -= bytes;
    if ("error" in outcome) throw outcome.error;
    await consume(outcome.value as never);
  }
}
