/**
 * The configuration values that the engine uses. The process maps the server configuration to this plain record.
 *
 * @module
 */
import type { TableWriterOptions } from "../storage/mod.ts";
import type { CommitMode } from "../wal/mod.ts";

/** Engine settings; the configuration key of each stands in its comment. */
export interface EngineConfig {
  /** `cairo.commit.mode`. */
  readonly commitMode: CommitMode;
  /** `cairo.wal.segment.rollover.row.count`. */
  readonly walSegmentRolloverRowCount: number;
  /** `cairo.wal.segment.rollover.size`, bytes; 0 = by rows only. */
  readonly walSegmentRolloverBytes: number;
  /** `cairo.wal.purge.interval`, milliseconds. */
  readonly walPurgeIntervalMillis: number;
  /** `cairo.max.uncommitted.rows`: default of new tables. */
  readonly maxUncommittedRows: number;
  /** `cairo.o3.max.lag` in microseconds: default of new tables. */
  readonly o3MaxLagMicros: bigint;
  /** `cairo.o3.partition.split.min.size`, bytes of rows before late ones from which on a partition is split instead of copied. */
  readonly o3PartitionSplitMinBytes: number;
  /** `cairo.auto.scale.symbol.capacity`: whether a symbol table that is nearly full gets a larger capacity. */
  readonly isSymbolCapacityScaled: boolean;
  /** `cairo.auto.scale.symbol.capacity.threshold`: the share of the capacity from which on it does. */
  readonly symbolCapacityThreshold: number;
  /** `cairo.default.symbol.capacity`. */
  readonly defaultSymbolCapacity: number;
  /** `cairo.default.symbol.cache.flag`. */
  readonly isDefaultSymbolCached: boolean;
  /** `cairo.index.value.block.size`. */
  readonly indexValueBlockSize: number;
  /** `cairo.wal.enabled.default`: whether a partitioned table that does not say is a WAL table. */
  readonly isWalDefault: boolean;
  /** `cairo.max.file.name.length`, bytes of a table or column name. */
  readonly maxFileNameLength: number;
  /** Longest time that acknowledged WAL data stays un-synced in `nosync` mode, milliseconds. */
  readonly backgroundSyncIntervalMillis: number;
  /** Rows that one apply step may take in; at least one transaction is taken whatever its size. */
  readonly applyBatchRowsMax: number;
  /** Transactions that one apply step may take in. */
  readonly applyBatchTxnsMax: number;
}

/** QuestDB's defaults. */
export const DEFAULT_ENGINE_CONFIG: EngineConfig = {
  commitMode: "nosync",
  walSegmentRolloverRowCount: 200_000,
  walSegmentRolloverBytes: 50 * 1024 * 1024,
  walPurgeIntervalMillis: 30_000,
  maxUncommittedRows: 500_000,
  o3MaxLagMicros: 600_000_000n,
  o3PartitionSplitMinBytes: 50 * 1024 * 1024,
  isSymbolCapacityScaled: true,
  symbolCapacityThreshold: 0.8,
  defaultSymbolCapacity: 256,
  isDefaultSymbolCached: true,
  indexValueBlockSize: 256,
  isWalDefault: true,
  maxFileNameLength: 127,
  backgroundSyncIntervalMillis: 1000,
  applyBatchRowsMax: 1_000_000,
  applyBatchTxnsMax: 10_000,
};

/** Settings of every table's writer. */
export function tableWriterOptions(config: EngineConfig): TableWriterOptions {
  return {
    splitMinBytes: config.o3PartitionSplitMinBytes,
    symbolGrowthThreshold: config.isSymbolCapacityScaled ? config.symbolCapacityThreshold : null,
  };
}
