import fc from "fast-check";
import { CancelledError, SqlError } from "../../src/common/mod.ts";
import { parseStatement } from "../../src/sql/parser/mod.ts";
import type { SelectQuery } from "../../src/sql/ast/mod.ts";
import { planQuery } from "../../src/sql/planner/mod.ts";
import { rowsCursor } from "../../src/sql/exec/mod.ts";
import { ColumnType } from "../../src/common/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { quietContext, readAll, runQuery, tablelessEnvironment, testCore } from "./exec_support.ts";

async function rowsOf(text: string) {
  return (await runQuery(text)).rows;
}

Deno.test("planQuery follows long_sequence over batch borders", async () => {
  assertEquals(
    await rowsOf(
      "SELECT count(), sum(x), min(x), max(x), first(x), last(x) FROM long_sequence(50000)",
    ),
    [
      [50000n, 1250025000n, 1n, 50000n, 1n, 50000n],
    ],
  );
  assertEquals(await rowsOf("SELECT x FROM long_sequence(50000) WHERE x % 16384 = 0"), [
    [16384n],
    [32768n],
    [49152n],
  ]);
  assertEquals(
    await rowsOf(
      "SELECT count_distinct(x % 1000), count_distinct(x::string) FROM long_sequence(40000)",
    ),
    [
      [1000n, 40000n],
    ],
  );
});

Deno.test("LIMIT picks the same rows as slicing, in all its forms", async () => {
  const total = 20;
  const all = Array.from({ length: total }, (_, i) => BigInt(i + 1));
  const bound = fc.integer({ min: -25, max: 25 });
  await fc.assert(
    fc.asyncProperty(bound, bound, fc.boolean(), async (low, high, isSorted) => {
      if (low < 0 && high > 0) return;
      const order = isSorted ? "ORDER BY x DESC" : "";
      const rows = await rowsOf(
        `SELECT x FROM long_sequence(${total}) ${order} LIMIT ${low}, ${high}`,
      );
      const source = isSorted ? all.toReversed() : all;
      const at = (value: number) => value < 0 ? Math.max(0, total + value) : Math.min(total, value);
      const [from, to] = low >= 0 && high < 0
        ? [at(low), at(high)]
        : low >= 0
        ? [Math.min(at(low), at(high)), Math.max(at(low), at(high))]
        : high === 0
        ? [at(low), total]
        : [Math.min(at(low), at(high)), Math.max(at(low), at(high))];
      assertEquals(rows.map(([x]) => x), source.slice(from, Math.max(from, to)), `${low}, ${high}`);
    }),
    { numRuns: 200 },
  );
  assertEquals(await rowsOf("SELECT x FROM long_sequence(5) LIMIT 0"), []);
  assertEquals(await rowsOf("SELECT x FROM long_sequence(5) LIMIT -2"), [[4n], [5n]]);
});

Deno.test("ORDER BY with LIMIT gives the head of the full sort, beyond the rows it keeps", async () => {
  const key = "(x * 7919) % 100003";
  for (const direction of ["", " DESC"]) {
    const full = await rowsOf(
      `SELECT x, ${key} k FROM long_sequence(200000) ORDER BY k${direction}, x`,
    );
    const head = await rowsOf(
      `SELECT x, ${key} k FROM long_sequence(200000) ORDER BY k${direction}, x LIMIT 7`,
    );
    assertEquals(head, full.slice(0, 7));
    const middle = await rowsOf(
      `SELECT x, ${key} k FROM long_sequence(200000) ORDER BY k${direction}, x LIMIT 3, 6`,
    );
    assertEquals(middle, full.slice(3, 6));
  }
  assertEquals(await rowsOf("SELECT x::string s FROM long_sequence(90000) ORDER BY s LIMIT 3"), [
    ["1"],
    ["10"],
    ["100"],
  ]);
});

