/**
 * Structural changes as the sequencer's log keeps them: one record per structure version in `_txnlog.meta.d`.
 *
 * ```
 * i16 command, i32 position of the table's name in the statement, i32 n, n × i64, i32 m, m × str
 *
 *  1 ADD COLUMN     i64: type, symbol capacity, cached (1, −1), flags, index block capacity, position of the name   str: name
 *  8 DROP COLUMN    str: name
 *  9 RENAME COLUMN  str: old name, new name
 * 14 RENAME TABLE   str: old name, new name
 * 15 DEDUP ENABLE   i64: writer indexes of the keys
 * 16 DEDUP DISABLE
 * 17 CHANGE TYPE    as ADD COLUMN
 * flags: bit 0 indexed; or, with bit 63, the low three bits say which index
 * ```
 * Positions are of no use to anybody; they are kept so that equal statements give equal bytes.
 *
 * @module
 */
import { assert, TableError } from "../common/mod.ts";
import {
  type AlterOperation,
  DEFAULT_INDEX_BLOCK_CAPACITY,
  DEFAULT_SYMBOL_CAPACITY,
  type TableMetadata,
} from "../storage/mod.ts";
import { ByteBuilder, type ByteCursor } from "./byte_cursor.ts";

/** Codes of structural changes. */
export const AlterCommand = {
  ADD_COLUMN: 1,
  DROP_COLUMN: 8,
  RENAME_COLUMN: 9,
  RENAME_TABLE: 14,
  ENABLE_DEDUP: 15,
  DISABLE_DEDUP: 16,
  CHANGE_COLUMN_TYPE: 17,
} as const;

const INDEX_TYPE_BITS = 7n;
/** Longs per column; the position was not there in early releases. */
const COLUMN_LONGS_MIN = 5;
const LIST_LENGTH_MAX = 1 << 20;

/** What a record holds besides the operation. */
export interface AlterContext {
  /** Columns before the change. */
  readonly metadata: TableMetadata;
  /** Name before the change. */
  readonly tableName: string;
  /** Offset of the table's name in the statement. */
  readonly tablePosition?: number;
  /** Offset of the column's name in the statement. */
  readonly columnPosition?: number;
}

interface Record {
  readonly command: number;
  readonly longs: readonly (number | bigint)[];
  readonly texts: readonly string[];
}

/** The command code of a structural operation. */
export function alterCommand(operation: AlterOperation): number {
  return recordOf(operation, null).command;
}

/** Encodes a structural operation. @throws {TableError} if it names a column that is not there. */
export function encodeAlter(
  operation: AlterOperation,
  context: AlterContext,
): Uint8Array<ArrayBuffer> {
  const { command, longs, texts } = recordOf(operation, context);
  // The reference server's RENAME TABLE is not made by a statement's compiler and knows no position.
  const position = command === AlterCommand.RENAME_TABLE ? 0 : context.tablePosition ?? 0;
  const out = new ByteBuilder().i16(command).i32(position).i32(longs.length);
  for (const value of longs) out.i64(value);
  out.i32(texts.length);
  for (const text of texts) out.str(text);
  return out.bytes();
}

function recordOf(operation: AlterOperation, context: AlterContext | null): Record {
  const position = context?.columnPosition ?? 0;
  switch (operation.kind) {
    case "addColumn": {
      const { column } = operation;
      const longs = columnLongs(column, position);
      return { command: AlterCommand.ADD_COLUMN, longs, texts: [column.name] };
    }
    case "changeColumnType": {
      const longs = columnLongs(operation, position);
      return { command: AlterCommand.CHANGE_COLUMN_TYPE, longs, texts: [operation.name] };
    }
    case "dropColumn":
      return { command: AlterCommand.DROP_COLUMN, longs: [], texts: [operation.name] };
    case "renameColumn": {
      const texts = [operation.from, operation.to];
      return { command: AlterCommand.RENAME_COLUMN, longs: [], texts };
    }
    case "renameTable": {
      const texts = [context?.tableName ?? "", operation.to];
      return { command: AlterCommand.RENAME_TABLE, longs: [], texts };
    }
    case "enableDedup": {
      const longs = context === null
        ? []
        : operation.columns.map((name) => columnIndex(context.metadata, name));
      return { command: AlterCommand.ENABLE_DEDUP, longs, texts: [] };
    }
    case "disableDedup":
      return { command: AlterCommand.DISABLE_DEDUP, longs: [], texts: [] };
    default:
      assert(false, `${operation.kind} is structural`);
  }
}

