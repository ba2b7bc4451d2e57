/**
 * One segment of a WAL, open for appending: a file or two per column, `_meta`, `_event`, `_event.i`.
 *
 * ```
 * wal<N>/<S>/<col>.d      fixed width: packed values; the designated timestamp: i64 timestamp, i64 row of the segment
 * wal<N>/<S>/<col>.i .d   variable width: as in a table
 * ```
 * Rows are written as they come, behind the committed ones. They count when an event covers them, and the event counts when
 * the sequencer's log refers to it.
 *
 * Invariants:
 * 1. Bytes of committed rows and events are never written again.
 * 2. An event is published in the order record and end mark, index entry, maxTxn.
 *
 * Details: docs/internals/wal.md.
 *
 * @module
 */
import { assert, fixedSize, isVariableSize } from "../common/mod.ts";
import { type FileHandle, type FileSystem, parentPath } from "../platform/mod.ts";
import {
  auxFileBytes,
  type ColumnMetadata,
  nullVector,
  type TableMetadata,
  VariableWriter,
} from "../storage/mod.ts";
import { Arena, type Vector, type WasmCore } from "../wasm/mod.ts";
import { ByteBuilder } from "./byte_cursor.ts";
import { encodeSegmentMetadata } from "./sequencer_metadata.ts";
import { EVENT_HEADER_BYTES } from "./wal_event.ts";

const TIMESTAMP_ENTRY_BYTES = 16;

/** Where a segment is created. */
export interface SegmentPlace {
  readonly fs: FileSystem;
  readonly core: WasmCore;
  readonly tableDir: string;
  readonly walId: number;
  readonly segmentId: number;
}

interface ColumnFiles {
  readonly column: ColumnMetadata;
  readonly data: FileHandle;
  /** `.i` of a column of variable width. */
  readonly aux: FileHandle | null;
  /** Of a column of variable width. */
  readonly variable: VariableWriter | null;
  /** Bytes of `.d` that the committed rows of a column of variable width take. */
  committedDataEnd: number;
}

/** See the module's description. */
export class WalSegment {
  readonly walId: number;
  readonly segmentId: number;
  readonly #place: SegmentPlace;
  readonly #dir: string;
  readonly #columns: (ColumnFiles | null)[];
  readonly #timestampIndex: number;
  readonly #metaFile: FileHandle;
  readonly #eventFile: FileHandle;
  readonly #indexFile: FileHandle;
  #rowCount = 0;
  #committedRowCount = 0;
  #eventCount = 0;
  #eventEnd = EVENT_HEADER_BYTES;
  #isDirty = true;
  #isSyncing = false;
  #isLinked = false;

