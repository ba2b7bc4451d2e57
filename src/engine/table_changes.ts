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
}

const NO_BIND_VARIABLES: BindVariables = { indexed: [], named: [] };

/** Commits a change of a WAL table. @returns its sequencer transaction. */
export async function alterWalTable(
  context: ChangeContext,
  state: TableState,
  change: { operation: AlterOperation; options: AlterOptions },
): Promise<number> {
  const { operation, options } = change;
  while (isTaken(context, state)) await whenIdle(context, state, options.signal);
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
export async function updateWalTable(
  context: ChangeContext,
  state: TableState,
  update: UpdateOptions & { sqlText: string },
): Promise<number> {
  const { sqlText, bindVariables, signal } = update;
  while (isTaken(context, state)) await whenIdle(context, state, signal);
  const writer = context.walWriter(state);
  const event = statement(context, SqlCommand.UPDATE, sqlText);
  return writer.commitStatement(bindVariables === undefined ? event : { ...event, bindVariables });
}

/**
 * Lets a suspended table go on, behind the transactions before `fromTxn`, which are given up.
 *
 * @throws {WalError} in QuestDB's words if there is no such transaction.
 */
export async function skipTransactions(
  context: ChangeContext,
  state: TableState,
  fromTxn: number,
): Promise<void> {
  const nextTxn = state.sequencer!.lastTxn + 1;
  if (fromTxn > nextTxn) {
    throw new WalError("resume txn is higher than next available transaction", {
      resumeFromTxn: fromTxn,
      nextTxn,
    });
  }
  while (state.applying !== null) await state.applying;
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
export async function alterFiles(
  context: ChangeContext,
  state: TableState,
  operation: AlterOperation,
): Promise<void> {
  while (state.applying !== null) await state.applying;
  const { fs, core } = context;
  state.durability.settleNow();
  using writer = TableWriter.open({ fs, core, tableDir: state.tableDir });
  const { seqTxn } = writer.txn;
  writer.alter(operation, { seqTxn, sync: true, tableName: state.token.name });
  state.snapshots.invalidate();
}

/** Commits the new name of a WAL table to its log; the registry and `_name` follow. */
export async function renameWalTable(
  context: ChangeContext,
  state: TableState,
  to: string,
): Promise<void> {
  await alterWalTable(context, state, { operation: { kind: "renameTable", to }, options: {} });
}

function isNothingToDo(operation: AlterOperation, metadata: TableMetadata): boolean {
  if (operation.kind !== "addColumn" || !operation.ifNotExists) return false;
  const wanted = operation.column.name.toLowerCase();
  return metadata.liveColumns.some((column) => column.name.toLowerCase() === wanted);
}

/** Tells whether a statement has a transaction open in the table's writer. To be asked in the turn that acts on the answer. */
function isTaken(context: ChangeContext, state: TableState): boolean {
  return context.walWriter(state).uncommittedRowCount > 0;
}

async function whenIdle(
  context: ChangeContext,
  state: TableState,
  signal?: AbortSignal,
): Promise<void> {
  await abortable(context.walWriter(state).whenIdle(), signal);
  if (state.isDropped) throw TableError.doesNotExist(state.token.name);
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