Deno.test("GROUP BY several keys of several types agrees with a model", async () => {
  const rows = await rowsOf(
    "SELECT x % 7 a, (x % 3)::string b, (x % 5)::symbol c, x % 2 = 0 d, (x % 4) * 0.5 e, count(), sum(x) " +
      "FROM long_sequence(30000)",
  );
  const model = new Map<string, [number, number]>();
  for (let x = 1; x <= 30000; x++) {
    const key = JSON.stringify([x % 7, String(x % 3), String(x % 5), x % 2 === 0, (x % 4) * 0.5]);
    const group = model.get(key) ?? [0, 0];
    model.set(key, [group[0] + 1, group[1] + x]);
  }
  assertEquals(rows.length, model.size);
  for (const [a, b, c, d, e, count, sum] of rows) {
    assertEquals([Number(count), Number(sum)], model.get(JSON.stringify([Number(a), b, c, d, e]))!);
  }
});

Deno.test("SAMPLE BY cuts sorted timestamps as a model does, with keys and without", async () => {
  const source = (n: number) =>
    `(SELECT timestamp_sequence('2024-01-30T22:00:00Z'::timestamp, 1700000000L) ts, x FROM long_sequence(${n})) TIMESTAMP(ts)`;
  for (
    const [stride, floor] of [
      ["1h", (t: number) => Math.floor(t / 3_600_000) * 3_600_000],
      ["1d", (t: number) => Math.floor(t / 86_400_000) * 86_400_000],
      ["1M", (t: number) => Date.UTC(new Date(t).getUTCFullYear(), new Date(t).getUTCMonth())],
    ] as const
  ) {
    const model = new Map<number, [number, number]>();
    const keyed = new Map<string, number>();
    for (let x = 1; x <= 5000; x++) {
      const bucket = floor(Date.parse("2024-01-30T22:00:00Z") + (x - 1) * 1_700_000);
      const [count, sum] = model.get(bucket) ?? [0, 0];
      model.set(bucket, [count + 1, sum + x]);
      keyed.set(`${bucket}/${x % 3}`, (keyed.get(`${bucket}/${x % 3}`) ?? 0) + x);
    }
    const plain = await runQuery(
      `SELECT ts, count(), sum(x) FROM ${source(5000)} SAMPLE BY ${stride}`,
    );
    assertEquals(plain.timestampIndex, 0);
    assertEquals(
      plain.rows,
      [...model].map((
        [bucket, [count, sum]],
      ) => [BigInt(bucket) * 1000n, BigInt(count), BigInt(sum)]),
    );
    const byKey = await rowsOf(
      `SELECT ts, x % 3 k, sum(x) FROM ${source(5000)} SAMPLE BY ${stride}`,
    );
    assertEquals(byKey.length, keyed.size);
    for (const [ts, k, sum] of byKey) {
      assertEquals(Number(sum), keyed.get(`${Number(ts as bigint / 1000n)}/${k}`));
    }
  }
});

Deno.test("SAMPLE BY refuses rows that are out of order", async () => {
  const text =
    "SELECT ts, count() FROM (SELECT (100000 - x)::timestamp ts FROM long_sequence(10)) TIMESTAMP(ts) SAMPLE BY 1s";
  await assertRejects(() => runQuery(text), SqlError, "ASC order");
});

Deno.test("rnd functions repeat the reference's values for given seeds", async () => {
  assertEquals(await rowsOf("SELECT rnd_int() FROM long_sequence(3, 1, 2)"), [
    [8388677],
    [33554692],
    [33558723],
  ]);
  assertEquals(
    (await rowsOf("SELECT rnd_long(0, 10, 2) FROM long_sequence(8, 1, 2)")).map(([v]) => v),
    [6n, 9n, 4n, 8n, null, null, null, null],
  );
  assertEquals(
    (await rowsOf("SELECT rnd_double(2) FROM long_sequence(8, 1, 2)")).map(([v]) => v),
    [
      1.229345816256e-7,
      1.2217881885967508e-4,
      0.9066329692223769,
      null,
      null,
      null,
      0.5282303872204094,
      null,
    ],
  );
  assertEquals(
    (await rowsOf("SELECT rnd_symbol(4, 3, 5, 0) FROM long_sequence(8, 1, 2)")).map(([v]) => v),
    ["IDQ", "EJYTK", "IDQ", "SYQYZ", "DQR", "EJYTK", "EJYTK", "EJYTK"],
  );
  assertEquals(
    (await rowsOf("SELECT rnd_str(3, 5, 2) FROM long_sequence(5, 1, 2)")).map(([v]) => v),
    ["YQYZ", "JYTK", "QRPID", "QCDW", "HYT"],
  );
});

