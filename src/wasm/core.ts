/**
 * Loads the AssemblyScript core and binds it to the shared memory. The module has no data segments and no allocator, so
 * any number of threads may instantiate it over the same memory.
 *
 * @module
 */
import coreBytes from "../../build/core.wasm" with { type: "bytes" };
import { createSharedMemory, planRegions, type Region, WasmMemory } from "./memory.ts";
import type { ChangeKernels } from "./kernels/change.ts";
import type { FilterKernels } from "./kernels/filter.ts";
import type { GroupKernels } from "./kernels/group.ts";
import type { HashKernels } from "./kernels/hash.ts";
import type { DedupKernels } from "./kernels/dedup.ts";
import type { ExprKernels } from "./kernels/expr.ts";
import type { ScanKernels } from "./kernels/scan.ts";
import type { SortKernels } from "./kernels/sort.ts";
import type { VarKernels } from "./kernels/var.ts";

/** Every function the core exports, by family; one file in `kernels/` per folder of `core-wasm/`. */
export type CoreExports =
  & HashKernels
  & FilterKernels
  & ScanKernels
  & SortKernels
  & GroupKernels
  & ExprKernels
  & VarKernels
  & DedupKernels
  & ChangeKernels;

/** An instance of the core together with the memory region its thread may allocate from. */
export interface WasmCore {
  readonly memory: WasmMemory;
  readonly kernels: CoreExports;
}

let compiled: WebAssembly.Module | null = null;

/** Binds the core to a region of an existing shared memory. */
export function loadCore(memory: WebAssembly.Memory, region: Region): WasmCore {
  compiled ??= new WebAssembly.Module(coreBytes);
  const instance = new WebAssembly.Instance(compiled, { env: { memory } });
  return {
    memory: new WasmMemory(memory, region),
    kernels: instance.exports as unknown as CoreExports,
  };
}

/** Creates a memory of its own with a single region; for tests and tools without workers. */
export function createCore(): WasmCore {
  return loadCore(createSharedMemory(), planRegions(0).main);
}
