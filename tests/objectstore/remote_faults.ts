/**
 * Faults between a remote store and its server: the right result or a clear error, never silent damage.
 *
 * @module
 */
import { ObjectStoreError } from "../../src/common/mod.ts";
import {
  ObjectNotFoundError,
  type ObjectStore,
  ObjectStoreRequestError,
  openObjectStore,
  type RequestFailureKind,
  uploadStream,
} from "../../src/objectstore/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { type Fault, FaultProxy, type ProxiedOperation } from "../support/fault_proxy.ts";
import type { SharedServer } from "./remote_contract.ts";
import { environment } from "./store_environment.ts";

/** How a provider says things. */
export interface FaultDialect {
  /** The answer to a token or credentials that have expired. */
  readonly expired: Fault;
  /** True if the server hashes ranges, so that a turned bit in one is seen. */
  readonly hashesRanges: boolean;
}

const PART_BYTES = 5_242_880;
const BODY = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 13 + (i >> 7)) & 0xff);
/** Quick deadlines and few tries: tests wait for both. */
const QUICK = "request_timeout_ms=1000;min_throughput=1000000;retry_attempts=4;";
/** Where what is waited for never comes, fewer tries tell as much. */
const IMPATIENT = QUICK.replace("retry_attempts=4", "retry_attempts=2");
const RESET: Fault = { kind: "reset" };

interface Setting {
  readonly store: ObjectStore;
  /** The same with fewer tries. */
  readonly impatient: ObjectStore;
  readonly direct: ObjectStore;
  readonly proxy: FaultProxy;
}

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

async function failureOf(call: () => Promise<unknown>): Promise<unknown> {
  return await call().then(() => null, (error) => error);
}

function assertKind(error: unknown, ...kinds: RequestFailureKind[]): void {
  assert(error instanceof ObjectStoreRequestError, `a clear error: ${error}`);
  assert(kinds.includes(error.failure.kind), `${error.failure.kind}: ${error.message}`);
}

function assertSame(actual: Uint8Array, expected: Uint8Array): void {
  assert(
    actual.length === expected.length && actual.every((byte, i) => byte === expected[i]),
    "the bytes are the right ones",
  );
}

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys = [];
  for await (const page of store.list("")) keys.push(...page.map(({ key }) => key));
  return keys.sort();
}

/** Every call while a fault is there twice; all of them must do what they are asked. */
async function runEverything(
  { store, direct, proxy }: Setting,
  inject: (operation: ProxiedOperation) => void,
): Promise<void> {
  await direct.put("old", BODY);
  inject("get");
  assertSame(await store.get("old"), BODY);
  inject("get");
  assertSame(
    await store.get("old", { range: { offset: 5, length: 1000 } }),
    BODY.subarray(5, 1005),
  );
  inject("head");
  assertEquals((await store.head("old"))?.size, BODY.length);
  inject("put");
  assertEquals(await store.put("new", BODY, { ifNoneMatch: true }), true);
  inject("list");
  assertEquals(await keysOf(store), ["new", "old"]);
  inject("upload");
  assertEquals(await upload(store), true);
  assertEquals((await direct.head("parts"))?.size, PART_BYTES + 3);
  inject("delete");
  await store.delete(["old"]);
  proxy.clear();
  assertSame(await direct.get("new"), BODY);
  assertEquals(await direct.head("old"), null);
}

function upload(store: ObjectStore): Promise<boolean> {
  async function* bytes() {
    yield new Uint8Array(PART_BYTES).fill(7);
    yield Uint8Array.of(1, 2, 3);
    await Promise.resolve();
  }
  return uploadStream(store, "parts", bytes(), { partBytes: PART_BYTES, ifNoneMatch: true });
}

