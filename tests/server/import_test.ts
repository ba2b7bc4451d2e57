/**
 * /imp over a real engine. Answers are those that QuestDB 9.3.5 and 9.3.4 gave, or say how they differ.
 */
import { assert, assertEquals, assertMatch } from "../support/assert.ts";
import { ServerFixture } from "./server_fixture.ts";

const TRADES = "ts,sym,price,qty\n2024-01-01T00:00:00.000Z,BTC,100.5,1\n" +
  "2024-01-01T00:00:01.000Z,ETH,,2\n2024-01-02T00:00:01.000Z,ETH,abc,3\n";
const SCHEMA = '[{"name":"ts","type":"TIMESTAMP","pattern":"yyyy-MM-ddTHH:mm:ss.SSSZ"},' +
  '{"name":"sym","type":"SYMBOL"},{"name":"price","type":"DOUBLE"}]';
const DAILY = { timestamp: "ts", partitionBy: "DAY" };

Deno.test("/imp imports with a schema and answers with QuestDB's bytes", async () => {
  await using server = await ServerFixture.start();
  const answer = await server.postImport(TRADES, {
    fmt: "json",
    name: "imp3",
    overwrite: "true",
    schema: SCHEMA,
    ...DAILY,
  });
  assertEquals(answer.status, 200);
  assertEquals(answer.headers.get("content-type"), "application/json; charset=utf-8");
  assertEquals(
    answer.body,
    '{"status":"OK","location":"imp3","rowsRejected":0,"rowsImported":3,"header":true,"partitionBy":"DAY",' +
      '"timestamp":"ts","columns":[{"name":"ts","type":"TIMESTAMP","size":8,"errors":0},' +
      '{"name":"sym","type":"SYMBOL","size":4,"errors":0},{"name":"price","type":"DOUBLE","size":8,"errors":1},' +
      '{"name":"qty","type":"INT","size":4,"errors":0}]}',
  );
  await server.settle();
  assertEquals(
    await server.exec("SELECT * FROM imp3"),
    '{"query":"SELECT * FROM imp3","columns":[{"name":"ts","type":"TIMESTAMP"},{"name":"sym","type":"SYMBOL"},' +
      '{"name":"price","type":"DOUBLE"},{"name":"qty","type":"INT"}],"timestamp":0,"dataset":[' +
      '["2024-01-01T00:00:00.000000Z","BTC",100.5,1],["2024-01-01T00:00:01.000000Z","ETH",null,2],' +
      '["2024-01-02T00:00:01.000000Z","ETH",null,3]],"count":3}',
  );
});

Deno.test("/imp answers people with QuestDB's table", async () => {
  await using server = await ServerFixture.start();
  const answer = await server.postImport(
    "h1,h2,ts\n1,2,2024-01-01T00:00:00.000000Z\n3,4,2024-01-01T00:00:00.000000Z\n",
    { name: "tab3", ...DAILY },
  );
  const rule = `+${"-".repeat(113)}+`;
  assertEquals(answer.headers.get("content-type"), "text/plain; charset=utf-8");
  assertEquals(answer.body.split("\r\n"), [
    rule,
    "|      Location:  |                                              tab3  |        Pattern  | Locale  |      Errors  |",
    "|   Partition by  |                                               DAY  |                 |         |              |",
    "|      Timestamp  |                                                ts  |                 |         |              |",
    rule,
    "|   Rows handled  |                                                 2  |                 |         |              |",
    "|  Rows imported  |                                                 2  |                 |         |              |",
    rule,
    "|              0  |                                                h1  |                      INT  |           0  |",
    "|              1  |                                                h2  |                      INT  |           0  |",
    "|              2  |                                                ts  |                TIMESTAMP  |           0  |",
    rule,
    "",
  ]);
  const failed = await server.postImport("a", { name: "tab4" });
  assertEquals([failed.status, failed.body], [200, "not enough lines [table=tab4]"]);
});

