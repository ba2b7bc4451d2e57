/**
 * Rows of a stored column in portions that memory holds.
 *
 * @module
 */
import { isVariableSize } from "../common/mod.ts";
import { CHUNK_HEAP_BYTES, CHUNK_ROWS } from "./column_writer.ts";
import type { RowRange, TableReader } from "./table_reader.ts";

/**
 * Cuts rows of a partition into runs of at most {@linkcode CHUNK_ROWS} rows, or `rowsMax`, and {@linkcode CHUNK_HEAP_BYTES} of long
 * values.
 */
export function* rowChunks(
  reader: TableReader,
  column: {
    readonly partitionIndex: number;
    readonly writerIndex: number;
    readonly rowsMax?: number;
  },
  range: RowRange,
): Generator<RowRange> {
  const { partitionIndex, writerIndex, rowsMax = CHUNK_ROWS } = column;
  const isVariable = isVariableSize(reader.metadata.columns[writerIndex].type);
  const isTooLarge = (rows: RowRange) =>
    isVariable && reader.variableBytes(partitionIndex, writerIndex, rows) > CHUNK_HEAP_BYTES;
  for (let rowLo = range.rowLo; rowLo < range.rowHi;) {
    let count = Math.min(rowsMax, range.rowHi - rowLo);
    while (count > 1 && isTooLarge({ rowLo, rowHi: rowLo + count })) count >>>= 1;
    yield { rowLo, rowHi: rowLo + count };
    rowLo += count;
  }
}
