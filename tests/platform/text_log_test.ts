import { type Clock, LINE_CHARS_MAX, QUEUED_LINES_MAX, TextLog } from "../../src/platform/mod.ts";
import { assert, assertEquals, assertMatch } from "../support/assert.ts";

const CLOCK: Clock = { nowMicros: () => 1_767_225_600_123_456n, monotonicMillis: () => 0 };

function collect(
  options: { isVerbose?: boolean; write?: () => Promise<void> } = {},
): { log: TextLog; text: () => string } {
  const decoder = new TextDecoder();
  let text = "";
  const writer = {
    async write(bytes: Uint8Array) {
      await options.write?.();
      text += decoder.decode(bytes);
    },
  };
  const log = new TextLog({ writer, clock: CLOCK, isVerbose: options.isVerbose ?? false });
  return { log, text: () => text };
}

Deno.test("TextLog writes QuestDB's lines in order", async () => {
  const { log, text } = collect();
  log.info("engine", "opened", { tables: 3, root: "/data" });
  log.advisory("config", "unknown key");
  log.error("http", "refused {not a placeholder}");
  log.critical("wal", "table suspended");
  log.debug("sql", "hidden unless verbose");
  await log.flush();
  assertEquals(
    text(),
    "2026-01-01T00:00:00.123456Z I engine opened [tables=3, root=/data]\n" +
      "2026-01-01T00:00:00.123456Z A config unknown key\n" +
      "2026-01-01T00:00:00.123456Z E http refused {not a placeholder}\n" +
      "2026-01-01T00:00:00.123456Z C wal table suspended\n",
  );
});

Deno.test("TextLog shows debug lines when verbose", async () => {
  const { log, text } = collect({ isVerbose: true });
  log.debug("sql", "plan");
  await log.flush();
  assertMatch(text(), / D sql plan\n$/);
});

Deno.test("TextLog keeps an event on one line", async () => {
  const { log, text } = collect();
  log.error("http", "bad\n2026-01-01T00:00:00.000000Z C forged\u001b[31m\u00e9");
  await log.flush();
  assertEquals(text().split("\n").length, 2);
  assert(text().includes("bad\\u000a2026") && text().includes("\\u001b[31m\\u00e9"));
});

Deno.test("TextLog cuts a long line", async () => {
  const { log, text } = collect();
  log.info("x", "y".repeat(1_000_000));
  await log.flush();
  assertEquals(text().length, LINE_CHARS_MAX + 1);
  assert(text().endsWith("...\n"));
});

Deno.test("TextLog drops lines of a reader that is too slow, and says how many", async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => release = resolve);
  const { log, text } = collect({ write: () => gate });
  log.info("x", "first");
  await new Promise((resolve) => setTimeout(resolve));
  for (let n = 0; n < QUEUED_LINES_MAX + 5; n++) log.info("x", String(n));
  release();
  await log.flush();
  const lines = text().trimEnd().split("\n");
  assertEquals(lines.length, 1 + QUEUED_LINES_MAX + 1);
  assertMatch(lines.at(-1)!, /E log log lines dropped, the reader is too slow \[count=5\]/);
});

Deno.test("TextLog survives a writer that fails", async () => {
  const broken = new Error("broken pipe");
  const { log, text } = collect({ write: () => Promise.reject(broken) });
  log.info("x", "1");
  await log.flush();
  log.info("x", "2");
  await log.flush();
  assertEquals([text(), log.failure], ["", broken]);
});
