import { SqlError } from "../../src/common/mod.ts";
import type { Insert } from "../../src/sql/ast/mod.ts";
import {
  MAX_EXPRESSION_DEPTH,
  MAX_EXPRESSION_NESTING,
  MAX_QUERY_NESTING,
  parseStatement,
  parseStatements,
} from "../../src/sql/parser/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { parseExpression, parseQuery, render } from "./render.ts";
import golden from "../golden/sql_parser.json" with { type: "json" };

Deno.test("parseStatement() gives the recorded error text and position of QuestDB", () => {
  const wrong: string[] = [];
  for (const { sql, error, position } of golden.errors) {
    const thrown = assertThrows(() => parseStatement(sql), SqlError);
    if (thrown.message !== error || thrown.position !== position) {
      wrong.push(`${sql}: ${thrown.message} @${thrown.position}, not ${error} @${position}`);
    }
  }
  assertEquals(wrong, []);
});

Deno.test("parseStatement() accepts what QuestDB's parser accepts", () => {
  assert(golden.accepted.length > 300);
  for (const sql of golden.accepted) parseStatement(sql);
});

Deno.test("expressions bind as in QuestDB", () => {
  const cases: [string, string][] = [
    ["1 + 2 * 3", "(1 + (2 * 3))"],
    ["(1 + 2) * 3", "((1 + 2) * 3)"],
    ["1 - 2 - 3", "((1 - 2) - 3)"],
    ["-1::int", "(- 1::int)"],
    ["- -2", "(- (- 2))"],
    ["2 * -3", "(2 * (- 3))"],
    ["a || b + 1", "(a || (b + 1))"],
    ["a || b = c", "((a || b) = c)"],
    ["7 & 3 | 4 ^ 1", "((7 & 3) | (4 ^ 1))"],
    ["1 << 2 + 1", "(1 << (2 + 1))"],
    ["a < b = c", "((a < b) = c)"],
    ["a = 1 and b = 2 or c = 3", "(((a = 1) and (b = 2)) or (c = 3))"],
    ["not a = 1 and b", "((not (a = 1)) and b)"],
    ["true = not false", "(true = (not false))"],
    ["a in (1, 2) = true", "((a in [1, 2]) = true)"],
    ["a not in (1)", "(a not in [1])"],
    ["ts in '2024'", "(ts in ['2024'])"],
    ["a between 1 and 2 and b", "((a between 1 and 2) and b)"],
    ["a not between 1 + 1 and 2", "(a not between (1 + 1) and 2)"],
    ["a not like 'x'", "(not (a like 'x'))"],
    ["a is null or b is not null", "((a is null) or (b is not null))"],
    ["a is not true", "(a != true)"],
    ["a <> 1", "(a != 1)"],
    ["d::int::string", "d::int::string"],
    ["cast(a as double precision)", "a::double"],
    ["x::decimal(18, 4)", "x::decimal(18,4)"],
    ["x::double[][]", "x::double[][]"],
    ["timestamp '2024-01-01'", "'2024-01-01'::timestamp"],
    ["timestamp with time zone '2024'", "'2024'::timestamp"],
    ["extract(epoch from ts)", "extract('epoch', ts)"],
    ["count(*)", "count(*)"],
    ["count(distinct a)", "count_distinct(a)"],
    ["case when a > 1 then 'x' else 'y' end", "(case when (a > 1) then 'x' else 'y' end)"],
    ["case a when 1 then 2 end", "(case a when 1 then 2 end)"],
    ['t.a + "t"."b c"', "(t.a + t.b c)"],
    ["$1 + :name", "($1 + :name)"],
    ["NaN", "NaN"],
    ["#u33d", "#u33d"],
  ];
  for (const [text, expected] of cases) assertEquals(render(parseExpression(text)), expected, text);
});

Deno.test("expression nodes point at operators, function names and starts", () => {
  const sum = parseExpression("aa + b::int");
  assert(sum.kind === "binary" && sum.right.kind === "cast");
  assertEquals([sum.position, sum.left.position, sum.right.position, sum.right.typePosition], [
    10,
    7,
    13,
    15,
  ]);
  const call = parseExpression("  abs( x)");
  assert(call.kind === "call");
  assertEquals([call.position, call.args[0].position], [9, 14]);
  const membership = parseExpression("a not in (1)");
  assertEquals(membership.position, 13);
});

Deno.test("a string literal loses its quotes and doubled quotes", () => {
  assertEquals(render(parseExpression("'it''s'")), "'it's'");
});

