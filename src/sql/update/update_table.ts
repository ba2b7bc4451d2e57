/**
 * UPDATE: with WAL the statement is checked and committed as its text; without, it is run.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import type { TableToken } from "../../engine/mod.ts";
import { Arena } from "../../wasm/mod.ts";
import type { Update } from "../ast/mod.ts";
import { requireTable } from "../catalog/mod.ts";
import type { StatementEnvironment } from "../ddl/mod.ts";
import { bindUpdate, checkAssignable, requireColumns } from "./bind_update.ts";
import { runUpdate } from "./run_update.ts";
import { updateContext } from "./update_context.ts";

const NO_BIND_VARIABLES = { indexed: [], named: [] };

/**
 * Runs the statement.
 *
 * @returns Rows updated; with WAL the sequencer transaction, which QuestDB gives in their place.
 * @throws {SqlError}
 */
export async function updateTable(
  statement: Update,
  environment: StatementEnvironment,
): Promise<number> {
  const { engine, text, context } = environment;
  const token = requireTable(engine, statement.table.text, 0);
  if (statement.from !== null) refuseJoin(statement, token, environment);
  if (!token.isWal) {
    return await environment.withWriter(
      token,
      () => Promise.resolve(updateNow(statement, token, environment)),
    );
  }
  check(statement, token, environment);
  const own = text.slice(statement.position, statement.end);
  return await engine.updateTable(token, own, { signal: context.signal });
}

/** Binds the statement and forgets the result. */
function check(statement: Update, token: TableToken, environment: StatementEnvironment): void {
  const { engine, core, text, context } = environment;
  using arena = new Arena(core.memory);
  bindUpdate(statement, {
    metadata: engine.metadata(token),
    context: updateContext({ core, arena, now: context.now, seeds: [0n, 0n] }),
    text,
    bindVariables: NO_BIND_VARIABLES,
  });
}

function updateNow(
  statement: Update,
  token: TableToken,
  environment: StatementEnvironment,
): number {
  const { engine, core, text, context } = environment;
  return engine.writeTable(token, (writer) => {
    using arena = new Arena(core.memory);
    const seeds = [context.now, context.now << 20n] as const;
    const compile = updateContext({ core, arena, now: context.now, seeds });
    const bound = bindUpdate(statement, {
      metadata: writer.metadata,
      context: compile,
      text,
      bindVariables: NO_BIND_VARIABLES,
    });
    const rowCount = runUpdate(writer, bound, compile);
    if (rowCount === 0) return 0;
    const options = { seqTxn: writer.txn.seqTxn, sync: true };
    writer.commit(options);
    writer.housekeep(context.now, options);
    return rowCount;
  });
}

/** UPDATE … FROM: the mistakes that QuestDB finds first, then that it cannot be run. */
function refuseJoin(
  statement: Update,
  token: TableToken,
  environment: StatementEnvironment,
): never {
  const { engine } = environment;
  const from = statement.from!;
  const columns = requireColumns(statement, engine.metadata(token));
  if (from.kind === "table") {
    const source = engine.metadata(requireTable(engine, from.name, from.position));
    const qualifier = (from.alias ?? from.name).toLowerCase();
    for (const [index, { value }] of statement.assignments.entries()) {
      if (value.kind !== "column" || value.table?.toLowerCase() !== qualifier) continue;
      const key = value.name.toLowerCase();
      const column = source.liveColumns.find((one) => one.name.toLowerCase() === key);
      if (column === undefined) {
        throw new SqlError(value.position, `Invalid column: ${value.table}.${value.name}`);
      }
      checkAssignable({ type: column.type, isConstant: false }, columns[index], value.position);
    }
  }
  if (token.isWal) {
    throw new SqlError(0, "UPDATE statements with join are not supported yet for WAL tables");
  }
  throw new SqlError(from.position, "UPDATE with FROM is not supported yet");
}
