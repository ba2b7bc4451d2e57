/**
 * Fuzzes CSV import: random bytes, and CSV with pieces cut, repeated and replaced, in random pieces. Detection and parsing must
 * end with rows or a `QuestError`; and the rows must not depend on how the bytes were cut.
 *
 * @module
 */
import { ColumnType, decimalType, geohashType, QuestError } from "../../src/common/mod.ts";
import { ColumnBuilder } from "../../src/server/http/column_builder.ts";
import { CsvLineReader } from "../../src/server/http/csv_lines.ts";
import { detectShape } from "../../src/server/http/csv_sample.ts";
import { createCore, type WasmCore } from "../../src/wasm/mod.ts";
import { SeededRandom } from "../support/seeded_random.ts";

const PIECES = [
  "a,b,c\n",
  "1,2.5,x\n",
  "2024-01-01T00:00:00.000000Z,true,\n",
  "-9223372036854775808,1e308,NaN\n",
  ',"",""\r\n',
  '"q""uo,te\n",1,\r',
  "1_000;2|3\t4\n",
  "юникод,🎉,null\n",
  '"',
  ",",
  "\n",
  "\r\n",
  "\ufeff",
  "0".repeat(50),
  ".",
  "e",
  "+",
  "31/12/2024,12:00,1L\n",
];
const TYPES = [
  ColumnType.BOOLEAN,
  ColumnType.INT,
  ColumnType.LONG,
  ColumnType.DOUBLE,
  ColumnType.TIMESTAMP,
  ColumnType.VARCHAR,
  ColumnType.SYMBOL,
  ColumnType.STRING,
  ColumnType.BYTE,
  ColumnType.SHORT,
  ColumnType.CHAR,
  ColumnType.FLOAT,
  ColumnType.DATE,
  ColumnType.TIMESTAMP_NS,
  ColumnType.UUID,
  ColumnType.IPV4,
  ColumnType.LONG256,
  decimalType(10, 2),
  geohashType(15),
];
const TEXTS = new Set<number>([ColumnType.VARCHAR, ColumnType.SYMBOL, ColumnType.STRING]);
const ROWS_MAX = 512;
/** No document of a few hundred bytes may take longer. */
const MILLIS_MAX = 2_000;

/**
 * Runs `iterations` random documents.
 *
 * @returns How many of them were CSV.
 * @throws {Error} naming seed, iteration and bytes when something else than a QuestError is thrown, or it hangs.
 */
export function fuzzCsv(seed: number, iterations: number): number {
  const random = new SeededRandom(seed), core = createCore();
  let accepted = 0;
  for (let i = 0; i < iterations; i++) {
    const bytes = makeDocument(random);
    const started = performance.now();
    try {
      if (runCase(core, bytes, random)) accepted++;
      const millis = performance.now() - started;
      if (millis > MILLIS_MAX) throw new Error(`took ${millis} ms`);
      if (core.memory.liveBytes !== 0) throw new Error(`${core.memory.liveBytes} bytes leaked`);
    } catch (error) {
      throw new Error(`seed=${seed} iteration=${i}: bytes [${bytes}]`, { cause: error });
    }
  }
  return accepted;
}

function makeDocument(random: SeededRandom): Uint8Array {
  if (random.int(0, 4) === 0) {
    return Uint8Array.from({ length: random.int(0, 300) }, () => random.int(0, 256));
  }
  let text = "";
  for (let n = random.int(0, 30); n > 0; n--) text += random.pick(PIECES);
  const bytes = new TextEncoder().encode(text);
  for (let n = random.int(0, 4); n > 0 && bytes.length > 0; n--) {
    bytes[random.int(0, bytes.length)] = random.int(0, 256);
  }
  return bytes;
}

/** Detects and parses one document; `false` if it was refused. */
function runCase(core: WasmCore, bytes: Uint8Array, random: SeededRandom): boolean {
  let columnCount: number, delimiter: number;
  try {
    const shape = detectShape(bytes, {
      tableName: "t",
      delimiter: random.int(0, 3) === 0 ? random.pick([",", ";", "x", " "]) : null,
      forceHeader: random.int(0, 2) === 0,
      timestamp: random.int(0, 2) === 0 ? "a" : null,
      isWhole: true,
    });
    columnCount = shape.names.length;
    delimiter = shape.delimiter;
  } catch (error) {
    if (error instanceof QuestError) return false;
    throw error;
  }
  const types = Array.from({ length: columnCount }, () => random.pick(TYPES));
  const whole = parseAll(core, { bytes, delimiter, types, step: bytes.length + 1 });
  const cut = parseAll(core, { bytes, delimiter, types, step: random.int(1, 20) });
  if (whole !== cut) throw new Error(`cut differently: ${whole} / ${cut}`);
  return true;
}

interface Parse {
  readonly bytes: Uint8Array;
  readonly delimiter: number;
  readonly types: readonly number[];
  readonly step: number;
}

/** Parses into column builders; returns a digest of lines, fields and which values were good. */
function parseAll(core: WasmCore, parse: Parse): string {
  const builders = parse.types.map((type) =>
    new ColumnBuilder(core, { type, pattern: null }, ROWS_MAX)
  );
  const reader = new CsvLineReader(parse.delimiter);
  let row = 0, digest = "";
  const onLine: Parameters<CsvLineReader["push"]>[1] = (line) => {
    if (row >= ROWS_MAX) return;
    digest += `${line.fieldCount}${line.isBroken ? "!" : ":"}`;
    for (const [field, builder] of builders.entries()) {
      if (field >= line.fieldCount) builder.setNull(row);
      else digest += builder.set(row, line, field) ? "y" : "n";
    }
    row++;
  };
  try {
    for (let at = 0; at < parse.bytes.length; at += parse.step) {
      reader.push(parse.bytes.subarray(at, at + parse.step), onLine);
    }
    reader.finish(onLine);
    for (const [column, builder] of builders.entries()) {
      digest += checkVector(core, builder, {
        row,
        isText: TEXTS.has(parse.types[column]),
      });
    }
    return digest;
  } finally {
    for (const builder of builders) builder[Symbol.dispose]();
  }
}

/** Text columns must be valid VARCHAR vectors. */
function checkVector(
  core: WasmCore,
  builder: ColumnBuilder,
  options: { readonly row: number; readonly isText: boolean },
): string {
  if (!options.isText) return "";
  const { data, heapBytes } = builder.vector();
  const bad = core.kernels.varcharValidate(data, options.row, 0, heapBytes);
  if (bad >= 0) throw new Error(`row ${bad} is no VARCHAR entry`);
  return `#${heapBytes}`;
}
