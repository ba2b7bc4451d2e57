/**
 * A small deterministic random source, so that a failing run can be repeated by its seed.
 *
 * @module
 */

/** Deterministic numbers from a 32-bit seed (mulberry32). */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** A number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  /** An integer in [low, high). */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low));
  }
  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    return items[this.int(0, items.length)];
  }
}

/** The seed of this run: `SEED` from the environment, or a fresh one; print it when a test fails. */
export function runSeed(): number {
  const text = Deno.env.get("SEED");
  return text === undefined ? crypto.getRandomValues(new Uint32Array(1))[0] : Number(text);
}
