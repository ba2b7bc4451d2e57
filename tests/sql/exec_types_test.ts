/**
 * Keys, order and storage of the types without kernels of their own, against models in JavaScript.
 *
 * @module
 */
import { assertEquals } from "../support/assert.ts";
import { EngineFixture } from "./engine_fixture.ts";

const ROWS = 40_000;
/** Expressions over x that make few enough values to repeat, and their texts by x. */
const KEYS: readonly [string, string, (x: number) => string][] = [
  [
    "UUID",
    "to_uuid(x % 7 - 3, x % 13 - 6)",
    (x) => {
      const word = (value: number) =>
        BigInt.asUintN(64, BigInt(value)).toString(16).padStart(16, "0");
      const hex = word(x % 13 - 6) + word(x % 7 - 3);
      return [
        hex.slice(0, 8),
        hex.slice(8, 12),
        hex.slice(12, 16),
        hex.slice(16, 20),
        hex.slice(20),
      ]
        .join("-");
    },
  ],
  [
    "LONG256",
    "to_long256(x % 3, x % 5, x % 2, x % 7)",
    (x) => {
      const value = (BigInt(x % 7) << 192n) + (BigInt(x % 2) << 128n) + (BigInt(x % 5) << 64n) +
        BigInt(x % 3);
      const hex = value.toString(16);
      return `0x${hex.length % 2 === 0 ? hex : `0${hex}`}`;
    },
  ],
  ["DECIMAL(30,2)", "((x % 11) - 5)::decimal(30,2)", (x) => `${x % 11 - 5}.00`],
  ["DECIMAL(60,0)", "((x % 11) - 5)::decimal(60,0)", (x) => `${x % 11 - 5}`],
  ["DECIMAL(4,1)", "((x % 11) - 5)::decimal(4,1)", (x) => `${x % 11 - 5}.0`],
  ["GEOHASH(7b)", "cast(x % 100 as geohash(7b))", (x) => (x % 100).toString(2).padStart(7, "0")],
  [
    "GEOHASH(40b)",
    "cast(x % 32 as geohash(8c))",
    (x) => `0000000${"0123456789bcdefghjkmnpqrstuvwxyz"[x % 32]}`,
  ],
  ["IPv4", "((x % 250)::int + 1)::ipv4", (x) => `0.0.0.${x % 250 + 1}`],
  [
    "TIMESTAMP_NS",
    "(x % 100)::timestamp_ns",
    (x) => `1970-01-01T00:00:00.${String(x % 100).padStart(9, "0")}Z`,
  ],
];

Deno.test("GROUP BY, count_distinct and DISTINCT tell values of every type apart", async () => {
  await using fixture = await EngineFixture.open();
  for (const [type, expression, textOf] of KEYS) {
    const expected = new Map<string, bigint>();
    for (let x = 1; x <= ROWS; x++) {
      expected.set(textOf(x), (expected.get(textOf(x)) ?? 0n) + 1n);
    }
    const { rows } = await fixture.query(
      `SELECT k::string t, n FROM (SELECT k, count() n FROM (SELECT ${expression} k FROM long_sequence(${ROWS})))`,
    );
    const actual = new Map(rows as [string, bigint][]);
    assertEquals([...actual].sort(), [...expected].sort(), type);
    const distinct = await fixture.query(
      `SELECT count() FROM (SELECT DISTINCT k FROM (SELECT ${expression} k FROM long_sequence(${ROWS})))`,
    );
    assertEquals(distinct.rows, [[BigInt(expected.size)]], type);
  }
});

Deno.test("ORDER BY sorts values of every type, NULL first", async () => {
  await using fixture = await EngineFixture.open();
  for (const [type, expression] of KEYS) {
    const keyed = `SELECT x, CASE WHEN x % 10 = 0 THEN null ELSE ${expression} END k ` +
      `FROM long_sequence(2000)`;
    for (const direction of ["", "DESC"]) {
      const { rows } = await fixture.query(
        `SELECT k::string t, x, k IS NULL m FROM (${keyed}) ORDER BY k ${direction}, x`,
      );
      const sorted = direction === "" ? rows : rows.toReversed();
      const missing = sorted.findIndex((row) => row[2] === false);
      assertEquals(missing, 200, `${type}: NULL comes first`);
      for (let i = missing + 1; i < sorted.length; i++) {
        const [a, b] = [sortable(type, sorted[i - 1][0]), sortable(type, sorted[i][0])];
        if (a > b) {
          throw new Error(`${type} ${direction}: ${sorted[i - 1][0]} before ${sorted[i][0]}`);
        }
      }
    }
  }
});

/** A text whose order is that of the values. */
function sortable(type: string, text: unknown): string | number | bigint {
  const value = String(text);
  if (type.startsWith("DECIMAL")) return Number(value);
  if (type === "IPv4") return value.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return type === "LONG256" ? BigInt(value) : value;
}

Deno.test("values of every type come back from a table as they were, in order and out of order", async () => {
  await using fixture = await EngineFixture.open();
  const columns = KEYS.map(([type], i) => `c${i} ${type}`).join(", ");
  await fixture.run(
    `CREATE TABLE t (ts TIMESTAMP, ${columns}, a DOUBLE[], s STRING) TIMESTAMP(ts) PARTITION BY DAY WAL`,
  );
  const values = KEYS.map(([, expression]) => expression).join(", ");
  const insert = (from: number) =>
    fixture.run(
      `INSERT INTO t SELECT ts, ${values}, ARRAY[x, x + 0.5], 's' || x FROM ` +
        `(SELECT x, (x * 60000000)::timestamp ts FROM (SELECT x + ${from} x FROM long_sequence(3000)))`,
    );
  await insert(3000);
  await insert(0);
  const texts = KEYS.map((_, i) => `c${i}::string`).join(", ");
  const { rows } = await fixture.query(`SELECT ts::long, ${texts}, a::string, s FROM t`);
  assertEquals(rows.length, 6000);
  for (const [i, row] of rows.entries()) {
    const x = i + 1;
    assertEquals(row, [
      BigInt(x) * 60_000_000n,
      ...KEYS.map(([, , textOf]) => textOf(x)),
      `[${x}.0,${x}.5]`,
      `s${x}`,
    ]);
  }
});
