/**
 * Finds the table a name in a statement means.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import type { Engine, TableToken } from "../../engine/mod.ts";

/** Returns the table of a name, case-insensitively. @throws {SqlError} `table does not exist [table=…]` at `position`. */
export function requireTable(engine: Engine, name: string, position: number): TableToken {
  const token = engine.findTable(name);
  if (token === null) throw new SqlError(position, `table does not exist [table=${name}]`);
  return token;
}
