/**
 * Logs requests that failed, and those that took long. A missing object is an answer, not a failure. No line holds a secret:
 * errors of stores have none.
 *
 * @module
 */
import type { Clock, Log } from "../../platform/mod.ts";
import { ObjectNotFoundError, type ObjectStore } from "../object_store.ts";
import { type Interceptor, WrappedStore } from "./wrapped_store.ts";

const COMPONENT = "objectstore";
/** Milliseconds after which a request counts as slow. */
const SLOW_MILLIS = 30_000;

/** Wraps a store so that failed and slow requests are logged. */
export function withLog(
  inner: ObjectStore,
  options: { readonly clock: Clock; readonly log: Log },
): ObjectStore {
  const { clock, log } = options;
  const intercept: Interceptor = async (request, run) => {
    const start = clock.monotonicMillis();
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof ObjectNotFoundError) && request.signal?.aborted !== true) {
        log.error(COMPONENT, "request failed", {
          operation: request.operation,
          key: request.key,
          error: error instanceof Error ? error.message : String(error),
        });
      }
      throw error;
    } finally {
      const millis = Math.round(clock.monotonicMillis() - start);
      if (millis >= SLOW_MILLIS) {
        const { operation, key } = request;
        log.info(COMPONENT, "request was slow", { operation, key, millis });
      }
    }
  };
  return new WrappedStore(inner, intercept);
}