Deno.test("select items keep their source text and alias", () => {
  const { items } = parseQuery('SELECT a+1 , b AS "B b", t.*, count() c FROM t');
  assertEquals(items.map((item) => [item.text, item.alias]), [
    ["a+1", null],
    ["b", "B b"],
    ["t.*", null],
    ["count()", "c"],
  ]);
  assertEquals(items[3].aliasPosition, 38);
});

Deno.test("a bare table name is SELECT * FROM it, with all clauses", () => {
  const query = parseQuery("t1 where a > 1 order by a desc limit 2, 3");
  assertEquals(query.items.length, 1);
  assertEquals(query.items[0].expression.kind, "star");
  assert(query.from?.kind === "table");
  assertEquals(query.from.name, "t1");
  assertEquals(render(query.where!), "(a > 1)");
  assertEquals(query.orderBy[0].isDescending, true);
  assertEquals([render(query.limit!.low), render(query.limit!.high!)], ["2", "3"]);
});

Deno.test("a query in parentheses is the query itself unless something follows", () => {
  const plain = parseQuery("((select a from t))");
  assert(plain.from?.kind === "table");
  const limited = parseQuery("(select a from t) limit 1");
  assert(limited.from?.kind === "table" && limited.limit !== null);
  const twice = parseQuery("(select a from t limit 5) limit 1");
  assert(twice.from?.kind === "subquery" && twice.limit !== null);
  const show = parseQuery("(show parameters) where property_path = 'x'");
  assert(show.from?.kind === "subquery" && show.from.query.kind === "show");
});

Deno.test("ORDER BY and LIMIT behind UNION ALL belong to the union", () => {
  const query = parseQuery("select a from t union all select a from u order by a limit 1");
  assert(query.from?.kind === "subquery" && query.from.query.kind === "select");
  assertEquals(query.orderBy.length, 1);
  const inner = query.from.query;
  assertEquals([inner.orderBy.length, inner.limit, inner.unionAll?.from?.kind], [0, null, "table"]);
});

Deno.test("names of WITH become subqueries, also through each other", () => {
  const query = parseQuery("with a as (select 1 x), b as (select x from a) select x from b z");
  assert(query.from?.kind === "subquery" && query.from.query.kind === "select");
  assertEquals(query.from.alias, "z");
  const inner = query.from.query.from;
  assert(inner?.kind === "subquery" && inner.alias === "a");
});

Deno.test("names of WITH do not leak out of their query", () => {
  const query = parseQuery("select x from (with a as (select 1 x) select x from a) y");
  assert(query.from?.kind === "subquery");
  const [first, second] = parseStatements(
    "with a as (select 1 x) select x from a; select x from a",
  );
  assert(first.kind === "select" && first.from?.kind === "subquery");
  assert(second.kind === "select" && second.from?.kind === "table");
});

Deno.test("SAMPLE BY keeps its parts", () => {
  const sample = parseQuery(
    "select ts, sum(x) from t sample by 15m from '2024' to '2025' fill(prev, 0) " +
      "align to calendar time zone 'UTC' with offset '00:10'",
  ).sampleBy!;
  assertEquals(
    [sample.stride, sample.alignTo, ...sample.fill!.map(render)],
    ["15m", "calendar", "prev", "0"],
  );
  assertEquals([sample.from, sample.to, sample.timeZone, sample.offset].map((e) => render(e!)), [
    "'2024'",
    "'2025'",
    "'UTC'",
    "'00:10'",
  ]);
});

Deno.test("LATEST ON and LATEST BY differ in the timestamp", () => {
  const on = parseQuery("select * from t where a > 1 latest on ts partition by a, b").latestOn!;
  assertEquals([on.timestamp?.name, ...on.partitionBy.map(render)], ["ts", "a", "b"]);
  assertEquals(parseQuery("select * from t latest by a").latestOn!.timestamp, null);
});

Deno.test("TIMESTAMP(column) on a table makes a subquery of it", () => {
  const query = parseQuery("select * from t timestamp(c)");
  assert(query.from?.kind === "subquery");
  assertEquals(query.from.timestamp, { name: "c", position: 26 });
});

