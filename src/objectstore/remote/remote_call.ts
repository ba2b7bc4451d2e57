/**
 * What every request to a remote store has in common: a deadline, cancellation, one kind of error.
 *
 * @module
 */
import { ObjectStoreError } from "../../common/mod.ts";
import type { Clock, Timers } from "../../platform/mod.ts";
import { judgeFailure, ObjectStoreRequestError, type RawFailure } from "../request_error.ts";
import { Deadline, type RequestTimeouts } from "./deadline.ts";
import type { Secrets } from "./secrets.ts";

/** What a remote store needs to make requests. */
export interface RemoteContext {
  /** Scheme and place for messages. */
  readonly description: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly timeouts: RequestTimeouts;
  readonly secrets: Secrets;
  /** Finds status and code in what the provider's client throws. */
  readonly describeError: (error: unknown) => RawFailure;
}

/** One request. */
export interface RemoteRequest {
  readonly operation: string;
  /** Object or prefix. */
  readonly key: string;
  /** Bytes that will move, as far as they are known. */
  readonly bytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a request.
 *
 * @throws {ObjectStoreRequestError} if it failed, without a secret in it; or the reason of the caller's signal.
 */
export async function remoteCall<T>(
  context: RemoteContext,
  request: RemoteRequest,
  run: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const { signal, bytes = 0 } = request;
  signal?.throwIfAborted();
  using deadline = new Deadline({ ...context, bytes, signal });
  try {
    return await untilAborted(run(deadline), deadline.signal);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof ObjectStoreError) throw error;
    throw failureOf(context, request, { error, deadline });
  }
}

function failureOf(
  context: RemoteContext,
  request: RemoteRequest,
  outcome: { readonly error: unknown; readonly deadline: Deadline },
): ObjectStoreRequestError {
  const { isExpired, signal } = outcome.deadline;
  const error: unknown = isExpired ? signal.reason : outcome.error;
  const described = isExpired ? { reason: (error as Error).message } : context.describeError(error);
  const raw = { ...described, reason: context.secrets.redact(described.reason) };
  const failure = isExpired
    ? { ...raw, kind: "timeout" as const, isRetryable: true }
    : judgeFailure(raw);
  // The client's own error may hold headers and credentials: only its name and words go on.
  const cause = new Error(raw.reason);
  if (error instanceof Error) cause.name = error.name;
  return new ObjectStoreRequestError(
    failure,
    { store: context.description, operation: request.operation, key: request.key },
    { cause },
  );
}

/** Does not wait for a client that ignores its signal; what it still does is not looked at. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
