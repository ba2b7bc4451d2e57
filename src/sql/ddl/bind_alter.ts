/**
 * ALTER TABLE: names and types of a statement against the table's metadata. What comes out is what the storage can do.
 *
 * Mistakes are reported in the order of the text, as QuestDB reads it; see {@linkcode AlterTable}.
 *
 * @module
 */
import {
  assert,
  ColumnType,
  isTimestamp,
  PartitionBy,
  SqlError,
  typeName,
} from "../../common/mod.ts";
import {
  type AlterOperation,
  AlterRefusedError,
  findColumn,
  type TableMetadata,
  validateAlter,
} from "../../storage/mod.ts";
import type {
  AddedColumn,
  AlterAction,
  AlterPartitions,
  AlterTable,
  ColumnChange,
  ColumnDefinition,
  Name,
} from "../ast/mod.ts";
import { isTtlMultiple, resolveTypeName } from "../parser/mod.ts";
import { matchPartitions, type PartitionSource } from "./match_partitions.ts";
import { parsePartitionName } from "./partition_name.ts";
import type { TableDefaults } from "./statement_environment.ts";

/** The table that is altered. */
export interface AlterTarget {
  readonly name: string;
  readonly isWal: boolean;
  readonly metadata: TableMetadata;
  readonly defaults: Pick<
    TableDefaults,
    "defaultSymbolCapacity" | "isDefaultSymbolCached" | "indexValueBlockSize"
  >;
  /** Evaluates the conditions of DROP PARTITION WHERE. */
  readonly partitions: PartitionSource;
}

/** An operation with the offsets of what it is about. */
export interface BoundOperation {
  readonly operation: AlterOperation;
  /** Where the table's refusal points. */
  readonly position: number;
  /** Offset of the column's name, or 0. */
  readonly columnPosition: number;
}

/** What an ALTER TABLE comes down to. */
export type BoundAlter =
  | { readonly kind: "operations"; readonly operations: readonly BoundOperation[] }
  | { readonly kind: "setType"; readonly isWal: boolean }
  | { readonly kind: "resumeWal"; readonly fromTxn: number };

/** Binds a statement. @throws {SqlError} */
export function bindAlter(statement: AlterTable, target: AlterTarget): BoundAlter {
  const bound = statement.action === null
    ? null
    : new AlterBinder(statement, target).bind(statement.action);
  if (statement.error !== null) throw statement.error;
  assert(bound !== null, "a statement without an error says what to do");
  return bound;
}

class AlterBinder {
  readonly #statement: AlterTable;
  readonly #target: AlterTarget;

  constructor(statement: AlterTable, target: AlterTarget) {
    this.#statement = statement;
    this.#target = target;
  }