  /** Creates a segment. @throws what the file system throws. */
  constructor(place: SegmentPlace, metadata: TableMetadata, structureVersion: number) {
    const { fs } = place;
    this.walId = place.walId;
    this.segmentId = place.segmentId;
    this.#place = place;
    this.#timestampIndex = metadata.timestampIndex;
    this.#dir = `${place.tableDir}/wal${place.walId}/${place.segmentId}`;
    fs.mkdir(this.#dir);
    const open = (name: string) => fs.open(`${this.#dir}/${name}`, "createNew");
    this.#metaFile = open("_meta");
    this.#metaFile.write(encodeSegmentMetadata(metadata, structureVersion), 0);
    this.#columns = metadata.columns.map((column) => {
      if (column.type <= 0) return null;
      const data = open(`${column.name}.d`);
      const files = { column, data, committedDataEnd: 0 };
      if (!isVariableSize(column.type)) return { ...files, aux: null, variable: null };
      const aux = open(`${column.name}.i`);
      const variable = new VariableWriter(place.core, { type: column.type, aux, data }, 0);
      return { ...files, aux, variable };
    });
    this.#eventFile = open("_event");
    this.#eventFile.write(new ByteBuilder().i32(0).i32(0).i32(-1).bytes(), 0);
    this.#indexFile = open("_event.i");
    this.#indexFile.write(new ByteBuilder().i64(EVENT_HEADER_BYTES).bytes(), 0);
  }

  /** Rows including those of the open transaction. */
  get rowCount(): number {
    return this.#rowCount;
  }
  /** Rows of committed transactions. */
  get committedRowCount(): number {
    return this.#committedRowCount;
  }
  /** Number that the next event gets. */
  get nextTxn(): number {
    return this.#eventCount;
  }
  /** Bytes of all columns, about. */
  get byteSize(): number {
    let size = this.#eventEnd;
    for (const files of this.#columns) {
      if (files === null) continue;
      const { column, variable } = files;
      if (variable !== null) {
        size += auxFileBytes(column.type, this.#rowCount) + variable.dataEnd;
      } else {
        const isTimestamp = column.writerIndex === this.#timestampIndex;
        size += (isTimestamp ? TIMESTAMP_ENTRY_BYTES : fixedSize(column.type)) * this.#rowCount;
      }
    }
    return size;
  }

  /** Writes the designated timestamp of `rowCount` rows from int64 values at `timestamps`. */
  writeTimestamps(timestamps: number, rowCount: number): void {
    const { memory, kernels } = this.#place.core;
    const pairs = memory.alloc(TIMESTAMP_ENTRY_BYTES * rowCount);
    try {
      kernels.joinPairs(timestamps, rowCount, this.#rowCount, pairs);
      this.#file(this.#timestampIndex).data.write(
        memory.bytes(pairs, TIMESTAMP_ENTRY_BYTES * rowCount),
        TIMESTAMP_ENTRY_BYTES * this.#rowCount,
      );
    } finally {
      memory.free(pairs);
    }
  }

  /** Writes fixed-width values (for SYMBOL: keys of this WAL) at `data`. */
  writeFixed(writerIndex: number, data: number, rowCount: number): void {
    const files = this.#file(writerIndex);
    const width = fixedSize(files.column.type);
    files.data.write(
      this.#place.core.memory.bytes(data, width * rowCount),
      width * this.#rowCount,
    );
  }

  /** Writes the values of a column of variable width. */
  writeVariable(writerIndex: number, vector: Vector, rowCount: number): void {
    const { variable } = this.#file(writerIndex);
    assert(variable !== null, `column ${writerIndex} is of variable width`);
    variable.append(vector, { rowLo: 0, rowHi: rowCount });
  }

  /** Writes NULL (or the type's default) for `rowCount` rows of any column but the designated timestamp. */
  writeNulls(writerIndex: number, rowCount: number): void {
    const { column, variable } = this.#file(writerIndex);
    if (variable !== null) return variable.appendNulls(rowCount);
    const { core } = this.#place;
    using arena = new Arena(core.memory);
    const { data } = nullVector(core, { type: column.type, rows: rowCount }, arena);
    this.writeFixed(writerIndex, data, rowCount);
  }

  /** Counts rows in after every column of them was written. */
  addRows(rowCount: number): void {
    this.#rowCount += rowCount;
    this.#isDirty = true;
  }

  /** Forgets the rows of the open transaction. */
  rollback(): void {
    this.#rowCount = this.#committedRowCount;
    for (const files of this.#columns) {
      files?.variable?.rewind({ rowCount: this.#rowCount, dataEnd: files.committedDataEnd });
    }
  }

  /** Publishes an event (record and end mark) and returns its number; the rows so far belong to it or an earlier one. */
  writeEvent(record: Uint8Array): number {
    const number = this.#eventCount;
    const end = this.#eventEnd + record.length - 4;
    this.#eventFile.write(record, this.#eventEnd);
    this.#indexFile.write(new ByteBuilder().i64(end).bytes(), 8 * (number + 1));
    this.#eventFile.write(new ByteBuilder().i32(number).bytes(), 0);
    this.#eventEnd = end;
    this.#eventCount = number + 1;
    this.#committedRowCount = this.#rowCount;
    for (const files of this.#columns) {
      if (files !== null) files.committedDataEnd = files.variable?.dataEnd ?? 0;
    }
    this.#isDirty = true;
    return number;
  }

  /** True if something was written since the last sync, or the sync is still going on. */
  get isDirty(): boolean {
    return this.#isDirty || this.#isSyncing;
  }

  /** Makes every file, and the directories on the way to them, durable. */
  sync(): void {
    for (const file of this.#files()) file.syncData();
    this.#syncDirs();
    this.#isDirty = false;
  }

  /** Like {@linkcode sync}, with the file data off the calling thread; what is written meanwhile stays dirty. */
  async syncAsync(): Promise<void> {
    this.#isDirty = false;
    this.#isSyncing = true;
    try {
      await Promise.all(this.#files().map((file) => file.syncDataAsync()));
      this.#syncDirs();
    } catch (error) {
      this.#isDirty = true;
      throw error;
    } finally {
      this.#isSyncing = false;
    }
  }

  close(): void {
    for (const file of this.#files()) file.close();
  }

  #syncDirs(): void {
    if (this.#isLinked) return;
    const { fs, tableDir } = this.#place;
    fs.syncDir(this.#dir);
    fs.syncDir(parentPath(this.#dir));
    fs.syncDir(tableDir);
    this.#isLinked = true;
  }

  #file(writerIndex: number): ColumnFiles {
    const files = this.#columns[writerIndex];
    assert(files !== null && files !== undefined, `column ${writerIndex} is live`);
    return files;
  }

  #files(): FileHandle[] {
    const files = [this.#metaFile, this.#eventFile, this.#indexFile];
    for (const column of this.#columns) {
      if (column === null) continue;
      files.push(column.data);
      if (column.aux !== null) files.push(column.aux);
    }
    return files;
  }
}