Deno.test("CREATE TABLE keeps every clause", () => {
  const statement = parseStatement(
    "CREATE TABLE IF NOT EXISTS 'a b' (ts TIMESTAMP, s SYMBOL CAPACITY 100 NOCACHE INDEX CAPACITY 60, " +
      "g GEOHASH(5c), d double precision), index(s) TIMESTAMP(ts) PARTITION BY DAY TTL 2 WEEKS WAL " +
      "DEDUP UPSERT KEYS(ts, s) WITH maxUncommittedRows=10, o3MaxLag=5s",
  );
  assert(statement.kind === "createTable" && statement.columns !== null);
  assertEquals([statement.name.text, statement.ifNotExists], ["a b", true]);
  assertEquals(statement.columns.map((c) => `${c.name.text} ${c.type.text}`), [
    "ts TIMESTAMP",
    "s SYMBOL",
    "g GEOHASH(5c)",
    "d double",
  ]);
  const { symbolCapacity, isSymbolCached, isIndexed, indexCapacity } = statement.columns[1];
  assertEquals([symbolCapacity, isSymbolCached, isIndexed, indexCapacity], [128, false, true, 64]);
  assertEquals(statement.indexes.map((index) => index.column.text), ["s"]);
  assertEquals([statement.timestamp?.text, statement.partitionBy?.text], ["ts", "DAY"]);
  assertEquals([statement.ttl?.hoursOrMonths, statement.wal], [336, true]);
  assertEquals(statement.dedupKeys?.map((key) => key.text), ["ts", "s"]);
  assertEquals(statement.withParams.map((p) => `${p.name.text}=${p.value.text}`), [
    "maxUncommittedRows=10",
    "o3MaxLag=5s",
  ]);
});

Deno.test("CREATE TABLE AS keeps casts, batch size and atomicity", () => {
  const batch = parseStatement(
    "create batch 10 table a as (select 1 x), cast(x as symbol capacity 4)",
  );
  assert(batch.kind === "createTable" && batch.query !== null);
  assertEquals([batch.batchSize, batch.isAtomic], [10, false]);
  assertEquals(batch.casts.map((c) => [c.name.text, c.type.text, c.symbolCapacity]), [
    ["x", "symbol", 4],
  ]);
  const atomic = parseStatement("create atomic table a as (select 1 x)");
  assert(atomic.kind === "createTable" && atomic.isAtomic);
});

Deno.test("INSERT keeps columns, rows, their ends, and batch size", () => {
  const insert = parseStatement("insert into t (a, 'b') values (1, 'x'), (2, null)") as Insert;
  assertEquals(insert.columns?.map((c) => c.text), ["a", "b"]);
  assertEquals(insert.rows?.map((row) => row.values.map(render)), [["1", "'x'"], ["2", "null"]]);
  assertEquals(insert.rowEnds, [37, 48]);
  const select = parseStatement("insert batch 1000 o3MaxLag 1s into t select * from u") as Insert;
  assertEquals([select.batchSize, select.query?.kind], [1000, "select"]);
});

Deno.test("administrative statements parse to their kinds", () => {
  const kinds = parseStatements(
    "drop table if exists a; truncate table a, b; drop all tables; show columns from t; " +
      "show transaction isolation level; backup database; backup abort; checkpoint create; " +
      "snapshot complete; begin; commit; set x = 1;;",
  ).map((s) => "action" in s ? `${s.kind} ${s.action}` : s.kind);
  assertEquals(kinds, [
    "dropTable",
    "truncateTable",
    "dropAllTables",
    "show",
    "show",
    "backup database",
    "backup abort",
    "checkpoint create",
    "checkpoint release",
    "noOperation",
    "noOperation",
    "noOperation",
  ]);
});

Deno.test("statements of QuestDB that are missing are refused by name", () => {
  const cases: [string, string, number][] = [
    ["alter view v as (select 1)", "ALTER VIEW is not supported yet", 6],
    ["select * from a join b on a.x = b.x", "joins are not supported yet", 16],
    ["select * from a, b", "joins are not supported yet", 15],
    ["select sum(x) over () from t", "window functions are not supported yet", 14],
    ["select 1 from t union select 2 from t", "UNION is not supported yet, UNION ALL is", 16],
    ["create view v as (select 1)", "CREATE VIEW is not supported yet", 7],
    ["backup table t", "BACKUP TABLE is not supported, please use BACKUP DATABASE", 7],
    [
      "create table a (x timestamp) timestamp(x) partition by day wal in volume 'v'",
      "volume alias is not allowed [alias=v]",
      73,
    ],
  ];
  for (const [sql, message, position] of cases) {
    const error = assertThrows(() => parseStatement(sql), SqlError);
    assertEquals([error.message, error.position], [message, position], sql);
  }
});

