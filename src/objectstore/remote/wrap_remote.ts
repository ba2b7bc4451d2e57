/**
 * What every remote store is wrapped in, from the outside to the inside:
 *
 * ```
 * limit ─► retry ─► metrics ─► log ─► bandwidth ─► store
 * ```
 * So a call that is being repeated keeps its place, and each try is counted, logged and paid for.
 *
 * @module
 */
import type { Clock, FileSystem, Log, Random, Timers } from "../../platform/mod.ts";
import type { ObjectStore } from "../object_store.ts";
import { withBandwidth } from "../wrappers/bandwidth.ts";
import { withLimit } from "../wrappers/limit.ts";
import { withLog } from "../wrappers/log.ts";
import { type StoreMetrics, withMetrics } from "../wrappers/metrics.ts";
import { withRetry } from "../wrappers/retry.ts";
import type { RemoteTuning } from "./tuning.ts";

/** What remote stores need of the platform. */
export interface RemoteEnvironment {
  readonly fs: FileSystem;
  readonly random: Random;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics: StoreMetrics;
}

/** Wraps a store. */
export function wrapRemote(
  store: ObjectStore,
  { environment, tuning }: { environment: RemoteEnvironment; tuning: RemoteTuning },
): ObjectStore {
  const { bytesPerSecondMax, attemptsMax, concurrencyMax, memoryBytesMax } = tuning;
  const paced = bytesPerSecondMax === null
    ? store
    : withBandwidth(store, { ...environment, bytesPerSecondMax });
  const counted = withMetrics(withLog(paced, environment), environment);
  const retried = withRetry(counted, { ...environment, attemptsMax });
  return withLimit(retried, { concurrencyMax, memoryBytesMax });
}
