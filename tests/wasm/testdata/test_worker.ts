/** Tasks for the tests of the worker pool. */
import { getPriority } from "node:os";
import { StorageError } from "../../../src/common/mod.ts";
import { startWorker, type TaskContext, Transferred } from "../../../src/wasm/mod.ts";

const seen: number[] = [];
let given: Uint8Array<ArrayBuffer> | null = null;

startWorker({
  sum({ core }: TaskContext, { n }: { n: number }) {
    const pointer = core.memory.alloc(8 * n);
    for (let i = 0; i < n; i++) core.memory.f64[pointer / 8 + i] = i + 1;
    const sum = core.kernels.sumF64(pointer, n);
    core.memory.free(pointer);
    return sum;
  },
  fail() {
    throw new StorageError("/x/_txn", "torn file", { row: 7 });
  },
  append(_context: TaskContext, { value }: { value: number }) {
    seen.push(value);
    return [...seen];
  },
  give(_context: TaskContext, { n }: { n: number }) {
    given = new Uint8Array(n).fill(n);
    return new Transferred(given, [given.buffer]);
  },
  isGiven: () => given?.buffer.detached,
  niceness() {
    const thread = Deno.readLinkSync("/proc/thread-self").split("/").at(-1);
    return getPriority(Number(thread));
  },
  die() {
    setTimeout(() => {
      throw new Error("out of luck");
    }, 0);
  },
});
