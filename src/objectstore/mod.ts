/** Object stores: one interface, connection strings, a folder per store, wrappers. @module */
export * from "./object_store.ts";
export * from "./connection_string.ts";
export * from "./open_object_store.ts";
export * from "./request_error.ts";
export * from "./upload_stream.ts";
export * from "./store_check.ts";
export { FsObjectStore, type FsObjectStoreOptions } from "./fs/fs_object_store.ts";
export { type RetryOptions, withRetry } from "./wrappers/retry.ts";
export { type LimitOptions, withLimit } from "./wrappers/limit.ts";
export { type BandwidthOptions, withBandwidth } from "./wrappers/bandwidth.ts";
export { type OperationMetrics, StoreMetrics, withMetrics } from "./wrappers/metrics.ts";
export { withLog } from "./wrappers/log.ts";
export { withSignal } from "./wrappers/signal.ts";
