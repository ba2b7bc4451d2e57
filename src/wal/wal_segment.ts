/**
 * One segment of a WAL, open for appending: a file or two per column, `_meta`, `_event`, `_event.i`.
 *
 * ```
 * wal<N>/<S>/<col>.d      fixed width: packed values; the designated timestamp: i64 timestamp, i64 row of the segment
 * wal<N>/<S>/<col>.i .d   VARCHAR: 16-byte entries and UTF-8 bytes
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
import { assert, ColumnType, fixedSize, INT_NULL, LONG_NULL } from "../common/mod.ts";
import { type FileHandle, type FileSystem, parentPath } from "../platform/mod.ts";
import type { ColumnMetadata, TableMetadata } from "../storage/mod.ts";
import type { Vector, WasmCore } from "../wasm/mod.ts";
import { ByteBuilder } from "./byte_cursor.ts";
import { encodeSegmentMetadata } from "./sequencer_metadata.ts";
import { EVENT_HEADER_BYTES } from "./wal_event.ts";

const AUX_ENTRY_BYTES = 16;
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
  /** Entries of a VARCHAR column. */
  readonly aux: FileHandle | null;
  /** End of the VARCHAR bytes, committed and not. */
  heapEnd: number;
  committedHeapEnd: number;
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
    this.#columns = metadata.columns.map((column) =>
      column.type <= 0 ? null : {
        column,
        data: open(`${column.name}.d`),
        aux: column.type === ColumnType.VARCHAR ? open(`${column.name}.i`) : null,
        heapEnd: 0,
        committedHeapEnd: 0,
      }
    );
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
      const width = files.aux !== null
        ? AUX_ENTRY_BYTES
        : files.column.writerIndex === this.#timestampIndex
        ? TIMESTAMP_ENTRY_BYTES
        : fixedSize(files.column.type);
      size += width * this.#rowCount + files.heapEnd;
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

  /** Writes VARCHAR values, compacted. */
  writeVarchar(writerIndex: number, vector: Vector, rowCount: number): void {
    const { memory, kernels } = this.#place.core;
    const heapBytes = kernels.varcharHeapBytes(vector.data, rowCount);
    const aux = memory.alloc(AUX_ENTRY_BYTES * rowCount);
    const heap = memory.alloc(heapBytes);
    try {
      const files = this.#file(writerIndex);
      kernels.varcharCopy(
        vector.data,
        vector.heap,
        vector.heapOffset,
        rowCount,
        aux,
        heap,
        files.heapEnd,
      );
      this.#writeAux(files, aux, rowCount);
      if (heapBytes > 0) files.data.write(memory.bytes(heap, heapBytes), files.heapEnd);
      files.heapEnd += heapBytes;
    } finally {
      memory.free(heap);
      memory.free(aux);
    }
  }

  /** Writes NULL (or the type's default) for `rowCount` rows of any column but the designated timestamp. */
  writeNulls(writerIndex: number, rowCount: number): void {
    const { memory, kernels } = this.#place.core;
    const files = this.#file(writerIndex);
    const width = files.aux === null ? fixedSize(files.column.type) : AUX_ENTRY_BYTES;
    const block = memory.alloc(width * rowCount);
    try {
      if (files.aux !== null) {
        kernels.varcharNulls(block, rowCount, files.heapEnd);
        this.#writeAux(files, block, rowCount);
      } else {
        const bytes = memory.bytes(block, width * rowCount);
        const pattern = nullPattern(files.column.type);
        bytes.set(pattern, 0);
        for (let done = width; done < bytes.length; done *= 2) bytes.copyWithin(done, 0, done);
        files.data.write(bytes, width * this.#rowCount);
      }
    } finally {
      memory.free(block);
    }
  }

  /** Counts rows in after every column of them was written. */
  addRows(rowCount: number): void {
    this.#rowCount += rowCount;
    this.#isDirty = true;
  }

  /** Forgets the rows of the open transaction. */
  rollback(): void {
    this.#rowCount = this.#committedRowCount;
    for (const files of this.#columns) if (files !== null) files.heapEnd = files.committedHeapEnd;
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
      if (files !== null) files.committedHeapEnd = files.heapEnd;
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

  #writeAux(files: ColumnFiles, aux: number, rowCount: number): void {
    assert(files.aux !== null, "a VARCHAR column has entries");
    const { memory } = this.#place.core;
    files.aux.write(
      memory.bytes(aux, AUX_ENTRY_BYTES * rowCount),
      AUX_ENTRY_BYTES * this.#rowCount,
    );
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

/** One value of the type's NULL as stored, or its default where it has none. */
function nullPattern(type: number): Uint8Array {
  const bytes = new Uint8Array(fixedSize(type));
  const view = new DataView(bytes.buffer);
  switch (type) {
    case ColumnType.BOOLEAN:
      break;
    case ColumnType.INT:
    case ColumnType.SYMBOL:
      view.setInt32(0, INT_NULL, true);
      break;
    case ColumnType.DOUBLE:
      view.setFloat64(0, NaN, true);
      break;
    default:
      assert(
        type === ColumnType.LONG || type === ColumnType.TIMESTAMP,
        `NULL of type ${type} is known`,
      );
      view.setBigInt64(0, LONG_NULL, true);
  }
  return bytes;
}
