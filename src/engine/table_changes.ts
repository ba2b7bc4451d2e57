/**
 * Changes of a table that are more than rows: ALTER, UPDATE, RENAME, SET TYPE, RESUME WAL.
 *
 * A table with WAL: a change of its columns goes through the sequencer's log of structural changes, any other statement through the WAL as
 * its text; both are committed when the call returns and applied later. A table without WAL is changed at once, under its writer.
 *
 * Details: docs/internals/sequencer.md, docs/internals/registry.md.
 *
 * @module
 */
import { assert, TableError, WalError } from "../common/mod.ts";
import type { Clock, FileSystem, Log, Random } from "../platform/mod.ts";
import {
  type AlterOperation,
  isStructural,
  type TableMetadata,
  TableWriter,
  validateAlter,
} from "../storage/mod.ts";
import {
  alterCommand,
  changeStructure,
  encodeAlter,
  SqlCommand,
  type SqlEvent,
  type WalWriter,
} from "../wal/mod.ts";
import type { WasmCore } from "../wasm/mod.ts";
import type { TableState } from "./table_state.ts";
import type { TableToken } from "./table_token.ts";

/** What comes with an ALTER besides the operation. */
export interface AlterOptions {
  /** Text of the statement: what travels through the WAL unless the change is structural. */
  readonly sqlText?: string;
  /** Offset of the table's name in the text. */
  readonly tablePosition?: number;
  /** Offset of the column's name in the text. */
  readonly columnPosition?: number;
  /** Gives up waiting for a transaction that another statement has open. */
  readonly signal?: AbortSignal;
}

/** Values of an UPDATE's bind variables. */
export type BindVariables = SqlEvent["bindVariables"];

/** What comes with an UPDATE besides its text. */
export interface UpdateOptions {
  readonly bindVariables?: BindVariables;
  /** Gives up waiting for a transaction that another statement has open. */
  readonly signal?: AbortSignal;
}

/** What changes need of the engine. */
export interface ChangeContext {
  readonly fs: FileSystem;
  readonly core: WasmCore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The table's WAL writer, opened if it is not. */
  readonly walWriter: (state: TableState) => WalWriter;
  /** Starts applying what was committed. */
  readonly notify: (state: TableState) => void;
  /** @throws {QuestError} once the engine is being closed. */
  readonly requireOpen: () => void;
}

const NO_BIND_VARIABLES: BindVariables = { indexed: [], named: [] };

/** Commits a change of a WAL table. @returns its sequencer transaction. */
export function alterWalTable(
  context: ChangeContext,
  state: TableState,
  change: { operation: AlterOperation; options: AlterOptions },
): Promise<number> {
  const { signal } = change.options;
  return betweenTransactions(context, state, {
    act: () => commitChange(context, state, change),
    ...signal !== undefined && { signal },
  });
}

function commitChange(
  context: ChangeContext,
  state: TableState,
  change: { operation: AlterOperation; options: AlterOptions },
): number {
  const { operation, options } = change;
  const writer = context.walWriter(state);
  if (!isStructural(operation)) {
    assert(options.sqlText !== undefined, "a statement travels as its text");
    return writer.commitStatement(statement(context, SqlCommand.ALTER, options.sqlText));
  }
  const metadata = requireMetadata(state);
  if (isNothingToDo(operation, metadata)) return state.sequencer!.lastTxn;
  validateAlter(metadata, operation, state.token.name);
  const changed = changeStructure(metadata, operation);
  const body = encodeAlter(operation, { metadata, tableName: state.token.name, ...options });
  const sequencer = state.sequencer!;
  // The change is durable in every commit mode, and so must be what it follows.
  writer.syncNow();
  const txn = sequencer.changeStructure({
    metadata: changed,
    body,
    command: alterCommand(operation),
    commitMicros: context.clock.nowMicros(),
  });
  state.metadata = changed;
  writer.restructure(changed);
  context.notify(state);
  moveMark(context, state, writer);
  return txn;
}

/** The change is committed and durable; that the mark does not know costs nothing, since the log's record says so, too. */
function moveMark(context: ChangeContext, state: TableState, writer: WalWriter): void {
  try {
    writer.syncNow();
  } catch (error) {
    context.log.critical("engine", "sync failed", {
      table: state.token.name,
      reason: error instanceof Error ? error.message : String(error),
    });
  }
}

/** Commits an UPDATE of a WAL table. @returns its sequencer transaction. */
export function updateWalTable(
  context: ChangeContext,
  state: TableState,
  update: UpdateOptions & { sqlText: string },
): Promise<number> {
  const { sqlText, bindVariables, signal } = update;
  const event = statement(context, SqlCommand.UPDATE, sqlText);
  const bound = bindVariables === undefined ? event : { ...event, bindVariables };
  return betweenTransactions(context, state, {
    act: () => context.walWriter(state).commitStatement(bound),
    ...signal !== undefined && { signal },
  });
}

