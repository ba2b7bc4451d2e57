import { DEFAULT_ENGINE_CONFIG } from "../../src/engine/mod.ts";
import { SILENT_LOG, SystemClock, SystemTimers } from "../../src/platform/mod.ts";
import { HttpServer, type HttpServerOptions } from "../../src/server/http/mod.ts";
import { SqlEngine } from "../../src/sql/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { openEngine } from "../support/engine_fixture.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Runs a test against a server on an engine of its own. */
async function withServer(
  test: (url: string, server: HttpServer) => Promise<void>,
  options: Partial<HttpServerOptions> = {},
): Promise<void> {
  using directory = new TempDir();
  await using engine = await openEngine(`${directory.path}/root`);
  await using server = HttpServer.start({
    hostname: "127.0.0.1",
    port: 0,
    sql: new SqlEngine(engine),
    engine,
    clock: new SystemClock(),
    timers: new SystemTimers(),
    log: SILENT_LOG,
    connectionLimit: 8,
    isReadonly: false,
    user: "",
    password: "",
    importDefaults: DEFAULT_ENGINE_CONFIG,
    version: "0.0.0",
    ...options,
  });
  await test(`http://127.0.0.1:${server.port}`, server);
}

async function get(
  url: string,
  path: string,
  parameters: Record<string, string> = {},
): Promise<[number, string]> {
  const response = await fetch(`${url}${path}?${new URLSearchParams(parameters)}`);
  return [response.status, await response.text()];
}

Deno.test("/exec answers its options as the recorded server does", () =>
  withServer(async (url) => {
    const query = "SELECT * FROM long_sequence(5)";
    const head =
      `{"query":"${query}","columns":[{"name":"x","type":"LONG"}],"timestamp":-1,"dataset":`;
    const cases: [Record<string, string>, string][] = [
      [{ limit: "2" }, `${head}[[1],[2]],"count":2}`],
      [{ limit: "2,4" }, `${head}[[2],[3],[4]],"count":4}`],
      [{ limit: "-2" }, `${head}[[4],[5]],"count":2}`],
      [{ limit: "bad" }, `${head}[[1],[2],[3],[4],[5]],"count":5}`],
      [{ nm: "true" }, '{"dataset":[[1],[2],[3],[4],[5]],"count":5}'],
      [{ quoteLargeNum: "true" }, `${head}[["1"],["2"],["3"],["4"],["5"]],"count":5}`],
    ];
    for (const [parameters, expected] of cases) {
      assertEquals(
        await get(url, "/exec", { query, ...parameters }),
        [200, expected],
        JSON.stringify(parameters),
      );
    }
    const timed = JSON.parse((await get(url, "/exec", { query, timings: "true" }))[1]);
    assert(timed.timings.execute >= 0);
    assertEquals(await get(url, "/exec", { query: " " }), [
      200,
      '{"error":"empty query","query":" ","position":"0"}',
    ]);
  }));

Deno.test("/exp writes CSV with QuestDB's quotes and escapes", () =>
  withServer(async (url) => {
    await get(url, "/exec", {
      query:
        "CREATE TABLE t (ts TIMESTAMP, v VARCHAR, s SYMBOL, d DOUBLE, l LONG, b BOOLEAN) TIMESTAMP(ts) PARTITION BY DAY WAL",
    });
    const tricky = ["a\\b", 'a"b', "a\nb", "a\tb", "a\u0001b", "é🐎 over nine bytes"];
    const rows = tricky.map((text, i) => `(${i}, '${text}', '${text}', 1e10, ${i}, true)`);
    await get(url, "/exec", {
      query: `INSERT INTO t VALUES ${rows.join(", ")}, (9, null, null, null, null, null)`,
    });
    for (
      let attempt = 0;
      (await get(url, "/exec", { query: "SELECT count() FROM t" }))[1].includes("[[0]]");
      attempt++
    ) {
      assert(attempt < 1000, "the rows become visible");
    }
    const [, csv] = await get(url, "/exp", { query: "SELECT v, s, d, l, b FROM t" });
    const escaped = [
      '"a\\\\b"',
      '"a""b"',
      '"a\\nb"',
      '"a\\tb"',
      '"a\\u0001b"',
      '"é🐎 over nine bytes"',
    ];
    const lines = escaped.map((text, i) => `${text},${text},1.0E10,${i},true`);
    assertEquals(csv, ['"v","s","d","l","b"', ...lines, ",,,,false", ""].join("\r\n"));
    const [, json] = await get(url, "/exec", { query: "SELECT v, s FROM t" });
    assertEquals(JSON.parse(json).dataset, [...tricky.map((text) => [text, text]), [null, null]]);
    assertEquals(
      await get(url, "/exp", { query: "SELECT l FROM t LIMIT 1", nm: "true", delimiter: ";" }),
      [200, "0\r\n"],
    );
    assertEquals(await get(url, "/exp", { query: "DROP TABLE t" }), [
      400,
      '{"query":"DROP TABLE t","error":"/exp endpoint only accepts SELECT","position":0}',
    ]);
    assertEquals((await get(url, "/chk", { j: "t", f: "json" }))[1], '{"status":"Exists"}');
  }));

Deno.test("authentication, read-only mode and unknown paths are refused with the right status", async () => {
  await withServer(async (url) => {
    assertEquals((await get(url, "/exec", { query: "SELECT 1" }))[0], 401);
    const wrong = await fetch(`${url}/exec?query=SELECT+1`, {
      headers: { authorization: `Basic ${btoa("admin:no")}` },
    });
    assertEquals(wrong.status, 401);
    await wrong.body?.cancel();
    assertEquals(
      (await fetch(`${url}/ping`, { headers: { authorization: `Basic ${btoa("admin:secret")}` } }))
        .status,
      204,
    );
  }, { user: "admin", password: "secret" });
  await withServer(async (url) => {
    const [status, body] = await get(url, "/exec", { query: "CREATE TABLE t (a INT)" });
    assertEquals([status, JSON.parse(body).error], [403, "Write permission denied"]);
    assertEquals((await get(url, "/exec", { query: "SELECT 1" }))[0], 200);
    assertEquals(await get(url, "/nosuch"), [404, "Not Found\r\n"]);
    assertEquals(JSON.parse((await get(url, "/settings"))[1]).config["release.version"], "0.0.0");
  }, { isReadonly: true });
});

Deno.test("a statement ends when its client goes away, and its memory comes back", () =>
  withServer(async (url) => {
    const controller = new AbortController();
    const query =
      "SELECT count() FROM (SELECT x, rnd_str(5, 10, 0) s FROM long_sequence(1000000000)) WHERE s = 'x'";
    const request = fetch(`${url}/exec?${new URLSearchParams({ query })}`, {
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 50);
    await assertRejects(() => request, DOMException);
    // The same connection limit is free again, and other statements are served meanwhile.
    for (let i = 0; i < 20; i++) {
      assertEquals((await get(url, "/exec", { query: "SELECT 1" }))[0], 200);
    }
  }, { connectionLimit: 2 }));
