/**
 * What can be said against an operation by the table's metadata alone, in QuestDB's words. The SQL layer puts positions to them.
 *
 * @module
 */
import { ColumnType, isTimestamp, PartitionBy, TableError, typeName } from "../../common/mod.ts";
import type { ColumnMetadata, TableMetadata } from "../metadata.ts";
import type { AlterOperation, NewColumn } from "./alter_operation.ts";
import { canConvert } from "./type_conversions.ts";

/** Smallest symbol capacity. */
export const SYMBOL_CAPACITY_MIN = 2;
/** Largest symbol capacity. */
export const SYMBOL_CAPACITY_MAX = 1 << 30;
const NAME_UNITS_MAX = 255;
const FORBIDDEN_IN_NAMES = "?.,'\"\\/:)(+-*%~";
const BYTE_ORDER_MARK = 0xfeff;

/**
 * An operation that does not fit the table as it is. Nothing has been changed; a WAL that carries such a statement goes on behind it.
 */
export class AlterRefusedError extends TableError {}

/** Tells whether a column may have this name. */
export function isValidColumnName(name: string): boolean {
  if (name.length === 0 || name.length > NAME_UNITS_MAX) return false;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    if (unit <= 0x0f || unit === 0x7f || unit === BYTE_ORDER_MARK) return false;
    if (FORBIDDEN_IN_NAMES.includes(name[i])) return false;
  }
  return true;
}

/** Finds a live column, whatever its case. */
export function findColumn(metadata: TableMetadata, name: string): ColumnMetadata | null {
  const wanted = name.toLowerCase();
  return metadata.liveColumns.find((column) => column.name.toLowerCase() === wanted) ?? null;
}

/**
 * Checks an operation against the table's metadata.
 *
 * @param tableName Logical name, for the texts.
 * @throws {AlterRefusedError}
 */
export function validateAlter(
  metadata: TableMetadata,
  operation: AlterOperation,
  tableName = "",
): void {
  const check = new Check(metadata, tableName);
  switch (operation.kind) {
    case "addColumn":
      return check.addColumn(operation.column, operation.ifNotExists ?? false);
    case "dropColumn":
      return check.dropColumn(operation.name);
    case "renameColumn":
      return check.renameColumn(operation.from, operation.to);
    case "changeColumnType":
      return check.changeType(operation);
    case "changeSymbolCapacity":
      return check.symbolCapacity(operation.name, operation.capacity);
    case "setSymbolCache":
      return check.symbolCache(operation.name);
    case "addIndex":
      return check.addIndex(operation.name);
    case "dropIndex":
      return check.dropIndex(operation.name);
    case "dropPartitions":
    case "detachPartitions":
    case "attachPartitions":
      return check.isPartitioned("table is not partitioned", operation.kind, operation);
    case "setTtl":
      return check.setTtl(operation.hoursOrMonths);
    case "setMaxUncommittedRows":
      return check.atLeastZero("maxUncommittedRows", BigInt(operation.rows));
    case "setO3MaxLag":
      return check.atLeastZero("o3MaxLag", operation.micros);
    case "enableDedup":
      return check.enableDedup(operation.columns);
    case "disableDedup":
    case "squashPartitions":
    case "renameTable":
      return;
  }
}

class Check {
  readonly #metadata: TableMetadata;
  readonly #table: string;

  constructor(metadata: TableMetadata, table: string) {
    this.#metadata = metadata;
    this.#table = table;
  }