Deno.test("/imp refuses what QuestDB refuses, in its words", async () => {
  await using server = await ServerFixture.start();
  const status = async (options: Record<string, string>, data = TRADES) =>
    (await server.import(data, { name: "x", ...options })).status;
  assertEquals(
    await status({ timestamp: "nope", partitionBy: "DAY" }),
    "invalid timestamp column 'nope'",
  );
  assertEquals(await status({ timestamp: "sym", partitionBy: "DAY" }), "not a timestamp 'sym'");
  assertEquals(
    await status({ partitionBy: "DAY" }),
    "when specifying partitionBy you must also specify timestamp",
  );
  assertEquals(await status({ timestamp: "ts", partitionBy: "XX" }), "invalid partitionBy");
  assertEquals(
    await status({ create: "false" }),
    "table does not exist [table=x] and create param was set to false.",
  );
  assertEquals(
    await status({ maxUncommittedRows: "abc" }),
    "invalid maxUncommittedRows, must be an int",
  );
  assertEquals(await status({ o3MaxLag: "10s" }), "invalid o3MaxLag value, must be a long");
  assertEquals(await status({ schema: '[{"name":"sym"}]' }), "Missing 'type' property");
  assertEquals(await status({ schema: '[{"type":"INT"}]' }), "Missing 'name' property");
  assertEquals(await status({ schema: '[{"name":"sym","type":"NOPE"}]' }), "Invalid type");
  assertEquals(await status({}, "h1,H1\n11,12\n"), "duplicate column name found [no=1,name=H1]");
  const plain = await server.request("/imp", { name: "x" }, { method: "POST", body: "abc" });
  assertEquals([plain.status, plain.body], [400, "Non-multipart POST not supported\r\n"]);
  assertEquals(server.engine.tables(), []);
});

Deno.test("/imp rejects rows without a timestamp and counts errors as QuestDB does", async () => {
  const lines = ["h1,h2,ts"];
  for (let i = 0; i < 1000; i++) {
    lines.push(`${i},${i},2024-01-01T00:00:${String(i % 60).padStart(2, "0")}.000000Z`);
  }
  lines.push("abc,1,2024-01-01T00:00:00.000000Z", "1,x,bad", "2,3,", "4,5");
  const data = lines.join("\n") + "\n";
  await using server = await ServerFixture.start();
  const columns = (h1: number) => [
    { name: "h1", type: "INT", size: 4, errors: h1 },
    { name: "h2", type: "INT", size: 4, errors: 0 },
    { name: "ts", type: "TIMESTAMP", size: 8, errors: 3 },
  ];
  const skipCol = await server.import(data, { name: "a", ...DAILY });
  assertEquals([skipCol.rowsImported, skipCol.rowsRejected], [1001, 3]);
  assertEquals(skipCol.columns, columns(1));
  const skipRow = await server.import(data, { name: "b", atomicity: "skipRow", ...DAILY });
  assertEquals([skipRow.rowsImported, skipRow.rowsRejected], [1000, 4]);
  assertEquals(skipRow.columns, columns(1));
  const abort = await server.import(data, { name: "c", atomicity: "abort", ...DAILY });
  assertEquals(abort, { status: "bad syntax [line=1000, col=0]" });
  await server.settle();
  assertMatch(await server.exec("SELECT count() FROM c"), /"dataset":\[\[0\]\]/);
  assertMatch(await server.exec("SELECT count() FROM a"), /"dataset":\[\[1001\]\]/);
});

Deno.test("/imp takes or leaves lines with too many values, and drops one with an open quote", async () => {
  await using server = await ServerFixture.start();
  const line = (end: string) => `2024-01-01T00:00:00.000000Z,${end}\n`;
  const data = "ts,v\n" + line("1").repeat(300) + line("2,3") + line('"4');
  const strict = await server.import(data, { name: "a", ...DAILY });
  assertEquals([strict.rowsImported, strict.rowsRejected], [300, 2]);
  const lenient = await server.import(data, { name: "b", skipLev: "true", ...DAILY });
  assertEquals([lenient.rowsImported, lenient.rowsRejected], [301, 1]);
});

