/**
 * Chooses and applies a reversible filter to a slice of a column before it is compressed. Filters are named in the slice's codec:
 *
 * | name | for | what |
 * |---|---|---|
 * | `word` `delta` `dod` `xor` | 8-byte types | byte planes of the value, its delta, delta of delta, XOR with the one before |
 * | `dec0` … `dec5` | DOUBLE | k of k / 10^d, then delta |
 * | `fix0` … `fix5` | DOUBLE | k of k / 10^d, zigzag |
 * | `num0` … `num5` | DOUBLE | k of k / 10^d as it is, best where no value is negative |
 * | `int` `idelta` | 4-byte types | byte planes of the value or its delta |
 * | `aux` | VARCHAR aux | planes of the first word, delta of the second, which holds the offset |
 *
 * Filtered bytes are as many as the raw ones; what does not fill a whole number follows unchanged. Every bit pattern
 * round-trips.
 *
 * @module
 */
import { constants, zstdCompressSync } from "node:zlib";
import { assert, ColumnType, fixedSize, QuestError, typeTag } from "../common/mod.ts";
import type { WasmCore } from "./core.ts";
import { Arena } from "./memory.ts";

/** Rows that decide which filter is used, from several places of the slice. */
const SAMPLE_ROWS = 4096;
const SAMPLE_PLACES = 8;
const DECIMAL_DIGITS_MAX = 5;
const WORD_MODES = ["word", "delta", "dod", "xor"] as const;
const AUX_BYTES = 16;
const DECIMAL_FILTER = /^(dec|fix|num)[0-5]$/;
/** How the integers of a decimal filter are stored: modes of `encodeWords`. */
const DECIMAL_MODES: Readonly<Record<string, number>> = { dec: 1, fix: 4, num: 0 };
const DECIMAL_FILTERS: readonly (readonly string[])[] = Array.from(
  { length: DECIMAL_DIGITS_MAX + 1 },
  (_, digits) => Object.keys(DECIMAL_MODES).map((name) => `${name}${digits}`),
);

/** Bytes in wasm memory. */
export interface MemorySlice {
  readonly pointer: number;
  readonly byteSize: number;
}

/** From where to where a filter works; the target has room for as many bytes. */
export interface FilterMove {
  readonly source: MemorySlice;
  readonly target: number;
}

/** Names of all filters; a reader refuses any other. */
export const SLICE_FILTERS: readonly string[] = [
  ...WORD_MODES,
  ...DECIMAL_FILTERS.flat(),
  "int",
  "idelta",
  "aux",
];

/** What a slice holds, as far as filters care. */
export type SliceContent = { readonly type: number; readonly isAux: boolean };

/** The filters worth trying on a kind of slice, in groups: the best of the first group that has one is taken. */
function candidates(content: SliceContent): readonly (readonly string[])[] {
  if (content.isAux) return typeTag(content.type) === ColumnType.VARCHAR ? [["aux"]] : [];
  switch (typeTag(content.type)) {
    case ColumnType.DOUBLE:
      return [...DECIMAL_FILTERS, ["xor", "delta", "word"]]; // more digits only make larger integers
    case ColumnType.LONG:
    case ColumnType.DATE:
    case ColumnType.TIMESTAMP:
      return [["delta", "dod", "word"]];
    case ColumnType.INT:
    case ColumnType.SYMBOL:
    case ColumnType.FLOAT:
    case ColumnType.IPV4:
      return [["int", "idelta"]];
    default:
      return fixedSize(content.type) === 8 ? [["word", "delta"]] : [];
  }
}

/**
 * Filters a slice by the filter that compresses a sample of it best.
 *
 * @returns the filter's name and the filtered bytes in the arena, or `null` if no filter helps.
 */
export function filterSlice(
  core: WasmCore,
  slice: MemorySlice & SliceContent,
  arena: Arena,
): { filter: string; pointer: number } | null {
  const groups = candidates(slice);
  if (groups.length === 0) return null;
  using scratch = new Arena(core.memory);
  const sample = takeSample(core, slice, scratch);
  const limit = compressedBytes(core, sample);
  let pointer = 0;
  for (const group of groups) {
    for (const filter of rankFilters(core, group, { sample, limit })) {
      pointer ||= arena.alloc(slice.byteSize);
      // A slice may hold what its sample does not; then another filter has its turn.
      if (applyFilter(core, filter, { source: slice, target: pointer })) return { filter, pointer };
    }
  }
  return null;
}

