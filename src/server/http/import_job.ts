/**
 * Imports one CSV document into a table: detects its shape, creates the table if there is none, parses rows into columns and
 * appends them to the WAL a batch at a time.
 *
 * @module
 */
import { assert, PartitionBy, QuestError } from "../../common/mod.ts";
import type { Engine, TableToken } from "../../engine/mod.ts";
import type { Vector } from "../../wasm/mod.ts";
import { ColumnBuilder } from "./column_builder.ts";
import { type CsvLine, CsvLineReader } from "./csv_lines.ts";
import { type CsvShape, detectShape, SAMPLE_BYTES } from "./csv_sample.ts";
import type { ImportOptions } from "./import_options.ts";
import { type ImportTarget, openTarget } from "./import_target.ts";

/** Most rows of a transaction, unless `maxUncommittedRows` is lower. */
export const IMPORT_BATCH_ROWS = 131_072;
/** Bytes that are parsed in one go: a few milliseconds' work. */
export const IMPORT_STEP_BYTES = 131_072;
/** A line takes two bytes at least; a step may begin just below a full batch, and the first one brings the sample along. */
const ROWS_MAX = IMPORT_BATCH_ROWS + (2 * IMPORT_STEP_BYTES + SAMPLE_BYTES) / 2 + 1;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** What became of an import. */
export interface ImportResult {
  readonly location: string;
  readonly rowsImported: number;
  readonly rowsRejected: number;
  readonly hasHeader: boolean;
  readonly partitionBy: number;
  /** Designated timestamp; `null` if the table has none. */
  readonly timestamp: string | null;
  readonly warnings: readonly string[];
  /** Of the table, in its order; `errors` counts values that could not be read. */
  readonly columns: readonly {
    readonly name: string;
    readonly type: number;
    readonly errors: number;
  }[];
}

/**
 * Runs one import: {@linkcode push} bytes in steps of at most {@linkcode IMPORT_STEP_BYTES}, {@linkcode append} whenever
 * {@linkcode isBatchFull}, then {@linkcode end}, a last {@linkcode append}, and {@linkcode result}.
 */
export class ImportJob implements Disposable {
  readonly #engine: Engine;
  readonly #options: ImportOptions;
  readonly #batchRows: number;
  #sample: Uint8Array[] = [];
  #sampleBytes = 0;
  #shape: CsvShape | null = null;
  #target: ImportTarget | null = null;
  #reader: CsvLineReader | null = null;
  #builders: (ColumnBuilder | null)[] = [];
  #errors = new Float64Array(0);
  /** Rows parsed and not appended yet. */
  #rows = 0;
  #lineCount = 0;
  #imported = 0;
  #rejected = 0;
  /** Of the rows so far, in a table without partitions; `null` before the first. */
  #newest: bigint | null = null;

  constructor(engine: Engine, options: ImportOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#batchRows = Math.min(IMPORT_BATCH_ROWS, options.maxUncommittedRows);
  }

