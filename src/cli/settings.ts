/**
 * Maps the server configuration to the plain records that the parts of the server take.
 *
 * @module
 */
import type { BackupConfig } from "../backup/mod.ts";
import type { ServerConfiguration } from "../config/mod.ts";
import { DEFAULT_ENGINE_CONFIG, type EngineConfig } from "../engine/mod.ts";

const MICROS_PER_MILLI = 1000n;

/** Settings of the engine. */
export function engineConfigOf({ cairo, wal }: ServerConfiguration): EngineConfig {
  return {
    ...DEFAULT_ENGINE_CONFIG,
    commitMode: cairo.commitMode,
    walSegmentRolloverRowCount: wal.segmentRolloverRowCount,
    walSegmentRolloverBytes: wal.segmentRolloverBytes,
    walPurgeIntervalMillis: wal.purgeIntervalMillis,
    maxUncommittedRows: cairo.maxUncommittedRows,
    o3MaxLagMicros: BigInt(cairo.o3MaxLagMillis) * MICROS_PER_MILLI,
    o3PartitionSplitMinBytes: cairo.o3PartitionSplitMinBytes,
    isSymbolCapacityScaled: cairo.isSymbolCapacityScaled,
    symbolCapacityThreshold: cairo.symbolCapacityThreshold,
    defaultSymbolCapacity: cairo.defaultSymbolCapacity,
    isDefaultSymbolCached: cairo.isDefaultSymbolCached,
    indexValueBlockSize: cairo.indexValueBlockSize,
    isWalDefault: cairo.isWalDefault,
    maxFileNameLength: cairo.maxFileNameLength,
  };
}

/** Settings of backups and restores. */
export function backupConfigOf({ backup }: ServerConfiguration): BackupConfig {
  return {
    isEnabled: backup.isEnabled,
    objectStore: backup.objectStore === "" ? null : backup.objectStore,
    keepLatestCount: backup.keepLatestCount,
    compressionLevel: backup.compressionLevel,
    compressionThreads: backup.compressionThreadCount,
    hasPartitionHashes: backup.hasPartitionHashes,
    verifiesPartitionHashes: backup.verifiesPartitionHashes,
  };
}
