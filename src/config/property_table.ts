/**
 * The one table of configuration properties that this server uses. Everything else is derived from it: the typed
 * {@linkcode ServerConfiguration}, validation, `SHOW PARAMETERS`, the `server.conf` template, the documentation.
 *
 * Keys and defaults are QuestDB's, but for those that make a fresh root usable and safe at once: it listens on loopback only,
 * and backups are on and go to a directory beside the root.
 *
 * @module
 */
import {
  address,
  boolean,
  choice,
  connectionString,
  cron,
  duration,
  type Host,
  integer,
  path,
  positiveNumber,
  type Property,
  size,
  text,
  timeZone,
} from "./property.ts";

const INT_MAX = 2_147_483_647;
const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const HTTP = {
  isEnabled: boolean("http.enabled", {
    default: true,
    doc: "Serves SQL, import and export over HTTP.",
  }),
  bindTo: address("http.net.bind.to", {
    default: { hostname: "127.0.0.1", port: 9000 },
    aliases: ["http.bind.to"],
    doc: "Address of the HTTP server. QuestDB's default is 0.0.0.0:9000; this server has to be " +
      "told to listen beyond its own machine.",
  }),
  connectionLimit: integer("http.net.connection.limit", {
    default: 256,
    min: 1,
    max: 65_536,
    isReloadable: true,
    doc: "Most requests in progress at a time; further ones are answered with status 503.",
  }),
  isReadonly: boolean("http.security.readonly", {
    default: false,
    doc: "Refuses every statement that changes something.",
  }),
  user: text("http.user", {
    default: "",
    doc: "User name for basic authentication. Empty: no authentication.",
  }),
  password: text("http.password", {
    default: "",
    isSecret: true,
    doc: "Password for basic authentication.",
  }),
};

const HTTP_MIN = {
  isEnabled: boolean("http.min.enabled", {
    default: true,
    doc: "Serves a health check on a port of its own: every GET is answered with status 200.",
  }),
  bindTo: address("http.min.net.bind.to", {
    default: { hostname: "127.0.0.1", port: 9003 },
    aliases: ["http.min.bind.to"],
    doc: "Address of the health check. QuestDB's default is 0.0.0.0:9003.",
  }),
};

const CAIRO = {
  root: path("cairo.root", {
    default: "db",
    doc: "Directory of the tables.",
  }),
  commitMode: choice("cairo.commit.mode", {
    default: "nosync",
    values: ["nosync", "async", "sync"],
    doc:
      "When a commit is acknowledged: `nosync` once the operating system has the data (written to disk " +
      "within a second), `async` once writing to disk has begun, `sync` once the disk has the data.",
  }),
  maxUncommittedRows: integer("cairo.max.uncommitted.rows", {
    default: 500_000,
    min: 1,
    max: INT_MAX,
    doc: "Default of the table parameter maxUncommittedRows: rows of an import between commits.",
  }),
  o3MaxLagMillis: duration("cairo.o3.max.lag", {
    default: 10 * MINUTE,
    minMillis: 0,
    maxMillis: 365 * DAY,
    doc: "Default of the table parameter o3MaxLag.",
  }),
  o3PartitionSplitMinBytes: size("cairo.o3.partition.split.min.size", {
    default: 50 * MIB,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    doc: "Bytes of rows before late ones from which on a partition is split instead of copied.",
  }),
  isSymbolCapacityScaled: boolean("cairo.auto.scale.symbol.capacity", {
    default: true,
    doc:
      "Whether the capacity of a SYMBOL column is raised when its distinct values have nearly filled it.",
  }),
  symbolCapacityThreshold: positiveNumber("cairo.auto.scale.symbol.capacity.threshold", {
    default: 0.8,
    doc:
      "Share of its capacity that a SYMBOL column may fill before the capacity is raised; may be above 1.",
  }),
  defaultSymbolCapacity: integer("cairo.default.symbol.capacity", {
    default: 256,
    min: 2,
    max: 1 << 30,
    doc: "Expected number of distinct values of a SYMBOL column that does not say.",
  }),
  isDefaultSymbolCached: boolean("cairo.default.symbol.cache.flag", {
    default: true,
    doc: "Whether a SYMBOL column that does not say keeps its values in memory.",
  }),
  indexValueBlockSize: integer("cairo.index.value.block.size", {
    default: 256,
    min: 2,
    max: 1 << 24,
    doc: "Rows per block in the index of a SYMBOL column that does not say.",
  }),
  isWalDefault: boolean("cairo.wal.enabled.default", {
    default: true,
    doc: "Whether a partitioned table that does not say is a WAL table.",
  }),
  maxFileNameLength: integer("cairo.max.file.name.length", {
    default: 127,
    min: 1,
    max: 255,
    doc: "Longest table and column name, in bytes.",
  }),
};

