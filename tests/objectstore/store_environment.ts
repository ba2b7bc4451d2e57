import { RealFileSystem, SystemClock, SystemRandom } from "../../src/platform/mod.ts";

/** What stores of tests run on. */
export const environment = {
  fs: new RealFileSystem(),
  random: new SystemRandom(),
  clock: new SystemClock(),
};
