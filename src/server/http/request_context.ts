/**
 * What a request's statement runs with: cancelled when the client goes away, and polite to other requests.
 *
 * @module
 */
import type { Clock, Timers } from "../../platform/mod.ts";
import type { ExecutionContext } from "../../sql/mod.ts";

/** A statement gives way to other work after it has run for this long. */
const STEP_MILLIS_MAX = 4;

/** Makes the context of one statement. */
export function executionContext(
  { clock, timers }: { clock: Clock; timers: Timers },
  signal: AbortSignal,
): ExecutionContext {
  let stepStarted = clock.monotonicMillis();
  return {
    signal,
    now: clock.nowMicros(),
    async yieldIfDue() {
      if (clock.monotonicMillis() - stepStarted < STEP_MILLIS_MAX) return;
      await timers.sleep(0);
      stepStarted = clock.monotonicMillis();
    },
  };
}
