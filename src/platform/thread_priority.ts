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
 * belongs to a process.
 *
 * @returns false if the system does not let it, or does not tell the thread's number: then all is as it was, and nothing depends on it.
 */
export function lowerThreadPriority(): boolean {
  if (Deno.build.os !== "linux") return false;
  try {
    const [process, thread] = Deno.readLinkSync("/proc/thread-self").split("/task/").map(Number);
    if (process !== Deno.pid) return false; // numbers of another namespace
    if (getPriority(thread) < BACKGROUND_NICENESS) setPriority(thread, BACKGROUND_NICENESS);
    return true;
  } catch {
    return false; // no /proc, or a sandbox that forbids it
  }
}
