/** Backups give way: measured delays and the bound on bytes per second, on a simulated clock. */
import {
  EVENT_LOOP_DELAY_MILLIS_MAX,
  Pressure,
  QUEUE_DELAY_MILLIS_MAX,
  SAMPLE_COUNT,
  SAMPLE_MILLIS,
  YIELD_MILLIS_MAX,
} from "../../src/backup/pressure.ts";
import { withBandwidth } from "../../src/objectstore/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { TestClock } from "./test_clock.ts";
import { openStore } from "./test_database.ts";

interface Bench {
  readonly clock: TestClock;
  readonly pressure: Pressure;
  queueDelay: number;
  /** Lets samples pass, each that much late. */
  samples(count: number, lateMillis: number): Promise<void>;
}

async function measured(work: (bench: Bench) => Promise<void>): Promise<void> {
  const clock = new TestClock("2026-01-01T00:00:00Z");
  const bench = { queueDelay: 0 };
  await using pressure = new Pressure({
    clock,
    timers: clock,
    takeQueueDelayMillis: () => bench.queueDelay,
  });
  pressure.run();
  await work(Object.assign(bench, {
    clock,
    pressure,
    async samples(count: number, lateMillis: number) {
      for (let i = 0; i < count; i++) await clock.passMillis(SAMPLE_MILLIS + lateMillis);
    },
  }));
}

/** Tells after how many milliseconds a piece of work may go on. */
async function waits({ clock, pressure }: Bench, lateMillis: number): Promise<number> {
  const start = clock.monotonicMillis();
  let isDone = false;
  const done = pressure.giveWay(new AbortController().signal).then(() => isDone = true);
  for (let i = 0; i < 100 && !isDone; i++) {
    await Promise.resolve();
    if (!isDone) await clock.passMillis(SAMPLE_MILLIS + lateMillis);
  }
  await done;
  return clock.monotonicMillis() - start;
}

Deno.test("Pressure is high while the event loop is late in most samples, not for a single late one", async () => {
  await measured(async (bench) => {
    await bench.samples(SAMPLE_COUNT, 0);
    await bench.samples(2, 10 * EVENT_LOOP_DELAY_MILLIS_MAX);
    assertEquals(bench.pressure.isHigh, false);
    assertEquals(await waits(bench, 0), 0);
    await bench.samples(SAMPLE_COUNT, EVENT_LOOP_DELAY_MILLIS_MAX);
    assertEquals(bench.pressure.isHigh, false); // at the limit
    await bench.samples(SAMPLE_COUNT, EVENT_LOOP_DELAY_MILLIS_MAX + 1);
    assertEquals(bench.pressure.isHigh, true);
    await bench.samples(SAMPLE_COUNT, 0);
    assertEquals(bench.pressure.isHigh, false);
  });
});

Deno.test("Pressure is high when rows to be applied have waited for a worker, until that is some samples ago", async () => {
  await measured(async (bench) => {
    bench.queueDelay = QUEUE_DELAY_MILLIS_MAX + 1;
    await bench.samples(1, 0);
    bench.queueDelay = 0;
    assertEquals(bench.pressure.isHigh, true);
    await bench.samples(SAMPLE_COUNT - 1, 0);
    assertEquals(bench.pressure.isHigh, true);
    await bench.samples(1, 0);
    assertEquals(bench.pressure.isHigh, false);
  });
});

Deno.test("Pressure.giveWay waits until the pressure is gone, and never longer than its limit", async () => {
  await measured(async (bench) => {
    bench.queueDelay = QUEUE_DELAY_MILLIS_MAX + 1;
    await bench.samples(1, 0);
    const whileHigh = await waits(bench, 0);
    assert(
      whileHigh >= YIELD_MILLIS_MAX && whileHigh < YIELD_MILLIS_MAX + 2 * SAMPLE_MILLIS,
      `${whileHigh}`,
    );
    bench.queueDelay = 0;
    const untilGone = await waits(bench, 0);
    assert(untilGone > 0 && untilGone <= (SAMPLE_COUNT + 2) * SAMPLE_MILLIS, `${untilGone}`);
    assertEquals(await waits(bench, 0), 0);
    assertEquals(bench.pressure.yieldedMillis, whileHigh + untilGone);
    bench.queueDelay = QUEUE_DELAY_MILLIS_MAX + 1;
    await bench.samples(1, 0);
    const controller = new AbortController();
    const waiting = bench.pressure.giveWay(controller.signal);
    controller.abort(new Error("stopped"));
    await assertRejects(() => waiting, Error, "stopped");
  });
});

Deno.test("a bound on bytes per second is kept, and a changed one counts at once", async () => {
  using directory = new TempDir();
  const clock = new TestClock("2026-01-01T00:00:00Z");
  let bytesPerSecondMax = 1000;
  const store = withBandwidth(openStore(directory.path), {
    clock,
    timers: clock,
    bytesPerSecondMax: () => bytesPerSecondMax,
  });
  const start = clock.monotonicMillis();
  const put = async (key: string, bytes: number) => {
    let isDone = false;
    const done = store.put(key, new Uint8Array(bytes)).then(() => isDone = true);
    for (let i = 0; i < 1000 && !isDone; i++) {
      await new Promise((resolve) => setTimeout(resolve, 0)); // the disk
      if (!isDone) await clock.passMillis(10);
    }
    await done;
    return clock.monotonicMillis() - start;
  };
  await put("a", 5000);
  const second = await put("b", 1000); // behind five seconds' worth
  assert(second >= 5000 && second < 6000, `${second}`);
  bytesPerSecondMax = 100_000;
  const third = await put("c", 1000); // a second's worth at the old pace, a hundredth at the new one
  assert(third - second < 1100, `${third - second}`);
  bytesPerSecondMax = 0;
  await put("d", 10_000_000);
  const last = await put("e", 10);
  assert(last - third < 1000, `${last - third}`);
});
