/**
 * The table of an import: created, replaced, or matched with the file's columns.
 *
 * @module
 */
import {
  ColumnType,
  isStoredType,
  parseTimestampMicros,
  PartitionBy,
  QuestError,
  TableError,
  typeName,
} from "../../common/mod.ts";
import type { Engine, TableToken } from "../../engine/mod.ts";
import type { ColumnMetadata, TableMetadata } from "../../storage/mod.ts";
import type { Probe } from "./csv_probes.ts";
import type { CsvShape } from "./csv_sample.ts";
import type { ImportOptions } from "./import_options.ts";
import type { TimestampPattern } from "./timestamp_pattern.ts";

const TABLE_EXISTS_UNIT_WARNING = "Existing table PartitionBy is used";
const TABLE_EXISTS_TIMESTAMP_WARNING = "Existing table timestamp column is used";

/** Where a field of the file goes. */
export interface TargetField {
  readonly column: ColumnMetadata;
  readonly pattern: TimestampPattern | null;
}

/** See the module's description. */
export interface ImportTarget {
  readonly token: TableToken;
  readonly metadata: TableMetadata;
  /** By field of the file; `null` for a field that is left out. */
  readonly fields: readonly (TargetField | null)[];
  /** Field of the designated timestamp, −1 if the file has none. */
  readonly timestampField: number;
  /** What was asked for and could not be had. */
  readonly warnings: readonly string[];
}

/** Finds or makes the table. @throws {QuestError} with the text for the answer's status. */
export function openTarget(
  engine: Engine,
  options: ImportOptions,
  shape: CsvShape,
): ImportTarget {
  const { tableName, overwrite, create } = options;
  const existing = tableName === "" ? null : engine.findTable(tableName);
  if (existing === null && !create) {
    const text = `table does not exist [table=${tableName}] and create param was set to false.`;
    throw new QuestError(text);
  }
  if (existing !== null && !overwrite) return matchTable(engine, existing, { options, shape });
  const columns = newColumns(options, shape);
  const definition = definitionOf(options, columns);
  if (existing !== null) engine.dropTable(existing);
  const token = engine.createTable(definition);
  return targetOf(engine, token, {
    patterns: columns.map((column) => column.pattern),
    match: (metadata) => metadata.columns,
    warnings: [],
  });
}

interface NewColumn {
  readonly name: string;
  readonly type: number;
  readonly pattern: TimestampPattern | null;
}

/** The file's columns with the types of the `schema` part, or those detected. */
function newColumns({ schema, timestamp }: ImportOptions, shape: CsvShape): NewColumn[] {
  const wanted = new Map(schema.map((entry) => [entry.name.toLowerCase(), entry]));
  return shape.names.map((name, index) => {
    const entry = wanted.get(name.toLowerCase());
    if (entry !== undefined) return { name, type: entry.type, pattern: entry.pattern };
    const probe = shape.probes[index];
    const type = isSame(name, timestamp) ? timestampType(probe, shape.samples[index]) : probe.type;
    return { name, type, pattern: probe.pattern };
  });
}

/** The designated timestamp may be in forms that are taken for text elsewhere: nanoseconds, or seconds without a fraction. */
function timestampType(probe: Probe, samples: readonly string[]): number {
  const isTime = probe.isText || probe.questType === "TIMESTAMP_NS";
  if (!isTime || samples.length === 0) return probe.type;
  return samples.every((text) => parseTimestampMicros(text) !== null)
    ? ColumnType.TIMESTAMP
    : probe.type;
}

function isSame(name: string, other: string | null): boolean {
  return name.toLowerCase() === other?.toLowerCase();
}