  /** Takes the next bytes of the document. @throws {QuestError} with the text for the answer's `status`. */
  push(chunk: Uint8Array): void {
    if (this.#reader !== null) return this.#reader.push(chunk, this.#onLine);
    this.#sample.push(chunk.slice());
    this.#sampleBytes += chunk.length;
    if (this.#sampleBytes >= SAMPLE_BYTES) this.#begin(false);
  }

  /** Enough rows have been parsed for a transaction. */
  get isBatchFull(): boolean {
    return this.#rows >= this.#batchRows;
  }

  /** The table that rows go to; `null` until enough of the document is known. */
  get table(): TableToken | null {
    return this.#target?.token ?? null;
  }

  /** Ends the document. */
  end(): void {
    if (this.#reader === null) this.#begin(true);
    this.#reader!.finish(this.#onLine);
  }

  /** Appends the parsed rows to the table's open transaction; the caller holds the table's writer, and commits. */
  append(): void {
    const target = this.#target;
    if (target === null || this.#rows === 0) return;
    const columns: (Vector | null)[] = target.metadata.columns.map(() => null);
    for (const [field, to] of target.fields.entries()) {
      if (to !== null) columns[to.column.writerIndex] = this.#builders[field]!.vector();
    }
    this.#engine.rowWriter(target.token).append({ rowCount: this.#rows, columns });
    this.#imported += this.#rows;
    this.#rows = 0;
    for (const builder of this.#builders) builder?.reset();
  }

  /** What became of the import. */
  result(): ImportResult {
    const { token, metadata, fields, warnings } = this.#target!;
    const errors = new Map(
      fields.flatMap((field, index) =>
        field === null ? [] : [[field.column.writerIndex, this.#errors[index]]]
      ),
    );
    return {
      location: token.name,
      rowsImported: this.#imported,
      rowsRejected: this.#rejected,
      hasHeader: this.#shape!.hasHeader,
      partitionBy: metadata.partitionBy,
      timestamp: metadata.timestampIndex < 0
        ? null
        : metadata.columns[metadata.timestampIndex].name,
      warnings,
      columns: metadata.liveColumns.map(({ name, type, writerIndex }) => ({
        name,
        type,
        errors: errors.get(writerIndex) ?? 0,
      })),
    };
  }

  [Symbol.dispose](): void {
    for (const builder of this.#builders) builder?.[Symbol.dispose]();
    this.#builders = [];
  }

  #begin(isWhole: boolean): void {
    const sample = new Uint8Array(this.#sampleBytes);
    let at = 0;
    for (const part of this.#sample) {
      sample.set(part, at);
      at += part.length;
    }
    this.#sample = [];
    const hasMark = BYTE_ORDER_MARK.every((byte, index) => sample[index] === byte);
    const text = hasMark ? sample.subarray(BYTE_ORDER_MARK.length) : sample;
    this.#shape = detectShape(text, { ...this.#options, isWhole });
    this.#target = openTarget(this.#engine, this.#options, this.#shape);
    this.#errors = new Float64Array(this.#target.fields.length);
    const { core } = this.#engine;
    for (const field of this.#target.fields) {
      const builder = field === null
        ? null
        : new ColumnBuilder(core, { type: field.column.type, pattern: field.pattern }, ROWS_MAX);
      this.#builders.push(builder);
    }
    this.#reader = new CsvLineReader(this.#shape.delimiter);
    this.#reader.push(text, this.#onLine);
  }

  readonly #onLine = (line: CsvLine): void => {
    if (this.#lineCount++ === 0 && this.#shape!.hasHeader) return;
    const builders = this.#builders;
    const isTooLong = line.fieldCount > builders.length && !this.#options.ignoresExtraValues;
    if (isTooLong || line.isBroken || !this.#setTimestamp(line)) {
      this.#rejected++;
      return;
    }
    const { timestampField } = this.#target!;
    for (let field = 0; field < builders.length; field++) {
      const builder = builders[field];
      if (builder === null || field === timestampField) continue;
      if (field >= line.fieldCount) builder.setNull(this.#rows);
      else if (!builder.set(this.#rows, line, field) && this.#countError(field)) {
        this.#rejected++;
        return;
      }
    }
    this.#rows++;
  };

  /** Sets the designated timestamp; `false` if the table wants one and the row has none, and so cannot be stored. */
  #setTimestamp(line: CsvLine): boolean {
    const { timestampField } = this.#target!;
    assert(this.#rows < ROWS_MAX, "a step's rows fit the builders");
    if (timestampField < 0) return true;
    const builder = this.#builders[timestampField]!;
    const isSet = timestampField < line.fieldCount &&
      builder.set(this.#rows, line, timestampField) && !builder.isNullTimestamp(this.#rows);
    if (!isSet) this.#countError(timestampField);
    return isSet && this.#isInOrder(builder.timestampAt(this.#rows));
  }

  /** A table without partitions takes rows in order only; one that is too old is left out, whatever the options say. */
  #isInOrder(timestamp: bigint): boolean {
    const { metadata, timestampField, token } = this.#target!;
    if (metadata.partitionBy !== PartitionBy.NONE) return true;
    this.#newest ??= newestTimestamp(this.#engine, token);
    if (timestamp < this.#newest) {
      this.#errors[timestampField]++;
      return false;
    }
    this.#newest = timestamp;
    return true;
  }

  /** Counts a value that cannot be read; `true` if its row is to be left out. @throws {QuestError} if the import ends here. */
  #countError(field: number): boolean {
    this.#errors[field]++;
    if (this.#options.atomicity === "abort") {
      const line = this.#lineCount - (this.#shape!.hasHeader ? 1 : 0) - 1;
      throw new QuestError("bad syntax", { line, col: field });
    }
    return this.#options.atomicity === "skipRow";
  }
}

function newestTimestamp(engine: Engine, token: TableToken): bigint {
  const reader = engine.acquireReader(token);
  try {
    return reader.rowCount > 0 ? reader.txn.maxTimestamp : -(1n << 63n);
  } finally {
    reader.close();
  }
}
