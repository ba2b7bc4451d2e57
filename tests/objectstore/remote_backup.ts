/**
 * Backups into a real server and back, by connection strings alone; and what a restore says of a bit that was turned where no
 * provider has a checksum.
 *
 * @module
 */
import { backupTasks, restoreIfTriggered, type RestoreSummary } from "../../src/backup/mod.ts";
import { PartitionBy } from "../../src/common/mod.ts";
import { openObjectStore } from "../../src/objectstore/mod.ts";
import { RealFileSystem, SILENT_LOG } from "../../src/platform/mod.ts";
import { InlineTaskRunner } from "../../src/wasm/mod.ts";
import { engineService } from "../backup/engine_service.ts";
import { backUp, PRODUCT_VERSION, random } from "../backup/test_database.ts";
import { core } from "../storage/table_fixture.ts";
import { checkRoundTrips } from "../backup/round_trip.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { runSeed } from "../support/seeded_random.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import { FaultProxy } from "../support/fault_proxy.ts";
import type { Row } from "../support/table_rows.ts";
import { TempDir } from "../support/temp_dir.ts";
import type { SharedServer } from "./remote_contract.ts";
import { environment } from "./store_environment.ts";

/** Random histories. */
const ROUND_TRIPS = 2;
const START = 1_704_067_200_000_000n;

function rows(salt: number): Row[] {
  return Array.from({ length: 2000 }, (_, i) => [
    START + BigInt(i) * 100_000_000n + BigInt(salt),
    i % 2 === 0,
    i,
    BigInt(i * salt),
    i / 4,
    i % 9 === 0 ? null : `s${(i + salt) % 13}`,
    i % 7 === 0 ? null : `text number ${i * salt}`,
  ]);
}

function restoreFrom(installRoot: string, connection: string): Promise<RestoreSummary | null> {
  const fs = new RealFileSystem();
  Deno.mkdirSync(installRoot, { recursive: true });
  Deno.writeTextFileSync(`${installRoot}/_backup_restore`, `backup.object.store=${connection}\n`);
  return restoreIfTriggered({
    installRoot,
    dbRoot: `${installRoot}/db`,
    fs,
    random,
    tasks: new InlineTaskRunner({ core, fs }, backupTasks),
    core,
    log: SILENT_LOG,
    configuredStore: null,
    productVersion: PRODUCT_VERSION,
  });
}

/** Backs up twice, the second time a little more. @returns the rows that must come back. */
async function makeBackups(root: string, connection: string): Promise<Row[]> {
  await using engine = await openEngine(root);
  await using service = engineService(engine, root, null, { objectStore: connection });
  const token = engine.createTable(allTypesTable("trades", { partitionBy: PartitionBy.DAY }));
  commitRows(engine, token, rows(1));
  await engine.waitApplied(token);
  await backUp(service);
  commitRows(engine, token, rows(2));
  await engine.waitApplied(token);
  await backUp(service);
  return tableRows(engine, token);
}

async function restoredRows(root: string): Promise<Row[]> {
  await using engine = await openEngine(root);
  const token = engine.findTable("trades")!;
  await engine.waitApplied(token);
  return tableRows(engine, token);
}

/** Registers the tests for a server. */
export function testRemoteBackup(name: string, server: SharedServer): void {
  Deno.test(`${name} holds backups, and a restore brings every row back`, async () => {
    using directory = new TempDir();
    const connection = server.connection();
    const expected = await makeBackups(`${directory.path}/root`, connection);
    const summary = await restoreFrom(`${directory.path}/restored`, connection);
    assertEquals(summary?.tableCount, 1);
    const actual = await restoredRows(`${directory.path}/restored`);
    assertEquals(actual.length, 4000);
    assert(
      actual.every((row, i) => row.every((value, c) => Object.is(value, expected[i][c]))),
      "every value of every row",
    );
    await using store = await openObjectStore(connection, environment);
    for await (const page of store.list(".tidemark-check/")) assertEquals(page, []);
  });

  Deno.test(`${name}: every retained point of a random history comes back`, async () => {
    const first = runSeed();
    const seeds = Array.from({ length: ROUND_TRIPS }, (_, i) => first + i);
    const connections = new Map(seeds.map((seed) => [seed, server.connection()]));
    await checkRoundTrips(
      seeds,
      (seed) => () => openObjectStore(connections.get(seed)!, environment),
    );
  });

  Deno.test(`${name}: faults during backup and restore change nothing, or end in an error`, async () => {
    using directory = new TempDir();
    await using proxy = await FaultProxy.start(server.current.port);
    const connection = server.connection().replace(/:\d+(?=[;/])/, `:${proxy.port}`) +
      "request_timeout_ms=2000;retry_attempts=10;";
    for (const operation of ["put", "get", "list", "head"] as const) {
      proxy.inject(operation, { kind: "reset" });
      proxy.inject(operation, { kind: "status", status: 503, body: "busy" });
    }
    proxy.inject("put", { kind: "fail after apply" }, 2);
    const expected = await makeBackups(`${directory.path}/root`, connection);
    assert(proxy.faultCount > 5, "faults happened");
    proxy.clear();
    for (const kind of ["truncated", "truncated, length adapted"] as const) {
      proxy.inject("get", { kind }, 1);
    }
    await restoreFrom(`${directory.path}/restored`, connection);
    const actual = await restoredRows(`${directory.path}/restored`);
    assert(
      actual.length === expected.length &&
        actual.every((row, i) => row.every((value, c) => Object.is(value, expected[i][c]))),
      "every value of every row",
    );
    proxy.clear();
    proxy.inject("get", { kind: "bit flip" }, 1000);
    const hasty = connection.replace("retry_attempts=10;", "retry_attempts=2;");
    const error = await restoreFrom(`${directory.path}/damaged`, hasty)
      .then(() => null, (reason) => reason);
    assert(error instanceof Error, "a restore of damaged bytes fails");
    assert(/damaged|mismatch|checksum/.test(error.message), error.message);
  });
}
