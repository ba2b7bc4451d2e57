/**
 * Speed of the wasm kernels in GB/s of their input, best of several rounds, beside an alternative measured in the same rounds.
 * Rounds of all contenders alternate, so that a busy machine hurts all alike: trust the ratios more than the figures.
 *
 * Run: `deno run -A bench/kernels.ts [MEGABYTES]`.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { createBLAKE3 } from "hash-wasm";
import { ColumnType, INT_NULL } from "../src/common/mod.ts";
import { Arena, blake3, createCore, filterSlice, unfilterSlice } from "../src/wasm/mod.ts";
import { applyFilter } from "../src/wasm/slice_filter.ts";

const ROUNDS = 9;
const WARM_UPS = 2;
const DEFAULT_MEGABYTES = 16;
const SEED = 42;

/** One way to do a job. */
interface Contender {
  readonly name: string;
  run(): unknown;
}

/** A job over `bytes` bytes; ratios are to the last contender, the reference. */
interface Contest {
  readonly title: string;
  readonly bytes: number;
  readonly contenders: readonly Contender[];
}

/** What a contender reached. */
export interface KernelResult {
  readonly title: string;
  readonly name: string;
  readonly gigabytesPerSecond: number;
  /** Speed relative to the contest's reference. */
  readonly ratio: number;
}

const core = createCore();
const { memory, kernels } = core;

/** Runs the contenders in turns. */
function compete(contest: Contest): KernelResult[] {
  const best = contest.contenders.map(() => Infinity);
  for (let round = 0; round < WARM_UPS + ROUNDS; round++) {
    for (const [at, contender] of contest.contenders.entries()) {
      const start = performance.now();
      contender.run();
      const millis = performance.now() - start;
      if (round >= WARM_UPS) best[at] = Math.min(best[at], millis);
    }
  }
  const reference = best[best.length - 1];
  return contest.contenders.map(({ name }, at) => ({
    title: contest.title,
    name,
    gigabytesPerSecond: contest.bytes / best[at] / 1e6,
    ratio: reference / best[at],
  }));
}

/** Numbers in [0, 1) that are the same in every run. */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

/** The columns that kernels work on, `rows` values each. */
interface Columns {
  readonly rows: number;
  readonly timestamps: number;
  readonly prices: number;
  readonly walk: number;
  readonly symbols: number;
}

function makeColumns(rows: number, arena: Arena): Columns {
  const random = makeRandom(SEED);
  const at = {
    timestamps: arena.alloc(8 * rows),
    prices: arena.alloc(8 * rows),
    walk: arena.alloc(8 * rows),
    symbols: arena.alloc(4 * rows),
  };
  let micros = 1_704_067_200_000_000, position = 20;
  for (let i = 0; i < rows; i++) {
    micros += Math.floor(2000 * random());
    position += random() - 0.5;
    memory.i64[at.timestamps / 8 + i] = BigInt(micros);
    memory.f64[at.prices / 8 + i] = Math.floor(50_000 * random()) / 100;
    memory.f64[at.walk / 8 + i] = position;
    memory.i32[at.symbols / 4 + i] = Math.floor(200 * random() ** 3);
  }
  return { rows, ...at };
}

async function hashContest(columns: Columns): Promise<Contest> {
  const bytes = 8 * columns.rows;
  const view = memory.bytes(columns.walk, bytes);
  const other = await createBLAKE3();
  return {
    title: "hash",
    bytes,
    contenders: [
      { name: "BLAKE3 core", run: () => blake3(core, columns.walk, bytes) },
      {
        name: "SHA-256 node:crypto",
        run: () => createHash("sha256").update(view).digest(),
      },
      { name: "BLAKE3 hash-wasm", run: () => other.init().update(view).digest("binary") },
    ],
  };
}

/** Filters one way and back, against copying the bytes. */
function filterContests(columns: Columns, arena: Arena): Contest[] {
  const target = arena.alloc(8 * columns.rows), back = arena.alloc(8 * columns.rows);
  const kinds: [string, number, number][] = [
    ["delta", columns.timestamps, 8],
    ["dod", columns.timestamps, 8],
    ["xor", columns.walk, 8],
    ["num2", columns.prices, 8],
    ["dec2", columns.prices, 8],
    ["int", columns.symbols, 4],
    ["idelta", columns.symbols, 4],
  ];
  return kinds.map(([filter, pointer, width]) => {
    const source = { pointer, byteSize: width * columns.rows };
    const encoded = { pointer: target, byteSize: source.byteSize };
    return {
      title: `filter ${filter}`,
      bytes: source.byteSize,
      contenders: [
        { name: "encode", run: () => applyFilter(core, filter, { source, target }) },
        {
          name: "decode",
          run: () => unfilterSlice(core, filter, { source: encoded, target: back }),
        },
        {
          name: "copy",
          run: () => memory.u8.copyWithin(back, pointer, pointer + source.byteSize),
        },
      ],
    };
  });
}

