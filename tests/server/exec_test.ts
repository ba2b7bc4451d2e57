/**
 * /exec and /exp over a real engine. Bodies are those that QuestDB 9.3.5 was recorded to send.
 */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { ServerFixture } from "./server_fixture.ts";

const FIVE = "SELECT * FROM long_sequence(5)";
const HEAD = `{"query":"${FIVE}","columns":[{"name":"x","type":"LONG"}],"timestamp":-1,`;

Deno.test("/exec answers with QuestDB's bytes for each parameter", async () => {
  await using server = await ServerFixture.start();
  const bodies: [Record<string, string>, string][] = [
    [{ limit: "2" }, `${HEAD}"dataset":[[1],[2]],"count":2}`],
    [{ limit: "2,4" }, `${HEAD}"dataset":[[2],[3],[4]],"count":4}`],
    [{ limit: "2,4", count: "true" }, `${HEAD}"dataset":[[2],[3],[4]],"count":5}`],
    [{ limit: "10,20" }, `${HEAD}"dataset":[],"count":0}`],
    [{ limit: "5,8" }, `${HEAD}"dataset":[[5]],"count":5}`],
    [{ limit: "6,8" }, `${HEAD}"dataset":[],"count":0}`],
    [{ limit: "4," }, `${HEAD}"dataset":[[4],[5]],"count":5}`],
    [{ limit: "bad" }, `${HEAD}"dataset":[[1],[2],[3],[4],[5]],"count":5}`],
    [{ nm: "true" }, `{"dataset":[[1],[2],[3],[4],[5]],"count":5}`],
    [{ quoteLargeNum: "true" }, `${HEAD}"dataset":[["1"],["2"],["3"],["4"],["5"]],"count":5}`],
    [{ cols: "x" }, `${HEAD}"dataset":[[1],[2],[3],[4],[5]],"count":5}`],
    [{ limit: "-2" }, `${HEAD}"dataset":[[4],[5]],"count":2}`],
  ];
  for (const [parameters, body] of bodies) {
    assertEquals(await server.exec(FIVE, parameters), body, JSON.stringify(parameters));
  }
  assertEquals(
    (await server.request("/exec", { query: FIVE, cols: "y" })).body,
    `{"query":"${FIVE}","error":"column not found: 'y'"}`,
  );
  assertMatch(
    await server.exec(FIVE, { timings: "true", explain: "true", nm: "true" }),
    /^\{"dataset":\[\[1\],\[2\],\[3\],\[4\],\[5\]\],"count":5,"timings":\{"authentication":0,"compiler":\d+,"execute":\d+,"count":0\},"explain":\{"jitCompiled":false\}\}$/,
  );
});

Deno.test("/exec fills up years before 0 in front of their sign, as QuestDB does", async () => {
  await using server = await ServerFixture.start();
  const query = "SELECT cast(-84900000000000L AS DATE) d, cast(-62200000000000000L AS TIMESTAMP) t";
  assertEquals(
    await server.exec(query, { nm: "true" }),
    '{"dataset":[["0-721-08-17T02:40:00.000Z","000-2-12-17T14:13:20.000000Z"]],"count":1}',
  );
});

Deno.test("/exec answers statements and errors as QuestDB does", async () => {
  await using server = await ServerFixture.start();
  const create =
    "CREATE TABLE base (ts TIMESTAMP, k SYMBOL, v DOUBLE) TIMESTAMP(ts) PARTITION BY DAY WAL";
  assertEquals(await server.exec(create), '{"ddl":"OK"}');
  assertEquals(
    await server.exec("INSERT INTO base VALUES ('2024-02-02','z',1)"),
    '{"dml":"OK"}',
  );
  const ok = await server.request("/exec", { query: "SELECT 1" });
  assertEquals(ok.headers.get("content-type"), "application/json; charset=utf-8");
  assertEquals(ok.headers.get("keep-alive"), "timeout=5, max=10000");
  for (
    const [query, status, body] of [
      ["", 200, '{"error":"empty query","query":"","position":"0"}'],
      [" ", 200, '{"error":"empty query","query":" ","position":"0"}'],
      [
        "SELECT * FROM nosuch",
        400,
        '{"query":"SELECT * FROM nosuch","error":"table does not exist [table=nosuch]","position":14}',
      ],
      [
        "SELECT * FROM",
        400,
        '{"query":"SELECT * FROM","error":"table name or sub-query expected","position":13}',
      ],
      [
        "SELECT 'unterminated",
        400,
        `{"query":"SELECT 'unterminated","error":"unclosed quoted string?","position":7}`,
      ],
    ] as const
  ) {
    const answer = await server.request("/exec", { query });
    assertEquals([answer.status, answer.body], [status, body]);
  }
  const last = await server.request("/exec", { query: "SELECT * FROM nosuch", limit: "-3" });
  assertEquals(JSON.parse(last.body).position, 14);
});