/** Registers the tests of faults for a server. */
export function testRemoteFaults(name: string, server: SharedServer, dialect: FaultDialect): void {
  const group = (title: string, register: (test: Register) => void) =>
    Deno.test(`${name} ${title}`, async (context) => {
      const cases: Parameters<Register>[] = [];
      register((...parameters) => void cases.push(parameters));
      // Side by side: most of their time they wait, for deadlines and between tries. Each has a root and a proxy of its own.
      const isDone = await Promise.all(cases.map(([criterion, run]) =>
        context.step({
          name: criterion,
          fn: () => runAlone(server, run),
          // What is still open belongs to another case; the group as a whole leaves nothing.
          sanitizeOps: false,
          sanitizeResources: false,
          sanitizeExit: false,
        })
      ));
      assert(isDone.length > 0 && isDone.every(Boolean), "every case is right");
    });
  group("under broken connections and damage", (test) => {
    testBrokenConnections(test);
    testDamage(test, dialect);
  });
  group("under refusals and lost answers", (test) => {
    testRefusals(test, dialect);
    testLostAnswers(test);
  });
}

async function runAlone(
  server: SharedServer,
  run: (setting: Setting) => Promise<void>,
): Promise<void> {
  await using proxy = await FaultProxy.start(server.current.port);
  const connection = server.connection();
  await using direct = await openObjectStore(connection, environment);
  const proxied = connection.replace(/:\d+(?=[;/])/, `:${proxy.port}`);
  await using store = await openObjectStore(proxied + QUICK, environment);
  await using impatient = await openObjectStore(proxied + IMPATIENT, environment);
  await run({ store, impatient, direct, proxy });
}

type Register = (criterion: string, run: (setting: Setting) => Promise<void>) => void;

function testBrokenConnections(test: Register): void {
  test("does everything although connections are reset", async (setting) => {
    await runEverything(setting, (operation) => setting.proxy.inject(operation, RESET, 2));
  });
  test("gives up with a clear error when connections are always reset", async (setting) => {
    const { store, direct, proxy } = setting;
    await direct.put("a", BODY);
    for (const operation of ["get", "head", "put", "list"] as const) {
      proxy.inject(operation, RESET, 100);
    }
    assertKind(await failureOf(() => store.get("a")), "unavailable");
    assertKind(await failureOf(() => store.head("a")), "unavailable");
    assertKind(await failureOf(() => store.put("b", BODY)), "unavailable");
    assertKind(await failureOf(() => keysOf(store)), "unavailable");
    assertEquals(await direct.head("b"), null);
  });
  test("does not wait for a server that is silent", async (setting) => {
    const { store, impatient, direct, proxy } = setting;
    await direct.put("a", BODY);
    proxy.inject("get", { kind: "silence" });
    assertSame(await store.get("a"), BODY);
    proxy.inject("get", { kind: "silence" }, 100);
    assertKind(await failureOf(() => impatient.get("a")), "timeout");
    proxy.inject("list", { kind: "silence" }, 1);
    assertEquals(await keysOf(store), ["a"]);
  });
  test("does not wait for a server that trickles", async (setting) => {
    const { store, impatient, direct, proxy } = setting;
    await direct.put("a", BODY);
    const loris: Fault = { kind: "slow loris", millisPerByte: 20 };
    proxy.inject("get", loris);
    assertSame(await store.get("a"), BODY);
    proxy.inject("get", loris, 100);
    const range = { offset: 0, length: 100_000 };
    assertKind(await failureOf(() => impatient.get("a", { range })), "timeout");
  });
  test("lets go of the connection when a body stops half way", async (setting) => {
    const { impatient, direct, proxy } = setting;
    await direct.put("a", BODY);
    proxy.inject("get", { kind: "stall" }, 100);
    assertKind(await failureOf(() => impatient.get("a")), "timeout");
    const controller = new AbortController();
    const { signal } = controller;
    const range = { offset: 0, length: 100_000 };
    const cancelled = failureOf(() => impatient.get("a", { range, signal }));
    while ((proxy.counts.get("get") ?? 0) < 3) await tick();
    controller.abort(new Error("enough"));
    assertEquals((await cancelled as Error).message, "enough");
    while (proxy.openCount > 0) await tick(); // stays here if one is kept
  });
  test("ends at once when it is cancelled", async ({ store, direct, proxy }) => {
    await direct.put("a", BODY);
    proxy.inject("get", { kind: "silence" }, 100);
    const controller = new AbortController();
    const failure = failureOf(() => store.get("a", { signal: controller.signal }));
    const start = performance.now();
    setTimeout(() => controller.abort(new Error("enough")), 50);
    assertEquals((await failure as Error).message, "enough");
    assert(performance.now() - start < 2000, "it ended soon");
  });
}

