/**
 * What block files of the root and of views hold.
 *
 * ```
 * _preferences~store   type 0: i64 version, i32 n, n × { str key, str value }
 * _view                type 0: str sql, i64 seqTxn, i32 n, n × { str table, i32 m, m × str column }
 * _mv                  type 0: i32 refresh type, str base table, i64 sampling interval, u16 its unit, str time zone, str offset, str sql
 * ```
 * Container: src/storage/block_file.ts.
 *
 * @module
 */
import { type FileSystem, joinPath } from "../platform/mod.ts";
import { type BlockFile, readBlockFile } from "../storage/mod.ts";
import { ByteCursor } from "../wal/mod.ts";

const DEFINITION_BLOCK = 0;
const LIST_LENGTH_MAX = 1 << 20;

/** Preferences of a root, as the console keeps them. */
export interface Preferences {
  /** Raised by every change, 0 before the first. */
  readonly version: number;
  readonly entries: ReadonlyMap<string, string>;
}

/** A view. */
export interface ViewDefinition {
  readonly sql: string;
  /** Tables it reads, with the columns. */
  readonly dependencies: readonly { readonly table: string; readonly columns: readonly string[] }[];
}

/** A materialized view. */
export interface MaterializedViewDefinition {
  readonly baseTable: string;
  readonly samplingInterval: number;
  /** One letter, as in SAMPLE BY. */
  readonly samplingUnit: string;
  readonly timeZone: string | null;
  readonly timeZoneOffset: string | null;
  readonly sql: string;
}

/** Reads the preferences of a root; one without any gives version 0. @throws {StorageError} */
export function readPreferences(fs: FileSystem, dbRoot: string): Preferences {
  const path = joinPath(dbRoot, "_preferences~store");
  const entries = new Map<string, string>();
  if (fs.stat(path) === null) return { version: 0, entries };
  const cursor = definitionBlock(path, readBlockFile(fs, path));
  if (cursor === null) return { version: 0, entries };
  const version = cursor.count("version");
  for (let n = listLength(cursor); n > 0; n--) {
    entries.set(cursor.text("key"), cursor.text("value"));
  }
  return { version, entries };
}

/** Reads the definition of a view. @throws {StorageError} */
export function readViewDefinition(fs: FileSystem, tableDir: string): ViewDefinition {
  const cursor = requireDefinition(fs, `${tableDir}/_view`);
  const sql = cursor.text("statement");
  cursor.i64();
  const dependencies = Array.from({ length: listLength(cursor) }, () => ({
    table: cursor.text("table"),
    columns: Array.from({ length: listLength(cursor) }, () => cursor.text("column")),
  }));
  return { sql, dependencies };
}

/** Reads the definition of a materialized view. @throws {StorageError} */
export function readMaterializedViewDefinition(
  fs: FileSystem,
  tableDir: string,
): MaterializedViewDefinition {
  const cursor = requireDefinition(fs, `${tableDir}/_mv`);
  cursor.i32();
  return {
    baseTable: cursor.text("base table"),
    samplingInterval: cursor.count("sampling interval"),
    samplingUnit: String.fromCharCode(cursor.i16() & 0xffff),
    timeZone: cursor.str("time zone"),
    timeZoneOffset: cursor.str("time zone offset"),
    sql: cursor.text("statement"),
  };
}

function requireDefinition(fs: FileSystem, path: string): ByteCursor {
  const cursor = definitionBlock(path, readBlockFile(fs, path));
  if (cursor === null) {
    throw new ByteCursor(path, new Uint8Array(0)).error("file has no definition");
  }
  return cursor;
}

function definitionBlock(path: string, file: BlockFile): ByteCursor | null {
  const block = file.blocks.find((one) => one.type === DEFINITION_BLOCK);
  return block === undefined ? null : new ByteCursor(path, block.bytes);
}

function listLength(cursor: ByteCursor): number {
  return cursor.int("list length", 0, LIST_LENGTH_MAX);
}
