/**
 * Counts what passes a store.
 *
 * @module
 */
import type { Clock } from "../../platform/mod.ts";
import type { ObjectStore } from "../object_store.ts";
import { ObjectStoreRequestError, type RequestFailureKind } from "../request_error.ts";
import { type Interceptor, type StoreOperation, WrappedStore } from "./wrapped_store.ts";

/** Counts of one kind of request; every try counts. */
export interface OperationMetrics {
  /** Requests that were made. */
  readonly count: number;
  /** Requests that failed. */
  readonly errorCount: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Milliseconds from the first to the last byte, summed up. */
  readonly totalMillis: number;
  readonly millisMax: number;
}

type Mutable = { -readonly [Field in keyof OperationMetrics]: OperationMetrics[Field] };

/** Counts of a store, or of several. */
export class StoreMetrics {
  readonly #operations = new Map<StoreOperation, Mutable>();
  readonly #failures = new Map<RequestFailureKind, number>();
  /** Requests under way. */
  activeCount = 0;

  /** Counts by kind of request. */
  get operations(): ReadonlyMap<StoreOperation, OperationMetrics> {
    return this.#operations;
  }
  /** Failures by kind. */
  get failures(): ReadonlyMap<RequestFailureKind, number> {
    return this.#failures;
  }

  /** Adds a request that has ended. */
  add(
    operation: StoreOperation,
    facts: {
      readonly millis: number;
      readonly sent: number;
      readonly received: number;
      readonly error?: unknown;
    },
  ): void {
    let counts = this.#operations.get(operation);
    if (counts === undefined) {
      counts = {
        count: 0,
        errorCount: 0,
        bytesSent: 0,
        bytesReceived: 0,
        totalMillis: 0,
        millisMax: 0,
      };
      this.#operations.set(operation, counts);
    }
    counts.count++;
    counts.totalMillis += facts.millis;
    counts.millisMax = Math.max(counts.millisMax, facts.millis);
    counts.bytesReceived += facts.received;
    if (facts.error === undefined) {
      counts.bytesSent += facts.sent;
      return;
    }
    counts.errorCount++;
    if (facts.error instanceof ObjectStoreRequestError) {
      const { kind } = facts.error.failure;
      this.#failures.set(kind, (this.#failures.get(kind) ?? 0) + 1);
    }
  }
}

/** Wraps a store so that its requests are counted. */
export function withMetrics(
  inner: ObjectStore,
  options: { readonly clock: Clock; readonly metrics: StoreMetrics },
): ObjectStore {
  const { clock, metrics } = options;
  const intercept: Interceptor = async (request, run) => {
    const start = clock.monotonicMillis();
    const end = (received: number, error?: unknown) => {
      const millis = clock.monotonicMillis() - start;
      const { operation, sentBytes: sent } = request;
      metrics.add(operation, { millis, sent, received, error });
    };
    metrics.activeCount++;
    try {
      const result = await run();
      end(result instanceof Uint8Array ? result.byteLength : 0);
      return result;
    } catch (error) {
      end(0, error ?? new Error("request was cancelled"));
      throw error;
    } finally {
      metrics.activeCount--;
    }
  };
  return new WrappedStore(inner, intercept);
}
