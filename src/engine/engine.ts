/**
 * The database engine: opens a root and runs it.
 *
 * ```
 * statements ─► WalWriter ─► segments, sequencer log ─► apply task (worker) ─► partitions, _txn ─► TableReader ─► queries
 * ```
 *
 * Invariants:
 * 1. One process works on a root: `tables.d.lock` is held from open to close.
 * 2. A commit that was acknowledged is in the table exactly once, whenever the process dies: what `_txn` does not have yet is
 *    applied again from the WAL at the next start.
 * 3. Broken files of one table never keep another one from working.
 *
 * Details: docs/internals/engine.md.
 *
 * @module
 */
import { assert, PartitionBy, QuestError, TableError } from "../common/mod.ts";
import {
  type FileHandle,
  type FileSystem,
  joinPath,
  SystemTimers,
  type Timers,
} from "../platform/mod.ts";
import {
  type AlterOperation,
  readTableMetadata,
  readTxn,
  recoverAlter,
  type TableDefinition,
  type TableMetadata,
  type TableReader,
  type TableWriter,
} from "../storage/mod.ts";
import type { RowWriter, WalWriter } from "../wal/mod.ts";
import type { WasmCore } from "../wasm/mod.ts";
import { ApplyScheduler } from "./apply_scheduler.ts";
import { BackgroundJobs } from "./background_jobs.ts";
import { requestConversion } from "./convert_tables.ts";
import { createTable } from "./create_table.ts";
import { type DatabasePin, pinTables } from "./database_pin.ts";
import { markDropped, removeTableDir } from "./dropped_tables.ts";
import { openTableState, refreshMetadata } from "./open_table_state.ts";
import { type EngineOptions, type EngineParts, openRoot } from "./open_root.ts";
import type { TableIds } from "./root_files.ts";
import { finishRenames, publishName, renameDirectory } from "./rename_table.ts";
import type { EngineServices } from "./services.ts";
import {
  alterFiles,
  type AlterOptions,
  alterWalTable,
  type ChangeContext,
  renameWalTable,
  skipTransactions,
  type UpdateOptions,
  updateWalTable,
} from "./table_changes.ts";
import { checkTableName } from "./table_names.ts";
import type { TableRegistry } from "./table_registry.ts";
import { removeStalePartitions } from "./table_purge.ts";
import type { TableState } from "./table_state.ts";
import type { TableToken } from "./table_token.ts";
import { TableWriters } from "./table_writers.ts";
import { type WalStatus, walStatusOf, type WalTableInfo, walTableInfo } from "./wal_info.ts";

/** How long `close` waits for readers that statements hold. */
const CLOSE_READERS_MILLIS = 1000;
const CLOSE_POLL_MILLIS = 5;

/** See the module's description. */
export class Engine implements AsyncDisposable {
  /** Identity of this database: the UUID of `.data_id`. */
  readonly dataId: string;
  readonly services: EngineServices = { backup: null, checkpoint: null, configuration: null };
  readonly options: EngineOptions;
  readonly #lock: FileHandle;
  readonly #bootId: string | null;
  readonly #registry: TableRegistry;
  readonly #tableIds: TableIds;
  /** By lower-case name. */
  readonly #states = new Map<string, TableState>();
  readonly #dropped = new Set<TableState>();
  readonly #scheduler: ApplyScheduler;
  readonly #timers: Timers;
  readonly #jobs: BackgroundJobs;
  readonly #changes: ChangeContext;
  readonly #writers: TableWriters;
  /** Names that tables are about to get, in lower case. */
  readonly #reservedNames = new Set<string>();
  #purgeHolds = 0;
  #closing: Promise<void> | null = null;
  /** True when the root is somebody else's. */
  #isClosed = false;

