/**
 * `wal_transactions('t')`: the sequencer's log of a table.
 *
 * @module
 */
import { SqlError, typeName } from "../../common/mod.ts";
import type { Engine } from "../../engine/mod.ts";
import { TXN_LOG_CHUNK, TxnLog } from "../../wal/mod.ts";
import { typedLiteral } from "../analyzer/mod.ts";
import type { FunctionRef } from "../ast/mod.ts";
import { catalogColumns, type CatalogTable, type CatalogValue } from "./catalog_table.ts";

/** Transactions that one answer can hold; the last ones are shown. */
const TRANSACTIONS_MAX = 1_000_000;
/** `segmentId` and `segmentTxn` of structural changes. */
const NONE = -1;

/** One row a transaction that is still in the log. @throws {SqlError} */
export function walTransactionsTable(
  engine: Engine,
  table: { readonly text: string; readonly position: number },
): CatalogTable {
  const token = engine.findTable(table.text);
  if (token === null) throw new SqlError(table.position, `table does not exist: ${table.text}`);
  if (!token.isWal) throw new SqlError(table.position, `table is not a WAL table: ${table.text}`);
  const columns = catalogColumns(
    "sequencerTxn LONG, timestamp TIMESTAMP, walId INT, segmentId INT, segmentTxn INT, structureVersion LONG, " +
      "minTimestamp TIMESTAMP, maxTimestamp TIMESTAMP, rowCount LONG, alterCommandType SHORT",
  );
  const rows: CatalogValue[][] = [];
  using log = TxnLog.open(engine.options.fs, engine.tableDir(token), "read");
  const first = Math.max(1, log.lastTxn - TRANSACTIONS_MAX + 1);
  for (let from = first; from <= log.lastTxn; from += TXN_LOG_CHUNK) {
    for (const record of log.read(from, log.lastTxn)) {
      const isStructural = record.walId < 0;
      rows.push([
        record.txn,
        record.commitMicros,
        record.walId,
        isStructural ? NONE : record.segmentId,
        isStructural ? NONE : record.segmentTxn,
        record.structureVersion,
        ...[null, null, null, 0],
      ]);
    }
  }
  return { columns, rows };
}

/** The literal text that is a function's only argument. @throws {SqlError} in QuestDB's words. */
export function textArgument(reference: FunctionRef): { text: string; position: number } {
  const { name, args, position } = reference;
  if (args.length === 0) {
    throw new SqlError(
      position,
      `function \`${name}\` requires arguments: ${name}(STRING constant)`,
    );
  }
  if (args.length > 1) {
    throw new SqlError(
      position,
      `wrong number of arguments for function \`${name}\`; expected: 1, provided: ${args.length}`,
    );
  }
  const [argument] = args;
  if (argument.kind !== "literal" || argument.literal !== "string") {
    throw new SqlError(
      argument.position,
      `argument type mismatch for function \`${name}\` at #1 expected: ${
        argument.kind === "literal"
          ? `STRING, actual: ${typeName(typedLiteral(argument).type)}`
          : "STRING constant"
      }`,
    );
  }
  return argument;
}
