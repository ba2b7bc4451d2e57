/**
 * The columns an INSERT writes.
 *
 * @module
 */
import { ColumnType, SqlError } from "../../common/mod.ts";
import type { Name } from "../ast/mod.ts";
import type { ColumnMetadata, TableMetadata } from "../../storage/mod.ts";

/** Finds a live column by name, case-insensitively. @throws {SqlError} `Invalid column: …` */
export function requireColumn(metadata: TableMetadata, name: Name): ColumnMetadata {
  const key = name.text.toLowerCase();
  const column = metadata.liveColumns.find((candidate) => candidate.name.toLowerCase() === key);
  if (column === undefined) throw new SqlError(name.position, `Invalid column: ${name.text}`);
  return column;
}

/** Latest designated timestamp: 9999-12-31T23:59:59.999999Z. */
const MAX_TIMESTAMP_MICROS = 253_402_300_799_999_999n;
const MAX_TIMESTAMP_HIGH_WORD = Number(MAX_TIMESTAMP_MICROS >> 32n);

/**
 * Why a value may not be a designated timestamp, or `null` if it may. NULL is none.
 *
 * @param value In the unit of `type`; nanoseconds end before the year 9999 does.
 */
export function timestampFault(
  value: bigint | null,
  type: number = ColumnType.TIMESTAMP,
): string | null {
  if (value === null) return "designated timestamp column cannot be NULL";
  if (value < 0n) return "designated timestamp before 1970-01-01 is not allowed";
  const isMicros = type === ColumnType.TIMESTAMP;
  if (isMicros && value > MAX_TIMESTAMP_MICROS) {
    return "designated timestamp beyond 9999-12-31 is not allowed";
  }
  return null;
}

/**
 * Finds the first of `rowCount` timestamps that looks out of range, by its high word alone.
 *
 * @param words The timestamps as little-endian int32 pairs.
 * @returns Row number, or −1 if all are surely in range.
 */
export function findSuspectTimestamp(words: Int32Array, rowCount: number): number {
  for (let row = 0; row < rowCount; row++) {
    const high = words[2 * row + 1];
    if (high < 0 || high >= MAX_TIMESTAMP_HIGH_WORD) return row;
  }
  return -1;
}
