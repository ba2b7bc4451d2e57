/** Scheduled backups on a simulated clock. */
import { BackupSchedule, ScheduleRecord, type ScheduleSettings } from "../../src/backup/mod.ts";
import { SCHEDULE_FILE } from "../../src/backup/schedule_record.ts";
import { readFile, SimulatedFileSystem, writeFileAtomic } from "../../src/platform/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { TestClock } from "./test_clock.ts";
import { KeptLog } from "../checkpoint/checkpoint_fixture.ts";

interface Bench {
  readonly clock: TestClock;
  readonly log: KeptLog;
  readonly started: string[];
  /** Where the record is; given to another bench, the server was restarted. */
  readonly fs: SimulatedFileSystem;
  settings: ScheduleSettings;
  error: string | null;
  /** Called when a backup is started. */
  onStart: () => void;
}

function newDisk(): SimulatedFileSystem {
  const fs = new SimulatedFileSystem();
  fs.mkdir("/db");
  return fs;
}

async function scheduled(
  from: string,
  settings: ScheduleSettings,
  work: (bench: Bench) => Promise<void>,
  fs = newDisk(),
): Promise<Bench> {
  const clock = new TestClock(from);
  const bench: Bench = {
    clock,
    log: new KeptLog(),
    started: [],
    settings,
    error: null,
    fs,
    onStart() {},
  };
  await using schedule = new BackupSchedule({
    clock,
    timers: clock,
    log: bench.log,
    record: new ScheduleRecord({ fs, dbRoot: "/db", log: bench.log }),
    settings: () => bench.settings,
    start() {
      if (bench.error !== null) return Promise.reject(new Error(bench.error));
      bench.onStart();
      bench.started.push(new Date(Number(clock.nowMicros() / 1000n)).toISOString());
      return Promise.resolve(clock.nowMicros());
    },
  });
  schedule.run();
  await clock.pass(2);
  await work(bench);
  return bench;
}

const UTC = "UTC";

Deno.test("BackupSchedule starts at every due time, once", async () => {
  const { started } = await scheduled(
    "2026-01-01T00:00:00Z",
    { cron: "*/15 * * * *", timeZone: UTC },
    ({ clock }) => clock.pass(3600),
  );
  assertEquals(started.map((time) => time.slice(11, 16)), ["00:15", "00:30", "00:45", "01:00"]);
});

// What each expression is due at, from the first of 2026 on.
const EXPRESSIONS: [string, string[]][] = [
  ["0 0 L * *", ["01-31", "02-28", "03-31"]],
  ["0 0 15W * *", ["01-15", "02-16", "03-16"]],
  ["0 0 * * 5L", ["01-30", "02-27", "03-27"]],
  ["0 0 * * 5#3", ["01-16", "02-20", "03-20"]],
  ["0 0 1,15 FEB *", ["02-01", "02-15"]],
  ["0 0 * MAR SUN", ["03-01", "03-08", "03-15", "03-22", "03-29"]],
  ["0 0 * 3 7", ["03-01", "03-08", "03-15", "03-22", "03-29"]],
  ["0 0 13 * 5", ["01-02", "01-09", "01-13", "01-16", "01-23", "01-30"]],
];

Deno.test("BackupSchedule knows every special character of the documents", async () => {
  for (const [cron, days] of EXPRESSIONS) {
    const { started } = await scheduled(
      "2026-01-01T00:00:30Z",
      { cron, timeZone: UTC },
      async ({ clock, started }) => {
        // Day by day, seconds around midnight only.
        for (let day = 1; day <= 89 && started.length < days.length; day++) {
          await clock.set(new Date(Date.UTC(2026, 0, 1 + day) - 2000).toISOString());
          await clock.pass(4);
        }
      },
    );
    assertEquals(started.map((time) => time.slice(5, 10)), days, cron);
  }
});

Deno.test("BackupSchedule follows a time zone over its changes of the clock", async () => {
  const settings = { cron: "30 2 * * *", timeZone: "America/New_York" };
  // 8 March 2026: 02:30 does not exist; it fires once, half an hour after the gap began.
  const spring = await scheduled("2026-03-08T06:50:00Z", settings, ({ clock }) => clock.pass(3600));
  assertEquals(spring.started.map((time) => time.slice(0, 16)), ["2026-03-08T07:00"]);
  // 1 November 2026: 01:30 happens twice; it fires once.
  const autumn = await scheduled(
    "2026-11-01T05:00:00Z",
    { ...settings, cron: "30 1 * * *" },
    ({ clock }) => clock.pass(2 * 3600),
  );
  assertEquals(autumn.started.map((time) => time.slice(0, 16)), ["2026-11-01T05:30"]);
});

Deno.test("BackupSchedule logs what it missed, and runs nothing twice when the clock steps back", async () => {
  const { started, log } = await scheduled(
    "2026-01-01T00:59:00Z",
    { cron: "0 * * * *", timeZone: UTC },
    async ({ clock }) => {
      await clock.pass(90); // 01:00 runs
      await clock.set("2026-01-01T00:58:00Z"); // back
      await clock.pass(300); // 01:00 passes again
      await clock.set("2026-01-01T05:30:00Z"); // asleep over 02:00 … 05:00
      await clock.pass(1900); // 06:00 runs
    },
  );
  assertEquals(started.map((time) => time.slice(11, 16)), ["01:00", "06:00"]);
  const missed = log.lines.filter((line) => line.includes("missed"));
  assertEquals(missed.length, 1);
  assert(missed[0].includes("due=2026-01-01T02:00:00.000000Z") && missed[0].includes("count=4"));
});

