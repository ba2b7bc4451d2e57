/**
 * The server's log: one ASCII line an event, in QuestDB's form.
 *
 * ```
 * 2026-01-01T00:00:00.000000Z I component message [key=value, key=value]
 * time, UTC, microseconds     │
 *                             C critical · E error · A advisory · I info · D debug
 * ```
 * LogTape routes and filters; this file formats and writes. Lines are written in the background, in order.
 *
 * Invariants:
 * 1. An event is one line: control characters and what is not ASCII are escaped, so nothing a client sends can forge a line.
 * 2. A line has at most {@linkcode LINE_CHARS_MAX} characters, and at most {@linkcode QUEUED_LINES_MAX} lines wait for a slow
 *    reader; what does not fit is dropped, counted, and the count is logged.
 *
 * @module
 */
import {
  configureSync,
  getLogger,
  type Logger,
  type LogLevel,
  type LogRecord,
} from "@logtape/logtape";
import { type ErrorContext, formatContext } from "../common/mod.ts";
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";

/** Longest line; longer ones end in `...`. */
export const LINE_CHARS_MAX = 4096;
/** Most lines that wait to be written. */
export const QUEUED_LINES_MAX = 10_000;

const CATEGORY = "tidemark";
const LEVEL_LETTERS: Readonly<Record<LogLevel, string>> = {
  trace: "D",
  debug: "D",
  info: "I",
  warning: "A",
  error: "E",
  fatal: "C",
};

/** Where lines go; resolves once they are handed over. */
export interface LineWriter {
  /** Writes bytes that end with a line feed. */
  write(bytes: Uint8Array): Promise<unknown>;
}

/** Options of {@linkcode TextLog}. */
export interface TextLogOptions {
  readonly writer: LineWriter;
  readonly clock: Clock;
  /** Also logs what is of interest to developers only. */
  readonly isVerbose?: boolean;
}

/** {@linkcode Log} that writes lines. There is one per process: creating another one replaces it. */
export class TextLog implements Log {
  readonly #logger: Logger;
  readonly #writer: LineWriter;
  readonly #clock: Clock;
  /** Whether debug events are logged. */
  isVerbose: boolean;
  #queue: string[] = [];
  #droppedCount = 0;
  #pump: Promise<void> | null = null;
  #failure: unknown = null;

  constructor(options: TextLogOptions) {
    this.#writer = options.writer;
    this.#clock = options.clock;
    this.isVerbose = options.isVerbose ?? false;
    configureSync({
      reset: true,
      sinks: { lines: (record) => this.#emit(record) },
      loggers: [
        { category: ["logtape", "meta"], sinks: ["lines"], lowestLevel: "error" },
        { category: [CATEGORY], sinks: ["lines"], lowestLevel: "debug" },
      ],
    });
    this.#logger = getLogger([CATEGORY]);
  }

  /** What keeps lines from being written, once that has happened; later lines are dropped. */
  get failure(): unknown {
    return this.#failure;
  }
  info(component: string, message: string, context?: ErrorContext): void {
    this.#log("info", component, message + formatContext(context));
  }
  /** Something an operator should know and need not act on at once. */
  advisory(component: string, message: string, context?: ErrorContext): void {
    this.#log("warning", component, message + formatContext(context));
  }
  error(component: string, message: string, context?: ErrorContext): void {
    this.#log("error", component, message + formatContext(context));
  }
  critical(component: string, message: string, context?: ErrorContext): void {
    this.#log("fatal", component, message + formatContext(context));
  }
  /** Something of interest to developers only. */
  debug(component: string, message: string, context?: ErrorContext): void {
    if (this.isVerbose) this.#log("debug", component, message + formatContext(context));
  }
  /** Resolves when every line logged so far has been written or dropped. */
  async flush(): Promise<void> {
    while (this.#pump !== null) await this.#pump;
  }

  #log(level: LogLevel, component: string, text: string): void {
    this.#logger.emit({
      timestamp: Number(this.#clock.nowMicros()) / 1000,
      level,
      message: [text],
      rawMessage: text,
      properties: { component },
    });
  }

  #emit(record: LogRecord): void {
    const text = record.message.map(String).join("");
    const component = String(record.properties.component ?? record.category.join("."));
    this.#enqueue(formatLine(record.timestamp, record.level, `${component} ${text}`));
  }

  #enqueue(line: string): void {
    if (this.#failure !== null) return;
    if (this.#queue.length >= QUEUED_LINES_MAX) {
      this.#droppedCount++;
      return;
    }
    this.#queue.push(line);
    this.#pump ??= this.#drain();
  }

  async #drain(): Promise<void> {
    const encoder = new TextEncoder();
    await Promise.resolve(); // lines of one turn go out in one write
    try {
      while (this.#queue.length > 0) {
        const lines = this.#queue;
        this.#queue = [];
        if (this.#droppedCount > 0) {
          const text = `log lines dropped, the reader is too slow [count=${this.#droppedCount}]`;
          this.#droppedCount = 0;
          lines.push(formatLine(Number(this.#clock.nowMicros()) / 1000, "error", `log ${text}`));
        }
        await this.#writer.write(encoder.encode(lines.join("")));
      }
    } catch (error) {
      // Nobody reads any more, as when the other end of a pipe is gone. The server lives on without a log.
      this.#failure = error;
      this.#queue = [];
    } finally {
      this.#pump = null;
    }
  }
}

function formatLine(timestampMillis: number, level: LogLevel, text: string): string {
  const micros = Math.round(timestampMillis * 1000);
  const fraction = String(micros % 1000).padStart(3, "0");
  const time = new Date(Math.floor(micros / 1000)).toISOString().replace("Z", `${fraction}Z`);
  const line = `${time} ${LEVEL_LETTERS[level]} ${escapeText(text)}`;
  return (line.length > LINE_CHARS_MAX ? `${line.slice(0, LINE_CHARS_MAX - 3)}...` : line) + "\n";
}

function escapeText(text: string): string {
  return text.slice(0, LINE_CHARS_MAX).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