function testRefusals(test: Register, dialect: FaultDialect): void {
  for (const status of [429, 500, 502, 503]) {
    test(`does everything although the server answers ${status}`, async (setting) => {
      const fault: Fault = { kind: "status", status, body: "busy" };
      await runEverything(setting, (operation) => setting.proxy.inject(operation, fault, 2));
    });
  }
  test("says that it was throttled, or that the server fails, when that goes on", async (setting) => {
    const { store, proxy } = setting;
    proxy.inject("get", { kind: "status", status: 503, body: "busy" }, 100);
    assertKind(await failureOf(() => store.get("a")), "unavailable", "throttled");
    assertEquals(proxy.counts.get("get"), 4);
    proxy.inject("put", { kind: "status", status: 429, body: "busy" }, 100);
    assertKind(await failureOf(() => store.put("a", BODY)), "throttled");
  });
  test("waits as long as the server asks", async ({ store, direct, proxy }) => {
    await direct.put("a", BODY);
    proxy.inject("get", { kind: "status", status: 503, headers: { "retry-after": "1" } });
    const start = performance.now();
    assertSame(await store.get("a"), BODY);
    assert(performance.now() - start >= 1000, "it waited a second");
  });
  test("says that credentials have expired, at once", async ({ store, proxy }) => {
    for (const operation of ["get", "put", "list"] as const) {
      proxy.inject(operation, dialect.expired, 100);
    }
    assertKind(await failureOf(() => store.get("a")), "credentials");
    assertKind(await failureOf(() => store.put("a", BODY)), "credentials");
    assertKind(await failureOf(() => keysOf(store)), "credentials");
    assertEquals([proxy.counts.get("get"), proxy.counts.get("put")], [1, 1]);
  });
}

