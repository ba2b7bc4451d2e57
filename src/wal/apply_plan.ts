/**
 * Decides what one step of applying a WAL takes in: a run of consecutive data transactions, one of another kind, or the reason why the
 * next transaction cannot be applied. Data transactions that a truncation in the same look makes void are left out.
 *
 * @module
 */
import type { FileSystem } from "../platform/mod.ts";
import { readEvents, segmentPath } from "./segment_events.ts";
import { DROP_WAL_ID, STRUCTURAL_WAL_ID, type TxnLog, type TxnLogRecord } from "./txn_log.ts";
import {
  type DataEvent,
  DedupMode,
  type SqlEvent,
  type SymbolDiff,
  type WalEvent,
} from "./wal_event.ts";

/** Rows of a segment that are read in one go. */
export interface SegmentRun {
  readonly segmentDir: string;
  /** First row within the segment. */
  readonly startRow: number;
  rowCount: number;
  /** First row within the step. */
  readonly batchRow: number;
}

/** Rows of one transaction. */
export interface TxnSlice {
  readonly seqTxn: number;
  readonly batchRow: number;
  readonly rowCount: number;
  readonly symbols: readonly SymbolDiff[];
}

/** Consecutive data transactions. */
export interface DataStep {
  readonly kind: "data";
  readonly lastTxn: number;
  readonly rowCount: number;
  readonly minTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly runs: readonly SegmentRun[];
  readonly slices: readonly TxnSlice[];
  /** How the rows meet those of the table; one of {@linkcode DedupMode}. */
  readonly dedupMode: number;
  /** What REPLACE_RANGE replaces, `null` otherwise. */
  readonly replaceRange: { readonly lo: bigint; readonly hi: bigint } | null;
  /** When the last of the transactions was committed. */
  readonly commitMicros: bigint;
}

/** What to do next. */
export type ApplyStep =
  | DataStep
  | { readonly kind: "truncate"; readonly lastTxn: number }
  /** A change of the columns, which leads to a structure version. */
  | { readonly kind: "structure"; readonly lastTxn: number; readonly structureVersion: number }
  /** A statement. */
  | {
    readonly kind: "sql";
    readonly lastTxn: number;
    readonly event: SqlEvent;
    readonly commitMicros: bigint;
  }
  /** The table was dropped. */
  | { readonly kind: "dropped" }
  /** The transaction is of a kind that is not supported yet. */
  | { readonly kind: "blocked"; readonly txn: number; readonly reason: string }
  /** Everything is applied. */
  | { readonly kind: "done" };

/** Bounds of a step. */
export interface StepLimits {
  /** Last transaction to take in. */
  readonly targetTxn: number;
  /** A step takes in at least one transaction whatever its size. */
  readonly rowsMax: number;
  readonly txnsMax: number;
  /** Structure version of the table. */
  readonly structureVersion: number;
}

/** Collects transactions until the limits. */
class DataStepBuilder {
  lastTxn = 0;
  rowCount = 0;
  #dedupMode: number = DedupMode.DEFAULT;
  #replaceRange: DataStep["replaceRange"] = null;
  #commitMicros = 0n;
  #min = 0n;
  #max = 0n;
  readonly #runs: SegmentRun[] = [];
  readonly #slices: TxnSlice[] = [];
  #txnCount = 0;

  get isEmpty(): boolean {
    return this.#txnCount === 0;
  }
  fits(event: DataEvent, limits: StepLimits): boolean {
    if (this.isEmpty) return true;
    // A range is replaced by the rows of its own transaction alone.
    return event.dedupMode === this.#dedupMode && event.dedupMode !== DedupMode.REPLACE_RANGE &&
      this.#txnCount < limits.txnsMax &&
      this.rowCount + event.endRow - event.startRow <= limits.rowsMax;
  }
  add(record: TxnLogRecord, segmentDir: string, event: DataEvent): void {
    const { txn } = record;
    const rowCount = event.endRow - event.startRow;
    this.lastTxn = txn;
    this.#txnCount++;
    this.#commitMicros = record.commitMicros;
    this.#dedupMode = event.dedupMode;
    if (event.dedupMode === DedupMode.REPLACE_RANGE) {
      this.#replaceRange = { lo: event.replaceLo, hi: event.replaceHi };
    }
    if (rowCount === 0) return;
    const last = this.#runs.at(-1);
    if (last?.segmentDir === segmentDir && last.startRow + last.rowCount === event.startRow) {
      last.rowCount += rowCount;
    } else {
      const run = { segmentDir, startRow: event.startRow, rowCount, batchRow: this.rowCount };
      this.#runs.push(run);
    }
    const isFirst = this.rowCount === 0;
    this.#min = isFirst || event.minTimestamp < this.#min ? event.minTimestamp : this.#min;
    this.#max = isFirst || event.maxTimestamp > this.#max ? event.maxTimestamp : this.#max;
    this.#slices.push({ seqTxn: txn, batchRow: this.rowCount, rowCount, symbols: event.symbols });
    this.rowCount += rowCount;
  }
  build(): DataStep {
    return {
      kind: "data",
      lastTxn: this.lastTxn,
      rowCount: this.rowCount,
      minTimestamp: this.#min,
      maxTimestamp: this.#max,
      runs: this.#runs,
      slices: this.#slices,
      dedupMode: this.#dedupMode,
      replaceRange: this.#replaceRange,
      commitMicros: this.#commitMicros,
    };
  }
}

