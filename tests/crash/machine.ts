/**
 * An engine with SQL on a given file system, without timers or real time, so that a history depends on its seed only.
 *
 * @module
 */
import { typeName } from "../../src/common/mod.ts";
import { DEFAULT_ENGINE_CONFIG, Engine } from "../../src/engine/mod.ts";
import {
  type Clock,
  type FileSystem,
  type Random,
  SILENT_LOG,
  type Timers,
} from "../../src/platform/mod.ts";
import { readTableMetadata } from "../../src/storage/mod.ts";
import { valueReader } from "../../src/sql/functions/mod.ts";
import { SqlEngine, sqlEventExecutor } from "../../src/sql/mod.ts";
import { type CommitMode, walTasks } from "../../src/wal/mod.ts";
import { InlineTaskRunner, type TaskRunner } from "../../src/wasm/mod.ts";
import { testCore } from "../support/engine_fixture.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { columnText, type SeenTable } from "./table_model.ts";

const NEVER = 1_000_000_000;

/** Time that goes on by a millisecond whenever somebody looks, and by an hour for those who wait for something. */
class LogicalClock implements Clock {
  #micros = 1_780_000_000_000_000n;
  #millis = 0;
  nowMicros(): bigint {
    return this.#micros += 1000n;
  }
  monotonicMillis(): number {
    return this.#millis += 3_600_000;
  }
}

/** Nothing is ever due, but giving way works. */
class StillTimers implements Timers {
  sleep(millis: number, signal?: AbortSignal): Promise<void> {
    if (millis === 0) return Promise.resolve();
    return new Promise((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }
}

class SeededBytes implements Random {
  readonly #random: SeededRandom;
  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }
  fill<T extends Uint8Array<ArrayBuffer>>(bytes: T): T {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.#random.int(0, 256);
    return bytes;
  }
}

/** How a machine is started. */
export interface MachineOptions {
  readonly fs: FileSystem;
  readonly commitMode: CommitMode;
  /** Identity of this run of the machine. */
  readonly bootId: string;
  readonly seed: number;
  /** Install root on `fs`. */
  readonly root?: string;
  /** Stands between the engine and the tasks that apply its WAL. */
  readonly wrapTasks?: (tasks: TaskRunner) => TaskRunner;
}

/** A running engine. */
export class Machine {
  readonly engine: Engine;
  readonly #sql: SqlEngine;

  private constructor(engine: Engine, fs: FileSystem) {
    this.engine = engine;
    this.#sql = new SqlEngine(engine, { fs });
  }

  /** Opens the root, `/data` if none is named. */
  static async start(options: MachineOptions): Promise<Machine> {
    const { fs, commitMode, bootId, root = "/data" } = options;
    const core = testCore();
    const tasks = new InlineTaskRunner({ core, fs }, walTasks(sqlEventExecutor));
    const engine = await Engine.open({
      root,
      dbRoot: `${root}/db`,
      config: {
        ...DEFAULT_ENGINE_CONFIG,
        commitMode,
        walSegmentRolloverRowCount: 30,
        backgroundSyncIntervalMillis: NEVER,
        walPurgeIntervalMillis: NEVER,
      },
      fs,
      core,
      tasks: options.wrapTasks?.(tasks) ?? tasks,
      clock: new LogicalClock(),
      timers: new StillTimers(),
      random: new SeededBytes(options.seed),
      log: SILENT_LOG,
      bootId,
    });
    return new Machine(engine, fs);
  }

  /** Runs a statement that gives no rows. */
  async run(sql: string): Promise<void> {
    const result = await this.#sql.execute(sql, this.#context());
    if (result.kind === "rows") result.cursor.close();
  }

  /** Everything a table shows. */
  async read(name: string): Promise<SeenTable> {
    const result = await this.#sql.execute(`SELECT * FROM ${name}`, this.#context());
    if (result.kind !== "rows") throw new Error(`Expected rows, got ${result.kind}`);
    const { cursor } = result;
    const order = cursor.columns.map((_, index) => index).sort((a, b) =>
      Number(b === cursor.timestampIndex) - Number(a === cursor.timestampIndex) || a - b
    );
    const token = this.engine.findTable(name)!;
    const metadata = readTableMetadata(this.engine.options.fs, this.engine.tableDir(token));
    const columns = order.map((index) => {
      const column = metadata.liveColumns[index];
      const type = typeName(cursor.columns[index].type);
      return columnText({ ...column, type, isKey: column.isDedupKey });
    });
    const rows: string[][] = [];
    try {
      for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
        const readers = batch.vectors.map((vector) => valueReader(this.engine.core.memory, vector));
        for (let row = 0; row < batch.rowCount; row++) {
          rows.push(order.map((column) => String(readers[column](row))));
        }
      }
    } finally {
      cursor.close();
    }
    return { columns, rows };
  }

  /** Waits until every table shows what was committed. @throws {WalError} if one is suspended. */
  async drain(): Promise<void> {
    for (const token of this.engine.tables()) await this.engine.waitApplied(token);
  }

  #context() {
    return {
      signal: new AbortController().signal,
      now: 1_780_000_000_000_000n,
      yieldIfDue: () => Promise.resolve(),
    };
  }
}