function testDamage(test: Register, dialect: FaultDialect): void {
  const range = { offset: 1000, length: 100_000 };
  for (const kind of ["truncated", "truncated, length adapted"] as const) {
    test(`reads again when a body is ${kind}, and says so when it always is`, async (setting) => {
      const { store, direct, proxy } = setting;
      await direct.put("a", BODY);
      proxy.inject("get", { kind }, 2);
      assertSame(await store.get("a"), BODY);
      proxy.inject("get", { kind }, 2);
      assertSame(await store.get("a", { range }), BODY.subarray(1000, 101_000));
      proxy.inject("get", { kind }, 100);
      assertKind(await failureOf(() => store.get("a")), "damaged", "unavailable", "timeout");
      const error = await failureOf(() => store.get("a", { range }));
      assertKind(error, "damaged", "unavailable", "timeout");
      assert(!(error instanceof ObjectNotFoundError), "the object is not taken for missing");
    });
  }
  test("never concludes anything from a listing that is cut off", async (setting) => {
    const { store, direct, proxy } = setting;
    for (const key of ["a", "b", "c"]) await direct.put(key, BODY);
    for (const kind of ["truncated", "truncated, length adapted"] as const) {
      proxy.inject("list", { kind }, 1);
      assertEquals(await keysOf(store), ["a", "b", "c"]);
      proxy.inject("list", { kind }, 100);
      const error = await failureOf(() => keysOf(store));
      assert(error instanceof ObjectStoreError, `a clear error: ${error}`);
      proxy.clear();
    }
  });
  test("sees a bit that was turned in an object", async ({ store, direct, proxy }) => {
    await direct.put("a", BODY);
    proxy.inject("get", { kind: "bit flip" }, 2);
    assertSame(await store.get("a"), BODY);
    proxy.inject("get", { kind: "bit flip" }, 100);
    assertKind(await failureOf(() => store.get("a")), "damaged");
    if (!dialect.hashesRanges) return;
    assertKind(await failureOf(() => store.get("a", { range })), "damaged");
  });
  test("never stores an object in which a bit was turned", async ({ store, direct, proxy }) => {
    proxy.inject("put", { kind: "bit flip in request" }, 1);
    const error = await failureOf(() => store.put("a", BODY));
    assert(error === null || error instanceof ObjectStoreError, `a clear error: ${error}`);
    proxy.clear();
    if (error === null) assertSame(await direct.get("a"), BODY);
    else assertEquals(await direct.head("a"), null);
  });
  test("never stores a part in which a bit was turned", async ({ store, direct, proxy }) => {
    for (let skipped = 0; skipped < 4; skipped++) {
      await direct.delete(["parts"]);
      let seen = 0;
      proxy.injectWhen(
        (operation) => operation === "upload" && seen++ === skipped,
        { kind: "bit flip in request" },
      );
      const error = await failureOf(() => upload(store));
      assert(error === null || error instanceof ObjectStoreError, `a clear error: ${error}`);
      proxy.clear();
      const info = await direct.head("parts");
      if (error === null) assertEquals(info?.size, PART_BYTES + 3);
      if (info === null) continue;
      const bytes = await direct.get("parts");
      const isRight = bytes.subarray(0, PART_BYTES).every((byte) => byte === 7) &&
        bytes[PART_BYTES] === 1;
      assert(isRight || error !== null, "what was reported as stored is right");
    }
  });
}

function testLostAnswers(test: Register): void {
  const lost: Fault = { kind: "fail after apply" };
  test("knows its own object when the answer to a create was lost", async (setting) => {
    const { store, direct, proxy } = setting;
    proxy.inject("put", lost, 1);
    assertEquals(await store.put("mine", BODY, { ifNoneMatch: true }), true);
    assertSame(await direct.get("mine"), BODY);
    await direct.put("theirs", BODY, { ifNoneMatch: true });
    proxy.inject("put", lost, 1);
    assertEquals(await store.put("theirs", Uint8Array.of(1), { ifNoneMatch: true }), false);
    assertSame(await direct.get("theirs"), BODY);
  });
  test("does everything although answers are lost after the fact", async (setting) => {
    await runEverything(setting, (operation) => setting.proxy.inject(operation, lost, 1));
  });
  test("completes an upload whatever request of it loses its answer", async (setting) => {
    const { store, direct, proxy } = setting;
    for (let skipped = 0; skipped < 5; skipped++) {
      await direct.delete(["parts"]);
      let seen = 0;
      proxy.injectWhen((operation) => operation === "upload" && seen++ === skipped, lost);
      assertEquals(await upload(store), true);
      assertEquals((await direct.head("parts"))?.size, PART_BYTES + 3);
      proxy.clear();
    }
  });
  test("is not misled by a listing that lags behind", async ({ store, direct, proxy }) => {
    await store.put("a", BODY);
    proxy.inject("list", { kind: "stale" }, 3);
    assertEquals(await keysOf(store), ["a"]);
    await store.put("b", BODY);
    assertEquals(await keysOf(store), ["a"], "the listing is stale");
    assertEquals((await store.head("b"))?.size, BODY.length);
    assertSame(await store.get("b"), BODY);
    assertEquals(await store.put("b", Uint8Array.of(1), { ifNoneMatch: true }), false);
    assertEquals(await keysOf(direct), ["a", "b"]);
  });
}
