/**
 * QuestDB's column types as PostgreSQL clients see them.
 *
 * @module
 */
import { ColumnType, isDecimal, isGeohash, typeTag } from "../../common/mod.ts";

/** A PostgreSQL type. */
export interface PostgresType {
  readonly oid: number;
  /** Bytes of a value, −1 if they vary. */
  readonly length: number;
  /** Name in `information_schema`. */
  readonly name: string;
}

const TEXT: PostgresType = { oid: 1043, length: -1, name: "character varying" };
const TIME: PostgresType = { oid: 1114, length: 8, name: "timestamp without time zone" };
const SMALL: PostgresType = { oid: 21, length: 2, name: "smallint" };

const TYPES: Readonly<Record<number, PostgresType>> = {
  [ColumnType.BOOLEAN]: { oid: 16, length: 1, name: "boolean" },
  [ColumnType.BYTE]: SMALL,
  [ColumnType.SHORT]: SMALL,
  [ColumnType.CHAR]: { oid: 1042, length: -1, name: "character" },
  [ColumnType.INT]: { oid: 23, length: 4, name: "integer" },
  [ColumnType.LONG]: { oid: 20, length: 8, name: "bigint" },
  [ColumnType.DATE]: TIME,
  [ColumnType.TIMESTAMP]: TIME,
  [ColumnType.FLOAT]: { oid: 700, length: 4, name: "real" },
  [ColumnType.DOUBLE]: { oid: 701, length: 8, name: "double precision" },
  [ColumnType.UUID]: { oid: 2950, length: 16, name: "character varying" },
  [ColumnType.BINARY]: { oid: 17, length: -1, name: "bytea" },
  [ColumnType.ARRAY]: { oid: 1022, length: -1, name: "unknown" },
};

/** Returns what a column type is called. */
export function postgresType(type: number): PostgresType {
  if (isDecimal(type)) return { oid: 1700, length: -1, name: "unknown" };
  if (isGeohash(type)) return TEXT;
  return TYPES[typeTag(type)] ?? TEXT;
}
