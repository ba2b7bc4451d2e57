/**
 * What every statement runs with.
 *
 * @module
 */
import type { EngineConfig, TableToken } from "../../engine/mod.ts";
import type { QueryEnvironment } from "../planner/mod.ts";

/** Rows after which a long INSERT commits, if the statement does not say; QuestDB's `cairo.sql.insert.model.batch.size`. */
export const DEFAULT_INSERT_BATCH_ROWS = 1_000_000;

/** Settings of the server that new tables take. */
export type TableDefaults = Pick<
  EngineConfig,
  | "maxUncommittedRows"
  | "o3MaxLagMicros"
  | "defaultSymbolCapacity"
  | "isDefaultSymbolCached"
  | "indexValueBlockSize"
  | "isWalDefault"
  | "maxFileNameLength"
>;

/** A query's environment plus the settings of statements that write. */
export interface StatementEnvironment extends QueryEnvironment {
  /** See {@linkcode DEFAULT_INSERT_BATCH_ROWS}. */
  readonly insertBatchRows: number;
  readonly tableDefaults: TableDefaults;
  /** Runs work that changes a table while no other statement writes to it. See `SqlEngine.withWriter`. */
  withWriter<T>(token: TableToken, work: () => Promise<T>): Promise<T>;
}
