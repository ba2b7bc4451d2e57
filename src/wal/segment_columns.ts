/**
 * Reads columns of committed rows from WAL segments: runs of rows, each of one segment, one behind the other.
 *
 * Invariants:
 * 1. Everything that is read is checked against what the events say before it is used.
 *
 * @module
 */
import { fixedSize, isVariableSize, StorageError } from "../common/mod.ts";
import type { FileSystem } from "../platform/mod.ts";
import { AUX_ENTRY_BYTES, type ColumnMetadata, readVariable } from "../storage/mod.ts";
import { type Arena, fixedVector, type Vector, type WasmCore } from "../wasm/mod.ts";
import type { SegmentRun } from "./apply_plan.ts";
import { openSegmentFile } from "./segment_events.ts";

const PAIR_BYTES = 16;

/** Where runs are read. */
export interface SegmentSource {
  readonly fs: FileSystem;
  readonly core: WasmCore;
  /** At least one run with at least one row; their `batchRow`s follow each other from 0. */
  readonly runs: readonly SegmentRun[];
}

/** Rows of all runs. */
function rowCountOf(runs: readonly SegmentRun[]): number {
  return runs.reduce((sum, run) => sum + run.rowCount, 0);
}

/**
 * Reads a column in the order of the segments; the keys of a SYMBOL are those of the WAL. Not for the designated timestamp.
 *
 * @throws {StorageError} if a file is missing, short, or does not make sense.
 */
export function readSegmentColumn(
  source: SegmentSource,
  column: ColumnMetadata,
  arena: Arena,
): Vector {
  return isVariableSize(column.type)
    ? readVariableRuns(source, column, arena)
    : readFixedRuns(source, column, arena);
}

/**
 * Reads the designated timestamp of all runs into (timestamp, row of the segment) pairs at `pairs`.
 *
 * @throws {StorageError} if the file is short, or a run's first or last pair does not carry its own row number: lost pages read as zeros.
 */
export function readSegmentTimestamps(
  source: SegmentSource,
  column: ColumnMetadata,
  pairs: number,
): void {
  const { i64 } = source.core.memory;
  for (const run of source.runs) {
    const pointer = pairs + PAIR_BYTES * run.batchRow;
    const path = `${run.segmentDir}/${column.name}.d`;
    readRun(source, path, { pointer, width: PAIR_BYTES, run });
    for (const i of [0, run.rowCount - 1]) {
      const stored = i64[(pointer + PAIR_BYTES * i) / 8 + 1];
      const row = run.startRow + i;
      if (stored !== BigInt(row)) {
        throw new StorageError(path, "row number does not match its place", { row, stored });
      }
    }
  }
}

function readFixedRuns(source: SegmentSource, column: ColumnMetadata, arena: Arena): Vector {
  const width = fixedSize(column.type);
  const data = arena.alloc(width * rowCountOf(source.runs));
  for (const run of source.runs) {
    const pointer = data + width * run.batchRow;
    readRun(source, `${run.segmentDir}/${column.name}.d`, { pointer, width, run });
  }
  return fixedVector(column.type, data);
}

function readRun(
  source: SegmentSource,
  path: string,
  target: { pointer: number; width: number; run: SegmentRun },
): void {
  const { pointer, width, run } = target;
  using file = openSegmentFile(source.fs, path);
  const size = width * run.rowCount;
  const bytes = source.core.memory.bytes(pointer, size);
  if (file.read(bytes, width * run.startRow) < size) {
    throw new StorageError(path, "file is shorter than its committed rows", {
      rows: run.startRow + run.rowCount,
    });
  }
}

function readVariableRuns(source: SegmentSource, column: ColumnMetadata, arena: Arena): Vector {
  const { fs, core, runs } = source;
  const parts = runs.map((run) => {
    using aux = openSegmentFile(fs, `${run.segmentDir}/${column.name}.i`);
    using data = openSegmentFile(fs, `${run.segmentDir}/${column.name}.d`);
    const range = { row: run.startRow, rows: run.rowCount, nullRows: 0 };
    return readVariable(core, { type: column.type, aux, data, ...range }, arena);
  });
  return parts.length === 1 ? parts[0] : joinParts(source, parts, arena);
}

function joinParts(source: SegmentSource, parts: readonly Vector[], arena: Arena): Vector {
  const { kernels } = source.core;
  const { type } = parts[0];
  const heapBytes = parts.reduce((sum, part) => sum + part.heapBytes, 0);
  const data = arena.alloc(AUX_ENTRY_BYTES * rowCountOf(source.runs));
  const heap = arena.alloc(heapBytes);
  let end = 0;
  for (const [i, { data: entries, heap: values, heapOffset }] of parts.entries()) {
    const { batchRow, rowCount } = source.runs[i];
    end += kernels.varcharCopy(
      entries,
      values,
      heapOffset,
      rowCount,
      data + AUX_ENTRY_BYTES * batchRow,
      heap + end,
      end,
    );
  }
  return { type, data, heap, heapBytes: end, heapOffset: 0, symbols: null };
}