/**
 * Plans the step behind transaction `appliedTxn`.
 *
 * @throws {StorageError} if a log record or event that is to be applied next is missing or corrupt.
 */
export function planStep(
  context: { fs: FileSystem; tableDir: string; log: TxnLog },
  appliedTxn: number,
  limits: StepLimits,
): ApplyStep {
  const { fs, tableDir, log } = context;
  const builder = new DataStepBuilder();
  const last = Math.min(limits.targetTxn, log.lastTxn);
  if (appliedTxn >= last) return { kind: "done" };
  const records = log.read(appliedTxn + 1, last);
  for (let i = 0; i < records.length;) {
    const record = records[i];
    const change = structuralStep(record, limits.structureVersion);
    if (change !== null) return builder.isEmpty ? change : builder.build();
    const group = groupEnd(records, i);
    const segmentDir = segmentPath(tableDir, record.walId, record.segmentId);
    const events = readEvents(fs, segmentDir, {
      first: record.segmentTxn,
      last: record.segmentTxn + group - i - 1,
    });
    for (const [offset, event] of events.entries()) {
      const record = records[i + offset];
      if (event.kind === "data" && builder.fits(event, limits)) {
        builder.add(record, segmentDir, event);
      } else if (event.kind === "truncate") {
        return { kind: "truncate", lastTxn: record.txn };
      } else {
        return builder.isEmpty ? singleStep(record, event) : builder.build();
      }
    }
    i = group;
  }
  return builder.build();
}

/** End of the records from `start` on that are consecutive events of one segment and one structure. */
function groupEnd(records: readonly TxnLogRecord[], start: number): number {
  let end = start + 1;
  while (end < records.length) {
    const previous = records[end - 1], next = records[end];
    if (
      next.walId !== previous.walId || next.segmentId !== previous.segmentId ||
      next.segmentTxn !== previous.segmentTxn + 1 ||
      next.structureVersion !== previous.structureVersion
    ) break;
    end++;
  }
  return end;
}

/** The step of an event that no other shares a step with. */
function singleStep(record: TxnLogRecord, event: WalEvent): ApplyStep {
  const { txn, commitMicros } = record;
  if (event.kind === "sql") return { kind: "sql", lastTxn: txn, event, commitMicros };
  const what = event.kind === "other" ? event.description : event.kind;
  return { kind: "blocked", txn, reason: `WAL event is not supported yet: ${what}` };
}

function structuralStep(record: TxnLogRecord, structureVersion: number): ApplyStep | null {
  if (record.walId === DROP_WAL_ID) return { kind: "dropped" };
  if (record.walId === STRUCTURAL_WAL_ID && record.structureVersion === structureVersion + 1) {
    return { kind: "structure", lastTxn: record.txn, structureVersion: record.structureVersion };
  }
  if (record.walId !== STRUCTURAL_WAL_ID && record.structureVersion === structureVersion) {
    return null;
  }
  const reason = "transaction was written for another structure of the table " +
    `[structureVersion=${record.structureVersion}, table=${structureVersion}]`;
  return { kind: "blocked", txn: record.txn, reason };
}

/** Part of a step: rows `rowLo` … `rowHi` − 1 of it, renumbered. Its timestamps are those of the whole step, as bounds. */
export function cutStep(step: DataStep, rowLo: number, rowHi: number): DataStep {
  const part = <T extends { batchRow: number; rowCount: number }>(of: T) => {
    const lo = Math.max(of.batchRow, rowLo), hi = Math.min(of.batchRow + of.rowCount, rowHi);
    return { lo, rowCount: hi - lo, batchRow: lo - rowLo };
  };
  const runs = step.runs.map((run) => ({ run, ...part(run) })).filter((one) => one.rowCount > 0);
  const slices = step.slices.map((slice) => ({ slice, ...part(slice) }))
    .filter((one) => one.rowCount > 0);
  return {
    ...step,
    rowCount: rowHi - rowLo,
    runs: runs.map(({ run, lo, rowCount, batchRow }) => ({
      segmentDir: run.segmentDir,
      startRow: run.startRow + lo - run.batchRow,
      rowCount,
      batchRow,
    })),
    slices: slices.map(({ slice, rowCount, batchRow }) => ({ ...slice, rowCount, batchRow })),
  };
}
