/**
 * A simulated disk on which syncs off the thread wait until they are let go.
 *
 * @module
 */
import { type FileHandle, SimulatedFileSystem } from "../../src/platform/mod.ts";

/** See the module's description. */
export class SlowDisk extends SimulatedFileSystem {
  #gate: Promise<void> = Promise.resolve();

  /** Called when a sync begins to wait. */
  onWait: () => void = () => {};

  /** Makes syncs wait from now on. @returns what lets them go. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }
  override open(...args: Parameters<SimulatedFileSystem["open"]>): FileHandle {
    const handle = super.open(...args);
    const syncDataAsync = handle.syncDataAsync.bind(handle);
    handle.syncDataAsync = async () => {
      this.onWait();
      await this.#gate;
      await syncDataAsync();
    };
    return handle;
  }
}