/** Choosing a filter and applying it, for a slice of usual size. */
function chooseContest(columns: Columns): Contest {
  const byteSize = Math.min(8 * columns.rows, 4 * 1_048_576);
  const choose = (pointer: number, type: number) => () => {
    using scratch = new Arena(memory);
    return filterSlice(core, { pointer, byteSize, type, isAux: false }, scratch);
  };
  return {
    title: "filterSlice",
    bytes: byteSize,
    contenders: [
      { name: "prices", run: choose(columns.prices, ColumnType.DOUBLE) },
      { name: "doubles", run: choose(columns.walk, ColumnType.DOUBLE) },
      { name: "timestamps", run: choose(columns.timestamps, ColumnType.TIMESTAMP) },
    ],
  };
}

// The loops that one would write without the core, each in the fastest stable form found. Around an addition, V8 runs an `if` at 2 or
// at 9.8 GB/s, depending on what it saw before, and a conditional expression always fast; for a minimum it is the other way round.

function sumLoop(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    sum += Number.isNaN(value) ? 0 : value;
  }
  return sum;
}

function minLoop(values: Float64Array): number {
  let min = Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < min) min = value; // never true for NaN
  }
  return min;
}

function sumIntLoop(values: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    sum += value === INT_NULL ? 0 : value;
  }
  return sum;
}

function scanContests({ rows, prices, symbols }: Columns): Contest[] {
  const doubles = memory.f64.subarray(prices / 8, prices / 8 + rows);
  const ints = memory.i32.subarray(symbols / 4, symbols / 4 + rows);
  return [
    {
      title: "sum of doubles",
      bytes: 8 * rows,
      contenders: [
        { name: "core", run: () => kernels.sumF64(prices, rows) },
        { name: "loop", run: () => sumLoop(doubles) },
      ],
    },
    {
      title: "min of doubles",
      bytes: 8 * rows,
      contenders: [
        { name: "core", run: () => kernels.minF64(prices, rows) },
        { name: "loop", run: () => minLoop(doubles) },
      ],
    },
    {
      title: "sum of ints",
      bytes: 4 * rows,
      contenders: [
        { name: "core", run: () => kernels.sumI32(symbols, rows) },
        { name: "loop", run: () => sumIntLoop(ints) },
      ],
    },
  ];
}

/** Sorting rows that come up to a second late, against the sort of typed arrays. */
function sortContest({ rows, timestamps }: Columns, arena: Arena): Contest {
  const random = makeRandom(SEED + 1);
  const late = arena.alloc(8 * rows);
  const pairs = arena.alloc(16 * rows), scratch = arena.alloc(16 * rows + 8192);
  for (let i = 0; i < rows; i++) {
    const micros = memory.i64[timestamps / 8 + i] - BigInt(Math.floor(1e6 * random()));
    memory.i64[late / 8 + i] = micros;
  }
  // Microseconds of this century are exact as doubles; the sort has no row numbers to move.
  const values = Float64Array.from({ length: rows }, (_, i) => Number(memory.i64[late / 8 + i]));
  return {
    title: "sort by time, with row numbers",
    bytes: 8 * rows,
    contenders: [
      {
        name: "core",
        run: () => {
          kernels.joinPairs(late, rows, 0, pairs);
          kernels.radixSortPairs(pairs, scratch, rows);
        },
      },
      { name: "Float64Array.sort, times only", run: () => values.slice().sort() },
    ],
  };
}

/** Measures every kernel over columns of `megabytes` MB of doubles. */
export async function benchKernels(megabytes: number): Promise<KernelResult[]> {
  using arena = new Arena(memory);
  const columns = makeColumns(Math.floor(megabytes * 1_048_576 / 8), arena);
  const contests = [
    await hashContest(columns),
    ...filterContests(columns, arena),
    chooseContest(columns),
    ...scanContests(columns),
    sortContest(columns, arena),
  ];
  return contests.flatMap(compete);
}

if (import.meta.main) {
  const results = await benchKernels(Number(Deno.args[0] ?? DEFAULT_MEGABYTES));
  let title = "";
  for (const result of results) {
    const speed = result.gigabytesPerSecond.toFixed(2).padStart(8);
    const heading = result.title === title ? "" : result.title;
    title = result.title;
    console.log(
      `${heading.padEnd(32)}${result.name.padEnd(32)}${speed} GB/s${
        result.ratio.toFixed(2).padStart(8)
      }x`,
    );
  }
}
