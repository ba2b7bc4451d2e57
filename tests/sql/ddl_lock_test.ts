import { CancelledError } from "../../src/common/mod.ts";
import { TableLocks } from "../../src/sql/ddl/table_lock.ts";
import { assertEquals, assertRejects } from "../support/assert.ts";

const NEVER = new AbortController().signal;

Deno.test("TableLocks runs work on one key in order and on two keys side by side", async () => {
  const locks = new TableLocks();
  const events: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = locks.run(1, NEVER, async () => {
    events.push("first in");
    await gate.promise;
    events.push("first out");
  });
  const second = locks.run(1, NEVER, () => Promise.resolve(events.push("second")));
  await locks.run(2, NEVER, () => Promise.resolve(events.push("other")));
  assertEquals(events, ["first in", "other"]);
  gate.resolve();
  await Promise.all([first, second]);
  assertEquals(events, ["first in", "other", "first out", "second"]);
});

Deno.test("TableLocks passes on after a failure and after a cancelled wait", async () => {
  const locks = new TableLocks();
  const gate = Promise.withResolvers<void>();
  const failing = locks.run(1, NEVER, async () => {
    await gate.promise;
    throw new RangeError("no");
  });
  const controller = new AbortController();
  const cancelled = locks.run(1, controller.signal, () => Promise.resolve("never"));
  const last = locks.run(1, NEVER, () => Promise.resolve("ran"));
  controller.abort();
  gate.resolve();
  await assertRejects(() => failing, RangeError);
  await assertRejects(() => cancelled, CancelledError, "cancelled by user");
  assertEquals(await last, "ran");
});
