/**
 * A column's values for a run of rows, in wasm memory. The common currency of scans, expressions, WAL writes and output.
 *
 * Layout by type (n rows):
 * - fixed width (BOOLEAN … DECIMAL): `data` → n × {@linkcode fixedSize} bytes, as on disk, NULL too;
 * - SYMBOL: `data` → n × int32 keys, null = INT_NULL; `symbols` resolves them;
 * - variable width (VARCHAR, STRING, BINARY, ARRAY): `data` → n × 16-byte entries in QuestDB's VARCHAR format
 *   (docs/internals/varchar.md), `heap` → the bytes of values that are not inlined: UTF-8 (a lone surrogate of a STRING takes three
 *   bytes), raw bytes, or an array's lengths, padding to 8 and elements. An entry's 48-bit offset minus `heapOffset` indexes into
 *   `heap`; so a slice of a VARCHAR file is used as it was read. Values in a heap are not aligned.
 *
 * Alignment: `data` is aligned to its element size.
 *
 * @module
 */

/** Resolves symbol keys. */
export interface SymbolTable {
  /** Number of keys: valid keys are 0 … count−1. */
  readonly count: number;
  /** Text of a key. */
  text(key: number): string;
  /** Key of a text, or −1 if there is none. */
  find(text: string): number;
}

/** See the module's description. Does not own its memory: the arena it was made in does. */
export interface Vector {
  /** Column type code. */
  readonly type: number;
  /** Pointer to the fixed-width values or aux entries. */
  readonly data: number;
  /** Pointer to the heap of a type of variable width; 0 for other types. */
  readonly heap: number;
  /** Bytes in the heap. */
  readonly heapBytes: number;
  /** File offset that corresponds to `heap`. */
  readonly heapOffset: number;
  /** Dictionary of a SYMBOL vector; `null` for other types. */
  readonly symbols: SymbolTable | null;
}

/** Rows with the same positions in every vector. */
export interface Batch {
  readonly rowCount: number;
  readonly vectors: readonly Vector[];
}

/** Rows per batch that query operators exchange: small enough to stay in cache and to keep one step well under 5 ms. */
export const BATCH_ROWS = 16_384;

/** Makes a fixed-width vector over existing memory. */
export function fixedVector(
  type: number,
  data: number,
  symbols: SymbolTable | null = null,
): Vector {
  return { type, data, heap: 0, heapBytes: 0, heapOffset: 0, symbols };
}
