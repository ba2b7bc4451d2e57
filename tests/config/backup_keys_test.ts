/** Every `backup.*` key: its default, what it takes, what it refuses, and what a reload takes up. */
import { ConfigError } from "../../src/common/mod.ts";
import { LiveConfiguration, loadConfiguration, PROPERTIES } from "../../src/config/mod.ts";
import { SILENT_LOG, SimulatedFileSystem, writeFileAtomic } from "../../src/platform/mod.ts";
import { assertEquals, assertStringIncludes, assertThrows } from "../support/assert.ts";

const ROOT = "/data/root";
const CONF = `${ROOT}/conf/server.conf`;

function options(conf: string) {
  const fs = new SimulatedFileSystem();
  fs.mkdir(`${ROOT}/conf`);
  writeFileAtomic(fs, CONF, new TextEncoder().encode(conf));
  return { installRoot: ROOT, fs, environment: {}, settings: [], cpuCount: 6, log: SILENT_LOG };
}

const STORE = "fs::root=/b;atomic_write_dir=/b/tmp;";

/** Key, field, default, good values with what they mean, bad values. */
const KEYS: [string, keyof typeof PROPERTIES.backup, unknown, [string, unknown][], string[]][] = [
  ["backup.enabled", "isEnabled", true, [["false", false]], ["yes", "1", ""]],
  [
    "backup.object.store",
    "objectStore",
    "fs::root=/data/root-backup/store;atomic_write_dir=/data/root-backup/tmp;",
    [[STORE, STORE]],
    ["fs:root=/b", "fs::root", "/backups"],
  ],
  [
    "backup.schedule.cron",
    "cron",
    "",
    [
      ...["0 0 * * *", "*/15 0-6 1,15 JAN MON", "0 0 L * *", "0 0 15W * *", "0 0 * * 5L"],
      ...["0 0 * * 5#3", "0 0 * * 7", ""],
    ].map((text): [string, string] => [text, text]),
    [
      ...["60 0 * * *", "0 24 * * *", "0 0 32 * *", "0 0 * 13 *", "0 0 * * 8"],
      ...["0 0 * *", "0 0 0 * * *", "daily", "0 0 * * 5#6"],
    ],
  ],
  ["backup.schedule.tz", "timeZone", "UTC", [["Europe/Prague", "Europe/Prague"]], [
    "Mars/Phobos",
    "",
  ]],
  ["backup.cleanup.keep.latest.n", "keepLatestCount", 5, [["1", 1], ["30", 30]], [
    "0",
    "-1",
    "2.5",
  ]],
  ["backup.compression.level", "compressionLevel", 5, [["1", 1], ["22", 22]], ["0", "23", "fast"]],
  ["backup.compression.threads", "compressionThreadCount", 6, [["1", 1], ["32", 32]], ["0", "33"]],
  ["backup.max.bytes.per.second", "bytesPerSecondMax", 0, [["20m", 20 * 1024 * 1024], ["0", 0]], [
    "-1",
    "20 MB/s",
  ]],
  ["backup.enable.partition.hashes", "hasPartitionHashes", false, [["true", true]], ["on"]],
  ["backup.verify.partition.hashes", "verifiesPartitionHashes", false, [["true", true]], ["on"]],
];

Deno.test("every backup key has its default, takes good values, and refuses others by file, line and key", () => {
  assertEquals(
    KEYS.map(([key]) => key).sort(),
    Object.values(PROPERTIES.backup).map(({ key }) => key).sort(),
  );
  const load = (conf: string) => loadConfiguration(PROPERTIES, options(conf)).configuration.backup;
  for (const [key, field, byDefault, good, bad] of KEYS) {
    assertEquals(load("")[field], byDefault, key);
    for (const [text, value] of good) assertEquals(load(`${key}=${text}`)[field], value, key);
    for (const text of bad) {
      const { message } = assertThrows(() => load(`\n\n${key}=${text}\n`), ConfigError);
      assertStringIncludes(message, `[file=${CONF}, line=3, key=${key}, value=`);
    }
  }
});

Deno.test("reload_config() takes up cron, time zone and the bound on bytes per second, and no other backup key", async () => {
  const given = options("");
  const live = new LiveConfiguration(PROPERTIES, given);
  const before = live.current.backup;
  const values = KEYS.map(([key, , , good]) => `${key}=${good[0][0]}`);
  writeFileAtomic(given.fs, CONF, new TextEncoder().encode(values.join("\n")));
  assertEquals(await live.reload(), true);
  assertEquals(live.current.backup, {
    ...before,
    cron: "0 0 * * *",
    timeZone: "Europe/Prague",
    bytesPerSecondMax: 20 * 1024 * 1024,
  });
  writeFileAtomic(given.fs, CONF, new TextEncoder().encode("backup.schedule.cron=60 * * * *"));
  await assertReloadKeeps(live);
});

/** A bad value changes nothing while the server runs. */
async function assertReloadKeeps(live: LiveConfiguration<typeof PROPERTIES>): Promise<void> {
  const before = live.current.backup;
  const outcome = await live.reload().then(String, (error: Error) => error.message);
  assertEquals(live.current.backup, before, outcome);
}