Deno.test("/imp matches columns of an existing table by name, or by position without a header", async () => {
  await using server = await ServerFixture.start();
  await server.exec(
    "CREATE TABLE ex (ts TIMESTAMP, sym SYMBOL, price DOUBLE, qty LONG, ok BOOLEAN) TIMESTAMP(ts) PARTITION BY HOUR WAL",
  );
  const named = await server.import(
    "PRICE,ts,extra\n1.5,2024-01-01T00:00:00.000000Z,9\nnull,2024-01-01T00:00:01.000000Z,9\n",
    { name: "ex", partitionBy: "DAY", timestamp: "ts" },
  );
  assertEquals(named.warnings, ["Existing table PartitionBy is used"]);
  assertEquals(named.partitionBy, "HOUR");
  assertEquals(named.columns.map((column: { name: string }) => column.name), [
    "ts",
    "sym",
    "price",
    "qty",
    "ok",
  ]);
  const positional = await server.import(
    "2024-01-01T00:00:02.000000Z,BTC,2,1L,true\n2024-01-01T00:00:03.000000Z,,3,1_000,yes\n",
    { name: "ex" },
  );
  assertEquals([positional.header, positional.rowsImported], [false, 2]);
  assertEquals(await server.import("a,b,c,d,e,f\n1,2,3,4,5,6\n1,2,3,4,5,6\n", { name: "ex" }), {
    status: "column count mismatch [textColumnCount=6, tableColumnCount=5, table=ex]",
  });
  await server.settle();
  assertMatch(
    await server.exec("SELECT * FROM ex", { nm: "true" }),
    /^\{"dataset":\[\["2024-01-01T00:00:00.000000Z",null,1.5,null,false\],\["2024-01-01T00:00:01.000000Z",null,null,null,false\],\["2024-01-01T00:00:02.000000Z","BTC",2.0,1,true\],\["2024-01-01T00:00:03.000000Z",null,3.0,1000,false\]\],"count":4\}$/,
  );
});

Deno.test("/imp keeps text as it is: quotes, line ends, long values, any script", async () => {
  await using server = await ServerFixture.start();
  const texts = [
    "short",
    "nine byte",
    "ten bytes!",
    'say "hi", twice',
    "l1\nl2",
    "юникод 🎉",
    "x".repeat(5000),
  ];
  const csv = "ts;text\n" +
    texts.map((text, i) => `2024-01-01T00:00:00.00000${i}Z;"${text.replaceAll('"', '""')}"\n`).join(
      "",
    );
  const bytes = new TextEncoder().encode("\ufeff" + csv + "2024-01-01T00:00:01.000000Z;");
  const data = new Uint8Array(bytes.length + 2);
  data.set(bytes);
  data.set([0xff, 0x0a], bytes.length); // no UTF-8
  const answer = await server.import(data, { name: "texts", delimiter: ";", ...DAILY });
  assertEquals(answer.status, "OK");
  assertEquals(answer.columns[1], { name: "text", type: "VARCHAR", size: 0, errors: 1 });
  await server.settle();
  const { dataset } = JSON.parse(await server.exec("SELECT text FROM texts"));
  assertEquals(dataset.map((row: unknown[]) => row[0]), [...texts, null]);
});

Deno.test("/imp replaces a table, and leaves it alone if the new one is refused", async () => {
  await using server = await ServerFixture.start();
  const data = "ts,v\n2024-01-01T00:00:00.000000Z,1\n2024-01-01T00:00:01.000000Z,2\n";
  await server.import(data, { name: "t", ...DAILY });
  const refused = await server.import(data, {
    name: "t",
    overwrite: "true",
    timestamp: "v",
    partitionBy: "DAY",
  });
  assertEquals(refused.status, "not a timestamp 'v'");
  await server.settle();
  assertMatch(await server.exec("SELECT count() FROM t"), /\[\[2\]\]/);
  await server.import(data, {
    name: "t",
    overwrite: "true",
    timestamp: "ts",
    partitionBy: "MONTH",
  });
  await server.settle();
  assertMatch(await server.exec("SELECT count() FROM t"), /\[\[2\]\]/);
});

