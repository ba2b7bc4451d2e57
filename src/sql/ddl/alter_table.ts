/**
 * ALTER TABLE: binds the statement and hands it to the engine.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import type { TableToken } from "../../engine/mod.ts";
import { AlterRefusedError, ConversionFailedError } from "../../storage/mod.ts";
import type { AlterTable } from "../ast/mod.ts";
import { requireTable } from "../catalog/mod.ts";
import { type AlterTarget, bindAlter, type BoundOperation } from "./bind_alter.ts";
import type { StatementEnvironment } from "./statement_environment.ts";

/** Runs the statement; it is committed when this resolves, and with WAL applied later. @throws {SqlError} */
export async function alterTable(
  statement: AlterTable,
  environment: StatementEnvironment,
): Promise<void> {
  const { engine } = environment;
  const token = requireTable(engine, statement.table.text, statement.table.position);
  const bound = bindAlter(statement, alterTarget(token, environment));
  switch (bound.kind) {
    case "setType":
      engine.setWalEnabled(token, bound.isWal);
      return;
    case "resumeWal":
      // Nothing is given up of a table that is not suspended.
      if (engine.walStatus(token).isSuspended) await engine.resumeWal(token, bound.fromTxn);
      return;
    case "operations":
      await environment.withWriter(token, async () => {
        for (const operation of bound.operations) {
          await runOperation(operation, { statement, token, environment });
        }
      });
  }
}

function alterTarget(token: TableToken, environment: StatementEnvironment): AlterTarget {
  const { engine, core, context, text } = environment;
  return {
    name: token.name,
    isWal: token.isWal,
    metadata: engine.metadata(token),
    defaults: environment.tableDefaults,
    partitions: {
      core,
      now: context.now,
      text,
      timestamps() {
        const reader = engine.acquireReader(token);
        try {
          return reader.partitions.map((partition) => partition.timestamp);
        } finally {
          reader.close();
        }
      },
    },
  };
}

async function runOperation(
  bound: BoundOperation,
  options: { statement: AlterTable; token: TableToken; environment: StatementEnvironment },
): Promise<void> {
  const { statement, token, environment } = options;
  try {
    await environment.engine.alterTable(token, bound.operation, {
      sqlText: environment.text.slice(statement.position, statement.end),
      tablePosition: statement.table.position - statement.position,
      columnPosition: Math.max(0, bound.columnPosition - statement.position),
      signal: environment.context.signal,
    });
  } catch (error) {
    if (error instanceof ConversionFailedError) {
      throw new SqlError(bound.columnPosition, error.message, { cause: error });
    }
    if (!(error instanceof AlterRefusedError)) throw error;
    throw new SqlError(bound.position, refusalText(bound, error), { cause: error });
  }
}

/** A column that an earlier part of the same statement has dropped is missed in other words. */
function refusalText(bound: BoundOperation, error: AlterRefusedError): string {
  const { operation } = bound;
  const isGone = operation.kind === "dropColumn" && error.message.startsWith("Invalid column");
  return isGone ? `column '${operation.name}' does not exist` : error.message;
}
