/**
 * What a committed state has of symbol tables and indexes, and the files that each of them can be built from again.
 *
 * @module
 */
import { ColumnType } from "../common/mod.ts";
import { joinPath } from "../platform/mod.ts";
import {
  columnFileName,
  columnPlace,
  partitionPath,
  partitionScheme,
  symbolSlot,
} from "./column_files.ts";
import type { ColumnVersions } from "./column_versions.ts";
import type { TableMetadata } from "./metadata.ts";
import {
  type IndexedColumn,
  type PartitionIndexFiles,
  partitionIndexFiles,
} from "./partition_index.ts";
import { type SymbolFiles, symbolFiles } from "./symbol_map.ts";
import { isParquet, type PartitionRecord, type TxnRecord } from "./txn.ts";

/** What a derived file is found by. */
export interface DerivedState {
  readonly metadata: TableMetadata;
  readonly txn: Pick<TxnRecord, "partitions" | "symbolCounts">;
  readonly versions: ColumnVersions;
}

/** A symbol table: `.k`, `.v` and the offsets of `.o` can be built from `.c` and the settings in `.o`. */
export interface StoredSymbols {
  readonly files: SymbolFiles;
  /** Symbols that are committed. */
  readonly count: number;
}

/** Lists the symbol tables of the live columns. */
export function* tableSymbols(tableDir: string, state: DerivedState): Generator<StoredSymbols> {
  const { metadata, txn, versions } = state;
  for (const { type, name, writerIndex } of metadata.columns) {
    if (type !== ColumnType.SYMBOL) continue;
    yield {
      files: symbolFiles(tableDir, name, versions.symbolNameTxn(writerIndex)),
      count: txn.symbolCounts[symbolSlot(metadata, writerIndex)],
    };
  }
}

/** An index of a partition that can be built from its column. */
export interface TableIndex {
  readonly partition: PartitionRecord;
  /** Absolute path of the partition's directory. */
  readonly directory: string;
  readonly files: PartitionIndexFiles;
  readonly column: IndexedColumn;
}

/** Lists the indexes of stored columns, partition by partition. A Parquet partition has none. */
export function* tableIndexes(tableDir: string, state: DerivedState): Generator<TableIndex> {
  const { metadata, txn, versions } = state;
  const indexed = metadata.liveColumns.filter(({ isIndexed }) => isIndexed);
  if (indexed.length === 0) return;
  const scheme = partitionScheme(metadata);
  for (const partition of txn.partitions) {
    if (isParquet(partition)) continue;
    const directory = joinPath(tableDir, partitionPath(scheme, partition));
    for (const column of indexed) {
      const place = columnPlace(versions, partition, column.writerIndex);
      if (place.storedRows === 0) continue;
      yield {
        partition,
        directory,
        files: partitionIndexFiles(directory, column, place.nameTxn),
        column: {
          dataPath: joinPath(directory, columnFileName(column.name, "d", place.nameTxn)),
          columnTop: place.columnTop,
          rowCount: partition.rowCount,
        },
      };
    }
  }
}