const CHECKPOINT = {
  root: path("cairo.checkpoint.root", {
    default: "",
    doc:
      "Directory that CHECKPOINT CREATE writes to. It must be part of what is copied. Empty: `.checkpoint` " +
      "beside cairo.root.",
  }),
  instanceId: text("cairo.snapshot.instance.id", {
    default: "",
    doc: "Identity of this server. A start with a checkpoint of another one recovers from it, " +
      "unless either identity is empty.",
  }),
  isRecoveryEnabled: boolean("cairo.checkpoint.recovery.enabled", {
    default: true,
    doc:
      "Recovers from a checkpoint at start when the file `_restore` or another instance id asks for it.",
  }),
  isSnapshotRecoveryEnabled: boolean("cairo.snapshot.recovery.enabled", {
    default: true,
    doc: "Older name of cairo.checkpoint.recovery.enabled; false in either disables recovery.",
  }),
  isIndexRebuilt: boolean("cairo.checkpoint.recovery.rebuild.column.indexes", {
    default: false,
    doc: "Builds the indexes of SYMBOL columns again during recovery.",
  }),
};

const WAL = {
  segmentRolloverRowCount: integer("cairo.wal.segment.rollover.row.count", {
    default: 200_000,
    min: 1,
    max: INT_MAX,
    doc: "Rows after which a WAL segment is followed by a new one.",
  }),
  segmentRolloverBytes: size("cairo.wal.segment.rollover.size", {
    default: 50 * MIB,
    min: 0,
    max: 64 * GIB,
    doc: "Size after which a WAL segment is followed by a new one; 0 means by rows only.",
  }),
  purgeIntervalMillis: duration("cairo.wal.purge.interval", {
    default: 30 * SECOND,
    minMillis: 1,
    maxMillis: DAY,
    doc: "How often WAL segments that have been applied are removed.",
  }),
  workerCount: integer("wal.apply.worker.count", {
    default: ({ cpuCount }: Host) => Math.max(1, Math.min(DEFAULT_WORKERS_MAX, cpuCount)),
    defaultText: "number of processors, at most 8",
    min: 1,
    max: 32,
    doc: "Threads that apply the WAL to tables; they also encode and decode backups.",
  }),
};

