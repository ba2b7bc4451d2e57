/**
 * Compares the files of a table that two servers made by the same statements, byte by byte, as far as they are committed.
 *
 * | kind | compared |
 * |---|---|
 * | `_meta` | up to the shorter file's end, but for the table's id; what is behind is padding |
 * | `_txn` | the current record, but for the versions of partition table, columns and truncation, which count changes of lists in memory, the last partition's row count, which is elsewhere, unused bytes, and what tells of an empty lag once the table was truncated |
 * | `_cv` | the current record, but not of a table without WAL that was truncated: the reference empties files that readers may use, here the next rows go into files of another name |
 * | symbols | `.o` and `.c` of the committed count |
 * | columns | `.d` and `.i` of every partition of WAL tables, as long as committed |
 *
 * On a busy machine the reference sometimes makes a transaction or a few more of the same statements; the next run makes other ones or none. What
 * `_txn` and `_cv` number counts from there. A table whose txn is higher there is left out of the comparison of these two, and counted.
 *
 * @module
 */
import { ColumnType } from "../../../src/common/mod.ts";
import { RealFileSystem } from "../../../src/platform/mod.ts";
import {
  columnFilesOf,
  type CommittedState,
  readCommittedState,
  SYMBOL_TIMESTAMP,
  symbolFiles,
  symbolSlot,
} from "../../../src/storage/mod.ts";

/** Equal and compared files by kind; and which were not equal. */
export class ByteReport {
  readonly counts = new Map<string, { equal: number; compared: number }>();
  readonly unequal: string[] = [];
  /** Tables of which the reference made more transactions. */
  aheadCount = 0;

  /** Counts a comparison. */
  add(kind: string, name: string, difference: string | null): void {
    const count = this.counts.get(kind) ?? { equal: 0, compared: 0 };
    count.compared++;
    if (difference === null) count.equal++;
    else this.unequal.push(`${kind} ${name}: ${difference}`);
    this.counts.set(kind, count);
  }
  /** Adds the counts of another report. */
  merge(other: ByteReport): void {
    for (const [kind, { equal, compared }] of other.counts) {
      const count = this.counts.get(kind) ?? { equal: 0, compared: 0 };
      this.counts.set(kind, { equal: count.equal + equal, compared: count.compared + compared });
    }
    this.unequal.push(...other.unequal);
    this.aheadCount += other.aheadCount;
  }
}

const TABLE_ID_AT = 16;
const VERSIONS_AT = 56;
const VERSIONS_END = 80;
const UNUSED_AT = 116;
const UNUSED_END = 128;
const SYMBOL_OFFSETS_AT = 64;
const ENTRY_BYTES = 32;
const ROWS_AT = 8;
const DATA_VERSION_AT = 48;
const LAG_SUM_AT = 88;
const LAG_SUM_END = 92;

/** Compares the directories of one table. @throws {StorageError} if a file is corrupt. */
export function compareTableFiles(expectedDir: string, actualDir: string): ByteReport {
  const fs = new RealFileSystem();
  const report = new ByteReport();
  const expected = readCommittedState(fs, expectedDir);
  const actual = readCommittedState(fs, actualDir);
  report.add("_meta", actualDir, compareMeta(expectedDir, actualDir));
  const { isWalEnabled } = expected.metadata;
  if (expected.txn.txn > actual.txn.txn) report.aheadCount++;
  else {
    report.add("_txn", actualDir, firstDifferenceOf(txnRecord(expectedDir), txnRecord(actualDir)));
    if (isWalEnabled || expected.txn.dataVersion === 0) {
      report.add("_cv", actualDir, firstDifferenceOf(cvRecord(expectedDir), cvRecord(actualDir)));
    }
  }
  compareSymbols(report, { expectedDir, actualDir, expected, actual });
  // Without WAL, the reference does not keep late rows of equal timestamps in the order they came in.
  if (isWalEnabled) {
    compareColumns(report, { expectedDir, actualDir, expected, actual });
  }
  return report;
}

interface TwoTables {
  readonly expectedDir: string;
  readonly actualDir: string;
  readonly expected: CommittedState;
  readonly actual: CommittedState;
}

function firstDifferenceOf(expected: Uint8Array, actual: Uint8Array): string | null {
  const length = Math.min(expected.length, actual.length);
  for (let i = 0; i < length; i++) {
    if (expected[i] !== actual[i]) {
      const show = (bytes: Uint8Array) => [...bytes.subarray(i - i % 8, i - i % 8 + 8)].join(" ");
      return `byte ${i} of ${expected.length}: expected ${show(expected)}, actual ${show(actual)}`;
    }
  }
  return expected.length === actual.length ? null : `${expected.length} and ${actual.length} bytes`;
}