  addColumn(column: NewColumn, ifNotExists: boolean): void {
    this.#validName(column.name);
    const existing = findColumn(this.#metadata, column.name);
    if (existing !== null && !ifNotExists) {
      throw new AlterRefusedError(`column '${column.name}' already exists`);
    }
    if (existing !== null && existing.type !== column.type) {
      throw new AlterRefusedError(
        "column already exists with a different column type " +
          `[current type=${typeName(existing.type)}, requested type=${typeName(column.type)}]`,
      );
    }
    this.#validCapacity(column);
  }

  dropColumn(name: string): void {
    const column = this.#invalidUnlessFound(name);
    const { timestampIndex, partitionBy, isWalEnabled } = this.#metadata;
    if (column.writerIndex !== timestampIndex) return;
    if (isWalEnabled) {
      throw new AlterRefusedError("cannot remove designated timestamp column", {
        table: this.#table,
        column: column.name,
      });
    }
    if (partitionBy !== PartitionBy.NONE) {
      throw new AlterRefusedError("cannot remove timestamp from partitioned table");
    }
  }

  renameColumn(from: string, to: string): void {
    this.#invalidUnlessFound(from);
    this.#validName(to);
    if (findColumn(this.#metadata, to) !== null) {
      throw new AlterRefusedError(" column already exists");
    }
  }

  changeType(to: AlterOperation & { kind: "changeColumnType" }): void {
    const column = this.#existing(to.name);
    if (column.writerIndex === this.#metadata.timestampIndex) {
      throw new AlterRefusedError("cannot change type of designated timestamp column");
    }
    if (column.type === to.type) {
      throw new AlterRefusedError(`column '${to.name}' type is already '${typeName(to.type)}'`);
    }
    if (!canConvert(column.type, to.type)) {
      throw new AlterRefusedError(
        `incompatible column type change [existing=${typeName(column.type)}, new=${
          typeName(to.type)
        }]`,
      );
    }
    this.#validCapacity(to);
  }

  symbolCapacity(name: string, capacity: number): void {
    const column = this.#existing(name);
    if (column.type !== ColumnType.SYMBOL) {
      throw new AlterRefusedError(`column '${name}' is not of symbol type`);
    }
    this.#validCapacity({ type: column.type, symbolCapacity: capacity });
  }

  symbolCache(name: string): void {
    this.#symbol(name, "cache is only supported for symbol type");
  }

  addIndex(name: string): void {
    const column = this.#symbol(name, "indexes are only supported for symbol type");
    if (column.isIndexed) {
      throw new AlterRefusedError("column is already indexed", { column: column.name });
    }
  }

  dropIndex(name: string): void {
    const column = this.#symbol(name, "indexes are only supported for symbol type");
    if (!column.isIndexed) {
      throw new AlterRefusedError("column is not indexed", { column: column.name });
    }
  }

  isPartitioned(text: string, kind: string, operation: AlterOperation): void {
    if (this.#metadata.partitionBy !== PartitionBy.NONE) return;
    if (kind === "dropPartitions" && (operation as { isForced: boolean }).isForced) return;
    throw new AlterRefusedError(text);
  }

  setTtl(hoursOrMonths: number): void {
    if (hoursOrMonths !== 0) {
      this.isPartitioned("cannot set TTL on a non-partitioned table", "setTtl", {
        kind: "setTtl",
        hoursOrMonths,
      });
    }
  }

  atLeastZero(parameter: string, value: bigint): void {
    if (value >= 0n) return;
    throw new AlterRefusedError(`invalid value [value=${value},parameter=${parameter}]`);
  }

  enableDedup(names: readonly string[]): void {
    if (!this.#metadata.isWalEnabled) {
      throw new AlterRefusedError("deduplication is only supported for WAL tables");
    }
    let hasTimestamp = false;
    for (const name of names) {
      const column = findColumn(this.#metadata, name);
      if (column === null) {
        throw new AlterRefusedError("deduplicate key column not found", { column: name });
      }
      if (column.writerIndex === this.#metadata.timestampIndex && isTimestamp(column.type)) {
        hasTimestamp = true;
      }
    }
    if (!hasTimestamp) {
      throw new AlterRefusedError(
        "deduplicate key list must include dedicated timestamp column",
      );
    }
  }

  #existing(name: string): ColumnMetadata {
    const column = findColumn(this.#metadata, name);
    if (column === null) {
      throw new AlterRefusedError(`column '${name}' does not exist in table '${this.#table}'`);
    }
    return column;
  }

  #invalidUnlessFound(name: string): ColumnMetadata {
    const column = findColumn(this.#metadata, name);
    if (column === null) throw new AlterRefusedError(`Invalid column: ${name}`);
    return column;
  }

  #symbol(name: string, text: string): ColumnMetadata {
    const column = this.#existing(name);
    if (column.type !== ColumnType.SYMBOL) {
      throw new AlterRefusedError(text, { column: column.name, type: typeName(column.type) });
    }
    return column;
  }

  #validName(name: string): void {
    if (!isValidColumnName(name)) {
      throw new AlterRefusedError(" new column name contains invalid characters");
    }
  }

  #validCapacity(column: { readonly type: number; readonly symbolCapacity?: number }): void {
    const capacity = column.symbolCapacity;
    if (column.type !== ColumnType.SYMBOL || capacity === undefined) return;
    if (capacity < SYMBOL_CAPACITY_MIN) {
      throw new AlterRefusedError(`min symbol capacity is ${SYMBOL_CAPACITY_MIN}`);
    }
    if (capacity > SYMBOL_CAPACITY_MAX) {
      throw new AlterRefusedError(`max symbol capacity is ${SYMBOL_CAPACITY_MAX}`);
    }
  }
}
