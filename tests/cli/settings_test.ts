import { PROPERTIES, type ServerConfiguration } from "../../src/config/mod.ts";
import { loadConfiguration } from "../../src/config/mod.ts";
import { SimulatedFileSystem } from "../../src/platform/mod.ts";
import { backupConfigOf, engineConfigOf } from "../../src/cli/settings.ts";
import { databaseRoot } from "../../src/cli/server.ts";
import { DEFAULT_ENGINE_CONFIG } from "../../src/engine/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";

function configurationOf(settings: string[]): ServerConfiguration {
  const fs = new SimulatedFileSystem();
  const options = { installRoot: "/data", fs, environment: {}, settings, cpuCount: 2 };
  return loadConfiguration(PROPERTIES, options).configuration;
}

Deno.test("engineConfigOf maps every key, and its defaults are the engine's own", () => {
  assertEquals(engineConfigOf(configurationOf([])), DEFAULT_ENGINE_CONFIG);
  const config = engineConfigOf(configurationOf([
    "cairo.commit.mode=sync",
    "cairo.wal.segment.rollover.row.count=7",
    "cairo.wal.segment.rollover.size=1k",
    "cairo.wal.purge.interval=2s",
    "cairo.max.uncommitted.rows=3",
    "cairo.o3.max.lag=5s",
    "cairo.o3.partition.split.min.size=3k",
    "cairo.auto.scale.symbol.capacity=false",
    "cairo.auto.scale.symbol.capacity.threshold=1.5",
    "cairo.default.symbol.capacity=64",
    "cairo.default.symbol.cache.flag=false",
    "cairo.index.value.block.size=32",
    "cairo.wal.enabled.default=false",
    "cairo.max.file.name.length=20",
  ]));
  assertEquals(config, {
    ...DEFAULT_ENGINE_CONFIG,
    commitMode: "sync",
    walSegmentRolloverRowCount: 7,
    walSegmentRolloverBytes: 1024,
    walPurgeIntervalMillis: 2000,
    maxUncommittedRows: 3,
    o3MaxLagMicros: 5_000_000n,
    o3PartitionSplitMinBytes: 3072,
    isSymbolCapacityScaled: false,
    symbolCapacityThreshold: 1.5,
    defaultSymbolCapacity: 64,
    isDefaultSymbolCached: false,
    indexValueBlockSize: 32,
    isWalDefault: false,
    maxFileNameLength: 20,
  });
});

Deno.test("backupConfigOf turns an empty store into none", () => {
  const config = backupConfigOf(configurationOf([
    "backup.enabled=false",
    "backup.object.store=",
    "backup.cleanup.keep.latest.n=9",
    "backup.compression.level=3",
    "backup.compression.threads=4",
    "backup.enable.partition.hashes=true",
    "backup.verify.partition.hashes=true",
  ]));
  assertEquals(config, {
    isEnabled: false,
    objectStore: null,
    keepLatestCount: 9,
    compressionLevel: 3,
    compressionThreads: 4,
    hasPartitionHashes: true,
    verifiesPartitionHashes: true,
  });
});

Deno.test("databaseRoot is below the install root unless it is absolute", () => {
  assertEquals(databaseRoot("/data", "db"), "/data/db");
  assertEquals(databaseRoot("/data", "/elsewhere/db"), "/elsewhere/db");
});

Deno.test("every property is used: none is there for show", () => {
  const folder = new URL("../../src/", import.meta.url);
  let code = "";
  for (const name of ["cli", "config"]) {
    for (const entry of Deno.readDirSync(new URL(`${name}/`, folder))) {
      if (entry.name === "property_table.ts" || entry.name === "known_keys.ts") continue;
      code += Deno.readTextFileSync(new URL(`${name}/${entry.name}`, folder));
    }
  }
  for (const [section, properties] of Object.entries(PROPERTIES)) {
    for (const [name, { key }] of Object.entries(properties)) {
      const isUsed = new RegExp(`\\b${section}\\.${name}\\b`).test(code) ||
        new RegExp(`\\{[^}]*\\b${name}\\b[^}]*\\} = [^;]*\\.${section};`).test(code) ||
        code.includes(`"${key}"`);
      assert(isUsed, `${key} (${section}.${name}) is used nowhere`);
    }
  }
});
