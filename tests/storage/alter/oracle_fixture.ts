/**
 * The same tables under the real QuestDB and under TableWriter: made by QuestDB once, copied, then changed by each.
 *
 * @module
 */
import {
  columnFilesOf,
  columnPlace,
  partitionPath,
  partitionScheme,
  readCommittedState,
  type StorageContext,
  symbolFiles,
  TableWriter,
} from "../../../src/storage/mod.ts";
import { isParquet } from "../../../src/storage/txn.ts";
import type { AlterOperation } from "../../../src/storage/mod.ts";
import { ColumnType } from "../../../src/common/mod.ts";
import { readFile, RealFileSystem } from "../../../src/platform/mod.ts";
import { createCore } from "../../../src/wasm/mod.ts";
import { assertEquals } from "../../support/assert.ts";
import { type QuestDbServer, startQuestDb } from "../../support/questdb_server.ts";

const FILE_BYTES_MAX = 1 << 28;
/** Settings under which QuestDB splits small partitions. */
export const SPLITTING = ["cairo.o3.partition.split.min.size=1k"];

/** The real files. */
export const fs = new RealFileSystem();
/** One core for all tests of a file. */
export const core = createCore();

/** One change, in both languages. */
export interface Change {
  readonly sql: string;
  readonly operation: AlterOperation;
}

/** A table by its statements, and what is done to it. */
export interface Scenario {
  readonly table: string;
  readonly setup: readonly string[];
  readonly changes: readonly Change[];
  /** Between the changes on QuestDB's side nothing else happens; behind them, rows are added on both sides by QuestDB. */
  readonly rows?: string;
}

/** The two roots behind a run. */
export interface Roots {
  readonly questDb: string;
  readonly ours: string;
}

/** Makes the tables, copies them, and lets QuestDB change its own. */
export async function prepare(roots: Roots, scenarios: readonly Scenario[]): Promise<void> {
  {
    await using server = await startQuestDb({ root: roots.questDb, config: SPLITTING });
    for (const { setup } of scenarios) for (const sql of setup) await server.exec(sql);
  }
  const copy = new Deno.Command("cp", {
    args: ["-a", "--sparse=always", `${roots.questDb}/.`, roots.ours],
  });
  assertEquals((await copy.output()).success, true);
  await using server = await startQuestDb({ root: roots.questDb, config: SPLITTING });
  for (const { changes } of scenarios) for (const { sql } of changes) await server.exec(sql);
}

/** Context of a table below a root. */
export function contextOf(root: string, table: string): StorageContext {
  return { fs, core, tableDir: `${root}/db/${table}` };
}

/** Makes the changes in our root. */
export function change(roots: Roots, scenario: Scenario): void {
  using writer = TableWriter.open(contextOf(roots.ours, scenario.table));
  for (const { operation } of scenario.changes) writer.alter(operation, { seqTxn: 0, sync: false });
}

/** What a table's files say, in comparable form. */
export function describeTable(root: string, table: string): Record<string, unknown> {
  const tableDir = `${root}/db/${table}`;
  const { metadata, txn, versions } = readCommittedState(fs, tableDir);
  const scheme = partitionScheme(metadata);
  const files: Record<string, unknown> = {};
  for (const partition of txn.partitions) {
    if (isParquet(partition)) continue;
    const directory = partitionPath(scheme, partition);
    for (const file of columnFilesOf({ fs, tableDir, metadata, versions, partition })) {
      files[file.path] = hashOf(`${tableDir}/${file.path}`, file.bytes);
    }
    for (const column of metadata.liveColumns) {
      if (!column.isIndexed) continue;
      const place = columnPlace(versions, partition, column.writerIndex);
      if (place.storedRows === 0) continue;
      const suffix = place.nameTxn >= 0 ? `.${place.nameTxn}` : "";
      const name = `${directory}/${column.name}`;
      files[`${name}.k${suffix}`] = readIndex(`${tableDir}/${name}`, suffix, partition.rowCount);
    }
  }
  let slot = 0;
  for (const column of metadata.columns) {
    if (column.type !== ColumnType.SYMBOL) continue;
    const paths = symbolFiles(tableDir, column.name, versions.symbolNameTxn(column.writerIndex));
    const count = txn.symbolCounts[slot++];
    const offsets = readFile(fs, paths.offsets, FILE_BYTES_MAX);
    const chars = Number(new DataView(offsets.buffer).getBigInt64(64 + 8 * count, true));
    files[paths.offsets.slice(tableDir.length)] = hex(offsets.subarray(0, 72 + 8 * count));
    files[paths.chars.slice(tableDir.length)] = hashOf(paths.chars, chars);
    files[paths.keys.slice(tableDir.length)] = fs.stat(paths.keys) !== null;
  }
  const { liveColumns: _live, ...meta } = metadata;
  return {
    metadata: meta,
    txn: {
      ...txn,
      partitions: txn.partitions.map((one) => ({ ...one, path: partitionPath(scheme, one) })),
    },
    versions: { version: versions.version, entries: versions.entries },
    files,
  };
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function hashOf(path: string, size: number): string {
  if (size === 0) return "";
  using file = fs.open(path, "read");
  const bytes = new Uint8Array(size);
  const count = file.read(bytes, 0);
  return `${count}:${size <= 256 ? hex(bytes) : digest(bytes)}`;
}

function digest(bytes: Uint8Array): string {
  let h = 0x811c9dc5, g = 0;
  for (const byte of bytes) {
    h = Math.imul(h ^ byte, 0x01000193);
    g = (Math.imul(g, 31) + byte) | 0;
  }
  return `${h >>> 0}/${g >>> 0}`;
}

/** Rows of every key of an index below the committed row count. */
export function readIndex(
  column: string,
  suffix: string,
  rowCount: number,
): Record<string, number[]> {
  const keys = readFile(fs, `${column}.k${suffix}`, FILE_BYTES_MAX);
  const values = readFile(fs, `${column}.v${suffix}`, FILE_BYTES_MAX);
  const k = new DataView(keys.buffer), v = new DataView(values.buffer);
  const capacity = k.getInt32(17, true), keyCount = k.getInt32(21, true);
  const rows: Record<string, number[]> = { capacity: [capacity] };
  for (let key = 0; key < keyCount; key++) {
    const entry = 64 + 32 * key;
    const count = Number(k.getBigInt64(entry, true));
    assertEquals(Number(k.getBigInt64(entry + 24, true)), count, "count check");
    let block = Number(k.getBigInt64(entry + 8, true));
    const own: number[] = [];
    for (let i = 0; i < count; i++) {
      if (i > 0 && i % capacity === 0) {
        block = Number(v.getBigInt64(block + capacity * 8 + 8, true));
      }
      own.push(Number(v.getBigInt64(block + 8 * (i % capacity), true)));
    }
    const committed = own.filter((row) => row < rowCount);
    if (committed.length > 0) rows[String(key)] = committed;
  }
  return rows;
}

/** All rows as CSV. */
export function csv(server: QuestDbServer, table: string): Promise<string> {
  return server.exp(`SELECT * FROM ${table}`);
}
