/**
 * The real data of the demo: three million US flights of 2001 from the `vega-datasets` package, read with hyparquet and
 * turned into CSV for `/imp`.
 *
 * @module
 */
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";

const DATA = new URL("../../node_modules/vega-datasets/data/", import.meta.url).pathname;

/** DDL of the table that the weather goes into. */
export const WEATHER_DDL =
  "CREATE TABLE weather (date TIMESTAMP, pressure DOUBLE, temperature DOUBLE, wind DOUBLE) TIMESTAMP(date) PARTITION BY MONTH WAL";
/** Hourly weather normals of Seattle, a CSV file of 8 759 rows. */
export const WEATHER_CSV = `${DATA}seattle-weather-hourly-normals.csv`;

/** DDL of the table that the flights go into. */
export const FLIGHTS_DDL =
  "CREATE TABLE flights (date TIMESTAMP, delay LONG, distance LONG, origin SYMBOL, " +
  "destination SYMBOL) TIMESTAMP(date) PARTITION BY DAY WAL";

interface Flight {
  readonly date: Date;
  readonly delay: bigint;
  readonly distance: bigint;
  readonly origin: string;
  readonly destination: string;
}

/** One CSV document with a header, and how many rows it has. */
export interface CsvPart {
  readonly csv: Blob;
  readonly rowCount: number;
}

/** Reads the data set. */
export class FlightData {
  readonly rowCount: number;
  readonly #groupRows: number[];
  readonly #read: (start: number, end: number) => Promise<Flight[]>;

  private constructor(
    groupRows: number[],
    read: (start: number, end: number) => Promise<Flight[]>,
  ) {
    this.#groupRows = groupRows;
    this.#read = read;
    this.rowCount = groupRows.reduce((sum, rows) => sum + rows, 0);
  }

  /** Opens the Parquet file. */
  static async open(): Promise<FlightData> {
    const file = await asyncBufferFromFile(`${DATA}flights-3m.parquet`);
    const metadata = await parquetMetadataAsync(file);
    return new FlightData(
      metadata.row_groups.map((group) => Number(group.num_rows)),
      (rowStart, rowEnd) =>
        parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd }) as Promise<
          unknown
        > as Promise<Flight[]>,
    );
  }

  /** Reads the file one row group at a time. */
  async *parts(rowLimit = Infinity): AsyncGenerator<CsvPart> {
    let start = 0;
    for (const rows of this.#groupRows) {
      const end = Math.min(start + rows, rowLimit);
      if (end <= start) return;
      yield toCsv(await this.#read(start, end));
      start = end;
    }
  }

  /** Reads the first `count` rows with every date moved by `shiftMillis`. */
  async shifted(count: number, shiftMillis: number): Promise<CsvPart> {
    const rows = await this.#read(0, count);
    return toCsv(rows.map((row) => ({ ...row, date: new Date(row.date.getTime() + shiftMillis) })));
  }
}

function toCsv(rows: Flight[]): CsvPart {
  const lines = ["date,delay,distance,origin,destination"];
  for (const row of rows) {
    lines.push(
      `${row.date.toISOString()},${row.delay},${row.distance},${row.origin},${row.destination}`,
    );
  }
  return { csv: new Blob([lines.join("\n"), "\n"]), rowCount: rows.length };
}
