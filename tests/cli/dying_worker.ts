/** A worker that dies a moment after it has started. */
import { startWorker } from "../../src/wasm/mod.ts";

startWorker({});
setTimeout(() => {
  throw new Error("out of luck");
}, 1500);
