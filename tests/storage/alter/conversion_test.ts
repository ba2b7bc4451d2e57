/**
 * Every change of a column's type, on values at the edges, against the real QuestDB.
 */
import { ColumnType, decimalType } from "../../../src/common/mod.ts";
import { assertEquals } from "../../support/assert.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { change, describeTable, prepare, type Scenario } from "./oracle_fixture.ts";

const TYPES: Readonly<Record<string, number>> = {
  boolean: ColumnType.BOOLEAN,
  byte: ColumnType.BYTE,
  short: ColumnType.SHORT,
  char: ColumnType.CHAR,
  int: ColumnType.INT,
  long: ColumnType.LONG,
  date: ColumnType.DATE,
  timestamp: ColumnType.TIMESTAMP,
  timestamp_ns: ColumnType.TIMESTAMP_NS,
  float: ColumnType.FLOAT,
  double: ColumnType.DOUBLE,
  string: ColumnType.STRING,
  symbol: ColumnType.SYMBOL,
  varchar: ColumnType.VARCHAR,
  uuid: ColumnType.UUID,
  ipv4: ColumnType.IPV4,
  "decimal(30,4)": decimalType(30, 4),
  "decimal(76,6)": decimalType(76, 6),
};
const NUMBERS = "boolean byte short int long date timestamp timestamp_ns float double".split(" ");
const TEXTS = ["string", "symbol", "varchar"];
const DECIMALS = ["decimal(30,4)", "decimal(76,6)"];

const TEXT_VALUES = [
  ..."true TRUE false t 1 0 -5 +5 300 70000 2147483647 2147483648 -2147483648 9223372036854775807"
    .split(" "),
  ..."9223372036854775808 12L 12l 1_000 1.5 1e5 1.5f 1.5d NaN Infinity -Infinity inf .5 5. 1e400"
    .split(" "),
  ..."2024-01-01 2024-01-01T10:00:00 2024-01-01T10:00:00.123Z 2024-01-01T10:00:00.123456Z".split(
    " ",
  ),
  ..."2024-01-01T10:00:00.123456789Z 2024 2024-01 1704067200000000 1.2.3.4 0.0.0.0 256.1.1.1".split(
    " ",
  ),
  ..."11111111-2222-3333-4444-555555555555 11111111222233334444555555555555 0x10 1e-5 -0 -0.0"
    .split(" "),
  ..."2024-13-01 0.1 1. 100000000000000000000 null 2024-01-01T25:00:00 -1.5 1E5 3.4e38 3.5e38"
    .split(" "),
  "2024-01-01 10:00:00",
  "2024-01-01T10:00:00+02:00",
  " 12",
  "12 ",
  "",
  "a longer text 🐎 with much in it",
].map((text) => `'${text}'`);

const VALUES: Readonly<Record<string, readonly string[]>> = {
  boolean: ["true", "false"],
  byte: "0 1 -1 127 -128".split(" "),
  short: "0 1 -1 32767 -32768 300".split(" "),
  char: ["'a'", "'ž'", "'7'"],
  int: "0 1 -1 2147483647 -2147483647 65536 200 -129".split(" "),
  long: ("0 1 -1 9223372036854775807 -9223372036854775807 4294967296 2147483648 -2147483648 " +
    "9007199254740993 1704067200123456").split(" "),
  date: ["0", "1", "-1", "1704067200123", "10000000000000"].map((one) => `${one}::date`),
  timestamp: ["0", "1", "-1", "1704067200123456", "999", "-999"].map((one) => `${one}::timestamp`),
  timestamp_ns: ["0", "1", "-1", "1704067200123456789", "1500", "-1500"].map((one) =>
    `${one}::timestamp_ns`
  ),
  float: "0f 1.5f -1.5f 3e38f -3e38f 127.9f 128f 1e10f 1e20f 0.1f 16777217f 1e-30f".split(" "),
  double: ("0.0 1.5 -1.5 1e300 -1e300 127.9 128.0 1e10 2147483647.5 2147483648.0 -2147483648.0 " +
    "-2147483649.0 9.2e18 1e19 -1e19 0.1 1e-300 9223372036854774784.0 32768.0 -129.0 255.0 256.0 " +
    "70000.0 1234567.0 12345678.0 0.001 0.0001").split(" "),
  uuid: ["'11111111-2222-3333-4444-555555555555'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"],
  ipv4: ["'1.2.3.4'", "'255.255.255.255'"],
  string: TEXT_VALUES,
  symbol: TEXT_VALUES,
  varchar: TEXT_VALUES,
  "decimal(30,4)": ["1.5m", "-1.5m", "12345678901234567890.1234m", "0m"],
  "decimal(76,6)": ["1.5m", "-1.5m", "12345678901234567890.1234m", "0m"],
};

function targetsOf(from: string): string[] {
  const others = [...NUMBERS, ...TEXTS, "char", "uuid", "ipv4"];
  if (TEXTS.includes(from)) return others;
  if (DECIMALS.includes(from)) return DECIMALS;
  if (["char", "uuid", "ipv4"].includes(from)) return TEXTS;
  const integers = ["byte", "short", "int", "long"];
  return [...NUMBERS, ...TEXTS, ...integers.includes(from) ? DECIMALS : []];
}

/** A table with a column for every type that values of one type can become, and a NULL behind the values. */
function scenario(from: string): Scenario {
  const table = `from_${from.replaceAll(/\W/g, "_")}`;
  const targets = targetsOf(from).filter((to) => to !== from);
  const column = (to: string) => `to_${to.replaceAll(/\W/g, "_")}`;
  const columns = targets.map((to) => `${column(to)} ${from}`).join(", ");
  const rows = [...VALUES[from], "null"].map((value, row) =>
    `(${row}::timestamp, ${targets.map(() => value).join(", ")})`
  );
  return {
    table,
    setup: [
      `create table ${table} (ts timestamp, ${columns}) timestamp(ts) partition by day bypass wal`,
      ...rows.map((row) => `insert into ${table} values ${row}`),
    ],
    changes: targets.map((to) => ({
      sql: `alter table ${table} alter column ${column(to)} type ${to}`,
      operation: { kind: "changeColumnType", name: column(to), type: TYPES[to] },
    })),
  };
}

Deno.test("TableWriter.alter() makes the values of QuestDB's when a column changes its type", async () => {
  using questDb = new TempDir();
  using ours = new TempDir();
  const roots = { questDb: questDb.path, ours: ours.path };
  const scenarios = Object.keys(VALUES).map(scenario);
  await prepare(roots, scenarios);
  for (const one of scenarios) {
    change(roots, one);
    assertEquals(
      describeTable(roots.ours, one.table),
      describeTable(roots.questDb, one.table),
      one.table,
    );
  }
});
