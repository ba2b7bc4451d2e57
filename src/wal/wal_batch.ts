/**
 * What is appended to a WAL: rows as one vector per table column.
 *
 * @module
 */
import type { Vector } from "../wasm/mod.ts";

/** When a commit is acknowledged, as `cairo.commit.mode` spells it. */
export type CommitMode = "nosync" | "async" | "sync";

/**
 * Rows to append. A SYMBOL column is given as a SYMBOL vector with its dictionary or as a VARCHAR/STRING vector; every
 * other column has the type of the table column. The vectors are read before `append` returns and may be reused then.
 */
export interface WalBatch {
  readonly rowCount: number;
  /** By writer index, one per column including deleted ones; `null` = every value is NULL. */
  readonly columns: readonly (Vector | null)[];
}
