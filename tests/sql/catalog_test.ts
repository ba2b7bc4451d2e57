/** Table functions, SHOW statements and services against a real engine. */
import { BackupError, SqlError } from "../../src/common/mod.ts";
import { assertEquals, assertRejects, assertStringIncludes } from "../support/assert.ts";
import type { BackupService } from "../../src/engine/mod.ts";
import { EngineFixture } from "./engine_fixture.ts";

const CREATE = "CREATE TABLE t (ts TIMESTAMP, s SYMBOL, v LONG) TIMESTAMP(ts) PARTITION BY DAY WAL";

Deno.test("tables() has QuestDB's columns and tells what is known", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(CREATE);
  await fixture.run("INSERT INTO t VALUES ('2024-01-01', 'a', 1), ('2024-01-02', 'b', 2)");
  const all = await fixture.query("SELECT * FROM tables()");
  assertEquals(all.columns.length, 45);
  assertEquals(all.columns.slice(0, 5), [
    "id",
    "table_name",
    "designatedTimestamp",
    "partitionBy",
    "walEnabled",
  ]);
  const { rows } = await fixture.query(
    "SELECT table_name, designatedTimestamp, dedup, ttlValue, ttlUnit, table_suspended, table_type, " +
      "table_row_count, table_min_timestamp, table_max_timestamp, wal_txn FROM tables()",
  );
  assertEquals(rows, [[
    "t",
    "ts",
    false,
    0,
    "HOUR",
    false,
    "T",
    2n,
    "2024-01-01T00:00:00.000000Z",
    "2024-01-02T00:00:00.000000Z",
    1n,
  ]]);
});

Deno.test("wal_tables(), all_tables() and SHOW TABLES, also without parentheses", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(CREATE);
  await fixture.run("INSERT INTO t VALUES ('2024-01-01', 'a', 1)");
  const wal = await fixture.query("wal_tables");
  assertEquals(
    wal.columns.join(),
    "name,suspended,writerTxn,bufferedTxnSize,sequencerTxn,errorTag,errorMessage,memoryPressure",
  );
  assertEquals(wal.rows, [["t", false, 1n, 0n, 1n, "", "", 0]]);
  for (
    const sql of [
      "all_tables()",
      "SELECT * FROM all_tables",
      "SHOW TABLES",
      "(show tables) limit 5",
    ]
  ) {
    assertEquals((await fixture.query(sql)).rows, [["t"]], sql);
  }
});

Deno.test("table_columns() and table_partitions() describe a table and point at a missing one", async () => {
  await using fixture = await EngineFixture.open();
  await fixture.run(CREATE);
  await fixture.run(
    "INSERT INTO t VALUES ('2024-01-01T10:00:00', 'a', 1), ('2024-01-01', 'b', 2), ('2024-01-03', 'a', 3)",
  );
  assertEquals(
    (await fixture.query(
      "SELECT \"column\", type, symbolTableSize, designated FROM table_columns('T')",
    )).rows,
    [
      ["ts", "TIMESTAMP", 0, true],
      ["s", "SYMBOL", 2, false],
      ["v", "LONG", 0, false],
    ],
  );
  const partitions = await fixture.query(
    "SELECT index, partitionBy, name, minTimestamp, maxTimestamp, numRows, active, attached, parquetFileSize " +
      "FROM table_partitions('t')",
  );
  assertEquals(
    partitions.rows.map((
      row,
    ) => [...row.slice(0, 2), String(row[2]).slice(0, 10), ...row.slice(3)]),
    [
      [
        0,
        "DAY",
        "2024-01-01",
        "2024-01-01T00:00:00.000000Z",
        "2024-01-01T10:00:00.000000Z",
        2n,
        false,
        true,
        -1n,
      ],
      [
        1,
        "DAY",
        "2024-01-03",
        "2024-01-03T00:00:00.000000Z",
        "2024-01-03T00:00:00.000000Z",
        1n,
        true,
        true,
        -1n,
      ],
    ],
  );
  assertEquals((await fixture.query("SHOW PARTITIONS FROM t")).columns.length, 15);
  const missing: [string, number][] = [
    ["table_columns('nope')", 14],
    ["table_partitions('nope')", 17],
    ["show columns from nope", 18],
    ["select * from (show columns from nope)", 33],
    ["select * from nope", 14],
  ];
  for (const [sql, position] of missing) {
    const error = await assertRejects(() => fixture.query(sql), SqlError);
    assertEquals(
      [error.message, error.position],
      ["table does not exist [table=nope]", position],
      sql,
    );
  }
});

