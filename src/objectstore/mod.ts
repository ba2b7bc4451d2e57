/** Object stores: one interface, connection strings, a folder per store, wrappers. @module */
export * from "./object_store.ts";
export * from "./connection_string.ts";
export * from "./open_object_store.ts";
export * from "./request_error.ts";
export * from "./upload_stream.ts";
export * from "./store_check.ts";
export { FsObjectStore, type FsObjectStoreOptions } from "./fs/fs_object_store.ts";
export { withRetry, type RetryOptions } from "./wrappers/retry.ts";
export { withLimit, type LimitOptions } from "./wrappers/limit.ts";
export { withBandwidth, type BandwidthOptions } from "./wrappers/bandwidth.ts";
export { withMetrics, StoreMetrics, type OperationMetrics } from "./wrappers/metrics.ts";
export { withLog } from "./wrappers/log.ts";
