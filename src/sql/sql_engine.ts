/**
 * The SQL front door: text in, result out. Protocol servers call nothing else.
 *
 * @module
 */
import { SqlError, TableError } from "../common/mod.ts";
import {
  DEFAULT_ENGINE_CONFIG,
  type Engine,
  type EngineConfig,
  type TableToken,
} from "../engine/mod.ts";
import type { FileSystem } from "../platform/mod.ts";
import type { Insert, Statement } from "./ast/mod.ts";
import {
  requireTable,
  resolveBareNames,
  type RunningStatement,
  scalarFunctions,
  showCursor,
  tableFunctions,
} from "./catalog/mod.ts";
import {
  alterTable,
  createTable,
  DEFAULT_INSERT_BATCH_ROWS,
  dropAllTables,
  dropTable,
  insertSelect,
  insertValues,
  reindexTable,
  renameTable,
  runBackup,
  runCheckpoint,
  runPlanRestore,
  runValidateBackup,
  type StatementEnvironment,
  TableLocks,
  truncateTables,
  vacuumTable,
} from "./ddl/mod.ts";
import type { ExecutionContext, RowCursor } from "./exec/mod.ts";
import { parseStatement } from "./parser/mod.ts";
import { planQuery } from "./planner/mod.ts";
import { updateTable } from "./update/mod.ts";

/** What a statement gives back. */
export type StatementResult =
  | { readonly kind: "rows"; readonly cursor: RowCursor }
  | { readonly kind: "ddl" }
  | { readonly kind: "insert"; readonly rowCount: number }
  | { readonly kind: "update"; readonly rowCount: number };

/** Settings of a {@linkcode SqlEngine}. */
export interface SqlOptions {
  /** The engine's settings: defaults of new tables. QuestDB's if left out. */
  readonly config?: EngineConfig;
  /** `cairo.sql.insert.model.batch.size`: rows after which INSERT … SELECT commits. */
  readonly insertBatchRows?: number;
  /** Where `table_partitions()` looks sizes up; without it they are NULL. */
  readonly fs?: FileSystem;
}

/** Runs SQL statements on an engine. */
export class SqlEngine {
  readonly #engine: Engine;
  readonly #config: EngineConfig;
  readonly #insertBatchRows: number;
  readonly #fs: FileSystem | null;
  readonly #locks = new TableLocks();
  readonly #running = new Map<number, RunningStatement>();
  #statementCount = 0;

  constructor(engine: Engine, options: SqlOptions = {}) {
    this.#engine = engine;
    this.#config = options.config ?? DEFAULT_ENGINE_CONFIG;
    this.#insertBatchRows = options.insertBatchRows ?? DEFAULT_INSERT_BATCH_ROWS;
    this.#fs = options.fs ?? null;
  }

  /**
   * Runs one statement. A `rows` result must be closed by the caller.
   *
   * @throws {SqlError} with the client's text and the position of the offender.
   * @throws {CancelledError} if the signal fired.
   */
  async execute(text: string, context: ExecutionContext): Promise<StatementResult> {
    const statement = parseStatement(text);
    return await this.executeStatement(statement, text, context);
  }

  /** Runs a statement that is parsed already; positions point into `text`. Throws like {@linkcode SqlEngine.execute}. */
  async executeStatement(
    statement: Statement,
    text: string,
    context: ExecutionContext,
  ): Promise<StatementResult> {
    const environment = this.#environment(text, context);
    const id = ++this.#statementCount;
    this.#running.set(id, { id, text, startedAt: context.now });
    try {
      const result = await this.#run(statement, environment);
      if (result.kind !== "rows") this.#running.delete(id);
      return result.kind === "rows" ? this.#watched(result.cursor, id) : result;
    } catch (error) {
      this.#running.delete(id);
      // A table can vanish or appear between the look-up and the use; the engine's words are for clients, too.
      if (error instanceof TableError) throw new SqlError(0, error.message, { cause: error });
      throw error;
    }
  }

  /**
   * Runs work that appends to a table's WAL writer in several steps, while no INSERT of this engine does. Every other user
   * of {@linkcode Engine.walWriter} that awaits between `append` and `commit` must come through here.
   *
   * @throws {CancelledError} if the signal fires while waiting for earlier writers.
   */
  withWriter<T>(token: TableToken, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#locks.run(token.id, signal, work);
  }

  /** A query runs until its cursor is closed. */
  #watched(cursor: RowCursor, id: number): StatementResult {
    const close = () => {
      this.#running.delete(id);
      cursor.close();
    };
    const { columns, timestampIndex } = cursor;
    return { kind: "rows", cursor: { columns, timestampIndex, next: () => cursor.next(), close } };
  }

  #environment(text: string, context: ExecutionContext): StatementEnvironment {
    const engine = this.#engine;
    const fs = this.#fs;
    return {
      engine,
      core: engine.core,
      context,
      text,
      tableFunctions: tableFunctions({ fs, running: () => this.#running.values() }),
      scalarFunctions: scalarFunctions(engine),
      showStatements: (statement, environment) => showCursor(statement, environment, fs),
      insertBatchRows: this.#insertBatchRows,
      tableDefaults: this.#config,
      withWriter: (token, work) => this.withWriter(token, context.signal, work),
    };
  }

  async #run(statement: Statement, environment: StatementEnvironment): Promise<StatementResult> {
    switch (statement.kind) {
      case "select": {
        const query = resolveBareNames(statement, this.#engine);
        return { kind: "rows", cursor: planQuery(query, environment) };
      }
      case "show":
        return {
          kind: "rows",
          cursor: showCursor(statement, environment, this.#fs),
        };
      case "insert":
        return { kind: "insert", rowCount: await this.#insert(statement, environment) };
      case "createTable":
        await createTable(statement, environment);
        return { kind: "ddl" };
      case "dropTable":
        dropTable(statement, environment);
        return { kind: "ddl" };
      case "dropAllTables":
        dropAllTables(environment);
        return { kind: "ddl" };
      case "truncateTable":
        await truncateTables(statement, environment);
        return { kind: "ddl" };
      case "renameTable":
        await renameTable(statement, environment);
        return { kind: "ddl" };
      case "reindexTable":
        await reindexTable(statement, environment);
        return { kind: "ddl" };
      case "vacuumTable":
        await vacuumTable(statement, environment);
        return { kind: "ddl" };
      case "alterTable":
        await alterTable(statement, environment);
        return { kind: "ddl" };
      case "update":
        return { kind: "update", rowCount: await updateTable(statement, environment) };
      case "backup":
        return { kind: "rows", cursor: await runBackup(statement, environment) };
      case "validateBackup":
        return { kind: "rows", cursor: await runValidateBackup(statement, environment) };
      case "planRestore":
        return { kind: "rows", cursor: await runPlanRestore(statement, environment) };
      case "checkpoint":
        await runCheckpoint(statement, environment);
        return { kind: "ddl" };
      case "noOperation":
        return { kind: "ddl" };
    }
  }

  async #insert(statement: Insert, environment: StatementEnvironment): Promise<number> {
    const { text, position } = statement.table;
    const token: TableToken = requireTable(this.#engine, text, position);
    const { signal } = environment.context;
    if (statement.query !== null) {
      return await this.withWriter(
        token,
        signal,
        () => insertSelect(statement, token, environment),
      );
    }
    const { rowCount, durable } = await this.withWriter(
      token,
      signal,
      () => insertValues(statement, token, environment),
    );
    // Others write while the rows go to the disk, and share the syncs.
    await durable;
    return rowCount;
  }
}
