/**
 * Runs the statements that a WAL carries as text: UPDATE, and ALTER that leaves the column list alone. Works on the table's writer alone,
 * in any thread.
 *
 * A statement that was checked when it was committed may not fit any more when it is applied: its column may be gone by then. QuestDB
 * passes over it, and so do we. Every other error, a value that cannot be converted for one, suspends the table.
 *
 * @module
 */
import { assert, SqlError } from "../../common/mod.ts";
import { DEFAULT_ENGINE_CONFIG } from "../../engine/mod.ts";
import { AlterRefusedError, type TableWriter } from "../../storage/mod.ts";
import type { SqlEventExecutor, SqlStatement } from "../../wal/mod.ts";
import { Arena, type TaskContext } from "../../wasm/mod.ts";
import type { AlterTable, Update } from "../ast/mod.ts";
import { bindAlter } from "../ddl/mod.ts";
import { parseStatement } from "../parser/mod.ts";
import { bindUpdate, runUpdate, updateContext } from "../update/mod.ts";

interface Run {
  readonly context: TaskContext;
  readonly writer: TableWriter;
  readonly statement: SqlStatement;
}

/** See the module's description. */
export const sqlEventExecutor: SqlEventExecutor = {
  execute(context, writer, statement): void {
    using arena = new Arena(context.core.memory);
    const run = unlessObsolete(() => prepare({ context, writer, statement }, arena));
    run?.();
  },
};

/** Does something about a statement that may not fit the table any more. @returns `null` if it does not. */
function unlessObsolete<T>(action: () => T): T | null {
  try {
    return action();
  } catch (error) {
    if (error instanceof SqlError || error instanceof AlterRefusedError) return null;
    throw error;
  }
}

/** Compiles the statement. @returns what runs it. @throws {SqlError} */
function prepare(run: Run, arena: Arena): () => void {
  const statement = parseStatement(run.statement.event.text);
  switch (statement.kind) {
    case "alterTable":
      return prepareAlter(statement, run);
    case "update":
      return prepareUpdate(statement, run, arena);
    default:
      throw new SqlError(statement.position, "the statement cannot be in a WAL");
  }
}

function prepareAlter(statement: AlterTable, run: Run): () => void {
  const { context, writer } = run;
  const { event, ...options } = run.statement;
  const tableName = statement.table.text;
  const bound = bindAlter(statement, {
    name: tableName,
    isWal: true,
    metadata: writer.metadata,
    defaults: DEFAULT_ENGINE_CONFIG,
    partitions: {
      core: context.core,
      now: options.commitMicros,
      text: event.text,
      timestamps: () => writer.view.partitions.map((partition) => partition.timestamp),
    },
  });
  if (bound.kind !== "operations") throw new SqlError(0, "the statement changes no files");
  assert(bound.operations.length <= 1, "a WAL statement is one operation");
  const { seqTxn, sync, commitMicros } = options;
  return () => {
    for (const { operation } of bound.operations) {
      unlessObsolete(() => writer.alter(operation, { seqTxn, sync, tableName }));
      // A new TTL holds at once; other statements leave it to the next commit of rows.
      if (operation.kind === "setTtl") writer.enforceTtl(commitMicros, { seqTxn, sync });
    }
  };
}

function prepareUpdate(statement: Update, run: Run, arena: Arena): () => void {
  const { context, writer } = run;
  const { event, ...options } = run.statement;
  const { core } = context;
  const compile = updateContext({
    core,
    arena,
    now: options.commitMicros,
    seeds: event.randomSeeds,
  });
  const bound = bindUpdate(statement, {
    metadata: writer.metadata,
    context: compile,
    text: event.text,
    bindVariables: event.bindVariables,
  });
  return () => {
    const rowCount = runUpdate(writer, bound, compile);
    if (rowCount === 0) return;
    const { seqTxn, sync, commitMicros } = options;
    writer.commit({ seqTxn, sync });
    writer.housekeep(commitMicros, { seqTxn, sync });
  };
}
