/**
 * Runs queries without tables, and reads cursors into JavaScript values.
 *
 * @module
 */
import { typeName } from "../../src/common/mod.ts";
import type { Engine } from "../../src/engine/mod.ts";
import type { SelectQuery } from "../../src/sql/ast/mod.ts";
import type { ExecutionContext, RowCursor } from "../../src/sql/exec/mod.ts";
import { type ScalarValue, valueReader } from "../../src/sql/functions/mod.ts";
import { parseStatement } from "../../src/sql/parser/mod.ts";
import { planQuery, type QueryEnvironment } from "../../src/sql/planner/mod.ts";
import { createCore, type WasmCore } from "../../src/wasm/mod.ts";

/** 2024-03-15T10:20:30.123456Z. */
export const TEST_NOW = 1_710_498_030_123_456n;

/** An answer as /exec would describe it. */
export interface Answer {
  readonly names: string[];
  readonly types: string[];
  readonly timestampIndex: number;
  readonly rows: ScalarValue[][];
}

/** Reads a cursor to its end and closes it. */
export async function readAll(core: WasmCore, cursor: RowCursor): Promise<Answer> {
  const rows: ScalarValue[][] = [];
  try {
    for (let batch = await cursor.next(); batch !== null; batch = await cursor.next()) {
      const readers = batch.vectors.map((vector) => valueReader(core.memory, vector));
      for (let row = 0; row < batch.rowCount; row++) rows.push(readers.map((read) => read(row)));
    }
  } finally {
    cursor.close();
  }
  return {
    names: cursor.columns.map((column) => column.name),
    types: cursor.columns.map((column) => typeName(column.type)),
    timestampIndex: cursor.timestampIndex,
    rows,
  };
}

/** A context that never cancels and never yields. */
export function quietContext(signal = new AbortController().signal): ExecutionContext {
  return { signal, now: TEST_NOW, yieldIfDue: () => Promise.resolve() };
}

/** An environment whose engine knows no table. */
export function tablelessEnvironment(
  core: WasmCore,
  text: string,
  context = quietContext(),
): QueryEnvironment {
  const engine = { findTable: () => null } as unknown as Engine;
  return {
    engine,
    core,
    context,
    text,
    tableFunctions: () => null,
    scalarFunctions: () => null,
  };
}

let shared: WasmCore | null = null;

/** The core that tests of this process share. */
export function testCore(): WasmCore {
  return shared ??= createCore();
}

/** Plans and runs a query that names no table. */
export async function runQuery(text: string): Promise<Answer> {
  const core = testCore();
  const query = parseStatement(text) as SelectQuery;
  return await readAll(core, planQuery(query, tablelessEnvironment(core, text)));
}
