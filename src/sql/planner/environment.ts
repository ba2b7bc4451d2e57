/**
 * What planning a query needs besides its syntax tree.
 *
 * @module
 */
import type { FunctionRef } from "../ast/mod.ts";
import type { Engine } from "../../engine/mod.ts";
import type { WasmCore } from "../../wasm/mod.ts";
import type { ExecutionContext, RowCursor } from "../exec/row_cursor.ts";

/** The value of a scalar that the engine answers: a text, a flag, or NULL. */
export interface EngineScalar {
  /** Column type code: STRING, VARCHAR, BOOLEAN, LONG, INT, DOUBLE or TIMESTAMP. */
  readonly type: number;
  /** Computed once, when the statement runs. LONG and TIMESTAMP as `bigint`. */
  value():
    | Promise<string | boolean | number | bigint | null>
    | string
    | boolean
    | number
    | bigint
    | null;
}

/** Where a query runs. */
export interface QueryEnvironment {
  readonly engine: Engine;
  readonly core: WasmCore;
  readonly context: ExecutionContext;
  /** The statement's text; positions of errors point into it. */
  readonly text: string;
  /** Table functions of the catalog, e.g. `tables()`; `null` for an unknown name. */
  readonly tableFunctions: (
    reference: FunctionRef,
    environment: QueryEnvironment,
  ) => RowCursor | null;
  /** Scalar functions without arguments that need the engine, e.g. `reload_config()`; `null` for an unknown name. */
  readonly scalarFunctions: (name: string) => EngineScalar | null;
  /** `SHOW` inside a subquery. */
  readonly showStatements?: (
    statement: import("../ast/mod.ts").ShowStatement,
    environment: QueryEnvironment,
  ) => RowCursor;
}