/** The seven types with the values of the recorded table `alltypes`. */
async function withTypes(server: ServerFixture): Promise<void> {
  await server.exec(
    "CREATE TABLE alltypes (b BOOLEAN, i INT, l LONG, ts TIMESTAMP, db DOUBLE, vc VARCHAR, sym SYMBOL) " +
      "TIMESTAMP(ts) PARTITION BY DAY WAL",
  );
  const rows = [
    "(true, 3, 4, '2024-01-01T00:00:00.123456Z', 2.25, 'vch', 'sym1')",
    "(false, null, null, '2024-01-01T01:00:00.000000Z', null, null, null)",
    "(false, -2147483647, -9223372036854775807L, '2024-01-02T01:00:00.000000Z', 1e-300, null, null)",
    "(true, 2147483647, 9223372036854775807L, '2024-01-02T02:00:00.000000Z', 1.7976931348623157e308, null, null)",
    "(false, null, null, '2024-01-03T00:00:00.000000Z', null, 'юникод 🎉 quote '' \" back\\slash', 'sym 2')",
    "(false, null, null, '2024-01-03T00:00:01.000000Z', null, '', '')",
    "(false, null, null, '2024-01-03T00:00:02.000000Z', null, 'line\nbreak\ttab x\u0001y', 'sym1')",
    "(false, null, null, '2024-01-04T00:00:04.000000Z', -0.0, 'x\u0001y', 'a\"b')",
  ];
  for (const row of rows) {
    const answer = await server.exec(`INSERT INTO alltypes VALUES ${row}`);
    assertEquals(answer, '{"dml":"OK"}');
  }
  await server.settle();
}

Deno.test("/exec writes values of every type with QuestDB's spelling", async () => {
  await using server = await ServerFixture.start();
  await withTypes(server);
  assertEquals(
    await server.exec("SELECT * FROM alltypes"),
    '{"query":"SELECT * FROM alltypes","columns":[{"name":"b","type":"BOOLEAN"},{"name":"i","type":"INT"},' +
      '{"name":"l","type":"LONG"},{"name":"ts","type":"TIMESTAMP"},{"name":"db","type":"DOUBLE"},' +
      '{"name":"vc","type":"VARCHAR"},{"name":"sym","type":"SYMBOL"}],"timestamp":3,"dataset":[' +
      '[true,3,4,"2024-01-01T00:00:00.123456Z",2.25,"vch","sym1"],' +
      '[false,null,null,"2024-01-01T01:00:00.000000Z",null,null,null],' +
      '[false,-2147483647,-9223372036854775807,"2024-01-02T01:00:00.000000Z",1.0E-300,null,null],' +
      '[true,2147483647,9223372036854775807,"2024-01-02T02:00:00.000000Z",1.7976931348623157E308,null,null],' +
      '[false,null,null,"2024-01-03T00:00:00.000000Z",null,"юникод 🎉 quote \' \\" back\\\\slash","sym 2"],' +
      '[false,null,null,"2024-01-03T00:00:01.000000Z",null,"",""],' +
      '[false,null,null,"2024-01-03T00:00:02.000000Z",null,"line\\nbreak\\ttab x\\u0001y","sym1"],' +
      '[false,null,null,"2024-01-04T00:00:04.000000Z",-0.0,"x\\u0001y","a\\"b"]],"count":8}',
  );
});