Deno.test("SHOW answers what clients ask after connecting", async () => {
  await using fixture = await EngineFixture.open();
  const cases: [string, string, unknown][] = [
    ["show server_version", "server_version", "12.3 (questdb)"],
    ["show server_version_num", "server_version_num", "123000"],
    ["show time zone", "TimeZone", "UTC"],
    ["show transaction isolation level", "transaction_isolation", "read committed"],
    ["show transaction_isolation", "transaction_isolation", "read committed"],
    ["show standard_conforming_strings", "standard_conforming_strings", "on"],
    ["show search_path", "search_path", '"$user", public'],
    ["show default_transaction_read_only", "default_transaction_read_only", "off"],
    ["show datestyle", "DateStyle", "ISO,YMD"],
    ["show max_identifier_length", "max_identifier_length", 63],
  ];
  for (const [sql, column, value] of cases) {
    assertEquals(await fixture.query(sql), { columns: [column], rows: [[value]] } as never, sql);
  }
});

Deno.test("SHOW PARAMETERS lists what the configuration service tells, also as a table", async () => {
  await using fixture = await EngineFixture.open();
  const parameter = (propertyPath: string, value: string) => ({
    propertyPath,
    envVarName: `QDB_${propertyPath.toUpperCase().replaceAll(".", "_")}`,
    value,
    valueSource: "default",
    isSensitive: false,
    isReloadable: true,
  });
  let reloads = 0;
  fixture.engine.services.configuration = {
    parameters:
      () => [parameter("cairo.commit.mode", "nosync"), parameter("backup.enabled", "true")],
    reload: () => Promise.resolve(++reloads === 1),
  };
  const all = await fixture.query("SHOW PARAMETERS");
  assertEquals(
    all.columns.join(),
    "property_path,env_var_name,value,value_source,sensitive,reloadable",
  );
  assertEquals(all.rows.length, 2);
  const some = await fixture.query("(SHOW PARAMETERS) WHERE property_path = 'cairo.commit.mode'");
  assertEquals(some.rows, [[
    "cairo.commit.mode",
    "QDB_CAIRO_COMMIT_MODE",
    "nosync",
    "default",
    false,
    true,
  ]]);
  assertEquals((await fixture.query("select count() from (show parameters)")).rows, [[2n]]);
  assertEquals((await fixture.query("select reload_config()")).rows, [[true]]);
  assertEquals((await fixture.query("select reload_config()")).rows, [[false]]);
});

const TIMESTAMP = 1_700_000_000_000_000n;
const VALIDATED = [
  { table: "", objects: 2, bytes: 10, error: null, object: null },
  { table: "t", objects: 3, bytes: 20, error: "hash mismatch", object: "key" },
].map((row) => ({ backupTimestamp: TIMESTAMP, ...row }));

const PLAN = {
  timestamp: TIMESTAMP,
  instance: "a-b-c",
  writtenBy: "0.1.0",
  tableCount: 1,
  rowCount: 2,
  objectCount: 3,
  missingCount: 4,
  fetchBytes: 5,
  diskNeeded: 6,
  diskFree: null,
  estimatedSeconds: 0.5,
  problems: ["one [a=b]", "two"],
};
const PLAN_COLUMNS =
  "backup_timestamp instance written_by tables row_count objects objects_missing bytes_to_fetch disk_needed disk_free " +
  "estimated_seconds status error";

/** A backup service that answers with fixed rows. */
function fakeBackupService(): BackupService {
  let isRunning = false;
  return {
    validate: ({ timestamp, level }) =>
      level === "decode" && timestamp === TIMESTAMP
        ? Promise.resolve(VALIDATED)
        : Promise.reject(new BackupError("no such backup", { level })),
    planRestore: ({ timestamp, instance }) =>
      instance === "a-b-c" ? Promise.resolve(PLAN) : Promise.reject(
        new BackupError("no such backup", { timestamp, instance }),
      ),
    start: () => {
      if (isRunning) return Promise.reject(new BackupError("backup is in progress"));
      isRunning = true;
      return Promise.resolve(1_700_000_000_000_000n);
    },
    abort: () =>
      Promise.resolve(
        isRunning
          ? { status: "aborted", backupId: 1_700_000_000_000_000n }
          : { status: "not running", backupId: null },
      ),
    list: () => [{
      status: "backup complete",
      progressPercent: 100,
      startTs: 1_700_000_000_000_000n,
      endTs: null,
      backupError: null,
      cleanupError: null,
      bytesRead: 10,
      bytesUploaded: 4,
      bytesReused: 3,
      objectCount: 2,
      mbPerSecond: 1.5,
      etaTs: null,
    }],
    instanceName: () => "gentle-forest-orchid",
  };
}

