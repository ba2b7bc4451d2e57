/** The wasm core, the memory it works on, vectors over that memory, and the threads that share it. @module */
export * from "./memory.ts";
export * from "./core.ts";
export * from "./vector.ts";
export * from "./task_runner.ts";
export {
  filterSlice,
  type MemorySlice,
  SLICE_FILTERS,
  type SliceContent,
  unfilterSlice,
} from "./slice_filter.ts";
export {
  Blake3,
  blake3,
  BLAKE3_BYTES,
  BLAKE3_PART_BYTES,
  blake3Part,
  joinBlake3,
} from "./blake3.ts";
export {
  MAX_WAITING_TASKS,
  startWorker,
  WorkerPool,
  type WorkerPoolOptions,
} from "./worker_pool.ts";
export { NumberCode } from "./kernels/change.ts";
