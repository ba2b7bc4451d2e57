/**
 * Conversion of whole vectors between column types.
 *
 * @module
 */
import type { Arena, Vector, WasmCore } from "../../wasm/mod.ts";
import { arenaConversion, convertVector } from "../functions/mod.ts";

/** Where a conversion puts its result. */
export interface CastTarget {
  /** Column type code to convert to. */
  readonly type: number;
  /** Owns the result. */
  readonly arena: Arena;
  readonly core: WasmCore;
  /** Position for errors; 0 by default, as in QuestDB, which meets bad values while it runs. */
  readonly position?: number;
}

/**
 * Converts `rowCount` values. Texts become numbers, timestamps and back as QuestDB's implicit casts of INSERT do. A
 * SYMBOL target takes texts as they are: the result is a VARCHAR vector, which a WAL writer accepts for a SYMBOL column.
 * The result may share memory with the input.
 *
 * @throws {SqlError} `inconvertible value: …` or `inconvertible types: …`.
 */
export function castVector(vector: Vector, rowCount: number, target: CastTarget): Vector {
  return convertVector(
    vector,
    rowCount,
    arenaConversion(target.core, target.arena, {
      type: target.type,
      isImplicit: true,
      position: target.position ?? 0,
      rowCount,
    }),
  );
}
