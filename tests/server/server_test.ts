/**
 * Routes, authentication, limits and the end of the server.
 */
import { HealthServer } from "../../src/server/http/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { ServerFixture } from "./server_fixture.ts";

const TABLE = "CREATE TABLE t (ts TIMESTAMP, v LONG) TIMESTAMP(ts) PARTITION BY DAY WAL";
const ENDLESS = "SELECT * FROM long_sequence(100000000000)";

Deno.test("the server answers its small routes as QuestDB does", async () => {
  await using server = await ServerFixture.start();
  await server.exec(TABLE);
  const look = async (path: string, parameters: Record<string, string> = {}) => {
    const { status, headers, body } = await server.request(path, parameters);
    return [status, headers.get("content-type"), body];
  };
  const text = "text/plain; charset=utf-8";
  assertEquals(await look("/nosuch"), [404, text, "Not Found\r\n"]);
  assertEquals(await look("/chk"), [200, text, "table name missing\r\n"]);
  assertEquals(await look("/chk", { j: "t" }), [200, text, "Exists\r\n"]);
  assertEquals(await look("/chk", { j: "T", f: "json" }), [
    200,
    "application/json",
    '{"status":"Exists"}',
  ]);
  assertEquals(await look("/chk", { j: "x", f: "json" }), [
    200,
    "application/json",
    '{"status":"Does not exist"}',
  ]);
  assertEquals(await look("/warnings"), [200, "application/json", "[]"]);
  const ping = await server.request("/ping");
  assertEquals([ping.status, ping.headers.get("x-influxdb-version")], [204, "v2.7.4"]);
  const settings = JSON.parse((await server.request("/settings")).body);
  assertEquals(settings.config["release.version"], "1.2.3");
  assertEquals(settings.config["accepting.writes"], ["http"]);
  const page = await server.request("/");
  assert(page.body.includes("Tidemark 1.2.3"));
  for (const [path, method] of [["/exec", "POST"], ["/imp", "GET"], ["/ping", "POST"]]) {
    const { status, body } = await server.request(path, {}, { method });
    assertEquals([status, body], [405, `Method ${method} not supported\r\n`]);
  }
});

Deno.test("the server asks for user and password, but not to tell that it is there", async () => {
  await using server = await ServerFixture.start({ user: "joé", password: "p:w" });
  const authorization = (user: string, password: string) => {
    const bytes = new TextEncoder().encode(`${user}:${password}`);
    return { authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` };
  };
  const status = async (headers: Record<string, string>, path = "/exec") =>
    (await server.request(path, { query: "SELECT 1" }, { headers })).status;
  assertEquals(await status({}), 401);
  assertEquals(await status(authorization("joé", "pw")), 401);
  assertEquals(await status({ authorization: "Basic ???" }), 401);
  assertEquals(await status({ authorization: "Bearer x" }), 401);
  assertEquals(await status(authorization("joé", "p:w")), 200);
  assertEquals(await status({}, "/ping"), 204);
  assertEquals(await status({}, "/settings"), 200);
  assertEquals(await status({}, "/chk"), 401);
});

Deno.test("a readonly server runs queries only", async () => {
  await using server = await ServerFixture.start({ isReadonly: true });
  const refused = await server.request("/exec", { query: TABLE });
  assertEquals(refused.status, 403);
  assertEquals(JSON.parse(refused.body).error, "Write permission denied");
  assertEquals(await server.import("a,b\n1,2\n", { name: "x" }), {
    status: "Write permission denied",
  });
  assertEquals((await server.request("/exec", { query: "SELECT 1" })).status, 200);
});

Deno.test("a statement ends when its client goes away, or its time is over", async () => {
  await using server = await ServerFixture.start({ connectionLimit: 1 });
  const client = new AbortController();
  const response = await fetch(
    `${server.url}/exec?query=${encodeURIComponent(ENDLESS)}`,
    { signal: client.signal },
  );
  const reader = response.body!.getReader();
  await reader.read();
  assertEquals((await server.request("/ping")).status, 503);
  client.abort();
  await assertRejects(() => reader.read(), DOMException);
  // The one place becomes free once the server has noticed.
  for (let attempt = 0; attempt < 200; attempt++) {
    if ((await server.request("/ping")).status === 204) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const late = await server.request("/exec", {
    query: "SELECT count() FROM long_sequence(100000000000) WHERE x < 0",
  }, { headers: { "statement-timeout": "50" } });
  assertEquals([late.status, JSON.parse(late.body).error], [400, "timeout, query aborted"]);
});

Deno.test("close() ends requests that do not end by themselves", async () => {
  const server = await ServerFixture.start({ closeGraceMillis: 50 });
  const response = await fetch(`${server.url}/exec?query=${encodeURIComponent(ENDLESS)}`);
  const reader = response.body!.getReader();
  await reader.read();
  const upload = stalledUpload(`${server.url}/imp?name=x`);
  const started = performance.now();
  await server[Symbol.asyncDispose]();
  assert(performance.now() - started < 1900, "close() did not wait for its last limit");
  await assertRejects(async () => {
    while (!(await reader.read()).done);
  }, TypeError);
  await upload;
});

/** Begins an import that never ends; resolves when the server gives it up. */
async function stalledUpload(url: string): Promise<void> {
  const head = '--b\r\nContent-Disposition: form-data; name="data"\r\n\r\nts,v\n';
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(head)),
  });
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "multipart/form-data; boundary=b" },
      body,
    });
    await response.text();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // the connection was broken off
  }
}

Deno.test("HealthServer answers every GET", async () => {
  await using health = HealthServer.start({ hostname: "127.0.0.1", port: 0 });
  const get = await fetch(`http://127.0.0.1:${health.port}/any`);
  assertEquals([get.status, await get.text()], [200, "Status: Healthy"]);
  const post = await fetch(`http://127.0.0.1:${health.port}/`, { method: "POST" });
  assertEquals([post.status, await post.text()], [405, "Method POST not supported\r\n"]);
});
