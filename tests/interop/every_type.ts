/**
 * A table with every column type, filled by the real QuestDB.
 *
 * @module
 */
import { startQuestDb } from "../support/questdb_server.ts";

/** Rows of the first transaction. */
export const ROWS = 600;
/** Rows of the second one, between the others. */
export const LATE_ROWS = 200;
/** Distance of rows, microseconds. */
export const MINUTE = 60_000_000n;

/** Every type with an expression of random values. */
export const COLUMNS: readonly (readonly [name: string, type: string, value: string])[] = [
  ["bo", "BOOLEAN", "rnd_boolean()"],
  ["byt", "BYTE", "rnd_byte()"],
  ["sh", "SHORT", "rnd_short()"],
  ["ch", "CHAR", "rnd_char()"],
  ["i", "INT", "rnd_int(-10, 10, 3)"],
  ["l", "LONG", "rnd_long(-10, 10, 3)"],
  ["da", "DATE", "rnd_date('2020', '2024', 3)"],
  ["t2", "TIMESTAMP", "rnd_timestamp('2020', '2024', 3)"],
  ["tn", "TIMESTAMP_NS", "rnd_timestamp_ns('2020', '2024', 3)"],
  ["f", "FLOAT", "rnd_float(3)"],
  ["d", "DOUBLE", "rnd_double(3)"],
  ["st", "STRING", "rnd_str('', 'short', null, 'a longer text', 'žluťoučký kůň 🐎')"],
  ["sy", "SYMBOL", "rnd_symbol('a', 'b', null, 'c')"],
  ["sx", "SYMBOL INDEX CAPACITY 4", "rnd_symbol('x', 'y', null, 'žluť', 'w')"],
  ["l256", "LONG256", "case when x % 5 = 0 then null else rnd_long256() end"],
  ["g1", "GEOHASH(1c)", "rnd_geohash(5)"],
  ["g2", "GEOHASH(7b)", "case when x % 3 = 0 then null else rnd_geohash(7) end"],
  ["g3", "GEOHASH(3c)", "rnd_geohash(15)"],
  ["g6", "GEOHASH(6c)", "case when x % 3 = 0 then null else rnd_geohash(30) end"],
  ["g12", "GEOHASH(12c)", "rnd_geohash(60)"],
  ["bin", "BINARY", "rnd_bin(1, 30, 3)"],
  ["u", "UUID", "case when x % 4 = 0 then null else rnd_uuid4() end"],
  ["ip", "IPv4", "rnd_ipv4('10.0.0.0/8', 3)"],
  ["v", "VARCHAR", "rnd_varchar(1, 20, 3)"],
  ["a1", "DOUBLE[]", "rnd_double_array(1, 3)"],
  ["a2", "DOUBLE[][]", "rnd_double_array(2, 3)"],
  ["d1", "DECIMAL(2, 1)", "rnd_decimal(2, 1, 3)"],
  ["d2", "DECIMAL(4, 2)", "rnd_decimal(4, 2, 3)"],
  ["d3", "DECIMAL(9, 3)", "rnd_decimal(9, 3, 3)"],
  ["d4", "DECIMAL(18, 4)", "rnd_decimal(18, 4, 3)"],
  ["d5", "DECIMAL(38, 10)", "rnd_decimal(38, 10, 3)"],
  ["d6", "DECIMAL(76, 20)", "rnd_decimal(76, 20, 3)"],
  ["empty", "DOUBLE[]", "null"],
];

/** Fills `t`: rows over two days, then rows between them. */
export async function fillEveryType(
  root: string,
  timestamp: "TIMESTAMP" | "TIMESTAMP_NS",
): Promise<void> {
  await using server = await startQuestDb({ root });
  const columns = COLUMNS.map(([name, type]) => `${name} ${type}`).join(", ");
  await server.exec(
    `CREATE TABLE t (ts ${timestamp}, ${columns}) TIMESTAMP(ts) PARTITION BY DAY WAL`,
  );
  const values = COLUMNS.map(([, , value]) => value).join(", ");
  const insert = (start: string, step: bigint, rows: number) =>
    server.exec(
      `INSERT INTO t SELECT timestamp_sequence('${start}'::${timestamp}, ${step}), ` +
        `${values} FROM long_sequence(${rows})`,
    );
  await insert("2024-01-01T20:00:00", MINUTE, ROWS);
  await server.drainWal();
  await insert("2024-01-01T22:00:30", MINUTE, LATE_ROWS);
  await server.drainWal();
}