const BACKUP = {
  isEnabled: boolean("backup.enabled", {
    default: true,
    doc: "Allows BACKUP DATABASE. QuestDB's default is false.",
  }),
  objectStore: connectionString("backup.object.store", {
    default: ({ installRoot }: Host) => defaultBackupStore(installRoot),
    defaultText: "fs::root=ROOT-backup/store;atomic_write_dir=ROOT-backup/tmp;",
    doc:
      "Where backups go. The default is a directory beside the install root ROOT: it survives the loss of the " +
      "root, not of the disk.",
  }),
  keepLatestCount: integer("backup.cleanup.keep.latest.n", {
    default: 5,
    min: 1,
    max: 1_000_000,
    doc: "How many backups are kept; older ones are removed after a new one is complete.",
  }),
  cron: cron("backup.schedule.cron", {
    default: "",
    isReloadable: true,
    doc:
      "When backups start by themselves: minute hour day-of-month month day-of-week, for example " +
      "`0 2 * * *`. Empty: never.",
  }),
  timeZone: timeZone("backup.schedule.tz", {
    default: "UTC",
    isReloadable: true,
    doc: "Time zone of the schedule.",
  }),
  compressionLevel: integer("backup.compression.level", {
    default: 5,
    min: 1,
    max: 22,
    doc: "Level of zstd for what is stored; higher is smaller and slower.",
  }),
  compressionThreadCount: integer("backup.compression.threads", {
    default: ({ cpuCount }: Host) => Math.max(1, Math.min(DEFAULT_WORKERS_MAX, cpuCount)),
    defaultText: "number of processors, at most 8",
    min: 1,
    max: 32,
    doc: "Slices of a backup that are encoded at the same time.",
  }),
  bytesPerSecondMax: size("backup.max.bytes.per.second", {
    default: 0,
    min: 0,
    max: 1024 ** 4,
    isReloadable: true,
    doc: "Bytes that a backup moves in a second at most, for example `20m`. 0: no limit.",
  }),
  hasPartitionHashes: boolean("backup.enable.partition.hashes", {
    default: false,
    doc: "Stores a BLAKE3 hash of every file of a partition.",
  }),
  verifiesPartitionHashes: boolean("backup.verify.partition.hashes", {
    default: false,
    doc: "Checks those hashes after a restore, file by file.",
  }),
};

const SQL = {
  insertBatchRows: integer("cairo.sql.insert.model.batch.size", {
    default: 1_000_000,
    min: 1,
    max: INT_MAX,
    doc: "Rows after which INSERT INTO … SELECT commits.",
  }),
};

const CONFIG = {
  isReloadEnabled: boolean("config.reload.enabled", {
    default: true,
    doc: "Allows SELECT reload_config().",
  }),
  isStrict: boolean("config.validation.strict", {
    default: false,
    doc:
      "Refuses to start when a key is unknown. A value that cannot be used always keeps the server from starting.",
  }),
};

const LOG = {
  isVerbose: boolean("log.level.verbose", {
    default: false,
    doc: "Logs what is of interest to developers only.",
  }),
};

/** Most worker threads unless configured: each owns a share of the column memory. */
const DEFAULT_WORKERS_MAX = 8;

/** The connection string of the default backup store, a directory beside the root; empty if the path cannot stand in one. */
export function defaultBackupStore(installRoot: string): string {
  if (installRoot.includes(";")) return "";
  const base = `${installRoot.replace(/\/+$/, "")}-backup`;
  return `fs::root=${base}/store;atomic_write_dir=${base}/tmp;`;
}

/** Every property, by section; the shape of {@linkcode ServerConfiguration}. */
export const PROPERTIES = {
  http: HTTP,
  httpMin: HTTP_MIN,
  cairo: CAIRO,
  checkpoint: CHECKPOINT,
  wal: WAL,
  sql: SQL,
  backup: BACKUP,
  config: CONFIG,
  log: LOG,
};

/** The values of every property of a table of properties. */
export type ConfigurationOf<T> = {
  readonly [Section in keyof T]: {
    readonly [Name in keyof T[Section]]: T[Section][Name] extends Property<infer Value> ? Value
      : never;
  };
};

/** The typed configuration of a server. Durations are in milliseconds, sizes in bytes. */
export type ServerConfiguration = ConfigurationOf<typeof PROPERTIES>;

/** A table of properties; {@linkcode PROPERTIES} in the server, smaller ones in tests. */
export type PropertyTable = Readonly<
  // deno-lint-ignore no-explicit-any
  Record<string, Readonly<Record<string, Property<any>>>>
>;
