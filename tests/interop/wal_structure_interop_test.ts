/**
 * Structural changes and statements in the WAL, against the real QuestDB: the same bytes for the same statements, and each applies what the
 * other has committed and not applied.
 */
import { assert, assertEquals } from "../support/assert.ts";
import { allTypesTable, commitRows, openEngine, tableRows } from "../support/engine_fixture.ts";
import { type QuestDbServer, startQuestDb } from "../support/questdb_server.ts";
import type { CellValue, Row } from "../support/table_rows.ts";
import { TempDir } from "../support/temp_dir.ts";
import { ColumnType, formatTimestampMicros, QuestError } from "../../src/common/mod.ts";
import type { Engine, TableToken } from "../../src/engine/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import type { AlterOperation } from "../../src/storage/mod.ts";
import { TxnLog } from "../../src/wal/mod.ts";
import { readEvents } from "../../src/wal/segment_events.ts";
import type { TaskRunner } from "../../src/wasm/mod.ts";

const START = 1_704_067_200_000_000n;
const DAY = 86_400_000_000n;
const NO_APPLY = ["cairo.wal.apply.enabled=false"];
const NO_TASKS: TaskRunner = {
  workerCount: 1,
  run: () => Promise.reject(new QuestError("nothing is applied")),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
const CREATE = "CREATE TABLE t (ts TIMESTAMP, flag BOOLEAN, count INT, total LONG, price DOUBLE, " +
  "sym SYMBOL, note VARCHAR) TIMESTAMP(ts) PARTITION BY DAY WAL";
const fs = new RealFileSystem();

/** A step of a history: rows, or a change with its statement. */
type Step =
  | { readonly rows: readonly Row[] }
  | { readonly sql: string; readonly operation: AlterOperation; readonly isRename?: boolean }
  | { readonly sql: string; readonly update: true }
  | { readonly truncate: true };

function row(i: number, ...more: Row): Row {
  return [
    START + BigInt(i) * (DAY / 3n),
    i % 2 === 0,
    i,
    BigInt(i * 7),
    i / 4,
    `s${i % 3}`,
    ...more,
  ];
}

/** The columns behind `note` come and go, so rows are given as the table has them by writer index. */
const HISTORY: readonly Step[] = [
  { rows: [row(0, "a note"), row(1, null), row(2, "third")] },
  {
    sql: "ALTER TABLE t ADD COLUMN extra LONG",
    operation: { kind: "addColumn", column: { name: "extra", type: ColumnType.LONG } },
  },
  { rows: [row(3, "four", 11n), row(4, "five", null)] },
  {
    sql: "ALTER TABLE t ADD COLUMN kind SYMBOL CAPACITY 512 NOCACHE",
    operation: {
      kind: "addColumn",
      column: { name: "kind", type: ColumnType.SYMBOL, symbolCapacity: 512, isSymbolCached: false },
    },
  },
  { rows: [row(5, "six", 12n, "k1"), row(1, "late", 13n, "k2")] },
  {
    sql: "ALTER TABLE t RENAME COLUMN sym TO symbol",
    operation: { kind: "renameColumn", from: "sym", to: "symbol" },
  },
  { sql: "ALTER TABLE t DROP COLUMN note", operation: { kind: "dropColumn", name: "note" } },
  { rows: [row(6, null, 14n, "k1"), row(7, null, null, null)] },
  {
    sql: "ALTER TABLE t ALTER COLUMN count TYPE LONG",
    operation: { kind: "changeColumnType", name: "count", type: ColumnType.LONG },
  },
  {
    sql: "ALTER TABLE t DEDUP ENABLE UPSERT KEYS(ts, symbol)",
    operation: { kind: "enableDedup", columns: ["ts", "symbol"] },
  },
  { rows: [row(6, null, 99n, "k1", 66n), row(8, null, 15n, "k3", 88n)] },
  { sql: "ALTER TABLE t DEDUP DISABLE", operation: { kind: "disableDedup" } },
  { rows: [row(8, null, 16n, "k3", 89n)] },
];

function literal(value: CellValue | undefined): string {
  if (value === null || value === undefined) return "null";
  return typeof value === "string" ? `'${value}'` : String(value);
}

/** The live columns of a row that is given by writer index. */
function liveValues(engine: Engine, token: TableToken, values: Row): (CellValue | undefined)[] {
  return engine.metadata(token).liveColumns.map((column) => values[column.writerIndex]);
}

function position(sql: string, operation: AlterOperation) {
  const name = operation.kind === "addColumn"
    ? operation.column.name
    : operation.kind === "changeColumnType"
    ? operation.name
    : null;
  return {
    sqlText: sql,
    tablePosition: sql.indexOf(" t ") + 1,
    ...(name !== null && { columnPosition: sql.search(new RegExp(`\\b${name}\\b`)) }),
  };
}

/** Does the same to both, one after the other. */
async function run(
  steps: readonly Step[],
  to: { engine: Engine; token: TableToken; server?: QuestDbServer },
): Promise<void> {
  const { engine, token, server } = to;
  for (const step of steps) {
    if ("rows" in step) {
      if (step.rows.length > 0) commitRows(engine, token, step.rows);
      const rows = step.rows.map((values) => {
        const [ts, ...rest] = liveValues(engine, token, values);
        return `('${formatTimestampMicros(ts as bigint)}', ${rest.map(literal).join(", ")})`;
      });
      await server?.exec(`INSERT INTO t VALUES ${rows.join(", ")}`);
    } else if ("truncate" in step) {
      engine.truncateTable(token);
      await server?.exec("TRUNCATE TABLE t");
    } else if ("update" in step) {
      await engine.updateTable(token, step.sql);
      await server?.exec(step.sql);
    } else {
      await engine.alterTable(token, step.operation, position(step.sql, step.operation));
      await server?.exec(step.sql);
    }
  }
}

/** Columns and rows of both answers have the same form. */
function asJson(rows: readonly (readonly CellValue[])[]): unknown[][] {
  return rows.map((values) =>
    values.map((value, i) =>
      i === 0
        ? formatTimestampMicros(value as bigint)
        : typeof value === "bigint"
        ? Number(value)
        : value
    )
  );
}

async function questRows(server: QuestDbServer): Promise<unknown[][]> {
  await server.drainWal();
  return (await server.exec("SELECT * FROM t ORDER BY ts, total")).dataset!;
}

/** Rows of our table in the order of `SELECT *`, by ts and total. */
function ourRows(engine: Engine, token: TableToken): unknown[][] {
  const { liveColumns } = engine.metadata(token);
  const rows = tableRows(engine, token).map((values) =>
    liveColumns.map((column) => values[column.writerIndex])
  );
  const total = liveColumns.findIndex((column) => column.name === "total");
  return asJson(rows.sort((a, b) =>
    Number((a[0] as bigint) - (b[0] as bigint)) ||
    Number((a[total] as bigint) - (b[total] as bigint))
  ));
}

function bytesOf(path: string): Uint8Array {
  return Deno.readFileSync(path);
}
function questDir(root: string): string {
  const entry = [...Deno.readDirSync(`${root}/db`)].find((one) => /^t~\d+$/.test(one.name));
  assert(entry !== undefined, "QuestDB has made the table");
  return `${root}/db/${entry.name}`;
}

Deno.test("the same statements give the same sequencer, change log and events as in QuestDB", async () => {
  using ourRoot = new TempDir();
  using theirRoot = new TempDir();
  const engine = await openEngine(ourRoot.path, { tasks: NO_TASKS });
  const token = engine.createTable(allTypesTable("t"));
  const ours = engine.tableDir(token);
  let theirs: string;
  const steps: Step[] = [
    ...HISTORY,
    { truncate: true },
    {
      sql: "ALTER TABLE t SET PARAM maxUncommittedRows = 777",
      operation: { kind: "setMaxUncommittedRows", rows: 777 },
    },
    { rows: [row(9, null, 17n, "k4", 90n)] },
    { sql: "UPDATE t SET total = 5 WHERE price > 1", update: true },
  ];
  {
    await using server = await startQuestDb({ root: theirRoot.path, config: NO_APPLY });
    await server.exec(CREATE);
    theirs = questDir(theirRoot.path);
    await run(steps, { engine, token, server });
    await server.stop();
  }
  await engine.close();
  const logs = [ours, theirs].map((dir) => {
    using log = TxnLog.open(fs, dir, "read");
    return log.read(1, log.lastTxn).map(({ commitMicros: _, ...record }) => record);
  });
  assertEquals(logs[0], logs[1], "transactions");
  const end = Number(
    new DataView(bytesOf(`${theirs}/txn_seq/_txnlog.meta.i`).buffer)
      .getBigInt64(8 * logs[1].at(-1)!.structureVersion, true),
  );
  for (const [name, length] of [["d", end], ["i", 8 * (logs[1].at(-1)!.structureVersion + 1)]]) {
    const [our, their] = [ours, theirs].map((dir) =>
      bytesOf(`${dir}/txn_seq/_txnlog.meta.${name}`).subarray(0, Number(length))
    );
    assertEquals(our, their, `_txnlog.meta.${name}`);
  }
  const tableId = 24;
  const metadataOf = (path: string) => {
    const bytes = bytesOf(path);
    const view = new DataView(bytes.buffer);
    view.setInt32(tableId, 0, true);
    return bytes.subarray(0, view.getInt32(0, true));
  };
  assertEquals(metadataOf(`${ours}/txn_seq/_meta`), metadataOf(`${theirs}/txn_seq/_meta`));
  for (const { walId, segmentId, segmentTxn } of logs[1]) {
    if (walId < 0) continue;
    const segment = `wal${walId}/${segmentId}`;
    const range = { first: segmentTxn, last: segmentTxn };
    const [our, their] = [ours, theirs].map((dir) => {
      const [event] = readEvents(fs, `${dir}/${segment}`, range);
      return event.kind === "sql" ? { ...event, randomSeeds: null } : event;
    });
    assertEquals(our, their, `${segment} ${segmentTxn}`);
    assertEquals(metadataOf(`${ours}/${segment}/_meta`), metadataOf(`${theirs}/${segment}/_meta`));
  }
});

Deno.test("QuestDB applies structural changes, statements and deduplication that Engine has committed", async () => {
  using root = new TempDir();
  const engine = await openEngine(root.path, { tasks: NO_TASKS });
  const token = engine.createTable(allTypesTable("t"));
  await run([
    ...HISTORY,
    { sql: "UPDATE t SET total = 500 WHERE price > 1.6", update: true },
    {
      sql: "ALTER TABLE t SET PARAM maxUncommittedRows = 777",
      operation: { kind: "setMaxUncommittedRows", rows: 777 },
    },
  ], { engine, token });
  await engine.renameTable(token, "renamed");
  await engine.close();
  await using server = await startQuestDb({ root: root.path });
  await server.drainWal();
  const tables = await server.exec(
    "SELECT table_name, maxUncommittedRows FROM tables() WHERE walEnabled",
  );
  assertEquals(tables.dataset, [["renamed", 777]]);
  const suspended = await server.exec("SELECT name, suspended FROM wal_tables()");
  assertEquals(suspended.dataset, [["renamed", false]]);
  const { dataset, columns } = await server.exec(
    "SELECT ts, symbol, total, extra, kind, count FROM renamed ORDER BY ts, total, extra",
  );
  assertEquals(columns!.map(({ type }) => type), [
    "TIMESTAMP",
    "SYMBOL",
    "LONG",
    "LONG",
    "SYMBOL",
    "LONG",
  ]);
  assertEquals(
    dataset!.map((values) => values.slice(1)),
    [
      ["s0", 0, null, null, 0],
      ["s1", 7, null, null, 1],
      ["s1", 7, 13, "k2", 1],
      ["s2", 14, null, null, 2],
      ["s0", 21, 11, null, 3],
      ["s1", 28, null, null, 4],
      ["s2", 35, 12, "k1", 5],
      ["s0", 42, 99, "k1", 66],
      ["s1", 500, null, null, 7],
      ["s2", 500, 15, "k3", 88],
      ["s2", 500, 16, "k3", 89],
    ],
  );
});

Deno.test("Engine applies structural changes and deduplication that QuestDB has committed", async () => {
  using root = new TempDir();
  using scratch = new TempDir();
  let expected: unknown[][];
  {
    const engine = await openEngine(scratch.path, { tasks: NO_TASKS });
    const token = engine.createTable(allTypesTable("t"));
    await using server = await startQuestDb({ root: root.path, config: NO_APPLY });
    await server.exec(CREATE);
    await run(HISTORY, { engine, token, server });
    await engine.close();
    await server.stop();
  }
  {
    using copy = new TempDir();
    await new Deno.Command("cp", { args: ["-r", `${root.path}/.`, copy.path] }).output();
    await using server = await startQuestDb({ root: copy.path });
    expected = await questRows(server);
  }
  {
    await using engine = await openEngine(root.path);
    const token = engine.findTable("t")!;
    await engine.waitApplied(token);
    assertEquals(ourRows(engine, token), expected);
    await run([{ rows: [row(20, null, 1n, "k9", 20n)] }], { engine, token });
    await engine.alterTable(token, { kind: "dropColumn", name: "flag" }, { tablePosition: 12 });
    await engine.waitApplied(token);
  }
  await using server = await startQuestDb({ root: root.path });
  const { dataset } = await server.exec("SELECT count(), max(count) FROM t");
  assertEquals(dataset, [[expected.length + 1, 89]]);
});

Deno.test("tables that Engine converted are tables for QuestDB, and the other way round", async () => {
  using root = new TempDir();
  {
    await using engine = await openEngine(root.path);
    const wal = engine.createTable(allTypesTable("wal"));
    commitRows(engine, wal, [row(0, "a"), row(1, "b")]);
    await engine.waitApplied(wal);
    engine.setWalEnabled(wal, false);
  }
  await (await openEngine(root.path)).close();
  {
    await using server = await startQuestDb({ root: root.path });
    await server.exec("INSERT INTO wal(ts, count) VALUES ('2024-02-01', 5)");
    const { dataset } = await server.exec("SELECT walEnabled FROM tables() WHERE table_name='wal'");
    assertEquals(dataset, [[false]]);
    assertEquals((await server.exec("SELECT count() FROM wal")).dataset, [[3]]);
    await server.exec("ALTER TABLE wal SET TYPE WAL");
    await server.stop();
  }
  {
    // Ours converts what QuestDB was asked for.
    await using engine = await openEngine(root.path);
    const token = engine.findTable("wal")!;
    assertEquals(token.isWal, true);
    commitRows(engine, token, [row(2, "c")]);
    await engine.waitApplied(token);
    assertEquals(tableRows(engine, token).length, 4);
  }
  await using server = await startQuestDb({ root: root.path });
  await server.exec("ALTER TABLE wal ADD COLUMN x INT");
  await server.exec("INSERT INTO wal(ts, x) VALUES ('2024-02-02', 5)");
  await server.drainWal();
  assertEquals((await server.exec("SELECT count(), max(x) FROM wal")).dataset, [[5, 5]]);
  assertEquals((await server.exec("SELECT suspended FROM wal_tables()")).dataset, [[false]]);
});
