/**
 * Changing the type of a column: a new column takes the place of the old one, which is dropped. Its values are converted partition by
 * partition into files with the current txn as name txn; tops stay what they are.
 *
 * @module
 */
import { assert, ColumnType } from "../../common/mod.ts";
import { Arena } from "../../wasm/mod.ts";
import { type ColumnVersionEntry, DEFAULT_TIMESTAMP, withEntries } from "../column_versions.ts";
import { ColumnWriter } from "../column_writer.ts";
import { type ColumnMetadata, firstInPlace } from "../metadata.ts";
import { partitionIndexFiles } from "../partition_index.ts";
import { rowChunks } from "../row_chunks.ts";
import { symbolFiles, SymbolMapWriter } from "../symbol_map.ts";
import {
  type AlterContext,
  type ColumnFiles,
  columnInPartitions,
  removeIfThere,
  symbolCountsFor,
  type TableChange,
} from "./alter_context.ts";
import type { AlterOperation } from "./alter_operation.ts";
import { createFreshSymbolFiles, newColumnMetadata, withColumn } from "./column_operations.ts";
import { buildEmptyIndex, indexColumnFile } from "./index_operations.ts";
import { findColumn } from "./validate_alter.ts";
import { convertVector } from "./value_conversion.ts";

/** Rows that are converted at a time. */
const CHUNK_ROWS = 1 << 16;

/** Changes the type of a column. @throws {ConversionFailedError} if a value does not fit. */
export function changeColumnType(
  context: AlterContext,
  operation: AlterOperation & { kind: "changeColumnType" },
): TableChange {
  const { metadata, txn, versions } = context.reader;
  const old = findColumn(metadata, operation.name);
  assert(old !== null, "the operation was checked");
  const nameTxn = txn.txn;
  const added: ColumnMetadata = {
    ...newColumnMetadata(
      { ...operation, name: old.name },
      metadata.columns.length,
      firstInPlace(metadata.columns, old.writerIndex),
    ),
    isDedupKey: old.isDedupKey,
  };
  let symbols: SymbolMapWriter | null = null;
  if (added.type === ColumnType.SYMBOL) {
    createFreshSymbolFiles(context, added, { nameTxn, hasNull: false });
    const files = symbolFiles(context.tableDir, added.name, nameTxn);
    symbols = new SymbolMapWriter(context.fs, files, 0);
  }
  const addedIn =
    versions.entries.find((entry) =>
      entry.timestamp === DEFAULT_TIMESTAMP && entry.columnIndex === old.writerIndex
    )?.top ?? DEFAULT_TIMESTAMP;
  const columnIndex = added.writerIndex;
  const entries: ColumnVersionEntry[] = [
    { timestamp: DEFAULT_TIMESTAMP, columnIndex, nameTxn, top: addedIn },
  ];
  const partitions = columnInPartitions(context, old.writerIndex);
  for (const files of partitions) {
    const { partition: { timestamp }, place } = files;
    const isStored = place.storedRows > 0;
    const top = BigInt(place.columnTop);
    const hasOwn = versions.entries.some((entry) =>
      entry.timestamp === timestamp && entry.columnIndex === old.writerIndex
    );
    if (isStored || hasOwn) {
      if (addedIn > timestamp || top > 0n) entries.push({ timestamp, columnIndex, nameTxn, top });
    }
    if (isStored) convertPartition(context, files, { old, added, nameTxn, symbols });
    else if (added.isIndexed && files === partitions.at(-1)) {
      buildEmptyIndex(context, partitionIndexFiles(files.directory, added, nameTxn));
    }
  }
  for (const path of symbols?.flush(false) ?? []) context.touched.add(path);
  const columns = [...withColumn(metadata, old.writerIndex, { type: -old.type }).columns, added];
  const counts = new Map(symbols === null ? [] : [[columnIndex, symbols.count]]);
  return {
    bump: "structure",
    metadata: { ...metadata, columns },
    versions: withEntries(versions, entries).entries,
    symbolCounts: symbolCountsFor(context, columns, counts),
  };
}

function convertPartition(
  context: AlterContext,
  files: ColumnFiles,
  to: {
    old: ColumnMetadata;
    added: ColumnMetadata;
    nameTxn: number;
    symbols: SymbolMapWriter | null;
  },
): void {
  const { fs, core, reader, touched } = context;
  const { added, nameTxn } = to;
  const { partition, place } = files;
  const index = reader.partitions.findIndex((one) => one.timestamp === partition.timestamp);
  const dataPath = files.path("d", nameTxn), auxPath = files.path("i", nameTxn);
  removeIfThere(fs, dataPath);
  removeIfThere(fs, auxPath);
  using writer = new ColumnWriter({ fs, core }, { type: added.type, dataPath, auxPath }, 0);
  const { writerIndex } = to.old;
  const where = { partitionIndex: index, writerIndex, rowsMax: CHUNK_ROWS };
  const stored = { rowLo: place.columnTop, rowHi: partition.rowCount };
  for (const rows of rowChunks(reader, where, stored)) {
    using arena = new Arena(core.memory);
    const rowCount = rows.rowHi - rows.rowLo;
    const source = reader.readColumn(index, writerIndex, rows, arena);
    const column = { tableDir: context.tableDir, name: added.name };
    const target = { core, column, type: added.type, symbols: to.symbols, arena };
    const vector = convertVector(source, rowCount, target);
    writer.append({ vector, rowLo: 0, rowHi: rowCount });
  }
  touched.add(dataPath).add(auxPath).add(files.directory);
  if (!added.isIndexed) return;
  const target = partitionIndexFiles(files.directory, added, nameTxn);
  const { columnTop } = place;
  indexColumnFile(context, target, { dataPath, columnTop, rowCount: partition.rowCount });
}
