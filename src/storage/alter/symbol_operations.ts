/**
 * Changing the capacity of a symbol table and whether it is cached.
 *
 * A new capacity needs a new hash table, so the symbol files get the current txn as name txn: `.c` is a hard link, `.o` a copy with the
 * new header, `.k` and `.v` are built anew. Keys stay what they are, and so do the partitions.
 *
 * A capacity that symbols have nearly filled is raised by the table itself, see {@linkcode symbolGrowth}.
 *
 * @module
 */
import { assert, ColumnType } from "../../common/mod.ts";
import { SYMBOL_TIMESTAMP, withEntries } from "../column_versions.ts";
import type { TableMetadata } from "../metadata.ts";
import {
  OPEN_SYMBOL_CAPACITY_MAX,
  readSymbolSettings,
  rebuildSymbolFiles,
  symbolFiles,
} from "../symbol_map.ts";
import type { TxnRecord } from "../txn.ts";
import { type AlterContext, linkFresh, removeIfThere, type TableChange } from "./alter_context.ts";
import { ceilPowerOfTwo, withColumn } from "./column_operations.ts";
import { symbolSlot } from "../column_files.ts";
import { findColumn, SYMBOL_CAPACITY_MIN } from "./validate_alter.ts";

const IS_CACHED_OFFSET = 4;

/** A column whose symbol table has become small, and the capacity it should have. */
export interface SymbolGrowth {
  readonly name: string;
  readonly capacity: number;
}

/**
 * Finds the symbol tables that hold more symbols than a share of their capacity, in the order of the columns. The new capacity is twice
 * the old one, or the largest power of two that the symbols fill, as in QuestDB.
 *
 * @param threshold Share of the capacity, above 0; may be above 1.
 */
export function symbolGrowth(
  metadata: TableMetadata,
  txn: TxnRecord,
  threshold: number,
): SymbolGrowth[] {
  const growth: SymbolGrowth[] = [];
  let slot = 0;
  for (const { type, name, symbolCapacity } of metadata.columns) {
    if (type !== ColumnType.SYMBOL) continue;
    const count = txn.symbolCounts[slot++];
    if (count <= symbolCapacity * threshold) continue;
    const wanted = Math.max(2 * symbolCapacity, floorPowerOfTwo(count));
    const capacity = Math.min(wanted, OPEN_SYMBOL_CAPACITY_MAX);
    if (capacity > symbolCapacity) growth.push({ name, capacity });
  }
  return growth;
}

function floorPowerOfTwo(value: number): number {
  const power = ceilPowerOfTwo(value);
  return power > value ? power / 2 : power;
}

/** Changes the capacity; `null` if it is what it was. */
export function changeSymbolCapacity(
  context: AlterContext,
  name: string,
  capacity: number,
): TableChange | null {
  const { fs, tableDir, reader, touched } = context;
  const { metadata, txn, versions } = reader;
  const column = findColumn(metadata, name);
  assert(column !== null, "the operation was checked");
  const columnIndex = column.writerIndex, nameTxn = txn.txn;
  const symbolCapacity = ceilPowerOfTwo(Math.max(capacity, SYMBOL_CAPACITY_MIN));
  const source = symbolFiles(tableDir, column.name, versions.symbolNameTxn(columnIndex));
  const { capacity: oldCapacity, hasNull } = readSymbolSettings(fs, source);
  if (oldCapacity === symbolCapacity) return null;
  const target = symbolFiles(tableDir, column.name, nameTxn);
  linkFresh(context, source.chars, target.chars);
  for (const path of [target.offsets, target.keys, target.values]) {
    removeIfThere(fs, path);
    touched.add(path);
  }
  rebuildSymbolFiles(fs, target, {
    count: txn.symbolCounts[symbolSlot(metadata, columnIndex)],
    capacity: symbolCapacity,
    isCached: column.isSymbolCached,
    hasNull,
  });
  return {
    bump: "metadata",
    metadata: withColumn(metadata, columnIndex, { symbolCapacity }),
    versions:
      withEntries(versions, [{ timestamp: SYMBOL_TIMESTAMP, columnIndex, nameTxn, top: 0n }])
        .entries,
  };
}

/** Changes whether QuestDB keeps the symbols in memory; `null` if it is what it was. */
export function setSymbolCache(
  context: AlterContext,
  name: string,
  isCached: boolean,
): TableChange | null {
  const { fs, tableDir, reader } = context;
  const column = findColumn(reader.metadata, name);
  assert(column !== null, "the operation was checked");
  const columnIndex = column.writerIndex;
  const files = symbolFiles(tableDir, column.name, reader.versions.symbolNameTxn(columnIndex));
  const settings = readSymbolSettings(fs, files);
  if (settings.isCached === isCached && column.isSymbolCached === isCached) return null;
  // A hint in place: whichever value a crash leaves is right.
  using offsets = fs.open(files.offsets, "readWrite");
  offsets.write(new Uint8Array([isCached ? 1 : 0]), IS_CACHED_OFFSET);
  offsets.syncData();
  return {
    bump: "metadata",
    metadata: withColumn(reader.metadata, columnIndex, { isSymbolCached: isCached }),
  };
}
