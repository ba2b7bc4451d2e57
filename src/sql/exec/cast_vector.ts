/**
 * Conversion of whole vectors between column types.
 *
 * @module
 */
import type { Arena, Vector, WasmCore } from "../../wasm/mod.ts";

/** Where a conversion puts its result. */
export interface CastTarget {
  /** Column type code to convert to. */
  readonly type: number;
  /** Owns the result. */
  readonly arena: Arena;
  readonly core: WasmCore;
}

/**
 * Converts `rowCount` values. Texts become numbers, timestamps and back as QuestDB's implicit casts of INSERT do. A
 * SYMBOL target takes texts as they are: the result is a VARCHAR vector, which a WAL writer accepts for a SYMBOL column.
 *
 * @throws {SqlError} `inconvertible value: …` or `inconvertible types: …`.
 */
export function castVector(_vector: Vector, _rowCount: number, _target: CastTarget): Vector {
  throw new Error("not ready");
}