Deno.test("parseStatement() takes one statement, parseStatements() many", () => {
  assertThrows(() => parseStatement("select 1; select 2"), SqlError, "unexpected token [select]");
  assertThrows(() => parseStatement(" -- nothing\n"), SqlError, "empty query");
  assertEquals(parseStatements("; ;").length, 0);
  assertEquals(parseStatements("select 1; select 2").map((s) => s.position), [0, 10]);
});

Deno.test("nesting of expressions is bounded by a named limit", () => {
  const nest = (n: number) => "(".repeat(n) + "1" + ")".repeat(n);
  parseExpression(nest(MAX_EXPRESSION_NESTING));
  assertThrows(
    () => parseExpression(nest(MAX_EXPRESSION_NESTING + 1)),
    SqlError,
    "expression is nested too deep [limit=200]",
  );
  assertThrows(
    () => parseExpression("-".repeat(500).split("").join(" ") + "1"),
    SqlError,
    "too deep",
  );
  assertThrows(() => parseExpression("not ".repeat(100_000) + "true"), SqlError, "too deep");
  assertThrows(() => parseExpression("case when ".repeat(100_000)), SqlError, "too deep");
  assertThrows(() => parseExpression("abs(".repeat(100_000)), SqlError, "too deep");
});

Deno.test("length of an operator chain is bounded by a named limit", () => {
  const chain = (n: number) => Array(n).fill("a").join(" or ");
  parseExpression(chain(MAX_EXPRESSION_DEPTH));
  assertThrows(
    () => parseExpression(chain(MAX_EXPRESSION_DEPTH + 1)),
    SqlError,
    "expression is too deep [limit=1000]",
  );
  // Long chains in inner places count, even when something short follows them.
  const inner = chain(900);
  assertThrows(
    () => parseExpression(`case when (case when ${inner} then 1 end) = 1 or ${inner} then 1 end`),
    SqlError,
    "expression is too deep",
  );
});

Deno.test("nesting of queries and growth through WITH are bounded by named limits", () => {
  const nest = (n: number) => "select * from (".repeat(n) + "t" + ")".repeat(n);
  parseStatement(nest(MAX_QUERY_NESTING - 1));
  assertThrows(
    () => parseStatement(nest(MAX_QUERY_NESTING)),
    SqlError,
    "nested too deep [limit=64]",
  );
  const doubling = Array.from(
    { length: 30 },
    (_, i) => `a${i + 1} as (select * from a${i} union all select * from a${i})`,
  );
  assertThrows(
    () => parseStatement(`with a0 as (t), ${doubling.join(", ")} select * from a30`),
    SqlError,
    "too many table references [limit=256]",
  );
});

Deno.test("a chain of WITH names nests as deep as its queries", () => {
  const chain = (n: number) => {
    const names = Array.from({ length: n }, (_, i) => `a${i + 1} as (select * from a${i})`);
    return `with a0 as (t), ${names.join(", ")} select * from a${n}`;
  };
  parseStatement(chain(MAX_QUERY_NESTING - 2));
  assertThrows(
    () => parseStatement(chain(MAX_QUERY_NESTING - 1)),
    SqlError,
    "nested too deep [limit=64]",
  );
  assertThrows(() => parseStatement(chain(50_000)), SqlError, "nested too deep [limit=64]");
  // Side by side they do not add up.
  parseStatement(chain(40) + " union all (" + chain(40) + ")");
});

Deno.test("many names of WITH cost no more than their text", () => {
  const names = Array.from(
    { length: 100_000 },
    (_, i) => `a${i} as (with b as (t) select * from b)`,
  );
  const started = performance.now();
  parseStatement(`with ${names.join(", ")} select * from a5`);
  assert(performance.now() - started < 20_000);
});

Deno.test("length of a UNION ALL is bounded by a named limit", () => {
  const union = (n: number) => Array(n).fill("select 1").join(" union all ");
  parseStatement(union(1000));
  assertThrows(
    () => parseStatement(union(1001)),
    SqlError,
    "too many members of UNION ALL [limit=1000]",
  );
});

Deno.test("parseStatement() refuses a text over the length limit without reading it", () => {
  const error = assertThrows(() => parseStatement(" ".repeat(16_777_217)), SqlError);
  assertEquals([error.message, error.position], ["statement is too long [limit=16777216]", 0]);
});
