/**
 * `DROP PARTITION WHERE …`: a condition on the designated timestamp, asked of the start of every partition.
 *
 * @module
 */
import { ColumnType, SqlError, typeTag } from "../../common/mod.ts";
import type { TableMetadata } from "../../storage/mod.ts";
import { Arena, BATCH_ROWS, fixedVector, type WasmCore } from "../../wasm/mod.ts";
import { Binder, Scope } from "../analyzer/mod.ts";
import type { Expression } from "../ast/mod.ts";

/** Where partitions come from. */
export interface PartitionSource {
  readonly core: WasmCore;
  /** Statement time, microseconds. */
  readonly now: bigint;
  readonly text: string;
  /** Starts of the partitions, oldest first, in the unit of the designated timestamp. */
  timestamps(): readonly bigint[];
}

/**
 * Finds the partitions whose start fits the condition: the first and the last one at the end, since QuestDB keeps what costs it most
 * for last.
 *
 * @throws {SqlError} if it is no condition, or about another column.
 */
export function matchPartitions(
  condition: Expression,
  metadata: TableMetadata,
  source: PartitionSource,
): bigint[] {
  const { core } = source;
  const { name, type } = metadata.columns[metadata.timestampIndex];
  using arena = new Arena(core.memory);
  const scope = new Scope([{ name, type }], { timestampIndex: 0 });
  const random = arena.alloc(16);
  const binder = new Binder({
    context: { core, arena, now: source.now, random: { pointer: () => random } },
    scope,
    source: source.text,
  });
  const bound = binder.bind(condition);
  if (typeTag(bound.type) !== ColumnType.BOOLEAN) {
    throw new SqlError(condition.position, "boolean expression expected");
  }
  const timestamps = source.timestamps();
  const found: bigint[] = [];
  const data = arena.alloc(BATCH_ROWS * 8);
  for (let low = 0; low < timestamps.length; low += BATCH_ROWS) {
    const batch = timestamps.slice(low, low + BATCH_ROWS);
    for (const [row, timestamp] of batch.entries()) core.memory.i64[data / 8 + row] = timestamp;
    const vectors = scope.used.map(() => fixedVector(type, data));
    const mask = bound.evaluate({ rowCount: batch.length, vectors }).data;
    found.push(...batch.filter((_, row) => core.memory.u8[mask + row] !== 0));
  }
  const isMiddle = (timestamp: bigint) =>
    timestamp !== timestamps[0] && timestamp !== timestamps.at(-1);
  return [...found.filter(isMiddle), ...found.filter((timestamp) => !isMiddle(timestamp))];
}
