/**
 * Imports one CSV document into a table: detects its shape, creates the table if there is none, parses rows into columns and
 * commits them to the WAL a batch at a time.
 *
 * @module
 */
import {
  assert,
  ColumnType,
  isSupportedColumnType,
  PartitionBy,
  partitionByName,
  QuestError,
  TableError,
  typeFromName,
  typeName,
} from "../../common/mod.ts";
import type { Engine, EngineConfig, TableToken } from "../../engine/mod.ts";
import type { ColumnMetadata } from "../../storage/mod.ts";
import type { Vector } from "../../wasm/mod.ts";
import { ColumnBuilder } from "./column_builder.ts";
import { type CsvLine, CsvLineReader } from "./csv_lines.ts";
import { type CsvShape, detectShape, SAMPLE_BYTES } from "./csv_sample.ts";

/** Rows after which a transaction is committed. */
export const IMPORT_BATCH_ROWS = 131_072;
/** Bytes that are parsed in one go. */
export const IMPORT_STEP_BYTES = 262_144;
/** A line takes two bytes at least; one step may begin just below a full batch, and the first one brings the sample along. */
const ROWS_MAX = IMPORT_BATCH_ROWS + (IMPORT_STEP_BYTES + SAMPLE_BYTES) / 2 + 1;

/** Per-column wish of the `schema` part. */
export interface SchemaEntry {
  readonly name: string;
  readonly type: string;
}

/** What a request asks for. */
export interface ImportOptions {
  readonly tableName: string;
  readonly overwrite: boolean;
  readonly create: boolean;
  /** Designated timestamp of a new table, `null` if not said. */
  readonly timestamp: string | null;
  /** A `PartitionBy` code of a new table. */
  readonly partitionBy: number;
  readonly atomicity: "skipCol" | "skipRow" | "abort";
  readonly delimiter: string | null;
  readonly forceHeader: boolean;
  readonly skipLines: boolean;
  readonly maxUncommittedRows: number;
  readonly o3MaxLagMicros: bigint;
  readonly schema: readonly SchemaEntry[];
}

/** What became of an import. */
export interface ImportResult {
  readonly location: string;
  readonly rowsImported: number;
  readonly rowsRejected: number;
  readonly hasHeader: boolean;
  readonly partitionBy: number;
  readonly timestamp: string | null;
  readonly columns: readonly {
    readonly name: string;
    readonly type: number;
    readonly errors: number;
  }[];
}

interface Target {
  readonly token: TableToken;
  /** Table column of each CSV field, `null` for a field that is left out. */
  readonly fields: readonly (ColumnMetadata | null)[];
  readonly columnCount: number;
  readonly timestampIndex: number;
}

/**
 * Runs one import: {@linkcode push} bytes in steps of at most {@linkcode IMPORT_STEP_BYTES}, {@linkcode commit} whenever
 * {@linkcode isBatchFull}, then {@linkcode end}, a last {@linkcode commit}, and {@linkcode result}.
 */
export class ImportJob implements Disposable {
  readonly #engine: Engine;
  readonly #options: ImportOptions;
  #sample: Uint8Array[] = [];
  #sampleBytes = 0;
  #shape: CsvShape | null = null;
  #target: Target | null = null;
  #reader: CsvLineReader | null = null;
  #builders: (ColumnBuilder | null)[] = [];
  #errors: number[] = [];
  #row = 0;
  #lineCount = 0;
  #imported = 0;
  #rejected = 0;

