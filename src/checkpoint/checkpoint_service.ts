/**
 * CHECKPOINT CREATE and RELEASE: pins every table, so that whatever copies the root sees files that stay.
 *
 * Invariants:
 * 1. At most one checkpoint is active.
 * 2. While it is, nothing that the pinned transactions refer to is purged, WAL segments included.
 *
 * @module
 */
import { QuestError } from "../common/mod.ts";
import type { CheckpointService, DatabasePin, Engine } from "../engine/mod.ts";
import type { Clock } from "../platform/mod.ts";

/** A checkpoint that cannot be created. */
export class CheckpointError extends QuestError {}

/** Creates the service. */
export function createCheckpointService(
  options: { readonly engine: Engine; readonly clock: Clock },
): CheckpointService & Disposable {
  return new PinningCheckpointService(options.engine, options.clock);
}

class PinningCheckpointService implements CheckpointService, Disposable {
  readonly #engine: Engine;
  readonly #clock: Clock;
  #active: { readonly pin: DatabasePin; readonly startedAt: bigint } | null = null;

  constructor(engine: Engine, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  async create(): Promise<void> {
    if (this.#active !== null) {
      throw new CheckpointError("Waiting for CHECKPOINT RELEASE to be called");
    }
    this.#active = { startedAt: this.#clock.nowMicros(), pin: this.#engine.pinAll() };
    try {
      // Whoever copies the root now must find everything that was acknowledged, also after the copy moved to another machine.
      await this.#engine.sync();
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  release(): Promise<void> {
    this.#active?.pin.release();
    this.#active = null;
    return Promise.resolve();
  }

  status(): { inProgress: boolean; startedAt: bigint | null } {
    return { inProgress: this.#active !== null, startedAt: this.#active?.startedAt ?? null };
  }

  [Symbol.dispose](): void {
    this.#active?.pin.release();
    this.#active = null;
  }
}
