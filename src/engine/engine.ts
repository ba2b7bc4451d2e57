/**
 * The database engine (signatures).
 *
 * @module
 */
import { QuestError } from "../common/mod.ts";
import type { Clock, FileSystem, Log, Random, Timers } from "../platform/mod.ts";
import type { TableDefinition, TableMetadata, TableReader } from "../storage/mod.ts";
import type { WalWriter } from "../wal/mod.ts";
import type { TaskRunner, WasmCore } from "../wasm/mod.ts";
import type { DatabasePin } from "./database_pin.ts";
import type { EngineConfig } from "./engine_config.ts";
import type { EngineServices } from "./services.ts";
import type { TableToken } from "./table_token.ts";

/** What an engine is opened with. */
export interface EngineOptions {
  /** Install root: the parent of `conf/`. */
  readonly root: string;
  /** Database root, normally `<root>/db`. Created if missing. */
  readonly dbRoot: string;
  readonly config: EngineConfig;
  readonly fs: FileSystem;
  /** Core of the calling thread. */
  readonly core: WasmCore;
  /** Runs {@linkcode walTasks}; owned by the caller, who disposes it after the engine. */
  readonly tasks: TaskRunner;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Defaults to the event loop's timers. */
  readonly timers?: Timers;
}

/** How far the apply of a WAL table has got. */
export interface WalStatus {
  /** Last committed sequencer transaction. */
  readonly sequencerTxn: number;
  /** Last transaction that is visible in the table. */
  readonly writerTxn: number;
  readonly isSuspended: boolean;
  /** Why the table is suspended, else `null`. */
  readonly errorMessage: string | null;
  /** `sequencerTxn − writerTxn`. */
  readonly lagTxnCount: number;
}

/** See the module's description. */
export class Engine implements AsyncDisposable {
  /** Identity of this database: the UUID of `.data_id`. */
  readonly dataId: string = "";
  readonly services: EngineServices = { backup: null, checkpoint: null, configuration: null };

  /** @throws {StorageError} if another process holds the root, or a file of the root itself is corrupt. */
  static open(_options: EngineOptions): Promise<Engine> {
    throw new QuestError("not built yet");
  }
  /** Core of the engine's thread. */
  get core(): WasmCore {
    throw new QuestError("not built yet");
  }
  /** Returns every table, views included, by name. */
  tables(): TableToken[] {
    throw new QuestError("not built yet");
  }
  /** Finds a table by name, case-insensitively. */
  findTable(_name: string): TableToken | null {
    throw new QuestError("not built yet");
  }
  /** Creates a table. @throws {TableError} if the name is taken (unless `ifNotExists`) or not allowed. */
  createTable(_definition: TableDefinition, _options: { ifNotExists?: boolean } = {}): TableToken {
    throw new QuestError("not built yet");
  }
  /** Drops a table. @throws {TableError} if it does not exist any more. */
  dropTable(_token: TableToken): void {
    throw new QuestError("not built yet");
  }
  /** Removes all rows and returns the sequencer transaction (0 without WAL). */
  truncateTable(_token: TableToken): number {
    throw new QuestError("not built yet");
  }
  /** Returns the metadata of the last committed state. @throws {StorageError} if the table is broken. */
  metadata(_token: TableToken): TableMetadata {
    throw new QuestError("not built yet");
  }
  /** Returns a reader on the last committed state, pinned until its `close()`. */
  acquireReader(_token: TableToken): TableReader {
    throw new QuestError("not built yet");
  }
  /** Returns the table's WAL writer. @throws {TableError} if the table has no WAL or is a view. */
  walWriter(_token: TableToken): WalWriter {
    throw new QuestError("not built yet");
  }
  walStatus(_token: TableToken): WalStatus {
    throw new QuestError("not built yet");
  }
  /**
   * Waits until a transaction (default: the last committed one) is visible.
   *
   * @throws {WalError} if the table is or becomes suspended.
   */
  waitApplied(_token: TableToken, _seqTxn?: number, _signal?: AbortSignal): Promise<void> {
    throw new QuestError("not built yet");
  }
  /** Pins every table and stops purging. */
  pinAll(): DatabasePin {
    throw new QuestError("not built yet");
  }
  /** Drains the apply queue, syncs, closes all files and releases the root. */
  close(): Promise<void> {
    throw new QuestError("not built yet");
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
