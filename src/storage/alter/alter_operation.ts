/**
 * What ALTER TABLE can ask of a table. One value per operation, names resolved by the operation itself, so that the same value
 * can travel through the sequencer's log and be applied later.
 *
 * @module
 */

/** A column as ADD COLUMN describes it. */
export interface NewColumn {
  readonly name: string;
  /** Type code. */
  readonly type: number;
  readonly isIndexed?: boolean;
  readonly indexBlockCapacity?: number;
  readonly symbolCapacity?: number;
  readonly isSymbolCached?: boolean;
}

/** One change of a table's structure, partitions or settings. */
export type AlterOperation =
  | { readonly kind: "addColumn"; readonly column: NewColumn; readonly ifNotExists?: boolean }
  | { readonly kind: "dropColumn"; readonly name: string }
  | { readonly kind: "renameColumn"; readonly from: string; readonly to: string }
  | {
    readonly kind: "changeColumnType";
    readonly name: string;
    /** Type code of the new column. */
    readonly type: number;
    readonly symbolCapacity?: number;
    readonly isSymbolCached?: boolean;
    readonly isIndexed?: boolean;
    readonly indexBlockCapacity?: number;
  }
  | { readonly kind: "changeSymbolCapacity"; readonly name: string; readonly capacity: number }
  | { readonly kind: "setSymbolCache"; readonly name: string; readonly isCached: boolean }
  | { readonly kind: "addIndex"; readonly name: string; readonly blockCapacity: number }
  | { readonly kind: "dropIndex"; readonly name: string }
  /** Timestamps lie in the partitions, in the unit of the designated timestamp. `isForced`: exact entries of `_txn`, splits too; `isExpiry`: a TTL lets them go. */
  | {
    readonly kind: "dropPartitions";
    readonly timestamps: readonly bigint[];
    readonly isForced: boolean;
    readonly isExpiry?: boolean;
  }
  | { readonly kind: "detachPartitions"; readonly timestamps: readonly bigint[] }
  | { readonly kind: "attachPartitions"; readonly timestamps: readonly bigint[] }
  | { readonly kind: "squashPartitions" }
  /** Above 0 hours, below 0 months, 0 none. */
  | { readonly kind: "setTtl"; readonly hoursOrMonths: number }
  | { readonly kind: "setMaxUncommittedRows"; readonly rows: number }
  | { readonly kind: "setO3MaxLag"; readonly micros: bigint }
  /** `columns` are the upsert keys; the designated timestamp is one of them. */
  | { readonly kind: "enableDedup"; readonly columns: readonly string[] }
  | { readonly kind: "disableDedup" }
  /** Raises the structure version only: names are the engine's. */
  | { readonly kind: "renameTable"; readonly to: string };

const STRUCTURAL: ReadonlySet<AlterOperation["kind"]> = new Set([
  "addColumn",
  "dropColumn",
  "renameColumn",
  "changeColumnType",
  "enableDedup",
  "disableDedup",
  "renameTable",
]);

/** Tells whether a WAL table's sequencer must know the operation: it goes to its metadata log and raises the structure version. */
export function isStructural(operation: AlterOperation): boolean {
  return STRUCTURAL.has(operation.kind);
}
