/**
 * What CREATE TABLE asks the engine to make: columns and clauses of the statement, defaults of the server.
 *
 * @module
 */
import {
  ColumnType,
  isTimestamp,
  PartitionBy,
  partitionByFromName,
  SqlError,
  typeName,
  typeTag,
} from "../../common/mod.ts";
import type { TableDefinition } from "../../storage/mod.ts";
import type { ColumnDefinition, CreateTable, Name } from "../ast/mod.ts";
import { requireTable } from "../catalog/mod.ts";
import type { RowCursor } from "../exec/mod.ts";
import { isValidColumnName, parseIntervalMicros, resolveTypeName } from "../parser/mod.ts";
import { isInsertable } from "./implicit_conversion.ts";
import type { StatementEnvironment, TableDefaults } from "./statement_environment.ts";

type NewColumn = TableDefinition["columns"][number];

/** Definition of `CREATE TABLE t (columns) …`. @throws {SqlError} */
export function defineFromColumns(
  statement: CreateTable,
  environment: StatementEnvironment,
): TableDefinition {
  const columns = statement.columns!.map((column) =>
    newColumn(column, resolveTypeName(column.type.text).type!, environment.tableDefaults)
  );
  return define(statement, columns, { environment, timestampIndex: -1 });
}

/** Definition of `CREATE TABLE t (LIKE other)`: everything but the rows. @throws {SqlError} */
export function defineLike(
  statement: CreateTable,
  environment: StatementEnvironment,
): TableDefinition {
  const { engine } = environment;
  const other = requireTable(engine, statement.like!.text, statement.like!.position);
  const metadata = engine.metadata(other);
  return {
    name: statement.name.text,
    columns: metadata.liveColumns.map(
      ({
        name,
        type,
        isIndexed,
        indexBlockCapacity,
        symbolCapacity,
        isSymbolCached,
        isDedupKey,
      }) => ({
        name,
        type,
        isIndexed,
        indexBlockCapacity,
        symbolCapacity,
        isSymbolCached,
        isDedupKey,
      }),
    ),
    timestampIndex: metadata.liveColumns.findIndex(
      (column) => column.writerIndex === metadata.timestampIndex,
    ),
    partitionBy: metadata.partitionBy,
    isWalEnabled: metadata.isWalEnabled,
    maxUncommittedRows: metadata.maxUncommittedRows,
    o3MaxLagMicros: metadata.o3MaxLagMicros,
    ttlHoursOrMonths: metadata.ttlHoursOrMonths,
  };
}

/** Definition of `CREATE TABLE t AS (query)`; the query's designated timestamp is kept if none is named. @throws {SqlError} */
export function defineFromQuery(
  statement: CreateTable,
  cursor: RowCursor,
  environment: StatementEnvironment,
): TableDefinition {
  const casts = indexCasts(statement, cursor);
  const columns = cursor.columns.map(({ name, type }, index) => {
    if (!isValidColumnName(name)) {
      throw new SqlError(
        statement.name.position,
        `invalid column name [name=${name}, position=${index}]`,
      );
    }
    if (typeTag(type) === ColumnType.NULL || isBareNull(statement, index)) {
      throw new SqlError(
        0,
        `cannot create NULL-type column, please use type cast, e.g. ${name}::type`,
      );
    }
    const cast = casts.get(name.toLowerCase());
    if (cast === undefined) {
      // As the reference writes it for columns of every type.
      const { defaultSymbolCapacity: symbolCapacity } = environment.tableDefaults;
      return {
        name,
        type,
        isIndexed: false,
        indexBlockCapacity: 0,
        symbolCapacity,
        isSymbolCached: true,
      };
    }
    return newColumn(cast, castType(cast, { name, type }), environment.tableDefaults);
  });
  return define(statement, columns, { environment, timestampIndex: cursor.timestampIndex });
}

/** Tells whether a column of the query is a bare `null`, which has no type. */
function isBareNull(statement: CreateTable, index: number): boolean {
  const { items } = statement.query!;
  const expression = items[index]?.expression;
  const hasStar = items.some((item) => item.expression.kind === "star");
  return !hasStar && expression?.kind === "literal" && expression.literal === "null";
}

function indexCasts(statement: CreateTable, cursor: RowCursor): Map<string, ColumnDefinition> {
  const casts = new Map<string, ColumnDefinition>();
  for (const cast of statement.casts) {
    const key = cast.name.text.toLowerCase();
    if (casts.has(key)) throw new SqlError(cast.name.position, "duplicate cast");
    if (!cursor.columns.some((column) => column.name.toLowerCase() === key)) {
      throw new SqlError(
        cast.name.position,
        `CAST column doesn't exist [column=${cast.name.text}]`,
      );
    }
    casts.set(key, cast);
  }
  return casts;
}

function castType(cast: ColumnDefinition, from: { name: string; type: number }): number {
  const type = resolveTypeName(cast.type.text).type!;
  if (castGroup(from.type) === castGroup(type) && isInsertable(from.type, type)) return type;
  throw new SqlError(
    cast.name.position,
    `unsupported cast [column=${from.name}, from=${typeName(from.type)}, to=${typeName(type)}]`,
  );
}

