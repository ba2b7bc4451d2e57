/**
 * The data set of the backup benchmark: three tables of 21 days, 2 GB of column files, and a change of 5.5 %. Deterministic.
 *
 * trades: 200 symbols by Zipf's law, a random walk of prices for each, lognormal amounts; sensors: a row at a time from 1000 devices,
 * full-precision temperatures; logs: five levels, 40 services, sentences of an operator's vocabulary.
 *
 * @module
 */
import { ColumnType, PartitionBy } from "../src/common/mod.ts";
import type { Engine, TableToken } from "../src/engine/mod.ts";
import type { TableDefinition } from "../src/storage/mod.ts";
import { Arena, fixedVector, type SymbolTable, type Vector } from "../src/wasm/mod.ts";
import { SeededRandom } from "../tests/support/seeded_random.ts";

/** Microseconds of a day. */
export const DAY = 86_400_000_000;
const START = Date.UTC(2025, 0, 1) * 1000;
const DAYS = 21;
const LATE_DAY = 12;
const LATE_HOUR = 9;
const LATE_SHARE = 0.01;
const HOUR = DAY / 24;
const CHUNK_ROWS = 100_000;
const AUX_BYTES = 16;
const TEXT_BYTES_MAX = 200;
const SEED = 42;

const { TIMESTAMP, SYMBOL, DOUBLE, LONG, INT, VARCHAR } = ColumnType;
const WORDS = (
  "request response timeout connection closed opened retry upstream gateway cache miss hit evicted shard replica leader " +
  "follower election commit offset partition rebalanced queue depth latency threshold exceeded user session token expired " +
  "renewed disk usage warning memory pressure thread pool exhausted scheduler job finished started checksum ok"
).split(" ");

interface Span {
  readonly start: number;
  readonly micros: number;
  readonly rows: number;
}

/** Fills rows of a chunk, one column array each, and moves on. */
interface Generator {
  readonly definition: TableDefinition;
  readonly rowsPerDay: number;
  readonly isLate: boolean;
  /** Dictionary by column; empty where the column is no SYMBOL. */
  readonly dictionaries: readonly (readonly string[])[];
  begin(span: Span): void;
  /** Timestamp of the next row, then its values by column: numbers, dictionary keys, or text. */
  next(values: (number | string)[]): void;
}

function definitionOf(name: string, columns: readonly [string, number][]): TableDefinition {
  return {
    name,
    columns: columns.map(([column, type]) => ({ name: column, type })),
    timestampIndex: 0,
    partitionBy: PartitionBy.DAY,
    isWalEnabled: false,
    maxUncommittedRows: 500_000,
    o3MaxLagMicros: 600_000_000n,
    ttlHoursOrMonths: 0,
  };
}

/** Random numbers of the distributions that are asked for. */
class Draws {
  readonly #random = new SeededRandom(SEED);
  #spare = NaN;

