/**
 * What the expressions of an UPDATE are compiled with.
 *
 * @module
 */
import type { Arena, WasmCore } from "../../wasm/mod.ts";
import type { CompileContext } from "../functions/mod.ts";

/** Makes the context. `seeds` are the state of the random functions, so that a replay gives the same values. */
export function updateContext(
  options: { core: WasmCore; arena: Arena; now: bigint; seeds: readonly [bigint, bigint] },
): CompileContext {
  const { core, arena, now, seeds } = options;
  let state = 0;
  const pointer = () => {
    if (state === 0) {
      state = arena.alloc(16);
      core.memory.i64[state / 8] = BigInt.asIntN(64, seeds[0]);
      core.memory.i64[state / 8 + 1] = BigInt.asIntN(64, seeds[1]);
    }
    return state;
  };
  return { core, arena, now, random: { pointer } };
}