function compareMeta(expectedDir: string, actualDir: string): string | null {
  const expected = Deno.readFileSync(`${expectedDir}/_meta`);
  const actual = Deno.readFileSync(`${actualDir}/_meta`);
  const length = Math.min(expected.length, actual.length);
  expected.fill(0, TABLE_ID_AT, TABLE_ID_AT + 4);
  actual.fill(0, TABLE_ID_AT, TABLE_ID_AT + 4);
  const rest = [...expected.subarray(length), ...actual.subarray(length)];
  if (rest.some((byte) => byte !== 0)) return `bytes behind ${length} are not zero`;
  return firstDifferenceOf(expected.subarray(0, length), actual.subarray(0, length));
}

/** The current record of `_txn`: docs/internals/txn.md. */
function txnRecord(tableDir: string): Uint8Array {
  const bytes = Deno.readFileSync(`${tableDir}/_txn`);
  const view = new DataView(bytes.buffer);
  const slot = view.getBigInt64(0, true) % 2n === 0n ? 8 : 32;
  const offset = view.getInt32(slot, true);
  const length = 128 + 4 + view.getInt32(slot + 4, true) + 4 + view.getInt32(slot + 8, true);
  const record = bytes.slice(offset, offset + length);
  record.fill(0, VERSIONS_AT, VERSIONS_END);
  if (view.getInt32(slot + 8, true) > 0) record.fill(0, length - 24, length - 16);
  // Of the lag, which is empty: the reference leaves that of a new table where it truncates one.
  if (view.getBigInt64(offset + DATA_VERSION_AT, true) > 0n) {
    record.fill(0, LAG_SUM_AT, LAG_SUM_END);
  }
  record.fill(0, UNUSED_AT, UNUSED_END); // the reference leaves what was there
  const entriesAt = length - view.getInt32(slot + 8, true);
  if (record.length - entriesAt !== ENTRY_BYTES || view.getBigInt64(offset + ROWS_AT, true) > 0n) {
    return record;
  }
  // Empty, and still an entry: the reference writes that of the only directory when it likes, with anything in it.
  record.fill(0, entriesAt - 4, entriesAt);
  return record.subarray(0, entriesAt);
}

/** The current record of `_cv`: docs/internals/column_versions.md. */
function cvRecord(tableDir: string): Uint8Array {
  const bytes = Deno.readFileSync(`${tableDir}/_cv`);
  const view = new DataView(bytes.buffer);
  const slot = view.getBigInt64(0, true) % 2n === 0n ? 8 : 24;
  const offset = Number(view.getBigInt64(slot, true));
  return bytes.subarray(offset, offset + Number(view.getBigInt64(slot + 8, true)));
}

function compareSymbols(report: ByteReport, tables: TwoTables): void {
  const { metadata, txn, versions } = tables.expected;
  for (const column of metadata.liveColumns) {
    if (column.type !== ColumnType.SYMBOL) continue;
    const count = txn.symbolCounts[symbolSlot(metadata, column.writerIndex)];
    const read = (dir: string, nameTxn: number) => {
      const files = symbolFiles(dir, column.name, nameTxn);
      const offsets = Deno.readFileSync(files.offsets).subarray(
        0,
        SYMBOL_OFFSETS_AT + 8 * (count + 1),
      );
      const end = count === 0 ? 0 : Number(
        new DataView(offsets.buffer, offsets.byteOffset).getBigInt64(
          SYMBOL_OFFSETS_AT + 8 * count,
          true,
        ),
      );
      return { offsets, texts: Deno.readFileSync(files.chars).subarray(0, end) };
    };
    const expected = read(
      tables.expectedDir,
      versions.nameTxn(SYMBOL_TIMESTAMP, column.writerIndex),
    );
    const actual = read(
      tables.actualDir,
      tables.actual.versions.nameTxn(SYMBOL_TIMESTAMP, column.writerIndex),
    );
    const name = `${tables.actualDir}/${column.name}`;
    report.add("symbol .o", name, firstDifferenceOf(expected.offsets, actual.offsets));
    report.add("symbol .c", name, firstDifferenceOf(expected.texts, actual.texts));
  }
}

function compareColumns(report: ByteReport, tables: TwoTables): void {
  const fs = new RealFileSystem();
  const { expected, actual } = tables;
  if (expected.txn.partitions.length !== actual.txn.partitions.length) {
    report.add("columns", tables.actualDir, "other partitions");
    return;
  }
  for (const [index, partition] of expected.txn.partitions.entries()) {
    const want = columnFilesOf({ fs, tableDir: tables.expectedDir, ...expected, partition });
    const got = columnFilesOf({
      fs,
      tableDir: tables.actualDir,
      ...actual,
      partition: actual.txn.partitions[index],
    });
    for (const [i, file] of want.entries()) {
      const other = got[i];
      const name = `${tables.actualDir}/${other?.path}`;
      if (other === undefined || other.bytes !== file.bytes) {
        report.add("columns", name, `${file.bytes} and ${other?.bytes} bytes are committed`);
        continue;
      }
      report.add(
        `columns .${file.extension}`,
        name,
        firstDifferenceOf(
          Deno.readFileSync(`${tables.expectedDir}/${file.path}`).subarray(0, file.bytes),
          Deno.readFileSync(`${tables.actualDir}/${other.path}`).subarray(0, file.bytes),
        ),
      );
    }
  }
}
