/**
 * Rows of the crash test: everything follows from the row's number.
 *
 * @module
 */
import type { Row } from "../support/table_rows.ts";

const START = 1_704_067_200_000_000n;
const SPREAD_MICROS = 3 * 86_400_000_000;

/** Makes row `i`. Its number stands in column 3; timestamps jump over three days, each is unique. */
export function crashRow(i: number): Row {
  const jump = Math.floor((i * 0.6180339887498949 % 1) * SPREAD_MICROS / 1e6) * 1_000_000;
  return [
    START + BigInt(jump + i % 1_000_000),
    i % 3 === 0,
    i % 1000,
    BigInt(i),
    i / 8,
    i % 11 === 0 ? null : `sym${i % 97}`,
    i % 13 === 0 ? null : `note of row ${i}`,
  ];
}
