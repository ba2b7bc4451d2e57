/**
 * A view in the terms of a backup: no rows, only the small files that define it, which are carried as they are.
 *
 * @module
 */
import type { TableToken } from "../engine/mod.ts";
import { type FileSystem, joinPath } from "../platform/mod.ts";
import type { WasmCore } from "../wasm/mod.ts";
import { hashHex } from "./content_hash.ts";
import type { TableFacts, TableSnapshot } from "./database_snapshot.ts";
import { snapshotSource, type SourceFile } from "./source_file.ts";
import type { TableSource } from "./table_backup.ts";

/** `txn_seq/` and `wal<n>/<segment>/`. */
const DEPTH_MAX = 3;
/** Hexadecimal digits of the content's hash that tell whether a view has changed. */
const VERSION_DIGITS = 15;

/** Reads a view's files at once: nothing pins them. @throws {BackupError} if one cannot be read. */
export function viewSnapshot(
  fs: FileSystem,
  core: WasmCore,
  view: { readonly token: TableToken; readonly directory: string },
): TableSnapshot {
  const { token, directory } = view;
  const files = sourcesBelow(fs, directory);
  const facts: TableFacts = {
    name: token.name,
    dir: token.dirName,
    id: token.id,
    type: token.type,
    partition_by: 0,
    txn: 0,
    seq_txn: 0,
    last_txn: 0,
    structure_version: contentVersion(core, files),
    rows: 0,
  };
  const source: TableSource = {
    header: { directory: token.dirName, tableId: token.id, truncateVersion: 0 },
    partitionBy: 0,
    files,
    partitions: [],
  };
  return { facts, partitionCount: 0, sync: () => Promise.resolve(), open: () => source };
}

/** @param prefix path below `root`, with a slash at its end unless it is empty. */
function sourcesBelow(fs: FileSystem, root: string, prefix = ""): SourceFile[] {
  const depth = prefix.split("/").length;
  const sources: SourceFile[] = [];
  for (const { name, isDirectory } of fs.readDir(joinPath(root, prefix))) {
    if (name.startsWith(".")) continue; // marks of this machine
    const path = `${prefix}${name}`;
    if (!isDirectory) sources.push(snapshotSource(fs, path, joinPath(root, path)));
    else if (depth < DEPTH_MAX) sources.push(...sourcesBelow(fs, root, `${path}/`));
  }
  return sources.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Digits that differ when the files do; a view has no transactions that would tell. */
function contentVersion(core: WasmCore, files: readonly SourceFile[]): string {
  const hashes = files.map(({ path, content }) => `${path}\n${hashHex(core, content!)}\n`);
  const digest = hashHex(core, new TextEncoder().encode(hashes.join("")));
  return String(BigInt(`0x${digest.slice(0, VERSION_DIGITS)}`));
}
