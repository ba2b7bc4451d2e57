/**
 * RENAME TABLE.
 *
 * ```
 * with WAL      log record ─► registry entries (REMOVE old, ADD new, one publish) ─► _name          the directory keeps its name
 * without WAL   directory ─► _name
 * ```
 * With WAL the log record is the commitment: a rename that a crash cut off behind it is finished at the next start.
 *
 * @module
 */
import { TableError } from "../common/mod.ts";
import { type FileSystem, joinPath, type Log, writeFileAtomic } from "../platform/mod.ts";
import { encodeTableName } from "../storage/mod.ts";
import { readStructureOperation } from "../wal/mod.ts";
import type { TableRegistry } from "./table_registry.ts";
import type { TableState } from "./table_state.ts";
import type { TableToken } from "./table_token.ts";

/** Writes the new name of a WAL table whose log has it already. @returns the table's token from now on. */
export function publishName(
  fs: FileSystem,
  state: TableState,
  rename: { registry: TableRegistry; to: string },
): TableToken {
  const token = { ...state.token, name: rename.to };
  rename.registry.rename(state.token, token);
  saveTableName(fs, state.tableDir, rename.to);
  return token;
}

/** The name that a table's log gives it, if its last structural change was a rename that the registry does not have; else `null`. */
export function unfinishedRename(fs: FileSystem, state: TableState): string | null {
  const { sequencer, tableDir, metadata } = state;
  if (sequencer === null || metadata === null || sequencer.structureVersion === 0) return null;
  const version = sequencer.structureVersion;
  const operation = readStructureOperation(fs, tableDir, { version, metadata });
  if (operation.kind !== "renameTable" || operation.to === state.token.name) return null;
  return operation.to;
}

/** Finishes renames that were cut off. @param rename Replaces a table's token where it is kept. */
export function finishRenames(
  context: { fs: FileSystem; log: Log; registry: TableRegistry },
  states: readonly TableState[],
  rename: (state: TableState, token: TableToken) => void,
): void {
  const { fs, log, registry } = context;
  const names = new Set(states.map((state) => state.token.name.toLowerCase()));
  for (const state of states) {
    if (state.token.type !== 1 || state.failure !== null) continue;
    const to = unfinishedRename(fs, state);
    if (to === null) continue;
    const from = state.token.name;
    if (names.has(to.toLowerCase())) {
      log.critical("engine", "rename is not finished: another table has the name", { from, to });
      continue;
    }
    rename(state, publishName(fs, state, { registry, to }));
    names.delete(from.toLowerCase());
    names.add(to.toLowerCase());
    log.info("engine", "finished a rename that was cut off", { from, to });
  }
}

/**
 * Renames the directory of a table without WAL, which nobody may have open.
 *
 * @returns The table's token from now on.
 * @throws {TableError} if something else has the name.
 */
export function renameDirectory(
  fs: FileSystem,
  dbRoot: string,
  rename: { token: TableToken; to: string },
): TableToken {
  const { token, to } = rename;
  const target = joinPath(dbRoot, to);
  if (fs.stat(target) !== null) throw new TableError("name is reserved", { table: to });
  fs.rename(joinPath(dbRoot, token.dirName), target);
  fs.syncDir(dbRoot);
  saveTableName(fs, target, to);
  return { ...token, name: to, dirName: to };
}

/** Writes the file that keeps a table's name in its directory, durably. */
function saveTableName(fs: FileSystem, tableDir: string, name: string): void {
  writeFileAtomic(fs, `${tableDir}/_name`, encodeTableName(name));
}
