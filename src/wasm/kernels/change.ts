/**
 * What `core-wasm/change/` exports. Pointers are byte addresses in the shared memory, `n` counts rows.
 *
 * @module
 */

/** Codes of the number types that {@linkcode ChangeKernels.changeNumbers} knows. */
export const NumberCode = {
  BOOLEAN: 0,
  BYTE: 1,
  SHORT: 2,
  INT: 3,
  /** LONG, DATE and timestamps. */
  LONG: 4,
  FLOAT: 5,
  DOUBLE: 6,
} as const;

/** Functions of `core-wasm/change/`. */
export interface ChangeKernels {
  /**
   * Turns `n` values into another number type as ALTER COLUMN TYPE does: NULL stays NULL or becomes 0, integers wrap, reals are cut or
   * become NULL. Integers are multiplied, then divided.
   */
  changeNumbers(
    from: number,
    to: number,
    factor: bigint,
    divisor: bigint,
    a: number,
    out: number,
    n: number,
  ): void;
}
