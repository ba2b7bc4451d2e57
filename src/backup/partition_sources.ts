/**
 * The files of a native partition and where each is cut. Planning reads a handful of timestamps and aux entries; the rest
 * is arithmetic. Runs in a worker.
 *
 * @module
 */
import { BackupError, ColumnType, fixedSize, isVariableSize, typeTag } from "../common/mod.ts";
import type { FileHandle, FileSystem } from "../platform/mod.ts";
import { cellBoundaries, cutBytes, cutHeap, cutRows } from "./slice_plan.ts";
import { FileKind } from "./table_manifest.ts";

/** One file of a partition. */
export interface PartitionFile {
  /** Name in the partition directory. */
  readonly path: string;
  /** A {@linkcode FileKind}. */
  readonly kind: number;
  /** Column type code. */
  readonly type: number;
  /** Bytes per row; 0 for a heap. */
  readonly width: number;
  /** Rows of the partition before the file's first. */
  readonly top: number;
  /** For a heap: name of the file with its offsets. */
  readonly aux: string | null;
  /** For a heap: kind of that file. */
  readonly auxKind: number;
  /** For opaque files: length in bytes; else 0, the rows tell. */
  readonly bytes: number;
}

/** A partition to plan. */
export interface PartitionPlanRequest {
  /** Absolute partition directory. */
  readonly directory: string;
  readonly partitionBy: number;
  readonly timestamp: bigint;
  readonly rows: number;
  /** Designated timestamp: file name, type code; `null` without one. */
  readonly timestampFile: { readonly path: string; readonly type: number } | null;
  readonly files: readonly PartitionFile[];
}

/** Where a file is cut. */
export interface FilePlan {
  readonly path: string;
  readonly bytes: number;
  /** Rows of the partition at which slices begin, and the end. */
  readonly rows: number[];
  /** File positions of those rows. */
  readonly positions: number[];
  /** For an aux file: heap offset at those rows, which the slice's own offsets are relative to. */
  readonly bases: number[];
}

/** Aux bytes per row, by kind of file. */
const AUX_WIDTH: Readonly<Record<number, number>> = {
  [FileKind.VARCHAR_AUX]: 16,
  [FileKind.ARRAY_AUX]: 16,
  [FileKind.OFFSET_AUX]: 8,
};

/** Names the files of a column. @param suffix `.<columnNameTxn>`, or empty. */
export function filesOfColumn(
  column: { readonly name: string; readonly type: number },
  suffix: string,
  top: number,
): PartitionFile[] {
  const data = `${column.name}.d${suffix}`;
  const { type } = column;
  if (!isVariableSize(type)) {
    const width = fixedSize(type);
    return [{
      path: data,
      kind: FileKind.FIXED,
      type,
      width,
      top,
      aux: null,
      auxKind: 0,
      bytes: 0,
    }];
  }
  const tag = typeTag(type);
  const auxKind = tag === ColumnType.VARCHAR
    ? FileKind.VARCHAR_AUX
    : tag === ColumnType.ARRAY
    ? FileKind.ARRAY_AUX
    : FileKind.OFFSET_AUX;
  const aux = `${column.name}.i${suffix}`;
  return [
    {
      path: aux,
      kind: auxKind,
      type,
      width: AUX_WIDTH[auxKind],
      top,
      aux: null,
      auxKind: 0,
      bytes: 0,
    },
    { path: data, kind: FileKind.HEAP, type, width: 0, top, aux, auxKind, bytes: 0 },
  ];
}

/** An opaque file of a partition, e.g. `data.parquet`. */
export function rawPartitionFile(path: string, bytes: number): PartitionFile {
  return { path, kind: FileKind.RAW, type: 0, width: 0, top: 0, aux: null, auxKind: 0, bytes };
}

/**
 * Plans the cuts of a partition's files.
 *
 * @throws {BackupError} naming a file that is shorter than its rows or has offsets out of order.
 */
export function planPartition(fs: FileSystem, request: PartitionPlanRequest): FilePlan[] {
  const cuts = partitionCuts(fs, request);
  const plans: FilePlan[] = [];
  const offsets = new Map<string, HeapOffsets>();
  const offsetsOf = (file: PartitionFile, aux: string, auxKind: number) => {
    let known = offsets.get(aux);
    if (known === undefined) {
      known = new HeapOffsets(fs, `${request.directory}/${aux}`, {
        kind: auxKind,
        rowCount: request.rows - file.top,
      });
      offsets.set(aux, known);
    }
    return known;
  };
  try {
    for (const file of request.files) {
      const rows = [file.top, ...cuts.filter((row) => row > file.top)];
      if (file.kind === FileKind.RAW) plans.push(rawPlan(file));
      else if (file.kind === FileKind.FIXED) plans.push(fixedPlan(file, rows));
      else if (file.kind === FileKind.HEAP) {
        plans.push(heapPlan(file, rows, offsetsOf(file, file.aux!, file.auxKind)));
      } else plans.push(auxPlan(file, rows, offsetsOf(file, file.path, file.kind)));
    }
  } finally {
    for (const open of offsets.values()) open.close();
  }
  return plans;
}

