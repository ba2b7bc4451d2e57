/**
 * REINDEX TABLE: the indexes of symbol columns are made anew from the columns.
 *
 * The whole column is done even where a partition is named: the new index is complete in either case.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { findColumn } from "../../storage/mod.ts";
import type { ReindexTable } from "../ast/mod.ts";
import { requireTable } from "../catalog/mod.ts";
import { parsePartitionName } from "./partition_name.ts";
import type { StatementEnvironment } from "./statement_environment.ts";

/** Runs the statement. @throws {SqlError} */
export async function reindexTable(
  statement: ReindexTable,
  environment: StatementEnvironment,
): Promise<void> {
  const { engine } = environment;
  const { table, column, partition } = statement;
  const token = requireTable(engine, table.text, table.position);
  if (statement.error !== null) throw statement.error;
  const metadata = engine.metadata(token);
  if (partition !== null) parsePartitionName(partition, metadata);
  const indexed = metadata.liveColumns.filter((candidate) => candidate.isIndexed);
  const chosen = column === null ? indexed : [findColumn(metadata, column.text)];
  await environment.withWriter(token, async () => {
    for (const one of chosen) {
      if (one === null || !one.isIndexed) {
        throw new SqlError(
          column?.position ?? 0,
          `cannot find index for column [column=${column?.text}]`,
        );
      }
      const { name, indexBlockCapacity: blockCapacity } = one;
      const prefix = `ALTER TABLE "${token.name}" ALTER COLUMN "${name}"`;
      await engine.alterTable(token, { kind: "dropIndex", name }, {
        sqlText: `${prefix} DROP INDEX`,
      });
      await engine.alterTable(token, { kind: "addIndex", name, blockCapacity }, {
        sqlText: `${prefix} ADD INDEX CAPACITY ${blockCapacity}`,
      });
    }
  });
}
