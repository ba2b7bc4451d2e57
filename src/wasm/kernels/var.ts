/**
 * What `core-wasm/var/` exports: vectors of 16-byte entries and a heap, which all types of variable width share
 * (docs/internals/varchar.md), and their files where those are different (docs/internals/variable_columns.md).
 * Pointers are byte addresses, `n` counts rows, offsets are positions in the data file that `heap` is a part of.
 *
 * @module
 */

/** Functions of `core-wasm/var/`. */
export interface VarKernels {
  /** Heap bytes that the entries' split values take together. */
  varcharHeapBytes(aux: number, n: number): number;
  /** Heap offset of an entry. */
  varcharOffset(entry: number): number;
  /** Heap offset behind an entry's value. */
  varcharEnd(entry: number): number;
  /** Copies `n` entries and values, compacted, with offsets from `dstOffset`; returns the heap bytes written. */
  varcharCopy(
    aux: number,
    heap: number,
    heapOffset: number,
    n: number,
    dstAux: number,
    dstHeap: number,
    dstOffset: number,
  ): number;
  /** Heap bytes of the entries that a uint32 index picks. */
  varcharGatherBytes(aux: number, index: number, n: number): number;
  /** Copies the entries that a uint32 index picks, compacted; returns the heap bytes written. */
  varcharGather(
    aux: number,
    heap: number,
    heapOffset: number,
    index: number,
    n: number,
    dstAux: number,
    dstHeap: number,
    dstOffset: number,
  ): number;
  /** Heap bytes of the entries that a merge index names. */
  varcharMergeBytes(auxA: number, auxB: number, index: number, n: number): number;
  /** Copies the entries that a merge index names from two vectors, compacted; returns the heap bytes written. */
  varcharMerge(
    auxA: number,
    heapA: number,
    offsetA: number,
    auxB: number,
    heapB: number,
    offsetB: number,
    index: number,
    n: number,
    dstAux: number,
    dstHeap: number,
    dstOffset: number,
  ): number;
  /** Writes `n` NULL entries whose offset is `dstOffset`. */
  varcharNulls(dstAux: number, n: number, dstOffset: number): void;
  /**
   * Adds `delta` to the offsets of `n` entries, in place; −1 if all is well, else the first row whose offset would leave its
   * 48 bits.
   */
  varcharRebase(aux: number, n: number, delta: number): number;
  /** Checks entries against the heap range [lo, hi); −1 if all is well, else the first bad row. */
  varcharValidate(aux: number, n: number, lo: number, hi: number): number;
  /** Writes the entry of a value; one of 10 bytes or more lies at `offset` of the heap. */
  varcharPut(entry: number, bytes: number, length: number, offset: number): void;
  /**
   * Checks `n` rows of a STRING (`format` −1), BINARY (−2) or ARRAY (its dimensions) file, whose data lies in
   * [dataOffset, dataEnd) and begins at `data`; returns the heap bytes that they take at most, or −1 − row for the first row
   * that makes no sense.
   */
  storedHeapBytes(
    format: number,
    aux: number,
    n: number,
    data: number,
    dataOffset: number,
    dataEnd: number,
  ): number;
  /** Makes `n` entries and their heap, whose first byte has offset 0, of checked rows; returns the heap bytes. */
  storedDecode(
    format: number,
    aux: number,
    n: number,
    data: number,
    dataOffset: number,
    dstAux: number,
    dstHeap: number,
  ): number;
  /** Bytes that `n` entries take in a data file from offset `dstOffset` on. */
  storedDataBytes(
    format: number,
    aux: number,
    heap: number,
    heapOffset: number,
    n: number,
    dstOffset: number,
  ): number;
  /**
   * Writes `n` entries as a file has them: n + 1 offsets, for an ARRAY n pairs, and the data; returns the bytes of the data.
   */
  storedEncode(
    format: number,
    aux: number,
    heap: number,
    heapOffset: number,
    n: number,
    dstAux: number,
    dstData: number,
    dstOffset: number,
  ): number;
}