  bind(action: AlterAction): BoundAlter {
    switch (action.kind) {
      case "setType":
        this.#requirePartitions("Cannot convert non-partitioned table");
        return action;
      case "resumeWal":
        this.#requireWal(action.walPosition);
        return action;
      case "suspendWal":
        if (this.#statement.error === null) this.#requireWal(action.walPosition);
        throw this.#statement.error ??
          new SqlError(0, "Cannot suspend table, database is not in dev mode");
      default:
        return { kind: "operations", operations: this.#operations(action) };
    }
  }

  #operations(
    action: Exclude<AlterAction, { kind: "setType" | "resumeWal" | "suspendWal" }>,
  ): BoundOperation[] {
    const { position } = this.#statement.table;
    switch (action.kind) {
      case "addColumns":
        return this.#sequence(action.columns.flatMap((column) => this.#addColumn(column)));
      case "dropColumns":
        return this.#sequence(action.columns.map((name) => this.#dropColumn(name)));
      case "renameColumns":
        return this.#sequence(
          action.columns.flatMap(({ from, to }) => this.#renameColumn(from, to)),
        );
      case "alterColumn":
        return this.#alterColumn(action.column, action.change);
      case "partitions":
        return this.#partitions(action);
      case "squashPartitions":
        return [operationAt(0, { kind: "squashPartitions" })];
      case "setTtl":
        return [this.#setTtl(action)];
      case "setMaxUncommittedRows":
        return [operationAt(action.position, action)];
      case "setO3MaxLag": {
        const micros = BigInt(action.micros);
        return [operationAt(action.position, { kind: "setO3MaxLag", micros })];
      }
      case "enableDedup":
        return [this.#enableDedup(action)];
      case "disableDedup":
        // A table without WAL has none.
        return this.#target.isWal ? [operationAt(position, { kind: "disableDedup" })] : [];
    }
  }

  /** The sequencer takes one change of the columns a transaction. */
  #sequence(operations: BoundOperation[]): BoundOperation[] {
    const { isWal, name, metadata } = this.#target;
    if (!isWal || operations.length < 2 || this.#statement.error !== null) return operations;
    const version = metadata.metadataVersion;
    throw new SqlError(
      0,
      "statement is either no-op, or contains multiple transactions, such as " +
        "'alter table add column col1, col2', and currently not supported for WAL tables " +
        `[table=${name}, oldStructureVersion=${version}, newStructureVersion=${
          version + operations.length
        }]`,
    );
  }

  #addColumn(added: AddedColumn): BoundOperation[] {
    const { metadata } = this.#target;
    const { name, ifNotExists, definition } = added;
    const existing = findColumn(metadata, name.text);
    if (existing !== null && !ifNotExists) {
      throw new SqlError(name.position, `column '${name.text}' already exists`);
    }
    if (definition === null) return [];
    const column = this.#newColumn(definition);
    if (existing === null) {
      return [operationAt(name.position, { kind: "addColumn", column, ifNotExists })];
    }
    if (existing.type === column.type) return [];
    throw new SqlError(
      definition.type.position,
      "column already exists with a different column type " +
        `[current type=${typeName(existing.type)}, requested type=${typeName(column.type)}]`,
    );
  }

  #newColumn(definition: ColumnDefinition) {
    const { type } = resolveTypeName(definition.type.text);
    assert(type !== null, "the parser has checked the type");
    const { defaults } = this.#target;
    return {
      name: definition.name.text,
      type,
      isIndexed: definition.isIndexed,
      indexBlockCapacity: definition.indexCapacity ?? defaults.indexValueBlockSize,
      symbolCapacity: definition.symbolCapacity ?? defaults.defaultSymbolCapacity,
      isSymbolCached: definition.isSymbolCached ?? defaults.isDefaultSymbolCached,
    };
  }

  #dropColumn(name: Name): BoundOperation {
    const { metadata } = this.#target;
    const column = findColumn(metadata, name.text);
    if (column === null) throw new SqlError(name.position, `Invalid column: ${name.text}`);
    if (this.#statement.error === null) {
      this.#validate({ kind: "dropColumn", name: column.name }, 0);
    }
    return operationAt(0, { kind: "dropColumn", name: column.name }, name.position);
  }