function rawPlan(file: PartitionFile): FilePlan {
  const positions = cutBytes(file.bytes);
  return { path: file.path, bytes: file.bytes, rows: positions, positions, bases: [] };
}

function fixedPlan(file: PartitionFile, rows: number[]): FilePlan {
  const positions = rows.map((row) => (row - file.top) * file.width);
  return { path: file.path, bytes: positions.at(-1)!, rows, positions, bases: [] };
}

function auxPlan(file: PartitionFile, rows: number[], offsets: HeapOffsets): FilePlan {
  const plan = fixedPlan(file, rows);
  const bases = rows.map((row) => offsets.at(row - file.top));
  checkAscending(bases, offsets.path);
  if (file.kind !== FileKind.OFFSET_AUX) return { ...plan, bases };
  const positions = [...plan.positions]; // the end of the last value is one more entry
  positions[positions.length - 1] += file.width;
  return { ...plan, bytes: plan.bytes + file.width, positions, bases };
}

function heapPlan(file: PartitionFile, rows: number[], offsets: HeapOffsets): FilePlan {
  const at = (row: number) => offsets.at(row - file.top);
  const fine = [rows[0]];
  for (let i = 1; i < rows.length; i++) {
    fine.push(...cutHeap(rows[i - 1], rows[i], (lo, hi) => at(hi) - at(lo)).slice(1));
  }
  const positions = fine.map(at);
  checkAscending(positions, offsets.path);
  const bytes = positions.at(-1)! - positions[0];
  return { path: file.path, bytes, rows: fine, positions, bases: [] };
}

function checkAscending(values: readonly number[], file: string): void {
  for (let i = 1; i < values.length; i++) {
    if (values[i] < values[i - 1]) {
      throw new BackupError("aux file has offsets out of order", { file });
    }
  }
}

function partitionCuts(fs: FileSystem, request: PartitionPlanRequest): number[] {
  const { timestampFile, rows } = request;
  if (timestampFile === null || rows === 0) return cutRows([], rows);
  const unitsPerMicro = timestampFile.type === ColumnType.TIMESTAMP_NS ? 1000n : 1n;
  const boundaries = cellBoundaries(request.partitionBy, request.timestamp, unitsPerMicro);
  if (boundaries.length === 0) return cutRows([], rows);
  using file = fs.open(`${request.directory}/${timestampFile.path}`, "read");
  const buffer = new Uint8Array(8), view = new DataView(buffer.buffer);
  const timestampAt = (row: number) => {
    readFully(file, buffer, row * 8);
    return view.getBigInt64(0, true);
  };
  let low = 0;
  const starts = boundaries.map((boundary) => {
    let high = rows;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (timestampAt(middle) < boundary) low = middle + 1;
      else high = middle;
    }
    return low;
  });
  return cutRows(starts, rows);
}

/** Where values begin in a heap, read from the aux file. */
class HeapOffsets {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #kind: number;
  readonly #rowCount: number;
  readonly #buffer = new Uint8Array(16);
  readonly #view = new DataView(this.#buffer.buffer);

  constructor(
    fs: FileSystem,
    path: string,
    facts: { readonly kind: number; readonly rowCount: number },
  ) {
    this.path = path;
    this.#file = fs.open(path, "read");
    this.#kind = facts.kind;
    this.#rowCount = facts.rowCount;
  }

  /** Position of a row's data; for the row count, the end of the data. */
  at(row: number): number {
    if (this.#kind === FileKind.OFFSET_AUX) {
      readFully(this.#file, this.#buffer.subarray(0, 8), row * 8);
      return this.#checked(this.#view.getBigInt64(0, true));
    }
    if (this.#rowCount === 0) return 0;
    const isEnd = row === this.#rowCount;
    readFully(this.#file, this.#buffer, (isEnd ? row - 1 : row) * 16);
    if (this.#kind === FileKind.ARRAY_AUX) {
      const start = this.#checked(this.#view.getBigUint64(0, true) & 0xffff_ffff_ffffn);
      return isEnd ? start + this.#view.getInt32(8, true) : start;
    }
    const start = this.#view.getUint16(10, true) + this.#view.getUint32(12, true) * 65_536;
    const header = this.#view.getInt32(0, true);
    const isSplit = (header & 5) === 0; // neither inlined nor NULL
    return isEnd && isSplit ? start + (header >>> 4) : start;
  }

  close(): void {
    this.#file.close();
  }

  #checked(offset: bigint): number {
    if (offset < 0n || offset > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new BackupError("aux file has an impossible offset", { file: this.path, offset });
    }
    return Number(offset);
  }
}

function readFully(file: FileHandle, buffer: Uint8Array, position: number): void {
  if (file.read(buffer, position) !== buffer.byteLength) {
    throw new BackupError("file is shorter than its committed length", {
      file: file.path,
      expected: position + buffer.byteLength,
      actual: file.size(),
    });
  }
}
