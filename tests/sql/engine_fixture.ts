/**
 * A real engine on a temporary root, with tasks on the test's own thread, and SQL on top.
 *
 * @module
 */
import { type Batch, createCore, InlineTaskRunner } from "../../src/wasm/mod.ts";
import { ColumnType, formatTimestampMicros, LONG_NULL, typeTag } from "../../src/common/mod.ts";
import { DEFAULT_ENGINE_CONFIG, Engine } from "../../src/engine/mod.ts";
import { RealFileSystem, SILENT_LOG, SystemClock, SystemRandom } from "../../src/platform/mod.ts";
import {
  type ExecutionContext,
  type RowCursor,
  SqlEngine,
  sqlEventExecutor,
} from "../../src/sql/mod.ts";
import { walTasks } from "../../src/wal/mod.ts";
import { TempDir } from "../support/temp_dir.ts";

/** A cell as tests state it: timestamps as text, LONG as `bigint`. */
export type Cell = string | number | bigint | boolean | null;

/** What a query gave. */
export interface QueryAnswer {
  readonly columns: string[];
  readonly rows: Cell[][];
}

/** See the module's description. */
export class EngineFixture implements AsyncDisposable {
  readonly engine: Engine;
  readonly sql: SqlEngine;
  readonly #directory: TempDir;

  private constructor(engine: Engine, fs: RealFileSystem, directory: TempDir) {
    this.engine = engine;
    this.sql = new SqlEngine(engine, { fs });
    this.#directory = directory;
  }

  /** Opens an engine on an empty root. */
  static async open(): Promise<EngineFixture> {
    const directory = new TempDir();
    const core = createCore();
    const fs = new RealFileSystem();
    const engine = await Engine.open({
      root: directory.path,
      dbRoot: `${directory.path}/db`,
      config: DEFAULT_ENGINE_CONFIG,
      fs,
      core,
      tasks: new InlineTaskRunner({ core, fs }, walTasks(sqlEventExecutor)),
      clock: new SystemClock(),
      random: new SystemRandom(),
      log: SILENT_LOG,
    });
    return new EngineFixture(engine, fs, directory);
  }

  /** A context that never cancels. */
  context(): ExecutionContext {
    return {
      signal: new AbortController().signal,
      now: 1_700_000_000_000_000n,
      yieldIfDue: () => Promise.resolve(),
    };
  }

  /** Runs a statement that returns no rows; gives the number of inserted rows, 0 for DDL. */
  async run(text: string): Promise<number> {
    const result = await this.sql.execute(text, this.context());
    if (result.kind === "rows") result.cursor.close();
    return result.kind === "insert" ? result.rowCount : 0;
  }

  /** Runs a query when every table's log is applied. */
  async query(text: string): Promise<QueryAnswer> {
    for (const token of this.engine.tables()) await this.engine.waitApplied(token);
    const result = await this.sql.execute(text, this.context());
    if (result.kind !== "rows") throw new Error(`Expected rows, got ${result.kind}`);
    try {
      return await readAll(result.cursor, this.engine);
    } finally {
      result.cursor.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close();
    this.#directory[Symbol.dispose]();
  }
}

async function readAll(cursor: RowCursor, engine: Engine): Promise<QueryAnswer> {
  const rows: Cell[][] = [];
  for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
    for (let row = 0; row < batch.rowCount; row++) {
      rows.push(batch.vectors.map((_, column) => readCell(engine, batch!, { row, column })));
    }
  }
  return { columns: cursor.columns.map((column) => column.name), rows };
}

function readCell(engine: Engine, batch: Batch, at: { row: number; column: number }): Cell {
  const { memory } = engine.core;
  const { row } = at;
  const vector = batch.vectors[at.column];
  switch (typeTag(vector.type)) {
    case ColumnType.BOOLEAN:
      return memory.u8[vector.data + row] !== 0;
    case ColumnType.INT: {
      const value = memory.i32[(vector.data >> 2) + row];
      return value === -0x80000000 ? null : value;
    }
    case ColumnType.LONG: {
      const value = memory.i64[(vector.data >> 3) + row];
      return value === LONG_NULL ? null : value;
    }
    case ColumnType.TIMESTAMP: {
      const value = memory.i64[(vector.data >> 3) + row];
      return value === LONG_NULL ? null : formatTimestampMicros(value);
    }
    case ColumnType.DOUBLE: {
      const value = memory.f64[(vector.data >> 3) + row];
      return Number.isNaN(value) ? null : value;
    }
    case ColumnType.CHAR:
      return String.fromCharCode(memory.u16[(vector.data >> 1) + row]);
    case ColumnType.SYMBOL: {
      const key = memory.i32[(vector.data >> 2) + row];
      return key < 0 ? null : vector.symbols!.text(key);
    }
    default:
      return readText(engine, vector, row);
  }
}

/** Reads a VARCHAR entry: docs/internals/varchar.md. */
function readText(
  engine: Engine,
  vector: Batch["vectors"][number],
  row: number,
): string | null {
  const { memory } = engine.core;
  const entry = vector.data + 16 * row;
  const header = memory.u8[entry];
  if ((header & 4) !== 0) return null;
  const isInlined = (header & 1) !== 0;
  if (isInlined) {
    const size = (header >> 4) & 0xf;
    return new TextDecoder().decode(memory.u8.slice(entry + 1, entry + 1 + size));
  }
  const size = memory.u32[entry >> 2] >>> 4;
  const low = memory.u8[entry + 10] | (memory.u8[entry + 11] << 8);
  const offset = low + memory.u32[(entry + 12) >> 2] * 65_536 - vector.heapOffset;
  return new TextDecoder().decode(
    memory.u8.slice(vector.heap + offset, vector.heap + offset + size),
  );
}