Deno.test("/imp keeps the old table if the new one cannot be created", async () => {
  await using server = await ServerFixture.start();
  const data = "ts,v\n2024-01-01T00:00:00.000000Z,1\n2024-01-01T00:00:01.000000Z,2\n";
  await server.import(data, { name: "t", ...DAILY });
  const longName = "x".repeat(300);
  const refused = await server.import(data.replace("v", longName), {
    name: "t",
    overwrite: "true",
    ...DAILY,
  });
  assert(refused.status !== "OK", "a name of 300 characters is refused");
  await server.settle();
  assertMatch(await server.exec("SELECT count() FROM t"), /\[\[2\]\]/);
  assertEquals(server.engine.tables().map((table) => table.name), ["t"]);
});

Deno.test("/imp detects every type that QuestDB detects, and makes tables without a timestamp", async () => {
  await using server = await ServerFixture.start();
  const kinds: [string, string, string][] = [
    ["a", "CHAR", '"a"'],
    ["5", "INT", "5"],
    ["5000000000", "LONG", "5000000000"],
    ["1.5f", "DOUBLE", "1.5"],
    ["true", "BOOLEAN", "true"],
    ["2024-01-01T00:00:00.123Z", "DATE", '"2024-01-01T00:00:00.123Z"'],
    ["31/01/2024", "DATE", '"2024-01-31T00:00:00.000Z"'],
    ["2024-01-01T00:00:00.123456Z", "TIMESTAMP", '"2024-01-01T00:00:00.123456Z"'],
    ["2024-01-01T00:00:00.123456789Z", "TIMESTAMP_NS", '"2024-01-01T00:00:00.123456789Z"'],
    ["0xabcd", "LONG256", '"0xabcd"'],
    [
      "11111111-2222-3333-4444-555555555555",
      "UUID",
      '"11111111-2222-3333-4444-555555555555"',
    ],
    ["1.2.3.4", "IPv4", '"1.2.3.4"'],
    ["1.5m", "DECIMAL(18,3)", '"1.500"'],
    ["u33d", "VARCHAR", '"u33d"'],
  ];
  for (const [i, [text, type, stored]] of kinds.entries()) {
    const rows = Array.from({ length: 20 }, (_, row) => `${text},${row}\n`).join("");
    const answer = await server.import(`c,n\n${rows}`, { name: `t${i}`, forceHeader: "true" });
    assertEquals([answer.status, answer.partitionBy, answer.columns[0].type], ["OK", "NONE", type]);
    const body = await server.exec(`SELECT c FROM t${i} LIMIT 1`);
    assertEquals(/"dataset":\[\[(.*)\]\]/.exec(body)?.[1], stored, type);
  }
});

Deno.test("/imp reads fields into columns of every type, and counts those that are none", async () => {
  await using server = await ServerFixture.start();
  const cases: [string, string[], number, string][] = [
    ["BYTE", ["5", "-128", "300", "x", ""], 2, "[5],[-128],[0],[0],[0]"],
    ["FLOAT", ["1.5", "1e300", "x", "NaN"], 2, "[1.5],[null],[null],[null]"],
    ["GEOHASH(3c)", ["u33", "u33d8", "u3", "a"], 2, '["u33"],["u33"],[null],[null]'],
    [
      "UUID",
      ["11111111-2222-3333-4444-555555555555", "x"],
      1,
      '["11111111-2222-3333-4444-555555555555"],[null]',
    ],
    ["IPv4", ["1.2.3.4", "x", "null"], 1, '["1.2.3.4"],[null],[null]'],
    ["DECIMAL(10,2)", ["1.5", "1.5m", "1.555", "x"], 2, '["1.50"],["1.50"],[null],[null]'],
    ["STRING", ["abc", '"q""q"'], 0, '["abc"],["q\\"q"]'],
  ];
  for (const [i, [type, fields, errors, stored]] of cases.entries()) {
    await server.exec(
      `CREATE TABLE t${i} (ts TIMESTAMP, v ${type}) TIMESTAMP(ts) PARTITION BY DAY WAL`,
    );
    const data = "ts,v\n" +
      fields.map((field, row) => `2024-01-01T00:00:0${row}.000000Z,${field}\n`).join("");
    const answer = await server.import(data, {
      name: `t${i}`,
      forceHeader: "true",
      delimiter: ",",
    });
    assertEquals([answer.rowsImported, answer.columns[1].errors], [fields.length, errors], type);
    await server.settle();
    const body = await server.exec(`SELECT v FROM t${i}`);
    assertEquals(/"dataset":\[(.*)\],"count"/.exec(body)?.[1], stored, type);
  }
  await server.exec("CREATE TABLE bytes (v BINARY)");
  const refused = await server.import("v,w\na,b\nc,d\n".replaceAll(/,./g, ""), {
    name: "bytes",
    forceHeader: "true",
    delimiter: ",",
  });
  assertEquals(refused.status, "cannot import text into BINARY column [index=0]");
});

