/**
 * Vectors that are made when they are looked at: a filter that keeps no row then reads no further column.
 *
 * @module
 */
import type { Vector } from "../../wasm/mod.ts";

/** An array of vectors whose elements are computed once per batch, at first access. */
export class LazyVectors {
  readonly vectors: readonly Vector[];
  readonly #cache: (Vector | null)[];

  /** @param load Makes the vector of a column for the current batch. */
  constructor(count: number, load: (column: number) => Vector) {
    const cache: (Vector | null)[] = new Array(count).fill(null);
    const vectors: Vector[] = [];
    for (let i = 0; i < count; i++) {
      Object.defineProperty(vectors, i, {
        enumerable: true,
        get: () => cache[i] ??= load(i),
      });
    }
    this.vectors = vectors;
    this.#cache = cache;
  }

  /** Starts the next batch. */
  reset(): void {
    this.#cache.fill(null);
  }
}