function definitionOf(options: ImportOptions, columns: readonly NewColumn[]) {
  const { tableName, timestamp, partitionBy } = options;
  const timestampIndex = columns.findIndex((column) => isSame(column.name, timestamp));
  if (timestamp !== null && timestampIndex < 0) {
    throw new QuestError(`invalid timestamp column '${timestamp}'`);
  }
  if (timestampIndex >= 0 && columns[timestampIndex].type !== ColumnType.TIMESTAMP) {
    throw new QuestError(`not a timestamp '${timestamp}'`);
  }
  if (timestampIndex < 0 || partitionBy === null || partitionBy === PartitionBy.NONE) {
    // QuestDB makes a table without WAL of this, which cannot be written to here yet.
    throw new QuestError(
      "import into a new table needs a designated timestamp and partitions, " +
        "add the parameters timestamp and partitionBy",
      { table: tableName },
    );
  }
  return {
    name: tableName,
    columns: columns.map(({ name, type }) => ({ name, type })),
    timestampIndex,
    partitionBy,
    isWalEnabled: true,
    maxUncommittedRows: options.maxUncommittedRows,
    o3MaxLagMicros: options.o3MaxLagMicros,
    ttlHoursOrMonths: 0,
  };
}

/** Matches the file's columns with a table's: by name if there is a header, otherwise by position. */
function matchTable(
  engine: Engine,
  token: TableToken,
  work: { readonly options: ImportOptions; readonly shape: CsvShape },
): ImportTarget {
  const { options, shape } = work;
  const metadata = engine.metadata(token);
  const warnings: string[] = [];
  if (!token.isWal) {
    throw new TableError("import into a table without WAL is not supported yet", {
      table: token.name,
    });
  }
  const { liveColumns } = metadata;
  if (
    shape.names.length > liveColumns.length ||
    (!shape.hasHeader && shape.names.length !== liveColumns.length)
  ) {
    throw new QuestError("column count mismatch", {
      textColumnCount: shape.names.length,
      tableColumnCount: liveColumns.length,
      table: token.name,
    });
  }
  const { timestamp, partitionBy } = options;
  if (timestamp !== null && !isSame(metadata.columns[metadata.timestampIndex].name, timestamp)) {
    warnings.push(TABLE_EXISTS_TIMESTAMP_WARNING);
  }
  if (partitionBy !== null && partitionBy !== metadata.partitionBy) {
    warnings.push(TABLE_EXISTS_UNIT_WARNING);
  }
  const byName = new Map(liveColumns.map((column) => [column.name.toLowerCase(), column]));
  const schema = new Map(options.schema.map((entry) => [entry.name.toLowerCase(), entry]));
  return targetOf(engine, token, {
    patterns: shape.names.map((name, field) =>
      schema.get(name.toLowerCase())?.pattern ?? shape.probes[field].pattern
    ),
    match: () =>
      shape.names.map((name, field) =>
        shape.hasHeader ? byName.get(name.toLowerCase()) ?? null : liveColumns[field]
      ),
    warnings,
  });
}

function targetOf(
  engine: Engine,
  token: TableToken,
  work: {
    readonly patterns: readonly (TimestampPattern | null)[];
    readonly match: (metadata: TableMetadata) => readonly (ColumnMetadata | null)[];
    readonly warnings: readonly string[];
  },
): ImportTarget {
  const metadata = engine.metadata(token);
  const fields = work.match(metadata).map((column, field) =>
    column === null ? null : { column, pattern: work.patterns[field] }
  );
  for (const field of fields) {
    if (field !== null && !isStoredType(field.column.type)) {
      throw new TableError("column type is not supported yet", {
        column: field.column.name,
        type: typeName(field.column.type),
      });
    }
  }
  const timestampField = fields.findIndex((field) =>
    field !== null && field.column.writerIndex === metadata.timestampIndex
  );
  if (timestampField < 0) {
    throw new QuestError("the file has no column for the table's designated timestamp", {
      column: metadata.columns[metadata.timestampIndex].name,
      table: token.name,
    });
  }
  return { token, metadata, fields, timestampField, warnings: work.warnings };
}