  #renameColumn(from: Name, to: Name | null): BoundOperation[] {
    const { metadata, isWal, name } = this.#target;
    const column = findColumn(metadata, from.text);
    if (column === null) throw new SqlError(from.position, `Invalid column: ${from.text}`);
    if (to === null) return [];
    const operation = { kind: "renameColumn", from: column.name, to: to.text } as const;
    this.#validate(operation, to.position);
    if (isWal && column.writerIndex === metadata.timestampIndex) {
      throw new SqlError(
        0,
        `cannot rename designated timestamp column [table=${name}, column=${column.name}]`,
      );
    }
    return [operationAt(to.position, operation, from.position)];
  }

  #alterColumn(name: Name, change: ColumnChange | null): BoundOperation[] {
    const { metadata, isWal } = this.#target;
    const column = findColumn(metadata, name.text);
    if (column === null) {
      throw new SqlError(
        name.position,
        `column '${name.text}' does not exist in table '${this.#target.name}'`,
      );
    }
    if (change === null) return [];
    const operation = this.#columnOperation(column.name, change);
    const position = change.kind === "type"
      ? change.typeEnd
      : change.kind === "addIndex" && column.isIndexed
      ? this.#statement.table.position
      : name.position;
    // A statement that travels through the WAL is not held against what other statements may still do to the index.
    const isIndexChange = change.kind === "addIndex" || change.kind === "dropIndex";
    const isRepeated = isIndexChange && column.type === ColumnType.SYMBOL &&
      column.isIndexed === (change.kind === "addIndex");
    // What is wrong with an index is said when the statement is run, so an error of syntax comes first.
    const isBroken = isIndexChange && this.#statement.error !== null;
    if (!(isWal && isRepeated) && !isBroken) this.#validate(operation, position);
    return [operationAt(position, operation, name.position)];
  }

  #columnOperation(name: string, change: ColumnChange): AlterOperation {
    switch (change.kind) {
      case "type":
        return { kind: "changeColumnType", ...this.#newColumn(change.definition), name };
      case "addIndex": {
        const capacity = change.capacity ?? this.#target.defaults.indexValueBlockSize;
        const blockCapacity = 2 ** Math.ceil(Math.log2(Math.max(capacity, 2)));
        return { kind: "addIndex", name, blockCapacity };
      }
      case "dropIndex":
        return { kind: "dropIndex", name };
      case "cache":
        return { kind: "setSymbolCache", name, isCached: change.isCached };
      case "symbolCapacity":
        return { kind: "changeSymbolCapacity", name, capacity: change.capacity };
    }
  }

  #partitions(action: AlterPartitions): BoundOperation[] {
    const { metadata, isWal } = this.#target;
    if (metadata.partitionBy === PartitionBy.NONE) {
      throw new SqlError(action.position, "table is not partitioned");
    }
    const named = action.list.map((name) => ({
      timestamp: parsePartitionName(name, metadata),
      position: name.position,
    }));
    if (this.#statement.error !== null) return [];
    const chosen = action.where === null ? named : this.#matching(action.where);
    if (action.verb === "convertToParquet" || action.verb === "convertToNative") {
      throw new SqlError(
        action.position,
        "conversion of partitions to and from Parquet is not supported yet",
      );
    }
    const kind = `${action.verb === "forceDrop" ? "drop" : action.verb}Partitions` as const;
    const isForced = action.verb === "forceDrop";
    const operationOf = (timestamps: readonly bigint[]): AlterOperation =>
      kind === "dropPartitions" ? { kind, timestamps, isForced } : { kind, timestamps };
    // Without WAL each partition goes by itself, so that a refusal tells which one it is about.
    if (!isWal && !isForced) {
      return chosen.map(({ timestamp, position }) =>
        operationAt(position, operationOf([timestamp]))
      );
    }
    const timestamps = chosen.map(({ timestamp }) => timestamp);
    return [operationAt(chosen.at(0)?.position ?? 0, operationOf(timestamps))];
  }

  #matching(where: NonNullable<AlterPartitions["where"]>) {
    const { metadata, isWal, partitions } = this.#target;
    const timestamps = matchPartitions(where.condition, metadata, partitions);
    if (timestamps.length === 0 && !isWal) {
      throw new SqlError(where.position, "no partitions matched WHERE clause");
    }
    return timestamps.map((timestamp) => ({ timestamp, position: where.position }));
  }

  #setTtl(action: AlterAction & { kind: "setTtl" }): BoundOperation {
    const { metadata } = this.#target;
    const { hoursOrMonths, position } = action;
    if (metadata.partitionBy === PartitionBy.NONE) {
      throw new SqlError(position, "cannot set TTL on a non-partitioned table");
    }
    if (!isTtlMultiple(hoursOrMonths, metadata.partitionBy)) {
      throw new SqlError(position, "TTL value must be an integer multiple of partition size");
    }
    return operationAt(position, { kind: "setTtl", hoursOrMonths });
  }

  #enableDedup(action: AlterAction & { kind: "enableDedup" }): BoundOperation {
    const { metadata } = this.#target;
    const { position } = this.#statement.table;
    this.#requireWal(position, "deduplication is only supported for WAL tables");
    const keys = action.columns.map((name) => {
      const column = findColumn(metadata, name.text);
      if (column !== null) return column;
      throw new SqlError(name.position, `deduplicate key column not found [column=${name.text}]`);
    });
    const hasTimestamp = keys.some((column) =>
      column.writerIndex === metadata.timestampIndex && isTimestamp(column.type)
    );
    if (action.endPosition !== null && !hasTimestamp) {
      throw new SqlError(
        action.endPosition,
        "deduplicate key list must include dedicated timestamp column",
      );
    }
    const columns = [...new Set(keys.map((column) => column.name))];
    return operationAt(position, { kind: "enableDedup", columns });
  }

  #validate(operation: AlterOperation, position: number): void {
    try {
      validateAlter(this.#target.metadata, operation, this.#target.name);
    } catch (error) {
      if (!(error instanceof AlterRefusedError)) throw error;
      throw new SqlError(position, error.message, { cause: error });
    }
  }

  #requireWal(position: number, message = `${this.#target.name} is not a WAL table.`): void {
    if (!this.#target.isWal) throw new SqlError(position, message);
  }

  #requirePartitions(message: string): void {
    if (this.#target.metadata.partitionBy !== PartitionBy.NONE) return;
    throw new SqlError(this.#statement.table.position, message);
  }
}

function operationAt(
  position: number,
  operation: AlterOperation,
  columnPosition = position,
): BoundOperation {
  return { operation, position, columnPosition };
}
