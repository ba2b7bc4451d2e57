/**
 * What `core-wasm/var/` exports: VARCHAR vectors of 16-byte aux entries and a UTF-8 heap (docs/internals/varchar.md).
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
}
