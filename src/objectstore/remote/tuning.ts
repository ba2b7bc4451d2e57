/**
 * Keys of a connection string that say how hard a remote store is used; the same for every scheme.
 *
 * @module
 */
import { type ObjectStoreConnection, readInteger } from "../connection_string.ts";
import { DEFAULT_TIMEOUTS, type RequestTimeouts } from "./deadline.ts";

/** How hard a remote store is used. */
export interface RemoteTuning {
  readonly timeouts: RequestTimeouts;
  /** Tries of one request, the first included. */
  readonly attemptsMax: number;
  /** Requests at a time. */
  readonly concurrencyMax: number;
  /** Bytes of bodies in memory at a time, over all requests. */
  readonly memoryBytesMax: number;
  /** Bytes per second, up and down together; `null`: no limit. */
  readonly bytesPerSecondMax: number | null;
}

/** Keys of the tuning. */
export const TUNING_KEYS: readonly string[] = [
  "request_timeout_ms",
  "min_throughput",
  "retry_attempts",
  "max_concurrent_requests",
  "max_memory",
  "max_bytes_per_second",
];

const MEBIBYTE = 1_048_576;
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** Reads the tuning. @throws {InvalidObjectStoreConfigurationError} naming the key that is out of bounds. */
export function readTuning(connection: ObjectStoreConnection): RemoteTuning {
  const read = (key: string, min: number, max: number) =>
    readInteger(connection, key, { min, max });
  return {
    timeouts: {
      baseMillis: read("request_timeout_ms", 10, 3_600_000) ?? DEFAULT_TIMEOUTS.baseMillis,
      minBytesPerSecond: read("min_throughput", 1, NO_LIMIT) ?? DEFAULT_TIMEOUTS.minBytesPerSecond,
    },
    attemptsMax: read("retry_attempts", 1, 100) ?? 6,
    concurrencyMax: read("max_concurrent_requests", 1, 1000) ?? 16,
    memoryBytesMax: read("max_memory", MEBIBYTE, NO_LIMIT) ?? 256 * MEBIBYTE,
    bytesPerSecondMax: read("max_bytes_per_second", 1024, NO_LIMIT) ?? null,
  };
}
