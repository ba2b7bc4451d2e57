import { ObjectStoreError } from "../../src/common/mod.ts";
import {
  checkStore,
  FsObjectStore,
  ObjectNotFoundError,
  type ObjectStore,
  ObjectStoreRequestError,
  StoreMetrics,
  withBandwidth,
  withLimit,
  withLog,
  withMetrics,
  withRetry,
} from "../../src/objectstore/mod.ts";
import { combineCrc32 } from "../../src/objectstore/remote/crc32_combine.ts";
import { crc32c } from "../../src/objectstore/remote/crc32c.ts";
import { Secrets } from "../../src/objectstore/remote/secrets.ts";
import { SimulatedFileSystem, SystemClock, SystemRandom } from "../../src/platform/mod.ts";
import { crc32 } from "node:zlib";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { FaultObjectStore } from "./fault_object_store.ts";

const random = new SystemRandom();
const clock = new SystemClock();

function memory(): ObjectStore {
  return FsObjectStore.open({
    root: "/root",
    atomicWriteDir: "/atomic",
    fs: new SimulatedFileSystem(),
    random,
  });
}

/** Timers that remember how long they were asked to wait, and do not. */
function recordedTimers() {
  const waits: number[] = [];
  return { waits, timers: { sleep: (millis: number) => Promise.resolve(void waits.push(millis)) } };
}

/** A store whose `head` fails as told. */
function failing(errors: unknown[]): ObjectStore {
  const store = memory();
  store.head = () => errors.length > 0 ? Promise.reject(errors.shift()) : Promise.resolve(null);
  return store;
}

const busy = (retryAfterMillis?: number) =>
  new ObjectStoreRequestError(
    { kind: "throttled", reason: "busy", isRetryable: true, retryAfterMillis },
    {},
  );

Deno.test("withRetry waits up to a doubling range, and never less than the server asks", async () => {
  const { waits, timers } = recordedTimers();
  const store = withRetry(failing([busy(), busy(), busy(), busy(5000)]), {
    timers,
    random,
    attemptsMax: 6,
    baseDelayMillis: 100,
    delayMillisMax: 20_000,
  });
  assertEquals(await store.head("a"), null);
  assertEquals(waits.length, 4);
  for (const [index, max] of [100, 200, 400].entries()) assert(waits[index] <= max, `${waits}`);
  assert(waits[3] >= 5000 && waits[3] <= 5800, `${waits}`);
});

Deno.test("withRetry gives up after its tries, and at once where trying again cannot help", async () => {
  const { waits, timers } = recordedTimers();
  const options = { timers, random, attemptsMax: 3 };
  await assertRejects(
    () => withRetry(failing([busy(), busy(), busy(), busy()]), options).head("a"),
    ObjectStoreRequestError,
    "slow down",
  );
  assertEquals(waits.length, 2);
  const final = new ObjectStoreError("no");
  await assertRejects(() => withRetry(failing([final]), options).head("a"), ObjectStoreError, "no");
  assertEquals(waits.length, 2);
});

Deno.test("withLimit bounds requests and bytes, and wakes waiters in order", async () => {
  let active = 0, most = 0;
  const inner = memory();
  const order: string[] = [];
  inner.put = async (key) => {
    most = Math.max(most, ++active);
    order.push(key);
    await new Promise((resolve) => setImmediate(resolve));
    active--;
    return true;
  };
  const few = withLimit(inner, { concurrencyMax: 2, memoryBytesMax: 1e9 });
  const keys = ["a", "b", "c", "d", "e"];
  await Promise.all(keys.map((key) => few.put(key, new Uint8Array(1))));
  assertEquals([most, order], [2, keys]);
  most = 0;
  const small = withLimit(inner, { concurrencyMax: 10, memoryBytesMax: 100 });
  await Promise.all(keys.map((key) => small.put(key, new Uint8Array(60))));
  assertEquals(most, 1);
  await small.put("huge", new Uint8Array(1000));
  const controller = new AbortController();
  const first = small.put("a", new Uint8Array(100));
  const waiting = small.put("b", new Uint8Array(1), { signal: controller.signal });
  controller.abort(new Error("enough"));
  await assertRejects(() => waiting, Error, "enough");
  assertEquals(await first, true);
});

Deno.test("withLimit counts whole objects like any other body, by their length", async () => {
  const inner = memory();
  const { get, head } = inner;
  let active = 0, most = 0, heads = 0;
  inner.get = async (key, options) => {
    most = Math.max(most, ++active);
    const bytes = await get.call(inner, key, options);
    await new Promise((resolve) => setImmediate(resolve));
    active--;
    return bytes;
  };
  inner.head = (key, options) => {
    heads++;
    return head.call(inner, key, options);
  };
  await inner.put("large", new Uint8Array(60_000));
  await inner.put("small", new Uint8Array(20_000));
  const limits = { concurrencyMax: 10, memoryBytesMax: 100_000 };
  const store = withLimit(inner, limits);
  const read = async (key: string, options = {}) => {
    most = 0;
    const calls = Array.from({ length: 6 }, () => store.get(key, options));
    for (const bytes of await Promise.all(calls)) assert(bytes.length > 0, "the object came");
    return most;
  };
  assertEquals(await read("large"), 1);
  assertEquals(await read("small"), 5);
  assertEquals(await read("small", { maxBytes: 268_435_456 }), 5);
  assertEquals([await read("large", { range: { offset: 0, length: 50_000 } }), heads], [2, 18]);
  // A short bound counts as the object does; its length is not asked for.
  assertEquals([await read("small", { maxBytes: 50_000 }), heads], [2, 18]);
  await assertRejects(() => store.get("none"), ObjectNotFoundError);
  await assertRejects(() => store.get("large", { maxBytes: 1000 }), ObjectStoreError, "larger");
});