Deno.test("BackupSchedule takes up new settings, stops without any, and logs a backup that cannot start", async () => {
  const { started, log } = await scheduled(
    "2026-01-01T00:00:30Z",
    { cron: "", timeZone: UTC },
    async (bench) => {
      await bench.clock.pass(120);
      bench.settings = { cron: "*/2 * * * *", timeZone: UTC };
      await bench.clock.pass(130); // 00:04
      bench.settings = { cron: "5 * * * *", timeZone: UTC };
      await bench.clock.pass(60); // 00:05
      bench.error = "backup is already in progress";
      bench.settings = { cron: "* * * * *", timeZone: UTC };
      await bench.clock.pass(60);
      bench.settings = { cron: "", timeZone: UTC };
      bench.error = null;
      await bench.clock.pass(600);
    },
  );
  assertEquals(started.map((time) => time.slice(11, 16)), ["00:04", "00:05"]);
  const missed = log.lines.filter((line) => line.includes("missed"));
  assertEquals(missed.length, 1);
  assert(missed[0].includes("already in progress"));
});

function missedLines({ log }: Bench): string[] {
  return log.lines.filter((line) => line.includes("missed"));
}

const HOURLY: ScheduleSettings = { cron: "0 * * * *", timeZone: UTC };
const nothing = () => Promise.resolve();

Deno.test("BackupSchedule logs after a restart what passed while the server was down, once, and makes up for none", async () => {
  const first = await scheduled("2026-01-01T00:59:00Z", HOURLY, ({ clock }) => clock.pass(90));
  assertEquals(first.started.length, 1);
  const second = await scheduled("2026-01-01T05:30:00Z", HOURLY, nothing, first.fs);
  assertEquals(second.started, []);
  assertEquals(missedLines(second).length, 1);
  assert(missedLines(second)[0].includes("due=2026-01-01T02:00:00.000000Z"));
  assert(missedLines(second)[0].includes("count=4"));
  const third = await scheduled(
    "2026-01-01T05:40:00Z",
    HOURLY,
    ({ clock }) => clock.pass(1300),
    first.fs,
  );
  assertEquals([missedLines(third), third.started.length], [[], 1]); // 06:00
});

Deno.test("BackupSchedule runs nothing twice when the server restarts right behind a due time, or dies while it starts the backup", async () => {
  const first = await scheduled("2026-01-01T00:59:50Z", HOURLY, ({ clock }) => clock.pass(11));
  assertEquals(first.started.length, 1);
  const again = await scheduled(
    "2026-01-01T01:00:05Z",
    HOURLY,
    ({ clock }) => clock.pass(50),
    first.fs,
  );
  assertEquals([again.started, missedLines(again)], [[], []]);
  // The record was written when start() was called: so it is there whatever happened then.
  const fs = newDisk();
  let recorded: string | null = null;
  const dying = await scheduled("2026-01-01T00:59:50Z", HOURLY, (bench) => {
    bench.onStart = () =>
      recorded = new TextDecoder().decode(readFile(fs, `/db/${SCHEDULE_FILE}`, 999));
    return bench.clock.pass(11);
  }, fs);
  assertEquals(dying.started.length, 1);
  assert(recorded!.includes("2026-01-01T01:00:00"), recorded!);
});

Deno.test("BackupSchedule forgets its record when the settings changed while the server was down, or were empty once", async () => {
  const first = await scheduled("2026-01-01T00:59:00Z", HOURLY, ({ clock }) => clock.pass(90));
  const changed = await scheduled(
    "2026-01-01T05:30:00Z",
    { cron: "30 * * * *", timeZone: UTC },
    nothing,
    first.fs,
  );
  assertEquals(missedLines(changed), []);
  const second = await scheduled("2026-01-02T00:59:00Z", HOURLY, async (bench) => {
    await bench.clock.pass(90);
    bench.settings = { cron: "", timeZone: UTC };
    await bench.clock.pass(2);
  });
  const back = await scheduled("2026-01-02T05:30:00Z", HOURLY, nothing, second.fs);
  assertEquals(missedLines(back), []);
  const damaged = newDisk();
  writeFileAtomic(damaged, `/db/${SCHEDULE_FILE}`, new Uint8Array([123, 34]));
  const bench = await scheduled(
    "2026-01-01T00:59:50Z",
    HOURLY,
    ({ clock }) => clock.pass(11),
    damaged,
  );
  assertEquals(bench.started.length, 1);
  assert(bench.log.lines.some((line) => line.includes("record of the schedule cannot be read")));
});

Deno.test("BackupSchedule goes on when the clock was wrong by more than a day and is put right", async () => {
  const wrong = await scheduled("2031-01-01T00:59:50Z", HOURLY, ({ clock }) => clock.pass(11));
  assertEquals(wrong.started.length, 1);
  const right = await scheduled(
    "2026-01-01T00:59:50Z",
    HOURLY,
    ({ clock }) => clock.pass(11),
    wrong.fs,
  );
  assertEquals(right.started.length, 1);
  const back = await scheduled("2031-01-01T00:30:00Z", HOURLY, async ({ clock }) => {
    await clock.set("2026-01-01T00:59:50Z");
    await clock.pass(11);
  });
  assertEquals(back.started.map((time) => time.slice(0, 13)), ["2026-01-01T01"]);
});
