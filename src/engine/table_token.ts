/**
 * The identity of a table.
 *
 * @module
 */

/** Kinds of registry entries: 0 table without WAL, 1 WAL table, 2 materialized view, 3 view. */
export type TableKind = 0 | 1 | 2 | 3;

/** Names a table. Tokens are immutable; a dropped and re-created table gets another one. */
export interface TableToken {
  readonly name: string;
  /** Directory below the database root. */
  readonly dirName: string;
  readonly id: number;
  readonly isWal: boolean;
  readonly type: TableKind;
}
