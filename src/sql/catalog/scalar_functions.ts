/**
 * Scalar functions without arguments that need the engine.
 *
 * @module
 */
import { ColumnType } from "../../common/mod.ts";
import type { Engine } from "../../engine/mod.ts";
import type { EngineScalar } from "../planner/mod.ts";

/** Makes the lookup that {@linkcode QueryEnvironment.scalarFunctions} asks for. */
export function scalarFunctions(engine: Engine): (name: string) => EngineScalar | null {
  return (name) => {
    switch (name) {
      case "backup_instance_name":
        return {
          type: ColumnType.VARCHAR,
          value: () => engine.services.backup?.instanceName() ?? null,
        };
      case "reload_config":
        return {
          type: ColumnType.BOOLEAN,
          value: () => engine.services.configuration?.reload() ?? false,
        };
      case "flush_query_cache":
        // Plans are made afresh for every statement; there is nothing to flush.
        return { type: ColumnType.BOOLEAN, value: () => true };
      default:
        return null;
    }
  };
}

/** Scalar functions that QuestDB also takes without parentheses in a SELECT without FROM. */
export const BARE_SCALARS: ReadonlySet<string> = new Set([
  "backup_instance_name",
  "build",
  "current_database",
  "current_schema",
  "current_user",
  "flush_query_cache",
  "now",
  "reload_config",
  "sysdate",
  "systimestamp",
  "version",
]);
