/**
 * The table of an import: created, replaced, or matched with the file's columns.
 *
 * @module
 */
import {
  ColumnType,
  isTimestamp,
  PartitionBy,
  QuestError,
  typeName,
  typeTag,
} from "../../common/mod.ts";
import type { Engine, TableToken } from "../../engine/mod.ts";
import type { ColumnMetadata, TableMetadata } from "../../storage/mod.ts";
import type { CsvShape } from "./csv_sample.ts";
import type { ImportOptions, SchemaEntry } from "./import_options.ts";
import type { TimestampPattern } from "./timestamp_pattern.ts";

const TABLE_EXISTS_UNIT_WARNING = "Existing table PartitionBy is used";
const TABLE_EXISTS_TIMESTAMP_WARNING = "Existing table timestamp column is used";
/** Rows of a block of an index that the `schema` part asks for. */
const INDEX_BLOCK_CAPACITY = 256;
/** Table that exists for a moment only. */
const PROOF_NAME = "import_proof_";

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
  if (existing !== null) {
    proveCreatable(engine, definition);
    engine.dropTable(existing);
  }
  const token = engine.createTable(definition);
  return targetOf(engine, token, {
    patterns: columns.map((column) => column.pattern),
    match: (metadata) => metadata.columns,
    warnings: [],
  });
}

/** Creates the table under another name and drops it again: an old table goes only when the new one can come. */
function proveCreatable(engine: Engine, definition: Parameters<Engine["createTable"]>[0]): void {
  let number = 0;
  while (engine.findTable(`${PROOF_NAME}${number}`) !== null) number++;
  engine.dropTable(engine.createTable({ ...definition, name: `${PROOF_NAME}${number}` }));
}

type NewColumn = SchemaEntry;

/** The file's columns with the types of the `schema` part, or those detected. */
function newColumns({ schema }: ImportOptions, shape: CsvShape): NewColumn[] {
  const wanted = new Map(schema.map((entry) => [entry.name.toLowerCase(), entry]));
  return shape.names.map((name, index) => {
    const entry = wanted.get(name.toLowerCase());
    if (entry !== undefined) return { ...entry, name };
    const { type, pattern } = shape.probes[index];
    return { name, type, pattern, isIndexed: false };
  });
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
  if (timestampIndex >= 0 && !isTimestamp(columns[timestampIndex].type)) {
    throw new QuestError(`not a timestamp '${timestamp}'`);
  }
  for (const { type } of columns) checkImportable(type);
  const unit = timestampIndex < 0 ? PartitionBy.NONE : partitionBy ?? PartitionBy.NONE;
  return {
    name: tableName,
    columns: columns.map(({ name, type, isIndexed }) =>
      isIndexed
        ? { name, type, isIndexed, indexBlockCapacity: INDEX_BLOCK_CAPACITY }
        : { name, type }
    ),
    timestampIndex,
    partitionBy: unit,
    isWalEnabled: unit !== PartitionBy.NONE,
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
  const designated = metadata.timestampIndex < 0
    ? ""
    : metadata.columns[metadata.timestampIndex].name;
  if (timestamp !== null && !isSame(designated, timestamp)) {
    const field = newColumns(options, shape).find(({ name }) => isSame(name, timestamp));
    if (field === undefined) throw new QuestError(`invalid timestamp column '${timestamp}'`);
    if (!isTimestamp(field.type)) {
      throw new QuestError(`not a timestamp '${timestamp}'`);
    }
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
  for (const [index, field] of fields.entries()) {
    if (field !== null && typeTag(field.column.type) === ColumnType.BINARY) {
      throw new QuestError(`cannot import text into BINARY column [index=${index}]`);
    }
    if (field !== null) checkImportable(field.column.type);
  }
  const timestampField = fields.findIndex((field) =>
    field !== null && field.column.writerIndex === metadata.timestampIndex
  );
  if (timestampField < 0 && metadata.timestampIndex >= 0) {
    throw new QuestError("the file has no column for the table's designated timestamp", {
      column: metadata.columns[metadata.timestampIndex].name,
      table: token.name,
    });
  }
  return { token, metadata, fields, timestampField, warnings: work.warnings };
}

/** @throws {QuestError} for types that no text can be imported into. */
function checkImportable(type: number): void {
  const tag = typeTag(type);
  if (tag !== ColumnType.BINARY && tag !== ColumnType.ARRAY) return;
  throw new QuestError(`no adapter for type [id=${type}, name=${typeName(type)}]`);
}