function columnLongs(
  column: {
    readonly type: number;
    readonly symbolCapacity?: number;
    readonly isSymbolCached?: boolean;
    readonly isIndexed?: boolean;
    readonly indexBlockCapacity?: number;
  },
  position: number,
): number[] {
  return [
    column.type,
    column.symbolCapacity ?? DEFAULT_SYMBOL_CAPACITY,
    column.isSymbolCached ?? true ? 1 : -1,
    column.isIndexed ? 1 : 0,
    column.indexBlockCapacity ?? DEFAULT_INDEX_BLOCK_CAPACITY,
    position,
  ];
}

function columnIndex(metadata: TableMetadata, name: string): number {
  const wanted = name.toLowerCase();
  const column = metadata.liveColumns.find((one) => one.name.toLowerCase() === wanted);
  if (column === undefined) throw new TableError("Invalid column", { column: name });
  return column.writerIndex;
}

/**
 * Decodes a record whose bytes are those of the cursor.
 *
 * @param metadata Columns before the change.
 * @throws {StorageError} if it is not a structural change of one column or table.
 */
export function decodeAlter(cursor: ByteCursor, metadata: TableMetadata): AlterOperation {
  const command = cursor.i16();
  cursor.i32();
  const longs = Array.from(
    { length: cursor.int("value count", 0, LIST_LENGTH_MAX) },
    () => cursor.i64(),
  );
  const texts = Array.from(
    { length: cursor.int("text count", 0, LIST_LENGTH_MAX) },
    () => cursor.text("name"),
  );
  if (cursor.remaining > 0) throw cursor.error("bytes behind a structural change");
  const requireShape = (longCount: number, textCount: number) => {
    if (longs.length >= longCount && texts.length === textCount) return;
    throw cursor.error("structural change has an unexpected shape", {
      command,
      values: longs.length,
      texts: texts.length,
    });
  };
  switch (command) {
    case AlterCommand.ADD_COLUMN:
      requireShape(COLUMN_LONGS_MIN, 1);
      return { kind: "addColumn", column: { name: texts[0], ...decodeColumn(cursor, longs) } };
    case AlterCommand.CHANGE_COLUMN_TYPE:
      requireShape(COLUMN_LONGS_MIN, 1);
      return { kind: "changeColumnType", name: texts[0], ...decodeColumn(cursor, longs) };
    case AlterCommand.DROP_COLUMN:
      requireShape(0, 1);
      return { kind: "dropColumn", name: texts[0] };
    case AlterCommand.RENAME_COLUMN:
      requireShape(0, 2);
      return { kind: "renameColumn", from: texts[0], to: texts[1] };
    case AlterCommand.RENAME_TABLE:
      requireShape(0, 2);
      return { kind: "renameTable", to: texts[1] };
    case AlterCommand.ENABLE_DEDUP:
      requireShape(1, 0);
      return {
        kind: "enableDedup",
        columns: longs.map((index) => nameOf(cursor, metadata, index)),
      };
    case AlterCommand.DISABLE_DEDUP:
      requireShape(0, 0);
      return { kind: "disableDedup" };
    default:
      throw cursor.error("unknown structural change", { command });
  }
}

function decodeColumn(cursor: ByteCursor, longs: readonly bigint[]): {
  type: number;
  symbolCapacity: number;
  isSymbolCached: boolean;
  isIndexed: boolean;
  indexBlockCapacity: number;
} {
  const [type, symbolCapacity, cached, flags, indexBlockCapacity] = longs;
  const int = (what: string, value: bigint) => {
    if (value !== BigInt.asIntN(32, value)) throw cursor.error(`invalid ${what}`, { value });
    return Number(value);
  };
  return {
    type: int("column type", type),
    symbolCapacity: int("symbol capacity", symbolCapacity),
    isSymbolCached: cached > 0n,
    isIndexed: flags < 0n ? (flags & INDEX_TYPE_BITS) !== 0n : (flags & 1n) !== 0n,
    indexBlockCapacity: int("index block capacity", indexBlockCapacity),
  };
}

function nameOf(cursor: ByteCursor, metadata: TableMetadata, index: bigint): string {
  const column = metadata.columns[Number(index)];
  if (column === undefined || column.type <= 0) {
    throw cursor.error("deduplication key is not a column", { index });
  }
  return column.name;
}
