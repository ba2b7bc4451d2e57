/**
 * A clock and timers that a test moves.
 *
 * @module
 */
import type { Clock, Timers } from "../../src/platform/mod.ts";

const MICROS_PER_SECOND = 1_000_000n;
/** Turns that whoever wakes gets before time goes on. */
const TURNS = 12;

/** A clock whose sleepers wake when it is moved. */
export class TestClock implements Clock, Timers {
  #micros: bigint;
  #sleepers: { at: bigint; wake: () => void }[] = [];
  #mono = 0n;

  constructor(iso: string) {
    this.#micros = BigInt(Date.parse(iso)) * 1000n;
  }
  nowMicros(): bigint {
    return this.#micros;
  }
  monotonicMillis(): number {
    return Number(this.#mono) / 1000;
  }
  sleep(millis: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.#sleepers.push({ at: this.#mono + BigInt(millis) * 1000n, wake: resolve });
    });
  }
  /** Time passes in steps of a second. */
  async pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      this.#micros += MICROS_PER_SECOND;
      await this.#wake(MICROS_PER_SECOND);
    }
  }
  /** Time passes at once: whoever sleeps wakes that much late. */
  async passMillis(millis: number): Promise<void> {
    this.#micros += BigInt(millis) * 1000n;
    await this.#wake(BigInt(millis) * 1000n);
  }
  /** Somebody sets the clock, or the machine slept. */
  async set(iso: string): Promise<void> {
    this.#micros = BigInt(Date.parse(iso)) * 1000n;
    await this.#wake(MICROS_PER_SECOND);
  }
  async #wake(micros: bigint): Promise<void> {
    this.#mono += micros;
    const due = this.#sleepers.filter(({ at }) => at <= this.#mono);
    this.#sleepers = this.#sleepers.filter(({ at }) => at > this.#mono);
    for (const { wake } of due) wake();
    for (let i = 0; i < TURNS; i++) await Promise.resolve();
  }
}