  uniform(): number {
    return this.#random.next();
  }
  int(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }
  exponential(): number {
    return -Math.log(1 - this.#random.next());
  }
  normal(): number {
    if (!Number.isNaN(this.#spare)) {
      const value = this.#spare;
      this.#spare = NaN;
      return value;
    }
    const radius = Math.sqrt(2 * this.exponential()), angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}

/** Draws 0 … count−1 with weights 1 / rank^exponent. */
function zipf(draws: Draws, count: number, exponent: number): () => number {
  const sums: number[] = [];
  for (let i = 0, sum = 0; i < count; i++) sums.push(sum += 1 / (i + 1) ** exponent);
  return () => {
    const at = draws.uniform() * sums[count - 1];
    let low = 0, high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** Times with exponential gaps that fill a span. */
function gaps(draws: Draws): { begin(span: Span): void; next(): number } {
  let time = 0, end = 0, scale = 0;
  return {
    begin(span) {
      [time, end, scale] = [span.start, span.start + span.micros - 1, span.micros / span.rows];
    },
    next: () => Math.floor(time = Math.min(end, time + draws.exponential() * scale)),
  };
}

function tradesGenerator(draws: Draws): Generator {
  const times = gaps(draws), symbol = zipf(draws, 200, 1.1);
  const names = Array.from({ length: 200 }, (_, i) => `SYM${i}`);
  const prices = names.map(() => 5 + draws.uniform() * 495);
  let id = 0;
  return {
    definition: definitionOf("trades", [
      ["timestamp", TIMESTAMP],
      ["symbol", SYMBOL],
      ["side", SYMBOL],
      ["price", DOUBLE],
      ["amount", DOUBLE],
      ["trade_id", LONG],
    ]),
    rowsPerDay: 1_150_000,
    isLate: true,
    dictionaries: [[], names, ["buy", "sell"], [], [], []],
    begin(span) {
      times.begin(span);
      id = 10_000_000 * Math.round((span.start - START) / DAY);
    },
    next(values) {
      const at = symbol();
      prices[at] *= 1 + 2e-4 * draws.normal();
      values[0] = times.next();
      values[1] = at;
      values[2] = draws.int(2);
      values[3] = Math.round(prices[at] * 100) / 100;
      values[4] = Math.round(Math.exp(1.5 * draws.normal()) * 1e5) / 1e5;
      values[5] = id++;
    },
  };
}

function sensorsGenerator(draws: Draws): Generator {
  let span: Span, row = 0, drift = 0, humidity = 50;
  return {
    definition: definitionOf("sensors", [
      ["timestamp", TIMESTAMP],
      ["device", INT],
      ["temperature", DOUBLE],
      ["humidity", DOUBLE],
      ["status", INT],
    ]),
    rowsPerDay: 1_050_000,
    isLate: false,
    dictionaries: [[], [], [], [], []],
    begin(next) {
      [span, row] = [next, 0];
    },
    next(values) {
      drift += 0.01 * draws.normal();
      humidity += 0.02 * draws.normal();
      const step = span.micros / span.rows;
      values[0] = Math.floor(span.start + (row + 0.5) * step + (draws.uniform() - 0.5) * 4000);
      values[1] = row % 1000;
      values[2] = 20 + 5 * Math.sin(2 * Math.PI * row / span.rows) + drift;
      values[3] = Math.round(humidity * 1000) / 1000;
      values[4] = draws.uniform() < 0.001 ? 1 : 0;
      row++;
    },
  };
}

function logsGenerator(draws: Draws): Generator {
  const times = gaps(draws), level = zipf(draws, 5, 1.1), service = zipf(draws, 40, 1.1);
  return {
    definition: definitionOf("logs", [
      ["timestamp", TIMESTAMP],
      ["level", SYMBOL],
      ["service", SYMBOL],
      ["message", VARCHAR],
    ]),
    rowsPerDay: 170_000,
    isLate: true,
    dictionaries: [
      [],
      ["INFO", "DEBUG", "WARN", "ERROR", "FATAL"],
      Array.from({ length: 40 }, (_, i) => `service-${i}`),
      [],
    ],
    begin: (span) => times.begin(span),
    next(values) {
      let text = "";
      for (let n = 5 + draws.int(9); n > 0; n--) text += `${WORDS[draws.int(WORDS.length)]} `;
      values[0] = times.next();
      values[1] = level();
      values[2] = service();
      values[3] = `${text}id=${draws.int(1_000_000)}`;
    },
  };
}

function dictionaryOf(texts: readonly string[]): SymbolTable {
  return {
    count: texts.length,
    text: (key) => texts[key],
    find: (text) => texts.indexOf(text),
  };
}

/** The tables and where their random walks are. */
export class BackupDataset {
  readonly #draws = new Draws();
  readonly #generators = [tradesGenerator, sensorsGenerator, logsGenerator]
    .map((generator) => generator(this.#draws));

  /** Makes the tables, without WAL. */
  load(engine: Engine): void {
    for (const generator of this.#generators) {
      const token = engine.createTable(generator.definition);
      for (let day = 0; day < DAYS; day++) {
        const rows = generator.rowsPerDay;
        this.#write(engine, token, { generator, start: START + day * DAY, micros: DAY, rows });
      }
    }
  }

  /** Half a day more for each table, and 1 % late rows within one hour for trades and logs. */
  change(engine: Engine): void {
    for (const generator of this.#generators) {
      const token = engine.findTable(generator.definition.name)!;
      const { rowsPerDay } = generator;
      const next = { start: START + DAYS * DAY, micros: DAY / 2, rows: rowsPerDay / 2 };
      this.#write(engine, token, { generator, ...next });
      if (!generator.isLate) continue;
      const start = START + LATE_DAY * DAY + LATE_HOUR * HOUR;
      const rows = Math.floor(rowsPerDay * LATE_SHARE);
      this.#write(engine, token, { generator, start, micros: HOUR, rows });
    }
  }

  #write(engine: Engine, token: TableToken, request: Span & { generator: Generator }): void {
    const { generator, rows } = request;
    const writer = engine.rowWriter(token);
    generator.begin(request);
    for (let done = 0; done < rows; done += CHUNK_ROWS) {
      using arena = new Arena(engine.core.memory);
      const rowCount = Math.min(CHUNK_ROWS, rows - done);
      writer.append({ rowCount, columns: vectorsOf(engine, arena, { generator, rowCount }) });
    }
    writer.commit();
  }
}

function vectorsOf(
  engine: Engine,
  arena: Arena,
  request: { generator: Generator; rowCount: number },
): Vector[] {
  const { generator, rowCount } = request;
  const { memory, kernels } = engine.core;
  const { columns } = generator.definition;
  const encoder = new TextEncoder();
  const at = columns.map(({ type }) => arena.alloc(rowCount * (type === VARCHAR ? AUX_BYTES : 8)));
  const heap = arena.alloc(
    columns.some(({ type }) => type === VARCHAR) ? rowCount * TEXT_BYTES_MAX : 8,
  );
  const values: (number | string)[] = [];
  let heapBytes = 0;
  for (let row = 0; row < rowCount; row++) {
    generator.next(values);
    for (let i = 0; i < columns.length; i++) {
      const { type } = columns[i], value = values[i];
      if (type === DOUBLE) memory.f64[at[i] / 8 + row] = value as number;
      else if (type === INT || type === SYMBOL) memory.i32[at[i] / 4 + row] = value as number;
      else if (type === VARCHAR) {
        const text = memory.bytes(heap + heapBytes, TEXT_BYTES_MAX);
        const { written } = encoder.encodeInto(value as string, text);
        kernels.varcharPut(at[i] + AUX_BYTES * row, heap + heapBytes, written, heapBytes);
        heapBytes += written; // never inlined: longer than nine bytes
      } else memory.i64[at[i] / 8 + row] = BigInt(value as number);
    }
  }
  return columns.map(({ type }, i) =>
    type === VARCHAR
      ? { type, data: at[i], heap, heapBytes, heapOffset: 0, symbols: null }
      : fixedVector(
        type,
        at[i],
        type === SYMBOL ? dictionaryOf(generator.dictionaries[i]) : null,
      )
  );
}
