/**
 * Runs the statements that a WAL carries as text: UPDATE, and ALTER that leaves the column list alone. Works on the table's writer alone,
 * in any thread.
 *
 * A statement that was checked when it was committed may not fit any more when it is applied: its column may be gone by then. QuestDB
 * passes over it, and so do we; every other error stops the table.
 *
 * @module
 */
import { assert, SqlError } from "../../common/mod.ts";
import { DEFAULT_ENGINE_CONFIG } from "../../engine/mod.ts";
import { AlterRefusedError, type TableWriter } from "../../storage/mod.ts";
import type { SqlEvent, SqlEventExecutor, SqlEventOptions } from "../../wal/mod.ts";
import { Arena, type TaskContext } from "../../wasm/mod.ts";
import type { AlterTable, Update } from "../ast/mod.ts";
import { bindAlter } from "../ddl/mod.ts";
import { parseStatement } from "../parser/mod.ts";
import { bindUpdate, runUpdate, updateContext } from "../update/mod.ts";

interface Run {
  readonly context: TaskContext;
  readonly writer: TableWriter;
  readonly event: SqlEvent;
  readonly options: SqlEventOptions;
}

/** See the module's description. */
export const sqlEventExecutor: SqlEventExecutor = {
  execute(context, writer, event, options): void {
    try {
      const statement = parseStatement(event.text);
      const run = { context, writer, event, options };
      if (statement.kind === "alterTable") runAlter(statement, run);
      else if (statement.kind === "update") runUpdateEvent(statement, run);
    } catch (error) {
      if (!(error instanceof SqlError) && !(error instanceof AlterRefusedError)) throw error;
      writer.rollback();
    }
  },
};

function runAlter(statement: AlterTable, { context, writer, event, options }: Run): void {
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
  if (bound.kind !== "operations") return;
  assert(bound.operations.length <= 1, "a WAL statement is one operation");
  const { seqTxn, sync } = options;
  for (const { operation } of bound.operations) {
    writer.alter(operation, { seqTxn, sync, tableName });
  }
}

function runUpdateEvent(statement: Update, { context, writer, event, options }: Run): void {
  const { core } = context;
  using arena = new Arena(core.memory);
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
  const rowCount = runUpdate(writer, bound, compile);
  if (rowCount > 0) writer.commit({ seqTxn: options.seqTxn, sync: options.sync });
}
