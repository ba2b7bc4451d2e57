/**
 * ALTER TABLE.
 *
 * QuestDB checks names while it reads: of two mistakes it reports the one that stands first. So the parser keeps what it has read
 * when it meets an error of syntax, and the binder throws that error once all that stands before it has passed.
 *
 * @module
 */
import type { SqlError } from "../../common/mod.ts";
import type { Expression } from "./expression.ts";
import type { ColumnDefinition, Name } from "./statement.ts";

/** A column of ADD COLUMN. */
export interface AddedColumn {
  readonly name: Name;
  readonly ifNotExists: boolean;
  /** `null` only where the statement breaks off in it. */
  definition: ColumnDefinition | null;
}

/** A pair of RENAME COLUMN. */
export interface RenamedColumn {
  readonly from: Name;
  /** `null` only where the statement breaks off before it. */
  to: Name | null;
}

/** What ALTER COLUMN changes. */
export type ColumnChange =
  | {
    readonly kind: "type";
    readonly definition: ColumnDefinition;
    /** Offset of the type's last token. */
    readonly typeEnd: number;
  }
  | { readonly kind: "addIndex"; readonly capacity: number | null }
  | { readonly kind: "dropIndex" }
  | { readonly kind: "cache"; readonly isCached: boolean }
  | { readonly kind: "symbolCapacity"; readonly capacity: number; readonly position: number };

/** What happens to partitions. */
export type PartitionVerb =
  | "drop"
  | "detach"
  | "attach"
  | "forceDrop"
  | "convertToParquet"
  | "convertToNative";

/** Partitions by name or by condition. */
export interface AlterPartitions {
  readonly kind: "partitions";
  readonly verb: PartitionVerb;
  /** Offset of what is refused on a table without partitions. */
  readonly position: number;
  /** Partition names as written. */
  readonly list: Name[];
  where: { readonly condition: Expression; readonly position: number } | null;
}

/** What an ALTER TABLE does. */
export type AlterAction =
  | { readonly kind: "addColumns"; readonly columns: AddedColumn[] }
  | { readonly kind: "dropColumns"; readonly columns: Name[] }
  | { readonly kind: "renameColumns"; readonly columns: RenamedColumn[] }
  | { readonly kind: "alterColumn"; readonly column: Name; change: ColumnChange | null }
  | AlterPartitions
  | { readonly kind: "squashPartitions" }
  /** `hoursOrMonths` as `_meta` has it. */
  | { readonly kind: "setTtl"; readonly hoursOrMonths: number; readonly position: number }
  | { readonly kind: "setMaxUncommittedRows"; readonly rows: number; readonly position: number }
  | { readonly kind: "setO3MaxLag"; readonly micros: number; readonly position: number }
  | { readonly kind: "setType"; readonly isWal: boolean }
  | { readonly kind: "enableDedup"; readonly columns: Name[]; endPosition: number | null }
  | { readonly kind: "disableDedup" }
  /** `walPosition`: offset of WAL. `fromTxn` 0 where none is said. */
  | { readonly kind: "resumeWal"; readonly walPosition: number; fromTxn: number }
  | { readonly kind: "suspendWal"; readonly walPosition: number };

/** `ALTER TABLE t …`. */
export interface AlterTable {
  readonly kind: "alterTable";
  readonly position: number;
  /** Offset behind the statement. */
  readonly end: number;
  readonly table: Name;
  /** `null` only where the statement breaks off before it says what to do. */
  readonly action: AlterAction | null;
  /** Error of syntax behind what `action` holds. */
  readonly error: SqlError | null;
}
