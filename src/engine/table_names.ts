/**
 * Which names tables and columns may have. They become file names, so this is also what keeps a name inside its directory.
 *
 * @module
 */
import { TableError } from "../common/mod.ts";
import type { TableDefinition } from "../storage/mod.ts";

const encoder = new TextEncoder();
const FORBIDDEN_IN_TABLES = /[?,'"\\/:)(+*%~]/;
const FORBIDDEN_IN_COLUMNS = /[?.,'"\\/:)(+\-*%~]/;
const CONTROL = /\p{Cc}|[\ufeff\u2028\u2029]/u;
const RESERVED_NAMES = new Set([
  "_tab_index.d",
  "_upgrade.d",
  "_preferences~store",
  ".data_id",
  "tables.d.lock",
]);
const REGISTRY_NAME = /^tables\.d(\.|$)/;

/** Throws unless a table may have this name. @throws {TableError} */
export function checkTableName(name: string, maxBytes: number): void {
  const isInvalid = name === "" || encoder.encode(name).length > maxBytes ||
    FORBIDDEN_IN_TABLES.test(name) || CONTROL.test(name) || name.startsWith(".") ||
    name.endsWith(".") ||
    name.includes("..") || name.trim() !== name;
  if (isInvalid) throw new TableError("invalid table name", { table: name });
  const lower = name.toLowerCase();
  if (RESERVED_NAMES.has(lower) || REGISTRY_NAME.test(lower)) {
    throw new TableError("name is reserved", { table: name });
  }
}

/** Throws unless the columns have valid names, each once. @throws {TableError} */
export function checkColumnNames(definition: TableDefinition, maxBytes: number): void {
  const seen = new Set<string>();
  for (const { name } of definition.columns) {
    const isInvalid = name === "" || encoder.encode(name).length > maxBytes ||
      FORBIDDEN_IN_COLUMNS.test(name) || CONTROL.test(name);
    if (isInvalid) {
      throw new TableError("new column name contains invalid characters", { column: name });
    }
    const lower = name.toLowerCase();
    if (seen.has(lower)) throw new TableError("Duplicate column", { name });
    seen.add(lower);
  }
}
