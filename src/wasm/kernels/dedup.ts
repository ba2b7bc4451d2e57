/**
 * What `core-wasm/dedup/` exports. Pointers are byte addresses in the shared memory, `n` counts rows. `keys` points at descriptions of
 * `k` key columns, {@linkcode KEY_DESCRIPTION_BYTES} each, laid out in `core-wasm/dedup/keys.ts`.
 *
 * @module
 */

/** Bytes of the description of one key column. */
export const KEY_DESCRIPTION_BYTES = 48;

/** Functions of `core-wasm/dedup/`. */
export interface DedupKernels {
  /** Compares the keys of a row of one side (0 batch, 1 partition) with those of another: negative, 0 or positive. */
  compareKeys(keys: number, k: number, aSide: number, a: number, bSide: number, b: number): number;
  /** 1 if two neighbours of `n` ascending int64 values are equal, else 0. */
  hasTiesI64(ptr: number, n: number): number;
  /**
   * Picks the rows of a batch that deduplication leaves, ordered by time, then keys; of equal ones the last. Writes uint32 rows, returns how
   * many. `rows` and `scratch` hold 4·n bytes.
   */
  dedupBatch(
    times: number,
    n: number,
    keys: number,
    k: number,
    rows: number,
    scratch: number,
  ): number;
  /**
   * Merge order of a partition's rows `a` and an ordered batch `b` without duplicates, where batch rows take the places of rows with
   * their time and keys. Returns the rows written to `index` (4·(an + bn) bytes); `used` holds bn bytes.
   */
  dedupMerge(
    a: number,
    an: number,
    b: number,
    bn: number,
    keys: number,
    k: number,
    index: number,
    used: number,
  ): number;
  /** Takes `first` off the rows of a merge index that come from the first source, `second` off the others. */
  rebaseIndex(src: number, n: number, first: number, second: number, dst: number): void;
  /** Writes 4 × int32: smallest and largest row of the first source in a merge index, of the second; −1, −1 if there is none. */
  indexBounds(src: number, n: number, dst: number): void;
}