  constructor(engine: Engine, options: ImportOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  /** Takes the next bytes of the document. @throws {QuestError} with the text for the answer's `status`. */
  push(chunk: Uint8Array): void {
    if (this.#reader !== null) return this.#reader.push(chunk, this.#onLine);
    this.#sample.push(chunk.slice());
    this.#sampleBytes += chunk.length;
    if (this.#sampleBytes >= SAMPLE_BYTES) this.#begin();
  }

  /** Enough rows have been parsed for a transaction. */
  get isBatchFull(): boolean {
    return this.#row >= IMPORT_BATCH_ROWS;
  }

  /** The table that rows go to; there is one once a batch is full, or the document has ended. */
  get table(): TableToken {
    assert(this.#target !== null, "the import has begun");
    return this.#target.token;
  }

  /** Ends the document. */
  end(): void {
    if (this.#reader === null) this.#begin();
    this.#reader!.finish(this.#onLine);
  }

  /** What became of the import. */
  result(): ImportResult {
    const target = this.#target!, metadata = this.#engine.metadata(target.token);
    return {
      location: target.token.name,
      rowsImported: this.#imported,
      rowsRejected: this.#rejected,
      hasHeader: this.#shape!.hasHeader,
      partitionBy: metadata.partitionBy,
      timestamp: metadata.timestampIndex < 0
        ? null
        : metadata.columns[metadata.timestampIndex].name,
      columns: target.fields.flatMap((column, field) =>
        column === null
          ? []
          : [{ name: column.name, type: column.type, errors: this.#errors[field] }]
      ),
    };
  }

  [Symbol.dispose](): void {
    for (const builder of this.#builders) builder?.[Symbol.dispose]();
    this.#builders = [];
  }

  #begin(): void {
    const sample = new Uint8Array(this.#sampleBytes);
    let at = 0;
    for (const part of this.#sample) {
      sample.set(part, at);
      at += part.length;
    }
    this.#sample = [];
    this.#shape = detectShape(sample, this.#options);
    this.#target = this.#openTarget(this.#shape);
    this.#errors = this.#target.fields.map(() => 0);
    const { core } = this.#engine;
    for (const column of this.#target.fields) {
      this.#builders.push(
        column === null ? null : new ColumnBuilder(core, column.type, ROWS_MAX),
      );
    }
    this.#reader = new CsvLineReader(this.#shape.delimiter);
    this.#reader.push(sample, this.#onLine);
  }

  #openTarget(shape: CsvShape): Target {
    const { tableName, overwrite, create } = this.#options;
    let token = this.#engine.findTable(tableName);
    if (token !== null && overwrite) {
      this.#engine.dropTable(token);
      token = null;
    }
    if (token === null) {
      if (!create) throw TableError.doesNotExist(tableName);
      token = this.#createTable(shape);
    }
    if (!token.isWal) {
      throw new TableError("import into a table without WAL is not supported yet", {
        table: tableName,
        hint: "name a timestamp column and partitionBy",
      });
    }
    const metadata = this.#engine.metadata(token);
    if (!shape.hasHeader && shape.names.length !== metadata.liveColumns.length) {
      throw new QuestError("column count mismatch", {
        textColumnCount: shape.names.length,
        tableColumnCount: metadata.liveColumns.length,
        table: tableName,
      });
    }
    const byName = new Map(
      metadata.liveColumns.map((column) => [column.name.toLowerCase(), column]),
    );
    const fields = shape.names.map((name, field) =>
      shape.hasHeader ? byName.get(name.toLowerCase()) ?? null : metadata.liveColumns[field]
    );
    if (fields.every((column) => column === null)) {
      throw new QuestError("no column of the file is in the table", { table: tableName });
    }
    for (const column of fields) {
      if (column !== null && !isSupportedColumnType(column.type)) {
        throw new TableError("column type is not supported yet", {
          column: column.name,
          type: typeName(column.type),
        });
      }
    }
    return {
      token,
      fields,
      columnCount: metadata.columns.length,
      timestampIndex: metadata.timestampIndex,
    };
  }

  #createTable(shape: CsvShape): TableToken {
    const { timestamp, partitionBy, schema } = this.#options;
    const wanted = new Map(schema.map((entry) => [entry.name.toLowerCase(), entry.type]));
    const columns = shape.names.map((name, index) => {
      const typeText = wanted.get(name.toLowerCase());
      const type = typeText === undefined ? shape.types[index] : typeFromName(typeText);
      if (type === undefined || !isSupportedColumnType(type)) {
        throw new QuestError("unsupported column type", { column: name, type: typeText ?? "?" });
      }
      return { name, type };
    });
    const timestampIndex = timestamp === null
      ? -1
      : columns.findIndex((column) => column.name === timestamp);
    if (
      timestamp !== null &&
      (timestampIndex < 0 || columns[timestampIndex].type !== ColumnType.TIMESTAMP)
    ) {
      throw new QuestError(`not a timestamp '${timestamp}'`);
    }
    if (timestampIndex < 0 && partitionBy !== PartitionBy.NONE) {
      throw new QuestError("partition by unit must be set to NONE when there is no timestamp", {
        partitionBy: partitionByName(partitionBy),
      });
    }
    return this.#engine.createTable({
      name: this.#options.tableName,
      columns,
      timestampIndex,
      partitionBy,
      isWalEnabled: timestampIndex >= 0 && partitionBy !== PartitionBy.NONE,
      maxUncommittedRows: this.#options.maxUncommittedRows,
      o3MaxLagMicros: this.#options.o3MaxLagMicros,
      ttlHoursOrMonths: 0,
    });
  }

  readonly #onLine = (line: CsvLine): void => {
    if (this.#lineCount++ === 0 && this.#shape!.hasHeader) return;
    const { fields, timestampIndex } = this.#target!;
    if (line.fieldCount > fields.length && !this.#options.skipLines) {
      this.#rejected++;
      return;
    }
    assert(this.#row < ROWS_MAX, "a step's rows fit the builders");
    let isRejected = false;
    for (let field = 0; field < fields.length; field++) {
      const builder = this.#builders[field];
      if (builder === null) continue;
      const isPresent = field < line.fieldCount && line.starts[field] < line.ends[field];
      const isTimestamp = fields[field]!.writerIndex === timestampIndex;
      if (field >= line.fieldCount) builder.setNull(this.#row);
      else if (!builder.set(this.#row, line, field)) {
        this.#errors[field]++;
        if (this.#options.atomicity === "abort") {
          throw new QuestError("bad value", { line: this.#lineCount, column: fields[field]!.name });
        }
        if (this.#options.atomicity === "skipRow") isRejected = true;
        if (isTimestamp) isRejected = true;
      }
      if (isTimestamp && !isPresent) isRejected = true; // a row needs its designated timestamp
    }
    if (isRejected) {
      this.#rejected++;
      return;
    }
    this.#row++;
  };

  /** Appends the parsed rows to the WAL and commits them as one transaction; the caller holds the table's writer. */
  commit(): void {
    if (this.#row === 0) return;
    const target = this.#target;
    assert(target !== null, "the import has begun");
    const columns: (Vector | null)[] = new Array(target.columnCount).fill(null);
    for (const [field, column] of target.fields.entries()) {
      if (column !== null) columns[column.writerIndex] = this.#builders[field]!.vector();
    }
    const writer = this.#engine.walWriter(target.token);
    writer.append({ rowCount: this.#row, columns });
    writer.commit();
    this.#imported += this.#row;
    this.#row = 0;
    for (const builder of this.#builders) builder?.reset();
  }
}

/** Settings of new tables that a request does not mention. */
export type ImportDefaults = Pick<EngineConfig, "maxUncommittedRows" | "o3MaxLagMicros">;
