import { getPriority } from "node:os";
import { BACKGROUND_NICENESS } from "../../src/platform/mod.ts";
import { LimitError, QuestError, StorageError } from "../../src/common/mod.ts";
import { createSharedMemory, WorkerPool } from "../../src/wasm/mod.ts";
import { MAX_WAITING_TASKS } from "../../src/wasm/worker_pool.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

const workerUrl = new URL("./testdata/test_worker.ts", import.meta.url).href;
const startPool = (workerCount: number) =>
  WorkerPool.start({ workerUrl, workerCount, memory: createSharedMemory() });

Deno.test("WorkerPool runs tasks on memory regions of their own and gives results back", async () => {
  await using pool = await startPool(2);
  const sums = await Promise.all([1, 2, 3, 4, 5].map((n) => pool.run<number>("sum", { n })));
  assertEquals(sums, [1, 3, 6, 10, 15]);
});

Deno.test("WorkerPool rethrows an error as its class, with message, context and fields", async () => {
  await using pool = await startPool(1);
  const error = await assertRejects(
    () => pool.run("fail", {}),
    StorageError,
    "torn file [file=/x/_txn, row=7]",
  );
  assertEquals(error.file, "/x/_txn");
  assertEquals(error.context, { file: "/x/_txn", row: 7 });
  assertEquals(await pool.run("sum", { n: 2 }), 3);
  await assertRejects(() => pool.run("no such task", {}), Error, "has a handler");
});

Deno.test("WorkerPool hands buffers over instead of copying them", async () => {
  await using pool = await startPool(1);
  assertEquals(await pool.run("give", { n: 5 }), new Uint8Array([5, 5, 5, 5, 5]));
  assertEquals(await pool.run("isGiven", {}), true);
});

Deno.test("WorkerPool gives way to the main thread", async () => {
  await using pool = await startPool(1);
  assertEquals(await pool.run("niceness", {}), BACKGROUND_NICENESS);
  assertEquals(getPriority(Deno.pid), 0);
});

Deno.test("WorkerPool keeps tasks of one affinity on one worker, in order", async () => {
  await using pool = await startPool(2);
  const runs = Array.from(
    { length: 20 },
    (_, i) => pool.run<number[]>("append", { value: i }, { affinity: 7 }),
  );
  const last = (await Promise.all(runs)).at(-1);
  assertEquals(last, Array.from({ length: 20 }, (_, i) => i));
});

Deno.test("WorkerPool tells how long tasks of apply waited, and only those", async () => {
  await using pool = await startPool(1);
  const busy = pool.run("sum", { n: 100 });
  const backup = pool.run("sum", { n: 2 }, { priority: "backup" });
  assertEquals(pool.takeQueueDelayMillis(), 0);
  const apply = pool.run("sum", { n: 3 }, { priority: "apply" });
  await busy;
  await apply;
  assertEquals(pool.takeQueueDelayMillis() > 0, true); // it had to wait for the first one
  await backup;
  assertEquals(pool.takeQueueDelayMillis(), 0);
});

Deno.test("WorkerPool lets apply go before backup", async () => {
  await using pool = await startPool(1);
  const first = pool.run("append", { value: 0 });
  const backup = pool.run<number[]>("append", { value: 1 }, { priority: "backup" });
  const apply = pool.run<number[]>("append", { value: 2 }, { priority: "apply" });
  await first;
  assertEquals(await apply, [0, 2]);
  assertEquals(await backup, [0, 2, 1]);
});

Deno.test("WorkerPool gives up a waiting task whose signal fires, and limits how many wait", async () => {
  await using pool = await startPool(1);
  const running = pool.run("append", { value: 0 });
  const controller = new AbortController();
  const waiting = pool.run("append", { value: 1 }, { signal: controller.signal });
  controller.abort(new QuestError("no longer wanted"));
  await assertRejects(() => waiting, QuestError, "no longer wanted");
  const many = Array.from({ length: MAX_WAITING_TASKS }, () => pool.run("append", { value: 2 }));
  await assertRejects(() => pool.run("append", { value: 3 }), LimitError, "too many tasks");
  await Promise.all([running, ...many]);
});

Deno.test("WorkerPool rejects everything from when a worker dies", async () => {
  await using pool = await startPool(1);
  await pool.run("die", {});
  // The worker dies a moment later; no task may hang then.
  const untilFailure = async () => {
    while (true) await pool.run("sum", { n: 1 });
  };
  await assertRejects(
    untilFailure,
    QuestError,
    "a worker thread died [reason=Uncaught Error: out of luck]",
  );
  await assertRejects(() => pool.run("sum", { n: 1 }), QuestError, "a worker thread died");
});