Deno.test("withBandwidth makes requests wait for the bytes before them", async () => {
  const { waits, timers } = recordedTimers();
  const store = withBandwidth(memory(), { clock, timers, bytesPerSecondMax: 1000 });
  await store.put("a", new Uint8Array(2000));
  await store.get("a");
  await store.head("a");
  assertEquals(waits.length, 2);
  assert(waits[0] > 1500 && waits[0] <= 2000, `${waits}`);
  assert(waits[1] > 3500 && waits[1] <= 4000, `${waits}`);
});

Deno.test("withMetrics counts requests, bytes and failures; withLog logs failures only", async () => {
  const metrics = new StoreMetrics();
  const lines: string[] = [];
  const log = {
    info() {},
    error: (_: string, text: string) => void lines.push(text),
    critical() {},
  };
  const faults = new FaultObjectStore(memory());
  const store = withMetrics(withLog(faults, { clock, log }), { clock, metrics });
  await store.put("a", new Uint8Array(10));
  await store.get("a");
  await assertRejects(() => store.get("none"), ObjectStoreError);
  faults.failAt(1);
  await assertRejects(() => store.get("a"), ObjectStoreError, "injected");
  const get = metrics.operations.get("get")!;
  assertEquals([get.count, get.errorCount, get.bytesReceived], [3, 2, 10]);
  assertEquals(metrics.operations.get("put")!.bytesSent, 10);
  assertEquals([metrics.activeCount, lines], [0, ["request failed"]]);
});

Deno.test("Secrets.redact hides secrets and what looks like one", () => {
  const secrets = new Secrets(["hunter2-hunter2", undefined]);
  const text = "at hunter2-hunter2 ?sig=abc%2F&x=1 authorization: Bearer ya29.xyz";
  const hidden = secrets.redact(text);
  for (const part of ["hunter2", "abc%2F", "ya29"]) assert(!hidden.includes(part), hidden);
  assert(hidden.includes("x=1"), hidden);
});

Deno.test("crc32c has the value of the standard's check, and goes on; combineCrc32 is the CRC of both", () => {
  const digits = new TextEncoder().encode("123456789");
  assertEquals(crc32c(digits), 0xe3069283);
  assertEquals(crc32c(digits.subarray(4), crc32c(digits.subarray(0, 4))), 0xe3069283);
  const bytes = random.fill(new Uint8Array(50_001));
  for (const cut of [0, 1, 777, 50_001]) {
    const first = bytes.subarray(0, cut), second = bytes.subarray(cut);
    assertEquals(combineCrc32(crc32(first), crc32(second), second.length), crc32(bytes));
  }
});

Deno.test("checkStore removes its objects whichever call fails, before or after it has happened", async () => {
  const run = async (number: number, isApplied: boolean) => {
    const inner = memory();
    const faults = new FaultObjectStore(inner);
    faults.failAt(number, { isApplied });
    const rows = await checkStore(faults, { clock, random, bulkBytes: 100_000 });
    for await (const page of inner.list("")) assertEquals(page, [], `call ${number}`);
    const hasFailed = rows.some(({ result }) => result === "fail");
    return { hasFailed, callCount: faults.callCount };
  };
  const { hasFailed, callCount } = await run(1000, false);
  assertEquals([hasFailed, callCount > 20], [false, true]);
  for (let number = 1; number <= callCount; number++) {
    for (const isApplied of [false, true]) {
      assertEquals((await run(number, isApplied)).hasFailed, true, `call ${number}`);
    }
  }
});

Deno.test("checkStore waits for all who race to write before it removes what they wrote", async () => {
  const inner = memory();
  const put = inner.put.bind(inner);
  let racers = 0;
  const turns = async (count: number) => {
    for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  inner.put = async (key, body, options) => {
    if (key.endsWith("/once") && racers++ > 0) await turns(1000); // all else takes fewer
    else if (key.endsWith("/once")) throw new ObjectStoreError("injected");
    return await put(key, body, options);
  };
  const rows = await checkStore(inner, { clock, random, bulkBytes: 0 });
  assert(rows.some(({ result }) => result === "fail"), "a racer failed");
  await turns(1001);
  assertEquals(racers, 4);
  for await (const page of inner.list("")) assertEquals(page, []);
});