Deno.test("a cursor gives all memory back: at the end, when closed early, and after errors", async () => {
  const core = testCore();
  const before = core.memory.liveBytes;
  await runQuery(
    "SELECT x::string k, count_distinct(x) FROM long_sequence(30000) ORDER BY k LIMIT 5",
  );
  assertEquals(core.memory.liveBytes, before);
  const text = "SELECT 'text that is long ' || x FROM long_sequence(100000)";
  const cursor = planQuery(parseStatement(text) as SelectQuery, tablelessEnvironment(core, text));
  await cursor.next();
  cursor.close();
  cursor.close();
  assertEquals(await cursor.next(), null);
  assertEquals(core.memory.liveBytes, before);
  await assertRejects(
    () => runQuery("SELECT x FROM long_sequence(3) WHERE x > 'a' || x"),
    SqlError,
  );
  await assertRejects(() => runQuery("SELECT nope(x) FROM long_sequence(3)"), SqlError);
  await assertRejects(
    () => runQuery("SELECT substring('abc', 1, (x - 2)::int) FROM long_sequence(3)"),
    SqlError,
  );
  assertEquals(core.memory.liveBytes, before);
});

Deno.test("a cancelled statement stops between batches with the client's words", async () => {
  const core = testCore();
  const controller = new AbortController();
  const text = "SELECT sum(x) FROM long_sequence(1000000000)";
  let yields = 0;
  const context = {
    ...quietContext(controller.signal),
    yieldIfDue: () => {
      if (++yields === 3) controller.abort();
      return Promise.resolve();
    },
  };
  const cursor = planQuery(
    parseStatement(text) as SelectQuery,
    tablelessEnvironment(core, text, context),
  );
  await assertRejects(() => readAll(core, cursor), CancelledError, "cancelled by user");
  assertEquals(yields, 3);
});

Deno.test("rowsCursor hands rows of every type out, in batches", async () => {
  const core = testCore();
  const columns = [
    ["b", ColumnType.BOOLEAN],
    ["i", ColumnType.INT],
    ["l", ColumnType.LONG],
    ["d", ColumnType.DOUBLE],
    ["t", ColumnType.TIMESTAMP],
    ["s", ColumnType.SYMBOL],
    ["v", ColumnType.VARCHAR],
    ["c", ColumnType.CHAR],
  ].map(([name, type]) => ({ name: name as string, type: type as number }));
  const row = [true, 1, 5_000_000_000n, 1.5, 7n, "sym", "a text that is split", "c"];
  const empty = [false, null, null, null, null, null, null, null];
  const answer = await readAll(core, rowsCursor(core, columns, [row, empty]));
  assertEquals(answer.rows, [row, empty]);
  const many = Array.from({ length: 40_000 }, (_, i) => [i]);
  const long = await readAll(core, rowsCursor(core, [{ name: "n", type: ColumnType.INT }], many));
  assertEquals(long.rows, many);
  assert(core.memory.liveBytes >= 0);
});

Deno.test("CASE, coalesce and nullif choose among texts of any length", async () => {
  assertEquals(
    await rowsOf(
      "SELECT CASE WHEN x = 1 THEN 'a text longer than nine' WHEN x = 2 THEN 'short' END, " +
        "coalesce(nullif(x, 2), -1), CASE x WHEN 3 THEN 'y' ELSE 'n' END FROM long_sequence(3)",
    ),
    [["a text longer than nine", 1n, "n"], ["short", -1n, "n"], [null, 3n, "y"]],
  );
});

Deno.test("UNION ALL brings members to common types", async () => {
  const answer = await runQuery(
    "SELECT x, 'a'::symbol s FROM long_sequence(2) UNION ALL SELECT 1.5, 'text' FROM long_sequence(1)",
  );
  assertEquals(answer.types, ["DOUBLE", "STRING"]);
  assertEquals(answer.rows, [[1, "a"], [2, "a"], [1.5, "text"]]);
});