Deno.test("BACKUP statements and functions answer in the documented shape", async () => {
  await using fixture = await EngineFixture.open();
  fixture.engine.services.backup = fakeBackupService();
  assertEquals(await fixture.query("BACKUP ABORT"), {
    columns: ["status", "backup_id"],
    rows: [["not running", null]],
  });
  assertEquals(await fixture.query("BACKUP DATABASE"), {
    columns: ["backup_timestamp"],
    rows: [["2023-11-14T22:13:20.000000Z"]],
  });
  const error = await assertRejects(() => fixture.run("BACKUP DATABASE"), SqlError);
  assertEquals([error.message, error.position], ["backup is in progress", 0]);
  assertEquals(await fixture.query("SELECT * FROM backups()"), {
    columns: [
      ...["status", "progress_percent", "start_ts", "end_ts", "backup_error", "cleanup_error"],
      ...["bytes_read", "bytes_uploaded", "bytes_reused", "objects", "mb_per_second", "eta"],
    ],
    rows: [
      ["backup complete", 100, "2023-11-14T22:13:20.000000Z", null, null, null].concat(
        [10n, 4n, 3n, 2n, 1.5, null] as never[],
      ),
    ],
  });
  assertEquals(await fixture.query("VALIDATE BACKUP '2023-11-14T22:13:20' LEVEL decode"), {
    columns: ["backup_timestamp", "table_name", "objects", "bytes", "status", "error", "object"],
    rows: [
      ["2023-11-14T22:13:20.000000Z", null, 2n, 10n, "ok", null, null],
      ["2023-11-14T22:13:20.000000Z", "t", 3n, 20n, "damaged", "hash mismatch", "key"],
    ],
  });
  const invalid = await assertRejects(() => fixture.run("VALIDATE BACKUP"), SqlError);
  assertStringIncludes(invalid.message, "no such backup [level=hashes]");
  const noTime = await assertRejects(() => fixture.run("VALIDATE BACKUP 'x'"), SqlError);
  assertEquals([noTime.message, noTime.position], ["timestamp of a backup expected", 16]);
  for (const sql of ["SELECT backup_instance_name", "select backup_instance_name()"]) {
    assertEquals((await fixture.query(sql)).rows, [["gentle-forest-orchid"]], sql);
  }
  assertEquals((await fixture.query("SELECT backup_instance_name")).columns, [
    "backup_instance_name",
  ]);
});

Deno.test("RESTORE DATABASE DRY RUN tells a plan in one row and points at what it does not understand", async () => {
  await using fixture = await EngineFixture.open();
  fixture.engine.services.backup = fakeBackupService();
  const values = [
    "2023-11-14T22:13:20.000000Z",
    "a-b-c",
    "0.1.0",
    1n,
    2n,
    3n,
    4n,
    5n,
    6n,
    null,
    0.5,
  ];
  assertEquals(await fixture.query("RESTORE DATABASE FROM INSTANCE 'a-b-c' DRY RUN"), {
    columns: PLAN_COLUMNS.split(" "),
    rows: [[...values, "refused", "one [a=b]; two"]],
  });
  for (
    const [sql, message, position] of [
      ["RESTORE DATABASE", "'DRY RUN' expected: a running server cannot be restored into", 16],
      ["RESTORE DATABASE 'x' DRY RUN", "timestamp of a backup expected", 17],
      ["RESTORE DATABASE FROM INSTANCE x", "name of a backup instance expected", 31],
      ["RESTORE DATABASE '2024' DRY", "'run' expected", 27],
      [
        "RESTORE DATABASE '1970' DRY RUN",
        "no such backup [timestamp=0, instance=null]",
        0,
      ],
    ] as const
  ) {
    const refused = await assertRejects(() => fixture.run(sql), SqlError);
    assertEquals([refused.message, refused.position], [message, position], sql);
  }
});

Deno.test("CHECKPOINT statements reach the service and pass on its refusal", async () => {
  await using fixture = await EngineFixture.open();
  let startedAt: bigint | null = null;
  fixture.engine.services.checkpoint = {
    create: () => {
      if (startedAt !== null) {
        return Promise.reject(new BackupError("Waiting for CHECKPOINT RELEASE to be called"));
      }
      startedAt = 1_700_000_000_000_000n;
      return Promise.resolve();
    },
    release: () => {
      startedAt = null;
      return Promise.resolve();
    },
    status: () => ({ inProgress: startedAt !== null, startedAt }),
  };
  await fixture.run("CHECKPOINT CREATE");
  assertEquals((await fixture.query("SELECT * FROM checkpoint_status()")).rows, [
    [true, "2023-11-14T22:13:20.000000Z"],
  ]);
  const error = await assertRejects(() => fixture.run("SNAPSHOT PREPARE"), SqlError);
  assertEquals([error.message, error.position], ["Waiting for CHECKPOINT RELEASE to be called", 0]);
  await fixture.run("snapshot complete;");
  assertEquals((await fixture.query("checkpoint_status")).rows, [[false, null]]);
});

Deno.test("without services BACKUP and CHECKPOINT say what is missing", async () => {
  await using fixture = await EngineFixture.open();
  await assertRejects(() => fixture.run("BACKUP DATABASE"), SqlError, "backup is not enabled");
  await assertRejects(() => fixture.run("CHECKPOINT CREATE"), SqlError, "not available");
  assertEquals((await fixture.query("backups()")).rows, []);
  assertEquals((await fixture.query("SELECT backup_instance_name")).rows, [[null]]);
});
