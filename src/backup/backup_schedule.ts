/**
 * Starts backups by `backup.schedule.cron` in the time zone `backup.schedule.tz`.
 *
 * Invariants:
 * 1. A due time is acted on once: it starts a backup, or it is logged as missed.
 * 2. A due time that is noticed late (the machine slept, the clock jumped) is missed: a backup in the middle of the day helps nobody
 *    who asked for one at night.
 * 3. When the clock steps back, due times that have passed once are not met again, unless it steps back by more than a day: then it
 *    was wrong before, and waiting for it to get there again would mean no backups for that long.
 * 4. 1 to 3 hold over restarts: what is dealt with is written down before a backup is started.
 *
 * The settings are read at every look at the clock, so changes of the configuration count within a second.
 *
 * @module
 */
import { Cron } from "croner";
import { formatTimestampMicros } from "../common/mod.ts";
import type { Clock, Log, Timers } from "../platform/mod.ts";
import type { ScheduleRecord } from "./schedule_record.ts";

const COMPONENT = "backup";
/** How often the clock is looked at. Timers of hours drift, and do not know of a clock that is set. */
const LOOK_MILLIS = 1000;
/** A due time that is noticed later than this is missed. */
const LATE_MILLIS = 60_000;
/** A clock that steps back by more than this was wrong before. */
const STEP_BACK_MILLIS_MAX = 86_400_000;
const MICROS_PER_MILLI = 1000n;
/** Missed due times that are counted, then "or more". */
const MISSED_MAX = 1000;

/** When backups start by themselves. */
export interface ScheduleSettings {
  /** Five fields; empty: never. */
  readonly cron: string;
  /** IANA name. */
  readonly timeZone: string;
}

/** What a schedule needs. */
export interface ScheduleOptions {
  readonly settings: () => ScheduleSettings;
  /** Starts a backup. @throws if it cannot; that is logged. */
  readonly start: () => Promise<bigint>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** Keeps over restarts what is dealt with. */
  readonly record: ScheduleRecord;
}

/** See the module's description. Runs from {@linkcode BackupSchedule.run} until disposed. */
export class BackupSchedule implements AsyncDisposable {
  readonly #options: ScheduleOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #current: { readonly settings: ScheduleSettings; readonly cron: Cron } | null = null;
  /** Due times up to this one are dealt with, milliseconds. */
  #doneMillis = 0;
  /** True until the settings were looked at for the first time. */
  #isFirst = true;

  constructor(options: ScheduleOptions) {
    this.#options = options;
  }

  /** Starts to look at the clock. */
  run(): void {
    this.#doneMillis = this.#nowMillis();
    this.#running = this.#loop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const { timers } = this.#options;
    while (!this.#stop.signal.aborted) {
      await this.#look();
      try {
        await timers.sleep(LOOK_MILLIS, this.#stop.signal);
      } catch (error) {
        if (!this.#stop.signal.aborted) throw error;
      }
    }
  }

  async #look(): Promise<void> {
    const cron = this.#cron();
    const now = this.#nowMillis();
    if (this.#doneMillis - now > STEP_BACK_MILLIS_MAX) this.#beginAnew(now);
    if (cron === null) {
      this.#doneMillis = Math.max(this.#doneMillis, now);
      return;
    }
    const due = cron.nextRun(new Date(this.#doneMillis))?.getTime() ?? Infinity;
    if (due > now) return;
    const missed: number[] = [];
    let last = due;
    for (let next = due; next <= now && missed.length < MISSED_MAX;) {
      last = next;
      missed.push(next);
      next = cron.nextRun(new Date(next))?.getTime() ?? Infinity;
    }
    this.#doneMillis = missed.length < MISSED_MAX ? last : now;
    this.#options.record.write(this.#current!.settings, this.#doneMillis); // first: never twice
    const isOnTime = now - last <= LATE_MILLIS;
    if (isOnTime) missed.pop();
    if (missed.length > 0) this.#logMissed(missed, "the server did not run or the clock was set");
    if (isOnTime) await this.#start(last);
  }

  #beginAnew(now: number): void {
    this.#options.log.error(COMPONENT, "the clock was set back, scheduled times count again", {
      from: text(this.#doneMillis),
      to: text(now),
    });
    this.#doneMillis = now;
  }

  async #start(due: number): Promise<void> {
    const { start, log } = this.#options;
    try {
      log.info(COMPONENT, "scheduled backup is due", { due: text(due) });
      await start();
    } catch (error) {
      this.#logMissed([due], error instanceof Error ? error.message : String(error));
    }
  }

  #logMissed(due: readonly number[], reason: string): void {
    this.#options.log.error(COMPONENT, "scheduled backup was missed", {
      due: text(due[0]),
      last: text(due[due.length - 1]),
      count: due.length,
      reason,
    });
  }

  /** The expression that counts now; `null` if there is none. */
  #cron(): Cron | null {
    const settings = this.#options.settings();
    if (settings.cron === "") {
      if (this.#current !== null || this.#isFirst) this.#options.record.clear();
      this.#isFirst = false;
      this.#current = null;
      return null;
    }
    const known = this.#current?.settings;
    if (known?.cron !== settings.cron || known.timeZone !== settings.timeZone) {
      const cron = parseCron(settings);
      const done = this.#isFirst ? this.#options.record.read(settings) : null;
      this.#doneMillis = done ?? Math.max(this.#doneMillis, this.#nowMillis());
      if (done === null) this.#options.record.write(settings, this.#doneMillis);
      this.#isFirst = false;
      this.#current = { settings, cron };
      const next = cron.nextRun(new Date(Math.max(this.#doneMillis, this.#nowMillis())));
      this.#options.log.info(COMPONENT, "backups are scheduled", {
        cron: settings.cron,
        tz: settings.timeZone,
        next: next === null ? "never" : text(next.getTime()),
      });
    }
    return this.#current!.cron;
  }

  #nowMillis(): number {
    return Number(this.#options.clock.nowMicros() / MICROS_PER_MILLI);
  }
}

/** Parses a schedule. @throws {Error} that says what is wrong. */
export function parseCron({ cron, timeZone }: ScheduleSettings): Cron {
  const parsed = new Cron(cron, { timezone: timeZone, paused: true, mode: "5-part" });
  parsed.nextRun(); // only now is the time zone looked at
  return parsed;
}

function text(millis: number): string {
  return formatTimestampMicros(BigInt(millis) * MICROS_PER_MILLI);
}