  private constructor(options: EngineOptions, parts: EngineParts) {
    this.options = options;
    this.dataId = parts.dataId;
    this.#lock = parts.lock;
    this.#bootId = parts.bootId;
    this.#registry = parts.registry;
    this.#tableIds = parts.tableIds;
    for (const state of parts.states) this.#states.set(state.token.name.toLowerCase(), state);
    this.#timers = options.timers ?? new SystemTimers();
    this.#jobs = new BackgroundJobs({
      ...options,
      timers: this.#timers,
      states: () => this.#states.values(),
      isPurgeHeld: () => this.#purgeHolds > 0 || this.#isClosed,
      removeDropped: () => this.#removeDropped(),
    });
    this.#writers = new TableWriters({
      ...options,
      bootId: parts.bootId,
      onOpen: (state) => this.#scheduler.prepare(state),
      onCommit: (state) => this.#afterCommit(state),
    });
    this.#changes = {
      ...options,
      walWriter: (state) => this.#writers.wal(state),
      notify: (state) => this.#scheduler.notify(state),
      requireOpen: () => this.#requireOpen(),
    };
    this.#scheduler = new ApplyScheduler({
      ...options,
      readAppliedTxn: (state) => readAppliedTxn(options.fs, state),
      onStep: (state) => this.#afterStep(state),
      onDropped: (state) => this.#finishDrop(state),
    });
  }

  /**
   * Opens a root: replays the registry, finishes what a crash cut off, and starts to apply pending WAL transactions.
   *
   * @throws {StorageError} if another process holds the root, or a file of the root itself is corrupt.
   */
  static open(options: EngineOptions): Promise<Engine> {
    // Synchronous inside: nothing else may see the root half open.
    return Promise.resolve().then(() => {
      const parts = openRoot(options);
      try {
        const engine = new Engine(options, parts);
        engine.#start(parts.droppedDirs);
        return engine;
      } catch (error) {
        parts.lock.close();
        throw error;
      }
    });
  }

  /** Core of the engine's thread. */
  get core(): WasmCore {
    return this.options.core;
  }

  /** Returns every table, views included, by name. */
  tables(): TableToken[] {
    return [...this.#states.values()].map((state) => state.token)
      .sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  }

  /** Finds a table by name, case-insensitively. */
  findTable(name: string): TableToken | null {
    return this.#states.get(name.toLowerCase())?.token ?? null;
  }

  /** Returns a table's directory. */
  tableDir(token: TableToken): string {
    return joinPath(this.options.dbRoot, token.dirName);
  }

  /**
   * Creates a table, durably.
   *
   * @throws {TableError} if the name is taken (unless `ifNotExists`), or the definition is not allowed.
   */
  createTable(definition: TableDefinition, options: { ifNotExists?: boolean } = {}): TableToken {
    this.#requireOpen();
    const existing = this.findTable(definition.name);
    if (existing !== null) {
      if (options.ifNotExists) return existing;
      throw TableError.alreadyExists(definition.name);
    }
    if (this.#reservedNames.has(definition.name.toLowerCase())) {
      throw TableError.alreadyExists(definition.name);
    }
    const { fs, dbRoot, config, clock } = this.options;
    const pending = [...this.#dropped].some((state) => state.token.dirName === definition.name);
    if (pending) {
      throw new TableError("table is being dropped; try again later", { table: definition.name });
    }
    const token = createTable({ fs, dbRoot, config, clock }, {
      definition,
      registry: this.#registry,
      tableIds: this.#tableIds,
    });
    this.#addState(token);
    return token;
  }

  /** Drops a table, durably; its files go when no reader holds them. @throws {TableError} if it does not exist any more. */
  dropTable(token: TableToken): void {
    this.#requireOpen();
    const state = this.#state(token);
    if (token.type >= 2) {
      throw new TableError("dropping a view is not supported yet", { view: token.name });
    }
    this.#refuseInCheckpoint(
      token,
      `could not lock '${token.dirName}' [reason='checkpointInProgress']`,
    );
    if (state.isWritten) this.#refuse(state.token.dirName, "insert");
    // Order: the log says so, then the registry. A crash in between is finished at the next start.
    state.sequencer?.drop(this.options.clock.nowMicros());
    this.#finishDrop(state);
  }

  /**
   * Removes all rows of a table.
   *
   * @returns The sequencer transaction that does it, 0 without WAL.
   */
  truncateTable(token: TableToken, options = { keepsSymbols: false }): number {
    this.#requireOpen();
    const state = this.#state(token);
    state.requireUsable();
    const message = `there is an active query against '${token.name}'. Try again.`;
    this.#refuseInCheckpoint(token, message);
    if (state.isWritten) throw new TableError(message);
    return this.rowWriter(token).truncate(options);
  }

  /** Returns a table's metadata. @throws {StorageError} if the table is broken. */
  metadata(token: TableToken): TableMetadata {
    const state = this.#state(token);
    state.requireUsable();
    return state.metadata ?? readTableMetadata(this.options.fs, state.tableDir);
  }

  /**
   * Returns a reader on the last committed state, pinned until its `close()`.
   *
   * @throws {TableError} if the table was dropped, or is a view.
   * @throws {StorageError} if the table is broken.
   */
  acquireReader(token: TableToken): TableReader {
    this.#requireOpen();
    const state = this.#state(token);
    state.requireUsable();
    if (token.type === 3) {
      throw new TableError("reading a view is not supported yet", { view: token.name });
    }
    return state.snapshots.acquire(state.isBusy);
  }

  /**
   * Returns the table's WAL writer, shared by all statements: append and commit without giving up control in between.
   *
   * @throws {TableError} if the table has no WAL, is a view, or has something that cannot be written yet.
   */
  walWriter(token: TableToken): WalWriter {
    const state = this.#writableState(token);
    if (state.sequencer === null) {
      throw new TableError("writing to a table without WAL is not supported yet", {
        table: token.name,
      });
    }
    return this.#writers.wal(state);
  }

  /**
   * Returns what takes rows for a table, with or without WAL; shared by all statements like {@linkcode Engine.walWriter}.
   *
   * @throws {TableError} if the table is a view.
   */
  rowWriter(token: TableToken): RowWriter {
    const state = this.#writableState(token);
    return state.sequencer === null ? this.#writers.direct(state) : this.#writers.wal(state);
  }

  /**
   * Gives a table without WAL to `work`, for changes that are not rows, in one turn: nobody else sees the table meanwhile. What `work` has
   * not committed is rolled back.
   *
   * @throws {TableError} if the table has a WAL or is a view, or somebody has a transaction open in it.
   */
  writeTable<T>(token: TableToken, work: (writer: TableWriter) => T): T {
    const state = this.#writableState(token);
    if (state.sequencer !== null) throw new TableError("table has a WAL", { table: token.name });
    if (state.isWritten) this.#refuse(token.name, "insert");
    const writer = this.#writers.direct(state).tableWriter;
    state.durability.settleNow();
    try {
      return work(writer);
    } finally {
      writer.rollback();
      state.snapshots.invalidate();
      refreshMetadata(this.options.fs, state);
    }
  }

  /** Tells how far the apply of a table has got. */
  walStatus(token: TableToken): WalStatus {
    return walStatusOf(this.#state(token));
  }

  /**
   * Changes a table. With WAL it is committed when this resolves and visible when it is applied; without, it is done. FORCE DROP
   * PARTITION is always done at once.
   *
   * @returns The sequencer transaction, 0 without WAL.
   * @throws {TableError} if the table cannot be changed like this.
   */
  async alterTable(
    token: TableToken,
    operation: AlterOperation,
    options: AlterOptions = {},
  ): Promise<number> {
    const state = this.#writableState(token);
    if (state.sequencer !== null) {
      if (operation.kind === "dropPartitions" && operation.isForced) {
        await alterFiles(this.#changes, state, operation);
        return state.appliedTxn;
      }
      return await alterWalTable(this.#changes, state, { operation, options });
    }
    return this.writeTable(token, (writer) => {
      const options = { seqTxn: writer.txn.seqTxn, sync: true };
      writer.alter(operation, { ...options, tableName: token.name });
      // A new TTL holds at once; other statements leave it to the next commit of rows.
      if (operation.kind === "setTtl") writer.enforceTtl(this.#changes.clock.nowMicros(), options);
      return 0;
    });
  }

  /**
   * Commits an UPDATE of a WAL table; it is run when it is applied.
   *
   * @returns The sequencer transaction.
   */
  updateTable(token: TableToken, sqlText: string, options: UpdateOptions = {}): Promise<number> {
    const state = this.#writableState(token);
    assert(state.sequencer !== null, "the table has a WAL");
    return updateWalTable(this.#changes, state, { ...options, sqlText });
  }

  /**
   * Gives a table another name. Nothing else changes with WAL; without, its directory gets the new name, too.
   *
   * @returns The table's token from now on.
   * @throws {TableError} if the name is taken or impossible, or a reader uses a table without WAL.
   */
  async renameTable(token: TableToken, to: string): Promise<TableToken> {
    const state = this.#writableState(token);
    this.#refuseInCheckpoint(token, "table busy [reason=checkpointInProgress]");
    checkTableName(to, this.options.config.maxFileNameLength);
    const key = to.toLowerCase();
    if (this.#states.has(key) || this.#reservedNames.has(key)) throw TableError.alreadyExists(to);
    this.#reservedNames.add(key);
    try {
      return token.isWal
        ? await this.#renameWalTable(state, to)
        : this.#renameDirectTable(state, to);
    } finally {
      this.#reservedNames.delete(key);
    }
  }

  /**
   * Asks for a table with or without WAL from the next start on.
   *
   * @throws {TableError} if the table has no partitions.
   */
  setWalEnabled(token: TableToken, isWal: boolean): void {
    const state = this.#writableState(token);
    if (state.metadata?.partitionBy === PartitionBy.NONE) {
      throw new TableError("Cannot convert non-partitioned table");
    }
    requestConversion(this.options.fs, state.tableDir, isWal);
  }

  /**
   * Tries again to apply the WAL of a suspended table.
   *
   * @param fromTxn First transaction to apply; those before it that are not applied yet are given up.
   * @throws {WalError} if there is no such transaction.
   */
  async resumeWal(token: TableToken, fromTxn = 0): Promise<void> {
    this.#requireOpen();
    const state = this.#state(token);
    state.requireUsable();
    if (fromTxn > 0 && state.sequencer !== null) {
      await skipTransactions(this.#changes, state, fromTxn);
    }
    state.resume();
    this.#scheduler.notify(state);
  }

  /** Returns what `wal_tables()` tells of every WAL table, by name. */
  walTables(): WalTableInfo[] {
    return this.tables().filter((token) => token.isWal && token.type < 3)
      .map((token) => walTableInfo(this.#state(token)));
  }

  /**
   * Waits until a transaction (default: the last committed one) is visible.
   *
   * @throws {WalError} if the table is or becomes suspended.
   */
  async waitApplied(token: TableToken, seqTxn?: number, signal?: AbortSignal): Promise<void> {
    const state = this.#state(token);
    if (this.#isClosed) throw engineIsClosed();
    await state.wait(seqTxn ?? state.sequencer?.lastTxn ?? 0, signal);
  }

  /** Makes everything acknowledged so far durable, whatever the commit mode. */
  sync(): Promise<void> {
    return this.#jobs.sync();
  }

  /** Removes WAL segments, partition versions and dropped tables that nobody needs, as the timer does. */
  purge(): Promise<void> {
    return this.#jobs.purge();
  }

  /** Pins every table (views hold no data and are left out) and stops all purging until released. */
  pinAll(): DatabasePin {
    this.#requireOpen();
    this.#purgeHolds++;
    const tables = this.tables();
    const views = tables.filter((token) => token.type === 3)
      .map((token) => ({ token, directory: this.tableDir(token) }));
    const pin = pinTables(
      tables.filter((token) => token.type !== 3),
      // The reader first: its seqTxn is never above the log's last transaction then.
      (token) => ({
        token,
        reader: this.acquireReader(token),
        sequencerTxn: this.walStatus(token).sequencerTxn,
      }),
      () => {
        this.#purgeHolds--;
        this.#removeDropped();
      },
    );
    return { ...pin, views };
  }

  /** Applies what is committed, makes everything durable, closes all files and releases the root. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #start(droppedDirs: readonly string[]): void {
    const { fs, dbRoot, log } = this.options;
    for (const dirName of droppedDirs) removeTableDir(fs, joinPath(dbRoot, dirName));
    finishRenames(
      { fs, log, registry: this.#registry },
      [...this.#states.values()],
      (state, token) => this.#replaceToken(state, token),
    );
    for (const state of [...this.#states.values()]) {
      if (state.failure !== null) {
        log.critical("engine", "table is broken", {
          table: state.token.name,
          reason: state.failure.message,
        });
      } else if (state.sequencer?.isDropped) this.#finishDrop(state);
      else this.#scheduler.notify(state);
    }
    this.#jobs.start();
  }

  async #close(): Promise<void> {
    // From here on statements in flight get an error instead of half a transaction.
    const states = [...this.#states.values(), ...this.#dropped];
    for (const state of states) {
      state.writer?.shut();
      state.direct?.close();
    }
    for (const state of states) await state.writer?.settled();
    this.#scheduler.stop();
    for (const state of states) await state.applying;
    await this.#readersGone();
    const failures: unknown[] = [];
    const attempt = async (action: () => void | Promise<void>) => {
      try {
        await action();
      } catch (error) {
        failures.push(error);
      }
    };
    await attempt(() => this.#jobs.sync());
    await this.#jobs.stop();
    this.#removeDropped();
    for (const state of [...this.#states.values(), ...this.#dropped]) {
      state.failWaiters(engineIsClosed());
      await attempt(() => state.close());
    }
    this.#registry[Symbol.dispose]();
    this.#isClosed = true;
    this.#lock.close();
    if (failures.length > 0) throw failures[0];
  }

  /** Gives readers in flight a moment to finish; those that do not get an error from then on. */
  async #readersGone(): Promise<void> {
    const deadline = this.options.clock.monotonicMillis() + CLOSE_READERS_MILLIS;
    const isHeld = () =>
      [...this.#states.values(), ...this.#dropped].some((s) => s.snapshots.isHeld);
    while (isHeld() && this.options.clock.monotonicMillis() < deadline) {
      await this.#timers.sleep(CLOSE_POLL_MILLIS);
    }
  }

  /** A table without WAL is its directory: a copy that is being taken must find it where the checkpoint says. */
  #refuseInCheckpoint(token: TableToken, message: string): void {
    if (!token.isWal && this.services.checkpoint?.status().inProgress) {
      throw new TableError(message);
    }
  }

  #requireOpen(): void {
    if (this.#closing !== null) throw engineIsClosed();
  }

  #state(token: TableToken): TableState {
    const state = this.#states.get(token.name.toLowerCase());
    if (state === undefined || state.token.dirName !== token.dirName) {
      throw TableError.doesNotExist(token.name);
    }
    return state;
  }

  #renameWalTable(state: TableState, to: string): Promise<TableToken> {
    const publish = () => {
      const token = publishName(this.options.fs, state, { registry: this.#registry, to });
      this.#replaceToken(state, token);
      state.writer?.rename(to);
      return token;
    };
    return renameWalTable(this.#changes, state, { to, publish });
  }

  #renameDirectTable(state: TableState, to: string): TableToken {
    const { fs, dbRoot } = this.options;
    this.#requireUnused(state);
    state.close();
    const token = renameDirectory(fs, dbRoot, { token: state.token, to });
    this.#states.delete(state.token.name.toLowerCase());
    this.#addState(token);
    return token;
  }

  /** Throws if somebody reads a table without WAL, whose files would go from under him. */
  #requireUnused(state: TableState): void {
    const reason = this.#purgeHolds > 0
      ? "checkpointInProgress"
      : state.snapshots.isHeld
      ? "busyReader"
      : state.isWritten
      ? "insert"
      : null;
    if (reason !== null) this.#refuse(state.token.name, reason);
  }

  #refuse(name: string, reason: string): never {
    throw new TableError(`could not lock '${name}' [reason='${reason}']`);
  }

  #addState(token: TableToken): void {
    const context = { ...this.options, bootId: this.#bootId };
    this.#states.set(token.name.toLowerCase(), openTableState(context, token));
  }

  #replaceToken(state: TableState, token: TableToken): void {
    this.#states.delete(state.token.name.toLowerCase());
    state.token = token;
    this.#states.set(token.name.toLowerCase(), state);
  }

  /** The state of a table that statements may change. */
  #writableState(token: TableToken): TableState {
    this.#requireOpen();
    const state = this.#state(token);
    state.requireUsable();
    if (token.type >= 2) throw new TableError("cannot modify a view", { view: token.name });
    return state;
  }

  #afterCommit(state: TableState): void {
    this.#scheduler.notify(state);
    if (this.options.config.commitMode !== "async") return;
    this.#jobs.sync().catch((error) =>
      this.options.log.critical("engine", "sync failed", { reason: (error as Error).message })
    );
  }

  #afterStep(state: TableState): void {
    if (state.isDropped) return;
    try {
      const { fs } = this.options;
      const metadata = readTableMetadata(fs, state.tableDir);
      if (metadata.metadataVersion !== state.tableMetadataVersion) refreshMetadata(fs, state);
      if (this.#purgeHolds === 0) removeStalePartitions(fs, state, metadata);
    } catch (error) {
      // Left for the purge job; what was applied is not affected.
      this.options.log.error("engine", "cannot tidy up behind a table commit", {
        table: state.token.name,
        reason: (error as Error).message,
      });
    }
  }

  #finishDrop(state: TableState): void {
    if (state.isDropped) return;
    const { fs } = this.options;
    if (state.token.isWal) this.#registry.remove(state.token);
    else if (fs.stat(state.tableDir) !== null) markDropped(fs, state.tableDir);
    state.isDropped = true;
    this.#states.delete(state.token.name.toLowerCase());
    this.#dropped.add(state);
    state.failWaiters(TableError.doesNotExist(state.token.name));
    this.#removeDropped();
  }

  /** Removes what nobody uses of dropped tables; what cannot be removed is tried again later. */
  #removeDropped(): void {
    if (this.#purgeHolds > 0 || this.#isClosed) return;
    for (const state of this.#dropped) {
      if (state.snapshots.isHeld || state.applying !== null || state.isSyncing) continue;
      try {
        state.close();
        removeTableDir(this.options.fs, state.tableDir);
        this.#dropped.delete(state);
      } catch (error) {
        this.options.log.error("engine", "cannot remove a dropped table yet", {
          table: state.token.name,
          reason: error instanceof Error ? error.message : String(error),
        });
      }
    }
  }
}

function engineIsClosed(): QuestError {
  return new QuestError("the engine is closed");
}

/** What a task that failed has left; nobody else writes the table. */
function readAppliedTxn(fs: FileSystem, state: TableState): number {
  recoverAlter(fs, state.tableDir);
  const { partitionBy } = readTableMetadata(fs, state.tableDir);
  return readTxn(fs, state.tableDir, partitionBy).seqTxn;
}
