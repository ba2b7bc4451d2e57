/**
 * The log's interface; one line an event, QuestDB's style: `2026-01-01T00:00:00.000000Z I component message [k=v]`.
 *
 * @module
 */
import type { ErrorContext } from "../common/mod.ts";

/** Where events go. Secrets must never be passed in. */
export interface Log {
  /** Something an operator may want to see. */
  info(component: string, message: string, context?: ErrorContext): void;
  /** Something went wrong and was handled. */
  error(component: string, message: string, context?: ErrorContext): void;
  /** Data or service is at risk: a human must act. */
  critical(component: string, message: string, context?: ErrorContext): void;
}

/** A log that keeps nothing; for tests and short-lived tools. */
export const SILENT_LOG: Log = { info() {}, error() {}, critical() {} };
