/**
 * Priority of threads: what can wait gives way to what somebody waits for.
 *
 * @module
 */
import { getPriority, setPriority } from "node:os";

/** Niceness of threads whose work can wait: of 20 levels the middle one. Where nothing else runs they lose nothing by it. */
export const BACKGROUND_NICENESS = 10;

/**
 * Lets other threads go before the calling one when there are not enough processors for all. Linux only: elsewhere a priority
 * belongs to a process. Where the system does not let it, or does not tell the thread's number, the priority stays as it is.
 */
export function lowerThreadPriority(): void {
  if (Deno.build.os !== "linux") return;
  try {
    const [process, thread] = Deno.readLinkSync("/proc/thread-self").split("/task/").map(Number);
    if (process !== Deno.pid) return; // numbers of another namespace
    if (getPriority(thread) < BACKGROUND_NICENESS) setPriority(thread, BACKGROUND_NICENESS);
  } catch {
    // No /proc, or a sandbox that forbids it: nothing depends on a priority.
  }
}
