/**
 * An immutable view of a table's last committed transaction.
 *
 * Invariants:
 * 1. Every row that the transaction counts can be read; no other row can.
 * 2. Nothing the reader needs is written in place by a writer: files only grow behind the committed rows, rewritten partitions
 *    get new directories. So no lock is held; who keeps a reader keeps the directories from being purged (engine pins).
 *
 * @module
 */
import {
  assert,
  ColumnType,
  fixedSize,
  isStoredType,
  isVariableSize,
  StorageError,
  UnsupportedTypeError,
} from "../common/mod.ts";
import type { FileHandle, FileSystem } from "../platform/mod.ts";
import {
  type Arena,
  fixedVector,
  type SymbolTable,
  type Vector,
  type WasmCore,
} from "../wasm/mod.ts";
import {
  columnFileName,
  type ColumnPlace,
  columnPlace,
  partitionPath,
  partitionScheme,
  symbolSlot,
} from "./column_files.ts";
import type { ColumnVersions } from "./column_versions.ts";
import { type CommittedState, readCommittedState } from "./committed_state.ts";
import { FileCache } from "./file_cache.ts";
import type { ColumnMetadata, TableMetadata } from "./metadata.ts";
import { fillNulls, nullVector } from "./null_values.ts";
import { symbolFiles, SymbolMapReader } from "./symbol_map.ts";
import { committedRowCount, isParquet, type PartitionRecord, type TxnRecord } from "./txn.ts";
import { readVariable, requireBytes, variableBounds } from "./variable_files.ts";

/** A partition as a reader sees it. */
export interface PartitionInfo extends PartitionRecord {
  /** Directory name inside the table's. */
  readonly dirName: string;
}

/** Rows `rowLo` … `rowHi` − 1 of a partition. */
export interface RowRange {
  readonly rowLo: number;
  readonly rowHi: number;
}

/** What a reader or writer works with. */
export interface StorageContext {
  readonly fs: FileSystem;
  readonly core: WasmCore;
  readonly tableDir: string;
}

/** Reads columns of a committed transaction. */
export class TableReader implements Disposable {
  readonly metadata: TableMetadata;
  readonly txn: TxnRecord;
  readonly versions: ColumnVersions;
  readonly rowCount: number;
  readonly partitions: readonly PartitionInfo[];
  readonly tableDir: string;
  readonly #fs: FileSystem;
  readonly #core: WasmCore;
  readonly #files: FileCache;
  readonly #symbols = new Map<number, SymbolMapReader>();
  #symbolSource: ((writerIndex: number) => SymbolTable) | null = null;

  private constructor(
    context: StorageContext,
    state: CommittedState,
  ) {
    this.#fs = context.fs;
    this.#core = context.core;
    this.#files = new FileCache(context.fs);
    this.tableDir = context.tableDir;
    this.metadata = state.metadata;
    this.txn = state.txn;
    this.versions = state.versions;
    this.rowCount = committedRowCount(state.txn);
    const scheme = partitionScheme(state.metadata);
    this.partitions = state.txn.partitions.filter((partition) => partition.rowCount > 0)
      .map((partition) => ({
        ...partition,
        dirName: partitionPath(scheme, partition),
      }));
  }

  /** Opens the last committed transaction. @throws {StorageError} naming the file that is wrong. */
  static open(context: StorageContext): TableReader {
    return new TableReader(context, readCommittedState(context.fs, context.tableDir));
  }

  /**
   * A view of a state that is known already: of a writer's own commit, or of rows it has written and not committed.
   *
   * @param symbols Gives the symbols of a column where those of the files may not be complete.
   */
  static over(
    context: StorageContext,
    state: CommittedState,
    symbols?: (writerIndex: number) => SymbolTable,
  ): TableReader {
    const reader = new TableReader(context, state);
    reader.#symbolSource = symbols ?? null;
    return reader;
  }

  /**
   * Reads a column's values. Rows before the column's top are NULL (or the type's default).
   *
   * @throws {UnsupportedTypeError} if the column's type code cannot be stored.
   * @throws {StorageError} if a file is missing, short, or does not make sense.
   */
  readColumn(partitionIndex: number, writerIndex: number, range: RowRange, arena: Arena): Vector {
    const partition = this.partitions[partitionIndex];
    const column = this.metadata.columns[writerIndex];
    assert(
      range.rowLo >= 0 && range.rowLo <= range.rowHi && range.rowHi <= partition.rowCount,
      "rows are committed",
    );
    if (!isStoredType(column.type)) {
      throw new UnsupportedTypeError(column.name, column.type);
    }
    if (isParquet(partition)) {
      throw new StorageError(
        `${this.tableDir}/${partition.dirName}`,
        "parquet partitions are not supported yet",
      );
    }
    const place = columnPlace(this.versions, partition, writerIndex);
    return isVariableSize(column.type)
      ? this.#readVariable(partition, column, { place, range }, arena)
      : this.#readFixed(partition, column, { place, range }, arena);
  }