/**
 * Lets a suspended table go on, behind the transactions before `fromTxn`, which are given up.
 *
 * @throws {WalError} in QuestDB's words if there is no such transaction.
 */
export function skipTransactions(
  context: ChangeContext,
  state: TableState,
  fromTxn: number,
): Promise<void> {
  return betweenSteps(context, state, () => skipNow(context, state, fromTxn));
}

function skipNow(context: ChangeContext, state: TableState, fromTxn: number): void {
  const nextTxn = state.sequencer!.lastTxn + 1;
  if (fromTxn > nextTxn) {
    throw new WalError("resume txn is higher than next available transaction", {
      resumeFromTxn: fromTxn,
      nextTxn,
    });
  }
  if (fromTxn - 1 <= state.appliedTxn) return;
  const { fs, core, log } = context;
  log.critical("engine", "transactions are skipped", {
    table: state.token.name,
    from: state.appliedTxn + 1,
    to: fromTxn - 1,
  });
  state.durability.settleNow();
  using writer = TableWriter.open({ fs, core, tableDir: state.tableDir });
  writer.commit({ seqTxn: fromTxn - 1, sync: true });
  state.advance(fromTxn - 1);
}

/** Changes the files of a WAL table at once, whatever its WAL still holds: what repairs a table must not wait behind what it repairs. */
export function alterFiles(
  context: ChangeContext,
  state: TableState,
  operation: AlterOperation,
): Promise<void> {
  const { fs, core } = context;
  return betweenSteps(context, state, () => {
    state.durability.settleNow();
    try {
      using writer = TableWriter.open({ fs, core, tableDir: state.tableDir });
      const { seqTxn } = writer.txn;
      writer.alter(operation, { seqTxn, sync: true, tableName: state.token.name });
    } finally {
      state.snapshots.invalidate(); // a part of the change may be committed even if it failed
    }
  });
}

/**
 * Commits the new name of a WAL table to its log, and has it published in the same turn: nobody may drop the table, or give it another
 * name, in between.
 */
export function renameWalTable<T>(
  context: ChangeContext,
  state: TableState,
  rename: { to: string; publish: () => T },
): Promise<T> {
  const { to, publish } = rename;
  const act = () => {
    commitChange(context, state, { operation: { kind: "renameTable", to }, options: {} });
    return publish();
  };
  return betweenTransactions(context, state, { act });
}

function isNothingToDo(operation: AlterOperation, metadata: TableMetadata): boolean {
  if (operation.kind !== "addColumn" || !operation.ifNotExists) return false;
  const wanted = operation.column.name.toLowerCase();
  return metadata.liveColumns.some((column) => column.name.toLowerCase() === wanted);
}

/**
 * Acts when no statement has a transaction open in the table's writer; looking and acting are one turn.
 *
 * @throws {TableError} if the table is not there any more, by this name, when its turn comes.
 * @throws {QuestError} if the engine is being closed then.
 */
async function betweenTransactions<T>(
  context: ChangeContext,
  state: TableState,
  work: { act: () => T; signal?: AbortSignal },
): Promise<T> {
  const { token } = state;
  while (context.walWriter(state).uncommittedRowCount > 0) {
    await abortable(context.walWriter(state).whenIdle(), work.signal);
    requireSame(context, state, token);
  }
  return work.act();
}

/** Acts as the only one who writes the table's files: when no apply loop runs; looking and acting are one turn. Throws like {@linkcode betweenTransactions}. */
async function betweenSteps(
  context: ChangeContext,
  state: TableState,
  act: () => void,
): Promise<void> {
  const { token } = state;
  while (state.applying !== null) {
    await state.applying;
    requireSame(context, state, token);
  }
  act();
}

/** Throws if a table is not what it was before its caller waited. */
function requireSame(context: ChangeContext, state: TableState, token: TableToken): void {
  context.requireOpen();
  if (state.isDropped || state.token !== token) throw TableError.doesNotExist(token.name);
}

function abortable(promise: Promise<void>, signal?: AbortSignal): Promise<void> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function statement(context: ChangeContext, commandType: number, text: string): SqlEvent {
  const bytes = new Uint8Array(16);
  context.random.fill(bytes);
  const seeds = new BigInt64Array(bytes.buffer);
  return {
    kind: "sql",
    commandType,
    text,
    randomSeeds: [seeds[0], seeds[1]],
    bindVariables: NO_BIND_VARIABLES,
  };
}

function requireMetadata(state: TableState): TableMetadata {
  assert(state.metadata !== null, "a usable table has metadata");
  return state.metadata;
}