const {
  BOOLEAN,
  BYTE,
  CHAR,
  DATE,
  DOUBLE,
  FLOAT,
  INT,
  LONG,
  SHORT,
  STRING,
  SYMBOL,
  TIMESTAMP,
  VARCHAR,
} = ColumnType;
/** Types that cast clauses convert among each other; types in none are a group of their own. */
const CAST_GROUPS: readonly (readonly number[])[] = [
  [BOOLEAN],
  [BYTE, SHORT, CHAR, INT, LONG, DATE, TIMESTAMP, FLOAT, DOUBLE],
  [STRING, VARCHAR, SYMBOL],
];

function castGroup(type: number): number {
  return CAST_GROUPS.findIndex((group) => group.includes(typeTag(type)));
}

type ColumnOptions =
  & Pick<
    ColumnDefinition,
    "symbolCapacity" | "isSymbolCached" | "isIndexed" | "indexCapacity"
  >
  & { readonly name: string | Name };

function newColumn(options: ColumnOptions, type: number, defaults: TableDefaults): NewColumn {
  const name = typeof options.name === "string" ? options.name : options.name.text;
  if (typeTag(type) !== ColumnType.SYMBOL) return { name, type };
  return {
    name,
    type,
    isIndexed: options.isIndexed,
    indexBlockCapacity: options.indexCapacity ?? defaults.indexValueBlockSize,
    symbolCapacity: options.symbolCapacity ?? defaults.defaultSymbolCapacity,
    isSymbolCached: options.isSymbolCached ?? defaults.isDefaultSymbolCached,
  };
}

/** Applies the clauses of the statement and the defaults of the server to columns. */
function define(
  statement: CreateTable,
  plainColumns: readonly NewColumn[],
  options: { environment: StatementEnvironment; timestampIndex: number },
): TableDefinition {
  const { tableDefaults } = options.environment;
  const columns = applyDedupKeys(statement, applyIndexes(statement, plainColumns, tableDefaults));
  const partitionBy = statement.partitionBy === null
    ? PartitionBy.NONE
    : partitionByFromName(statement.partitionBy.text)!;
  const params = new Map(
    statement.withParams.map(({ name, value }) => [name.text.toLowerCase(), value.text]),
  );
  const maxUncommittedRows = params.get("maxuncommittedrows");
  const o3MaxLag = params.get("o3maxlag");
  return {
    name: statement.name.text,
    columns,
    timestampIndex: statement.timestamp === null
      ? options.timestampIndex
      : indexOfColumn(columns, statement.timestamp),
    partitionBy,
    isWalEnabled: partitionBy !== PartitionBy.NONE && (statement.wal ?? tableDefaults.isWalDefault),
    maxUncommittedRows: maxUncommittedRows === undefined
      ? tableDefaults.maxUncommittedRows
      : Number(maxUncommittedRows),
    o3MaxLagMicros: o3MaxLag === undefined
      ? tableDefaults.o3MaxLagMicros
      : BigInt(parseIntervalMicros(o3MaxLag, 0)),
    ttlHoursOrMonths: statement.ttl?.hoursOrMonths ?? 0,
  };
}

function indexOfColumn(columns: readonly NewColumn[], name: Name): number {
  const key = name.text.toLowerCase();
  const index = columns.findIndex((column) => column.name.toLowerCase() === key);
  if (index < 0) {
    throw new SqlError(
      name.position,
      `designated timestamp column doesn't exist [name=${name.text}]`,
    );
  }
  if (!isTimestamp(columns[index].type)) {
    throw new SqlError(
      name.position,
      `TIMESTAMP column expected [actual=${typeName(columns[index].type)}]`,
    );
  }
  return index;
}

/** Applies `INDEX(column)` clauses. */
function applyIndexes(
  statement: CreateTable,
  columns: readonly NewColumn[],
  defaults: TableDefaults,
): NewColumn[] {
  return columns.map((column) => {
    const key = column.name.toLowerCase();
    const clause = statement.indexes.find((index) => index.column.text.toLowerCase() === key);
    if (clause === undefined) return column;
    if (typeTag(column.type) !== ColumnType.SYMBOL) {
      throw new SqlError(0, `indexes are supported only for SYMBOL columns: ${column.name}`);
    }
    const indexBlockCapacity = clause.capacity ??
      (column.indexBlockCapacity || defaults.indexValueBlockSize);
    const indexed = { ...column, isIndexed: true, indexBlockCapacity };
    const isCast = statement.casts.some((cast) => cast.name.text.toLowerCase() === key);
    // QuestDB does not cache a column of a query that only an INDEX clause names.
    return statement.query === null || isCast ? indexed : { ...indexed, isSymbolCached: false };
  });
}

/** Marks the columns of `DEDUP UPSERT KEYS(…)`. */
function applyDedupKeys(statement: CreateTable, columns: readonly NewColumn[]): NewColumn[] {
  const keys = statement.dedupKeys ?? [];
  const isKey = (column: NewColumn, key: Name) =>
    column.name.toLowerCase() === key.text.toLowerCase();
  const missing = keys.find((key) => !columns.some((column) => isKey(column, key)));
  if (missing !== undefined) {
    // QuestDB has no place to point at.
    throw new SqlError(-1, `DEDUP column doesn't exist [column=${missing.text}]`);
  }
  return columns.map((column) =>
    keys.some((key) => isKey(column, key)) ? { ...column, isDedupKey: true } : column
  );
}
