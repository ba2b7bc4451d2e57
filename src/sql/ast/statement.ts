/**
 * Statement nodes.
 *
 * @module
 */
import type { SqlError } from "../../common/mod.ts";
import type { AlterTable } from "./alter.ts";
import type { Expression } from "./expression.ts";
import type { SelectQuery, ShowStatement, TableExpression } from "./query.ts";

/** A name with the place it was written. Quotes are removed. */
export interface Name {
  readonly text: string;
  readonly position: number;
}

/** A column of CREATE TABLE. */
export interface ColumnDefinition {
  readonly name: Name;
  /** Type as written, e.g. `TIMESTAMP`, `GEOHASH(5c)`, `DOUBLE[]`. */
  readonly type: Name;
  readonly symbolCapacity: number | null;
  readonly isSymbolCached: boolean | null;
  readonly isIndexed: boolean;
  readonly indexCapacity: number | null;
}

/** `CREATE TABLE`. Exactly one of `columns`, `query`, `like` is not null. */
export interface CreateTable {
  readonly kind: "createTable";
  readonly position: number;
  readonly name: Name;
  readonly ifNotExists: boolean;
  readonly columns: readonly ColumnDefinition[] | null;
  readonly query: SelectQuery | null;
  /** `cast(c AS T)` clauses of CREATE TABLE AS. */
  readonly casts: readonly ColumnDefinition[];
  readonly like: Name | null;
  readonly indexes: readonly { readonly column: Name; readonly capacity: number | null }[];
  readonly timestamp: Name | null;
  readonly partitionBy: Name | null;
  /** `hoursOrMonths` is `_meta`'s encoding: positive hours, negative months. */
  readonly ttl: {
    readonly text: string;
    readonly position: number;
    readonly hoursOrMonths: number;
  } | null;
  /** `true` WAL, `false` BYPASS WAL, `null` not said. */
  readonly wal: boolean | null;
  /** Offset of WAL, or of PARTITION BY's unit where WAL is not said. */
  readonly walPosition: number;
  readonly dedupKeys: readonly Name[] | null;
  readonly withParams: readonly { readonly name: Name; readonly value: Name }[];
  /** `BATCH n` of CREATE TABLE AS, or `null`. */
  readonly batchSize: number | null;
  /** `CREATE ATOMIC TABLE … AS`: one commit. */
  readonly isAtomic: boolean;
}

/** `INSERT INTO t [(cols)] VALUES (…), (…)` or `INSERT INTO t [(cols)] SELECT …`. */
export interface Insert {
  readonly kind: "insert";
  readonly position: number;
  readonly table: Name;
  readonly columns: readonly Name[] | null;
  readonly rows:
    | readonly { readonly position: number; readonly values: readonly Expression[] }[]
    | null;
  readonly query: SelectQuery | null;
  /** `BATCH n`, or `null`. */
  readonly batchSize: number | null;
  /** `INSERT ATOMIC INTO … SELECT`: one commit. */
  readonly isAtomic: boolean;
  /** Offset of the closing parenthesis of each row of VALUES; errors about the row's length point there. */
  readonly rowEnds: readonly number[];
}

/** `DROP TABLE [IF EXISTS] t`. */
export interface DropTable {
  readonly kind: "dropTable";
  readonly position: number;
  readonly table: Name;
  readonly ifExists: boolean;
}

/** `TRUNCATE TABLE [IF EXISTS] t [, …] [KEEP SYMBOL MAPS]`. */
export interface TruncateTable {
  readonly kind: "truncateTable";
  readonly position: number;
  readonly tables: readonly Name[];
  readonly ifExists: boolean;
  readonly keepsSymbols: boolean;
}

/** `RENAME TABLE a TO b`. */
export interface RenameTable {
  readonly kind: "renameTable";
  readonly position: number;
  readonly table: Name;
  readonly to: Name;
}

/** `REINDEX TABLE t [COLUMN c] [PARTITION p] LOCK EXCLUSIVE`. */
export interface ReindexTable {
  readonly kind: "reindexTable";
  readonly position: number;
  readonly table: Name;
  readonly column: Name | null;
  readonly partition: Name | null;
  /** Error of syntax behind the table's name; thrown once the table is known to exist. */
  readonly error: SqlError | null;
}

/** `VACUUM TABLE t`: removes partition and column versions that nobody reads. */
export interface VacuumTable {
  readonly kind: "vacuumTable";
  readonly position: number;
  readonly table: Name;
}

/** `UPDATE t [[AS] alias] SET c = x, … [FROM source] [WHERE condition]`. */
export interface Update {
  readonly kind: "update";
  readonly position: number;
  /** Offset behind the statement. */
  readonly end: number;
  readonly table: Name;
  readonly alias: Name | null;
  readonly assignments: readonly { readonly column: Name; readonly value: Expression }[];
  readonly from: TableExpression | null;
  readonly where: Expression | null;
}

/** `BACKUP DATABASE` / `BACKUP ABORT`. */
export interface Backup {
  readonly kind: "backup";
  readonly position: number;
  readonly action: "database" | "abort";
}

/** `VALIDATE BACKUP ['timestamp'] [LEVEL level]`. */
export interface ValidateBackup {
  readonly kind: "validateBackup";
  readonly position: number;
  /** Microseconds; `null`: the latest backup. */
  readonly timestamp: bigint | null;
  /** As written; `null` if left out. */
  readonly level: string | null;
}

/** `RESTORE DATABASE ['timestamp'] [FROM INSTANCE 'name'] DRY RUN`. */
export interface PlanRestore {
  readonly kind: "planRestore";
  readonly position: number;
  /** Microseconds; `null`: the latest backup. */
  readonly timestamp: bigint | null;
  /** `null`: this database's own. */
  readonly instance: string | null;
}

/** `CHECKPOINT CREATE` / `RELEASE`. */
export interface Checkpoint {
  readonly kind: "checkpoint";
  readonly position: number;
  /** Written as `SNAPSHOT PREPARE` / `COMPLETE`. */
  readonly isLegacy: boolean;
  readonly action: "create" | "release";
}

/** `DROP ALL TABLES`. */
export interface DropAllTables {
  readonly kind: "dropAllTables";
  readonly position: number;
}

/** A statement that PostgreSQL clients send and that changes nothing here: BEGIN, COMMIT, ROLLBACK, SET, RESET, DISCARD, CLOSE, UNLISTEN, DEALLOCATE. */
export interface NoOperation {
  readonly kind: "noOperation";
  readonly position: number;
  /** First word, lower case. */
  readonly command: string;
}

/** Any statement. */
export type Statement =
  | SelectQuery
  | ShowStatement
  | CreateTable
  | Insert
  | DropTable
  | TruncateTable
  | RenameTable
  | ReindexTable
  | VacuumTable
  | AlterTable
  | Update
  | Backup
  | Checkpoint
  | ValidateBackup
  | PlanRestore
  | DropAllTables
  | NoOperation;
