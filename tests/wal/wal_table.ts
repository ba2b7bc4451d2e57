/**
 * A table with a WAL whose transactions are written one by one, of every kind that the format knows, for tests of apply.
 *
 * @module
 */
import { INT_NULL, LONG_NULL } from "../../src/common/mod.ts";
import type { FileSystem } from "../../src/platform/mod.ts";
import {
  readTableMetadata,
  type StorageContext,
  type TableMetadata,
} from "../../src/storage/mod.ts";
import {
  createSequencerFiles,
  DedupMode,
  saveInitialMetadata,
  Sequencer,
  SqlCommand,
} from "../../src/wal/mod.ts";
import { encodeEvent, type WritableEvent } from "../../src/wal/wal_event.ts";
import { WalSegment } from "../../src/wal/wal_segment.ts";
import { Arena } from "../../src/wasm/mod.ts";
import { batchOf } from "../support/table_rows.ts";
import { core, createTable, type Row } from "../storage/table_fixture.ts";

const SYMBOL_COLUMN = 5;

/** See the module's description. */
export class WalTable implements Disposable {
  readonly context: StorageContext;
  readonly sequencer: Sequencer;
  readonly #metadata: TableMetadata;
  #segment: WalSegment;
  #segmentId = 0;

  constructor(
    directory: string,
    table: { partitionBy: number; dedupKeys?: readonly string[]; isIndexed?: boolean },
    fs?: FileSystem,
  ) {
    this.context = createTable(directory, table.partitionBy, fs, table);
    const { tableDir } = this.context;
    this.#metadata = readTableMetadata(this.context.fs, tableDir);
    createSequencerFiles(this.context.fs, tableDir, { metadata: this.#metadata, createMicros: 0n });
    saveInitialMetadata(this.context.fs, tableDir);
    this.context.fs.mkdir(`${tableDir}/wal1`);
    this.sequencer = Sequencer.open(this.context.fs, tableDir);
    this.#segment = this.#openSegment();
  }

  /** Number of the last transaction. */
  get lastTxn(): number {
    return this.sequencer.lastTxn;
  }

  /** Commits rows in the order in which they are given. */
  commit(
    rows: readonly Row[],
    mode: { dedupMode?: number; range?: { lo: bigint; hi: bigint } } = {},
  ): void {
    const texts: string[] = [];
    this.#writeRows(rows, texts);
    const times = rows.map((row) => row.ts).sort((a, b) => a < b ? -1 : 1);
    const { dedupMode = DedupMode.DEFAULT, range } = mode;
    this.#commitEvent({
      kind: "data",
      startRow: this.#segment.committedRowCount,
      endRow: this.#segment.rowCount,
      minTimestamp: times[0] ?? 0n,
      maxTimestamp: times.at(-1) ?? 0n,
      isOutOfOrder: rows.some((row, i) => i > 0 && row.ts < rows[i - 1].ts),
      symbols: [{
        writerIndex: SYMBOL_COLUMN,
        hasNull: rows.some((row) => row.sym === null),
        cleanCount: 0,
        texts,
      }],
      dedupMode: range === undefined ? dedupMode : DedupMode.REPLACE_RANGE,
      replaceLo: range?.lo ?? LONG_NULL,
      replaceHi: range?.hi ?? LONG_NULL,
    });
  }
  /** Commits the removal of all rows. */
  truncate(): void {
    this.#commitEvent({ kind: "truncate" });
  }
  /** Commits a statement. */
  statement(text: string): void {
    const bindVariables = { indexed: [], named: [] };
    const commandType = SqlCommand.ALTER;
    this.#commitEvent({ kind: "sql", commandType, text, randomSeeds: [0n, 0n], bindVariables });
  }
  /** Goes on in a new segment. */
  roll(): void {
    this.#segment.close();
    this.#segmentId++;
    this.#segment = this.#openSegment();
  }
  [Symbol.dispose](): void {
    this.#segment.close();
    this.sequencer.close();
  }

  #openSegment(): WalSegment {
    const place = { ...this.context, walId: 1, segmentId: this.#segmentId };
    return new WalSegment(place, this.#metadata, 0);
  }

  #writeRows(rows: readonly Row[], texts: string[]): void {
    using arena = new Arena(core.memory);
    const values = rows.map((row) => [row.ok, row.i, row.ts, row.l, row.d, row.sym, row.text]);
    const { columns } = batchOf(core, arena, { metadata: this.#metadata, rows: values });
    const segment = this.#segment, count = rows.length;
    if (count === 0) return;
    for (const [writerIndex, vector] of columns.entries()) {
      if (writerIndex === SYMBOL_COLUMN) {
        const keys = arena.alloc(4 * count);
        for (const [i, { sym }] of rows.entries()) {
          if (sym !== null && !texts.includes(sym)) texts.push(sym);
          core.memory.i32[keys / 4 + i] = sym === null ? INT_NULL : texts.indexOf(sym);
        }
        segment.writeFixed(writerIndex, keys, count);
      } else if (vector === null) segment.writeNulls(writerIndex, count);
      else if (writerIndex === this.#metadata.timestampIndex) {
        segment.writeTimestamps(vector.data, count);
      } else if (writerIndex === columns.length - 1) {
        segment.writeVariable(writerIndex, vector, count);
      } else segment.writeFixed(writerIndex, vector.data, count);
    }
    segment.addRows(count);
  }

  #commitEvent(event: WritableEvent): void {
    const segment = this.#segment;
    const segmentTxn = segment.writeEvent(encodeEvent(segment.nextTxn, event));
    this.sequencer.commit({
      walId: 1,
      segmentId: this.#segmentId,
      segmentTxn,
      commitMicros: 1_800_000_000_000_000n,
      minTimestamp: 0n,
      maxTimestamp: 0n,
      rowCount: 0,
    }, false);
  }
}