Deno.test("/imp commits in several transactions and loses no row between them", async () => {
  await using server = await ServerFixture.start();
  const rows = 20_000;
  await server.exec("CREATE TABLE many (ts TIMESTAMP, v INT) TIMESTAMP(ts) PARTITION BY DAY");
  const parts = ["ts,v\n"];
  for (let i = 0; i < rows; i++) parts.push(`${1_704_067_200_000_000 + i},${i}\n`);
  const answer = await server.import(parts.join(""), {
    name: "many",
    maxUncommittedRows: "1000",
  });
  assertEquals([answer.rowsImported, answer.rowsRejected], [rows, 0]);
  await server.settle();
  assertMatch(
    await server.exec("SELECT count(), sum(v), min(v), max(v) FROM many"),
    new RegExp(`\\[\\[${rows},${rows * (rows - 1) / 2},0,${rows - 1}\\]\\]`),
  );
  const token = server.engine.findTable("many")!;
  assertEquals(server.engine.walStatus(token).sequencerTxn > 1, true);
});

Deno.test("/imp takes patterns and indexes from its schema, and checks the timestamp's name", async () => {
  await using server = await ServerFixture.start();
  const importWith = (schema: string, parameters: Record<string, string> = {}) =>
    server.import("a,b\n1,x\n2,y\n", { name: "t", schema, ...parameters });
  const statuses: [string, string][] = [
    ['[{"name":"a","type":"TIMESTAMP"}]', "TIMESTAMP format pattern is required"],
    ['[{"name":"a","type":"DATE"}]', "DATE format pattern is required"],
    ["not json", "Unexpected symbol"],
    ['{"name":"a"}', "Unexpected object"],
    ["[1]", "Must be an object"],
  ];
  for (const [schema, status] of statuses) {
    assertEquals((await importWith(schema)).status, status, schema);
  }
  const schema = '[{"name":"b","type":"SYMBOL","index":true}]';
  assertEquals((await importWith(schema)).status, "OK");
  assertMatch(await server.exec("SHOW CREATE TABLE t"), /b SYMBOL INDEX CAPACITY 256/);
  assertEquals((await importWith(schema, { timestamp: "a" })).status, "not a timestamp 'a'");
  const missing = await importWith(schema, { timestamp: "nope" });
  assertEquals(missing.status, "invalid timestamp column 'nope'");
});

Deno.test("/imp leaves out rows that are older than those before them when the table has no partitions", async () => {
  await using server = await ServerFixture.start();
  const csv = (days: readonly number[]) =>
    `ts,a\n${days.map((day) => `2024-01-0${day}T00:00:00.000000Z,${day}\n`).join("")}`;
  const options = { name: "np", timestamp: "ts", partitionBy: "NONE", atomicity: "abort" };
  for (const days of [[3, 1, 4, 4, 2], [2, 3, 5]]) {
    const answer = await server.import(csv(days), options);
    assertEquals([answer.status, answer.rowsRejected], ["OK", 2]);
  }
  const { dataset } = JSON.parse(await server.exec("SELECT a FROM np"));
  assertEquals(dataset, [[3], [4], [4], [5]]);
});