  /**
   * Bytes that the `.d` file of a column of variable width holds for some rows; in memory a STRING takes at most one and a half times
   * as many.
   *
   * @throws {StorageError}
   */
  variableBytes(partitionIndex: number, writerIndex: number, range: RowRange): number {
    const partition = this.partitions[partitionIndex];
    const column = this.metadata.columns[writerIndex];
    const place = columnPlace(this.versions, partition, writerIndex);
    const rowLo = Math.max(range.rowLo, place.columnTop);
    if (rowLo >= range.rowHi) return 0;
    const aux = this.#open(partition, column, "i", place);
    const rows = { row: rowLo - place.columnTop, rows: range.rowHi - rowLo };
    const { start, end } = variableBounds(column.type, aux, rows);
    return end - start;
  }

  /** The committed symbols of a SYMBOL column. @throws {StorageError} */
  symbolTable(writerIndex: number): SymbolTable {
    if (this.#symbolSource !== null) return this.#symbolSource(writerIndex);
    let table = this.#symbols.get(writerIndex);
    if (table === undefined) {
      const files = symbolFiles(
        this.tableDir,
        this.metadata.columns[writerIndex].name,
        this.versions.symbolNameTxn(writerIndex),
      );
      table = SymbolMapReader.open(
        this.#fs,
        files,
        this.txn.symbolCounts[symbolSlot(this.metadata, writerIndex)],
      );
      this.#symbols.set(writerIndex, table);
    }
    return table;
  }

  /** First row of a partition whose designated timestamp is ≥ `micros`; its row count if there is none. */
  lowerBound(partitionIndex: number, micros: bigint): number {
    const partition = this.partitions[partitionIndex];
    const column = this.metadata.columns[this.metadata.timestampIndex];
    const place = columnPlace(this.versions, partition, column.writerIndex);
    const file = this.#open(partition, column, "d", place);
    const buffer = new Uint8Array(8), view = new DataView(buffer.buffer);
    let low = 0, high = partition.rowCount;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (file.read(buffer, 8 * middle) !== 8) {
        throw new StorageError(file.path, "file is too short", { row: middle });
      }
      if (view.getBigInt64(0, true) < micros) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  close(): void {
    this.#files[Symbol.dispose]();
  }
  [Symbol.dispose](): void {
    this.close();
  }

  #open(
    partition: PartitionInfo,
    column: ColumnMetadata,
    extension: "d" | "i",
    place: ColumnPlace,
  ): FileHandle {
    const name = columnFileName(column.name, extension, place.nameTxn);
    return this.#files.get(`${this.tableDir}/${partition.dirName}/${name}`);
  }

  #readFixed(
    partition: PartitionInfo,
    column: ColumnMetadata,
    at: { place: ColumnPlace; range: RowRange },
    arena: Arena,
  ): Vector {
    const { place, range } = at;
    const { memory } = this.#core;
    const size = fixedSize(column.type);
    const rows = range.rowHi - range.rowLo;
    const nullRows = Math.min(Math.max(place.columnTop - range.rowLo, 0), rows);
    const stored = {
      position: (range.rowLo + nullRows - place.columnTop) * size,
      bytes: (rows - nullRows) * size,
    };
    const file = nullRows < rows ? this.#open(partition, column, "d", place) : null;
    if (file !== null) requireBytes(file, stored); // before memory is taken: the count may be damaged
    const data = arena.alloc(rows * size);
    fillNulls(this.#core, { type: column.type, data, rows: nullRows });
    file?.read(memory.bytes(data + nullRows * size, stored.bytes), stored.position);
    if (column.type !== ColumnType.SYMBOL) return fixedVector(column.type, data);
    const symbols = this.symbolTable(column.writerIndex);
    if (this.#core.kernels.maxKeyI32(data, rows) >= symbols.count) {
      throw new StorageError(
        `${this.tableDir}/${partition.dirName}/${column.name}.d`,
        "symbol key is out of range",
        {
          count: symbols.count,
        },
      );
    }
    return fixedVector(column.type, data, symbols);
  }

  #readVariable(
    partition: PartitionInfo,
    column: ColumnMetadata,
    at: { place: ColumnPlace; range: RowRange },
    arena: Arena,
  ): Vector {
    const { place, range } = at;
    const rows = range.rowHi - range.rowLo;
    const nullRows = Math.min(Math.max(place.columnTop - range.rowLo, 0), rows);
    if (nullRows === rows) return nullVector(this.#core, { type: column.type, rows }, arena);
    const aux = this.#open(partition, column, "i", place);
    const data = this.#open(partition, column, "d", place);
    const row = range.rowLo + nullRows - place.columnTop;
    const stored = { row, rows: rows - nullRows, nullRows };
    return readVariable(this.#core, { type: column.type, aux, data, ...stored }, arena);
  }
}
