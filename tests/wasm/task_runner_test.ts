import { LimitError, QuestError, SqlError, StorageError } from "../../src/common/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import {
  createCore,
  createSharedMemory,
  InlineTaskRunner,
  WorkerPool,
} from "../../src/wasm/mod.ts";
import { fromErrorData, toErrorData } from "../../src/wasm/task_error.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";

const workerUrl = new URL("./testdata/test_worker.ts", import.meta.url).href;
const startPool = (workerCount: number) =>
  WorkerPool.start({ workerUrl, workerCount, memory: createSharedMemory() });
const uncloneable = { n: 1, callback: () => 1 };

Deno.test("WorkerPool fails a task whose arguments cannot be cloned, and goes on with the others", async () => {
  await using pool = await startPool(1);
  await assertRejects(() => pool.run("sum", uncloneable), DOMException, "could not be cloned");
  assertEquals(await pool.run("sum", { n: 2 }), 3);
  const before = pool.run("sum", { n: 3 });
  const refused = assertRejects(() => pool.run("sum", uncloneable), DOMException);
  const after = pool.run("sum", { n: 4 });
  assertEquals(await Promise.all([before, after]), [6, 10]);
  await refused;
});

Deno.test("WorkerPool refuses an affinity that no worker has", async () => {
  await using pool = await startPool(2);
  for (const affinity of [-1, 0.5, NaN]) {
    await assertRejects(() => pool.run("sum", { n: 1 }, { affinity }), Error, "affinity");
  }
  assertEquals(await pool.run("sum", { n: 1 }, { affinity: 2 ** 40 + 1 }), 1);
});

Deno.test("WorkerPool lets a started task end although its signal fires, and drops its listeners", async () => {
  await using pool = await startPool(1);
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    return addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    return removeEventListener.apply(signal, args);
  };
  const runs = Array.from({ length: 10 }, () => pool.run("sum", { n: 2 }, { signal }));
  assertEquals(await Promise.all(runs), Array(10).fill(3));
  assertEquals(listeners, 0);
  const started = pool.run("sum", { n: 5 }, { signal });
  controller.abort(new QuestError("no longer wanted"));
  assertEquals(await started, 15);
  await assertRejects(() => pool.run("sum", { n: 5 }, { signal }), QuestError, "no longer wanted");
});

Deno.test("WorkerPool rejects what runs and what waits when it is closed", async () => {
  const pool = await startPool(1);
  const runs = [1, 2, 3].map((n) => pool.run("sum", { n }));
  const rejections = runs.map((run) => assertRejects(() => run, QuestError, "pool is closed"));
  await pool[Symbol.asyncDispose]();
  await Promise.all(rejections);
  await assertRejects(() => pool.run("sum", { n: 1 }), QuestError, "the worker pool is closed");
});

Deno.test("WorkerPool.start() fails when a worker cannot load its module", async () => {
  const missing = new URL("./testdata/no_such_worker.ts", import.meta.url).href;
  await assertRejects(
    () => WorkerPool.start({ workerUrl: missing, workerCount: 2, memory: createSharedMemory() }),
    QuestError,
    "a worker thread died",
  );
});

Deno.test("errors cross threads as their class, with their fields and without a doubled context", () => {
  const errors = [
    new SqlError(17, "table does not exist"),
    new StorageError("/x/_txn", "torn file", { row: 7n }),
    new LimitError("too much", { limit: 3, isHard: true, name: null }),
  ];
  for (const error of errors) {
    const copy = fromErrorData(structuredClone(toErrorData(error)));
    assertEquals(Object.getPrototypeOf(copy), Object.getPrototypeOf(error));
    assertEquals(copy.name, error.name);
    assertEquals(copy.message, error.message);
    assertEquals((copy as QuestError).context, error.context);
  }
  const sqlError = fromErrorData(toErrorData(errors[0]));
  assert(sqlError instanceof SqlError);
  assertEquals(sqlError.position, 17);
  assertEquals(fromErrorData(toErrorData("a text")).message, "a text");
});

Deno.test("InlineTaskRunner clones arguments and results as a worker would", async () => {
  const argument = { list: [1] };
  let seen: unknown;
  const kept = { list: [2] };
  await using runner = new InlineTaskRunner({ core: createCore(), fs: new RealFileSystem() }, {
    keep(_context, value) {
      seen = value;
      return kept;
    },
    leak: () => () => 1,
  });
  const result = await runner.run<typeof kept>("keep", argument);
  assertEquals([seen, result], [argument, kept]);
  assert(seen !== argument && result !== kept);
  await assertRejects(() => runner.run("keep", uncloneable), DOMException);
  await assertRejects(() => runner.run("leak", {}), DOMException);
  await assertRejects(() => runner.run("none", {}), Error, 'task "none" has a handler');
  const signal = AbortSignal.abort(new QuestError("no longer wanted"));
  await assertRejects(() => runner.run("keep", {}, { signal }), QuestError, "no longer wanted");
});