Deno.test("/exp writes CSV with QuestDB's quotes, escapes and headers", async () => {
  await using server = await ServerFixture.start();
  await withTypes(server);
  const answer = await server.request("/exp", { query: "SELECT * FROM alltypes" });
  assertEquals(answer.headers.get("content-type"), "text/csv; charset=utf-8");
  assertMatch(
    answer.headers.get("content-disposition")!,
    /^attachment; filename="questdb-query-\d{13}\.csv"$/,
  );
  assertEquals(
    answer.body,
    '"b","i","l","ts","db","vc","sym"\r\n' +
      'true,3,4,"2024-01-01T00:00:00.123456Z",2.25,"vch","sym1"\r\n' +
      'false,,,"2024-01-01T01:00:00.000000Z",,,\r\n' +
      'false,-2147483647,-9223372036854775807,"2024-01-02T01:00:00.000000Z",1.0E-300,,\r\n' +
      'true,2147483647,9223372036854775807,"2024-01-02T02:00:00.000000Z",1.7976931348623157E308,,\r\n' +
      'false,,,"2024-01-03T00:00:00.000000Z",,"юникод 🎉 quote \' "" back\\\\slash","sym 2"\r\n' +
      'false,,,"2024-01-03T00:00:01.000000Z",,"",""\r\n' +
      'false,,,"2024-01-03T00:00:02.000000Z",,"line\\nbreak\\ttab x\\u0001y","sym1"\r\n' +
      'false,,,"2024-01-04T00:00:04.000000Z",-0.0,"x\\u0001y","a""b"\r\n',
  );
});

Deno.test("/exp takes limits, delimiters and file names, and refuses what is no query", async () => {
  await using server = await ServerFixture.start();
  const exp = async (parameters: Record<string, string>, query = FIVE) =>
    (await server.request("/exp", { query, ...parameters })).body;
  assertEquals(await exp({ limit: "2" }), '"x"\r\n1\r\n2\r\n');
  assertEquals(await exp({ limit: "2,4" }), '"x"\r\n3\r\n4\r\n');
  assertEquals(await exp({ limit: "0" }), '"x"\r\n');
  assertEquals(await exp({ limit: "-2", nm: "true" }), "4\r\n5\r\n");
  assertEquals(await exp({ delimiter: ";" }, "SELECT 1 a, 'xy' b"), '"a";"b"\r\n1;"xy"\r\n');
  const named = await server.request("/exp", { query: "SELECT 1", filename: 'a"\n../b' });
  assertEquals(
    named.headers.get("content-disposition"),
    'attachment; filename="a__.._b.csv"',
  );
  await server.exec("CREATE TABLE t (ts TIMESTAMP) TIMESTAMP(ts) PARTITION BY DAY WAL");
  for (
    const [query, format, error] of [
      ["", "csv", "No query text"],
      ["SELECT 1", "xxx", "unrecognised format [format=xxx]"],
      ["SELECT 1", "parquet", "parquet export is not supported yet, use fmt=csv"],
      ["INSERT INTO t VALUES (1)", "csv", "/exp endpoint only accepts SELECT"],
    ] as const
  ) {
    const answer = await server.request("/exp", { query, fmt: format });
    assertEquals([answer.status, JSON.parse(answer.body)], [400, { query, error, position: 0 }]);
  }
});

Deno.test("/exec streams a large result in pieces and counts its rows", async () => {
  await using server = await ServerFixture.start();
  const rows = 200_000;
  const query = `SELECT x, x * 0.5 y FROM long_sequence(${rows})`;
  const response = await fetch(`${server.url}/exec?query=${encodeURIComponent(query)}`);
  let pieces = 0, text = "";
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    pieces++;
    text += piece;
  }
  const answer = JSON.parse(text);
  assertEquals(answer.count, rows);
  assertEquals(answer.dataset.length, rows);
  assertEquals(answer.dataset[rows - 1], [rows, rows / 2]);
  assert(pieces > 3, `pieces: ${pieces}`);
});

Deno.test("a row that is out of order in a table without partitions fails at its timestamp", async () => {
  await using server = await ServerFixture.start();
  await server.exec("CREATE TABLE nopart (x INT, ts TIMESTAMP) TIMESTAMP(ts)");
  const failsAt = async (sql: string) => {
    const { error, position } = JSON.parse(await server.exec(sql));
    assertMatch(
      error,
      /^cannot insert rows out of order to non-partitioned table\. Table=.*nopart$/,
    );
    return position;
  };
  assertEquals(await failsAt("INSERT INTO nopart VALUES (1,'2024-01-02'),(2,'2024-01-01')"), 46);
  await server.exec("INSERT INTO nopart VALUES (1,'2024-01-02')");
  assertEquals(await failsAt("INSERT INTO nopart VALUES (2,'2024-01-01')"), 29);
  assertEquals(
    await failsAt("INSERT INTO nopart (ts) VALUES ('2024-01-03'), ('2024-01-02T12:00:00Z')"),
    48,
  );
});

Deno.test("a query of comments is an empty query", async () => {
  await using server = await ServerFixture.start();
  const answer = JSON.parse(await server.exec("-- nothing"));
  assertEquals(answer, { error: "empty query", query: "-- nothing", position: "0" });
});
