/**
 * What a client does until its server is killed.
 *
 * @module
 */

/** Repeats `work` until the process is killed under it. @throws whatever else goes wrong. */
export async function untilKilled(work: () => Promise<void>): Promise<void> {
  while (true) {
    try {
      await work();
    } catch (error) {
      // The process was killed: fetch fails with a TypeError, or the body ends early.
      if (error instanceof TypeError || error instanceof SyntaxError) return;
      throw error;
    }
  }
}
