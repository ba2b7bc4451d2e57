/**
 * Finds out what a store really does, with a few small objects that are removed again. Stores that speak a protocol differ in
 * what they honour of it; better to know that before a backup than at a restore.
 *
 * @module
 */
import type { Clock, Random } from "../platform/mod.ts";
import type { CallOptions, ObjectStore } from "./object_store.ts";
import { uploadStream } from "./upload_stream.ts";

/** `ok` · `warn`: works with a restriction that the detail names · `fail`: must not be used for backups. */
export type StoreCheckResult = "ok" | "warn" | "fail";

/** One line of the outcome. */
export interface StoreCheckRow {
  readonly check: string;
  readonly result: StoreCheckResult;
  readonly detail: string;
}

/** How a store is checked. */
export interface StoreCheckOptions extends CallOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Bytes of the object that throughput is measured with; 0 skips multipart and throughput. */
  readonly bulkBytes: number;
  /** Called with each row as it is known. */
  readonly onRow?: (row: StoreCheckRow) => void;
}

/** Default of {@linkcode StoreCheckOptions.bulkBytes}. */
export const STORE_CHECK_BULK_BYTES = 33_554_432;

const SMALL_BYTES = 65_536;
const PART_BYTES = 5_242_880;
const SKEW_MILLIS_MAX = 180_000;
const RACERS = 4;
const MILLIS_PER_SECOND = 1000;
const BYTES_PER_MEGABYTE = 1e6;

/** Checks a store. Its objects lie below `.tidemark-check/` and are removed, also after a failure. Never throws but for an aborted signal. */
export async function checkStore(
  store: ObjectStore,
  options: StoreCheckOptions,
): Promise<StoreCheckRow[]> {
  const check = new StoreCheck(store, options);
  return await check.run();
}

interface Outcome {
  readonly result: StoreCheckResult;
  readonly detail: string;
}

const ok = (detail: string): Outcome => ({ result: "ok", detail });
const fail = (detail: string): Outcome => ({ result: "fail", detail });
const warn = (detail: string): Outcome => ({ result: "warn", detail });

class StoreCheck {
  readonly #store: ObjectStore;
  readonly #options: StoreCheckOptions;
  readonly #call: CallOptions;
  readonly #prefix: string;
  readonly #rows: StoreCheckRow[] = [];
  readonly #small: Uint8Array<ArrayBuffer>;

  constructor(store: ObjectStore, options: StoreCheckOptions) {
    this.#store = store;
    this.#options = options;
    this.#call = options.signal === undefined ? {} : { signal: options.signal };
    const id = options.random.fill(new Uint8Array(8));
    const name = Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.#prefix = `.tidemark-check/${name}/`;
    this.#small = options.random.fill(new Uint8Array(SMALL_BYTES));
  }

  async run(): Promise<StoreCheckRow[]> {
    const isReached = await this.#check("write and read back", () => this.#readAfterWrite());
    if (isReached) {
      await this.#check("conditional write", () => this.#conditional());
      await this.#check("ranged read", () => this.#ranged());
      await this.#check("missing object", () => this.#missing());
      await this.#check("list after write", () => this.#listed());
      await this.#check("clock", () => this.#clock());
      if (this.#options.bulkBytes > 0) {
        await this.#check("multipart write", () => this.#multipart());
        await this.#check("throughput", () => this.#throughput());
      }
    }
    const isRemoved = isReached && await this.#check("delete", () => this.#delete());
    if (!isRemoved) await this.#cleanUp();
    return this.#rows;
  }