/** Rows from evenly spread places of a slice; all of them if there are few. */
function takeSample(
  core: WasmCore,
  slice: MemorySlice & SliceContent,
  scratch: Arena,
): MemorySlice {
  const width = slice.isAux ? AUX_BYTES : fixedSize(slice.type);
  const byteSize = SAMPLE_ROWS * width;
  if (slice.byteSize <= byteSize) return slice;
  const pointer = scratch.alloc(byteSize);
  const rows = Math.floor(slice.byteSize / width), placeRows = SAMPLE_ROWS / SAMPLE_PLACES;
  for (let place = 0; place < SAMPLE_PLACES; place++) {
    const row = Math.floor(((rows - placeRows) * place) / (SAMPLE_PLACES - 1));
    const from = slice.pointer + width * row;
    core.memory.u8.copyWithin(pointer + width * placeRows * place, from, from + width * placeRows);
  }
  return { pointer, byteSize };
}

/** The filters that take a sample and compress it to less than `limit` bytes, best first. */
function rankFilters(
  core: WasmCore,
  filters: readonly string[],
  { sample, limit }: { sample: MemorySlice; limit: number },
): string[] {
  using scratch = new Arena(core.memory);
  const target = scratch.alloc(sample.byteSize);
  const ranked: { filter: string; bytes: number }[] = [];
  for (const filter of filters) {
    if (!applyFilter(core, filter, { source: sample, target })) continue;
    const bytes = compressedBytes(core, { pointer: target, byteSize: sample.byteSize });
    if (bytes < limit) ranked.push({ filter, bytes });
  }
  return ranked.sort((a, b) => a.bytes - b.bytes).map(({ filter }) => filter);
}

/** Takes a filter back. @throws {QuestError} if the filter has no such name. */
export function unfilterSlice(
  core: WasmCore,
  filter: string,
  { source, target }: FilterMove,
): void {
  const { kernels, memory } = core;
  const { pointer, byteSize } = source;
  const mode = WORD_MODES.indexOf(filter as typeof WORD_MODES[number]);
  const copyRest = (width: number) => {
    const whole = Math.floor(byteSize / width) * width;
    memory.u8.copyWithin(target + whole, pointer + whole, pointer + byteSize);
    return whole / width;
  };
  if (mode >= 0) kernels.decodeWords(pointer, 8, copyRest(8), mode, target);
  else if (filter === "int" || filter === "idelta") {
    kernels.decodeInts(pointer, copyRest(4), filter === "int" ? 0 : 1, target);
  } else if (filter === "aux") {
    const n = copyRest(AUX_BYTES);
    kernels.decodeWords(pointer, AUX_BYTES, n, 0, target);
    kernels.decodeWords(pointer + 8 * n, AUX_BYTES, n, 1, target + 8);
  } else if (DECIMAL_FILTER.test(filter)) {
    const n = copyRest(8);
    kernels.decodeWords(pointer, 8, n, DECIMAL_MODES[filter.slice(0, 3)], target);
    kernels.wordsToDecimal(target, n, 10 ** Number(filter[3]));
  } else throw new QuestError("unknown slice filter", { filter: filter.slice(0, 20) });
}

/** Applies a filter; `false` if the values do not allow it. */
export function applyFilter(
  core: WasmCore,
  filter: string,
  { source, target }: FilterMove,
): boolean {
  const { kernels, memory } = core;
  const { pointer, byteSize } = source;
  const copyRest = (width: number) => {
    const whole = Math.floor(byteSize / width) * width;
    memory.u8.copyWithin(target + whole, pointer + whole, pointer + byteSize);
    return whole / width;
  };
  const mode = WORD_MODES.indexOf(filter as typeof WORD_MODES[number]);
  if (mode >= 0) kernels.encodeWords(pointer, 8, copyRest(8), mode, target);
  else if (filter === "int" || filter === "idelta") {
    kernels.encodeInts(pointer, copyRest(4), filter === "int" ? 0 : 1, target);
  } else if (filter === "aux") {
    const n = copyRest(AUX_BYTES);
    kernels.encodeWords(pointer, AUX_BYTES, n, 0, target);
    kernels.encodeWords(pointer + 8, AUX_BYTES, n, 1, target + 8 * n);
  } else {
    assert(DECIMAL_FILTER.test(filter), `filter is known: ${filter}`);
    const n = copyRest(8);
    using scratch = new Arena(memory);
    const words = scratch.alloc(8 * n);
    if (kernels.decimalToWords(pointer, n, 10 ** Number(filter[3]), words) === 0) return false;
    kernels.encodeWords(words, 8, n, DECIMAL_MODES[filter.slice(0, 3)], target);
  }
  return true;
}

function compressedBytes(core: WasmCore, slice: MemorySlice): number {
  const bytes = core.memory.bytes(slice.pointer, slice.byteSize);
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }).length;
}
