/** Worker of the pool in `worker_test.ts`. */
import { walTasks } from "../../src/wal/mod.ts";
import { startWorker } from "../../src/wasm/mod.ts";

startWorker(walTasks());