  /** After a failure there may be objects all the same: a write that fails may have happened. */
  async #cleanUp(): Promise<void> {
    try {
      await this.#store.delete(this.#keys(), this.#call);
    } catch {
      this.#options.signal?.throwIfAborted(); // the rows tell what does not work
    }
  }

  #keys(): string[] {
    return ["small", "once", "parts", "bulk"].map((name) => this.#prefix + name);
  }

  async #check(check: string, run: () => Promise<Outcome>): Promise<boolean> {
    let outcome: Outcome;
    try {
      outcome = await run();
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      outcome = fail(error instanceof Error ? error.message : String(error));
    }
    const row = { check, ...outcome };
    this.#rows.push(row);
    this.#options.onRow?.(row);
    return outcome.result !== "fail";
  }

  async #readAfterWrite(): Promise<Outcome> {
    const key = `${this.#prefix}small`;
    const start = this.#options.clock.monotonicMillis();
    await this.#store.put(key, this.#small, this.#call);
    const written = this.#options.clock.monotonicMillis();
    const bytes = await this.#store.get(key, { ...this.#call, maxBytes: SMALL_BYTES });
    const read = this.#options.clock.monotonicMillis();
    if (!isEqual(bytes, this.#small)) return fail("other bytes came back than were written");
    return ok(`write ${millis(written - start)}, read ${millis(read - written)}`);
  }

  async #conditional(): Promise<Outcome> {
    const key = `${this.#prefix}once`;
    const create = { ...this.#call, ifNoneMatch: true };
    const racers = Array.from(
      { length: RACERS },
      (_, index) => this.#store.put(key, Uint8Array.of(index), create),
    );
    // If one fails, the others must have ended, too, before the object is removed.
    await Promise.allSettled(racers);
    const results = await Promise.all(racers);
    const winners = results.flatMap((isCreated, index) => isCreated ? [index] : []);
    if (await this.#store.put(key, Uint8Array.of(RACERS), create)) {
      return fail("an existing object was replaced: the server ignores If-None-Match");
    }
    const [byte] = await this.#store.get(key, { ...this.#call, maxBytes: 1 });
    if (winners.length === 1 && winners[0] === byte) return ok(`one of ${RACERS} writers won`);
    return warn(
      `${winners.length} of ${RACERS} concurrent writers were told they won: one server per root only`,
    );
  }

  async #ranged(): Promise<Outcome> {
    const key = `${this.#prefix}small`;
    const ranges: [number, number][] = [[0, 10], [1, 10], [SMALL_BYTES - 5, 5], [4096, 8192], [
      7,
      0,
    ]];
    for (const [offset, length] of ranges) {
      const bytes = await this.#store.get(key, { ...this.#call, range: { offset, length } });
      if (!isEqual(bytes, this.#small.subarray(offset, offset + length))) {
        return fail(`bytes ${offset} to ${offset + length} are not what was written`);
      }
    }
    return ok(`${ranges.length} ranges`);
  }

  async #missing(): Promise<Outcome> {
    const info = await this.#store.head(`${this.#prefix}none`, this.#call);
    return info === null ? ok("is told apart") : fail("a missing object has a length");
  }

  async #listed(): Promise<Outcome> {
    const keys: string[] = [];
    for await (const page of this.#store.list(this.#prefix, this.#call)) {
      keys.push(...page.map(({ key }) => key));
    }
    const expected = ["once", "small"].map((name) => this.#prefix + name);
    const absent = expected.filter((key) => !keys.includes(key));
    if (absent.length > 0) {
      return warn("new objects are listed late: restores may not see the newest backup at once");
    }
    const isSorted = keys.every((key, index) => index === 0 || keys[index - 1] < key);
    return ok(`${keys.length} objects${isSorted ? ", in order" : ""}`);
  }

  async #clock(): Promise<Outcome> {
    const info = await this.#store.head(`${this.#prefix}once`, this.#call);
    const now = Number(this.#options.clock.nowMicros() / 1000n);
    const skew = info!.modifiedMillis - now;
    const text = `store is ${millis(Math.abs(skew))} ${skew < 0 ? "behind" : "ahead"}`;
    return Math.abs(skew) <= SKEW_MILLIS_MAX
      ? ok(text)
      : warn(`${text}: signed requests may be refused`);
  }

  async #multipart(): Promise<Outcome> {
    const key = `${this.#prefix}parts`;
    const bytes = this.#options.random.fill(new Uint8Array(SMALL_BYTES));
    const size = PART_BYTES + SMALL_BYTES;
    await uploadStream(this.#store, key, repeat(bytes, size), {
      ...this.#call,
      partBytes: PART_BYTES,
    });
    const info = await this.#store.head(key, this.#call);
    if (info?.size !== size) return fail(`${info?.size} of ${size} bytes were stored`);
    const range = { offset: PART_BYTES - SMALL_BYTES, length: 2 * SMALL_BYTES };
    const stored = await this.#store.get(key, { ...this.#call, range });
    const isSame = isEqual(stored.subarray(0, SMALL_BYTES), bytes) &&
      isEqual(stored.subarray(SMALL_BYTES), bytes);
    return isSame ? ok("2 parts") : fail("other bytes came back than were written");
  }

  async #throughput(): Promise<Outcome> {
    const { clock, bulkBytes, random } = this.#options;
    const key = `${this.#prefix}bulk`;
    const body = new Uint8Array(bulkBytes);
    const block = random.fill(new Uint8Array(SMALL_BYTES));
    for (let start = 0; start < bulkBytes; start += SMALL_BYTES) {
      body.set(block.subarray(0, Math.min(SMALL_BYTES, bulkBytes - start)), start);
    }
    const start = clock.monotonicMillis();
    await this.#store.put(key, body, this.#call);
    const written = clock.monotonicMillis();
    const bytes = await this.#store.get(key, { ...this.#call, maxBytes: bulkBytes });
    const read = clock.monotonicMillis();
    if (!isEqual(bytes, body)) return fail("other bytes came back than were written");
    return ok(`up ${rate(bulkBytes, written - start)}, down ${rate(bulkBytes, read - written)}`);
  }

  async #delete(): Promise<Outcome> {
    const keys = this.#keys();
    await this.#store.delete(keys, this.#call);
    for (const key of keys) {
      if (await this.#store.head(key, this.#call) !== null) {
        return warn("deleted objects are still there: object lock? Old backups cannot be removed");
      }
    }
    return ok(`${keys.length} objects`);
  }
}

async function* repeat(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < size; start += bytes.byteLength) {
    yield bytes.subarray(0, size - start);
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, index) => byte === b[index]);
}

function millis(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

function rate(bytes: number, duration: number): string {
  const perSecond = bytes / BYTES_PER_MEGABYTE / (duration / MILLIS_PER_SECOND);
  return `${perSecond.toFixed(0)} MB/s`;
}
