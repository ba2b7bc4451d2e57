/**
 * An engine on a root, for tests below SQL.
 *
 * @module
 */
import { ColumnType, PartitionBy } from "../../src/common/mod.ts";
import {
  DEFAULT_ENGINE_CONFIG,
  Engine,
  type EngineConfig,
  type TableToken,
} from "../../src/engine/mod.ts";
import {
  type FileSystem,
  RealFileSystem,
  SILENT_LOG,
  SystemClock,
  SystemRandom,
} from "../../src/platform/mod.ts";
import type { TableDefinition } from "../../src/storage/mod.ts";
import { walTasks } from "../../src/wal/mod.ts";
import {
  Arena,
  createCore,
  InlineTaskRunner,
  type TaskRunner,
  type WasmCore,
} from "../../src/wasm/mod.ts";
import { batchOf, type CellValue, readRows, type Row } from "./table_rows.ts";

let sharedCore: WasmCore | null = null;

/** One core for all tests of a file: it reserves address space. */
export function testCore(): WasmCore {
  return sharedCore ??= createCore();
}

/** Opens an engine whose tasks run inline. */
export function openEngine(
  root: string,
  options: {
    config?: Partial<EngineConfig>;
    fs?: FileSystem;
    walFilesMax?: number;
    bootId?: string;
    tasks?: TaskRunner;
  } = {},
): Promise<Engine> {
  const fs = options.fs ?? new RealFileSystem();
  const core = testCore();
  return Engine.open({
    root,
    dbRoot: `${root}/db`,
    config: { ...DEFAULT_ENGINE_CONFIG, ...options.config },
    fs,
    core,
    tasks: options.tasks ?? new InlineTaskRunner({ core, fs }, walTasks()),
    clock: new SystemClock(),
    random: new SystemRandom(),
    log: SILENT_LOG,
    ...(options.walFilesMax !== undefined && { walFilesMax: options.walFilesMax }),
    ...(options.bootId !== undefined && { bootId: options.bootId }),
  });
}

/** Columns of {@linkcode allTypesTable}, in order: ts, flag, count, total, price, sym, note. */
export function allTypesTable(
  name: string,
  options: { partitionBy?: number } = {},
): TableDefinition {
  return {
    name,
    columns: [
      { name: "ts", type: ColumnType.TIMESTAMP },
      { name: "flag", type: ColumnType.BOOLEAN },
      { name: "count", type: ColumnType.INT },
      { name: "total", type: ColumnType.LONG },
      { name: "price", type: ColumnType.DOUBLE },
      { name: "sym", type: ColumnType.SYMBOL },
      { name: "note", type: ColumnType.VARCHAR },
    ],
    timestampIndex: 0,
    partitionBy: options.partitionBy ?? PartitionBy.DAY,
    isWalEnabled: true,
    maxUncommittedRows: 500_000,
    o3MaxLagMicros: 600_000_000n,
    ttlHoursOrMonths: 0,
  };
}

/** Appends rows and commits them as one transaction. */
export function commitRows(
  engine: Engine,
  token: TableToken,
  rows: readonly Row[],
  symbolsAs: "varchar" | "symbol" = "varchar",
): number {
  const writer = engine.walWriter(token);
  using arena = new Arena(engine.core.memory);
  writer.append(batchOf(engine.core, arena, { metadata: writer.metadata, rows, symbolsAs }));
  return writer.commit();
}

/** All visible rows of a table. */
export function tableRows(engine: Engine, token: TableToken): CellValue[][] {
  using reader = engine.acquireReader(token);
  return readRows(engine.core, reader);
}
