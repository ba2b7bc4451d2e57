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
 */
export function lowerThreadPriority(): void {
  if (Deno.build.os !== "linux") return;
  let task: string;
  try {
    task = Deno.readLinkSync("/proc/thread-self"); // <process>/task/<thread>
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return; // no /proc here
    throw error;
  }
  const thread = Number(task.slice(task.lastIndexOf("/") + 1));
  if (getPriority(thread) < BACKGROUND_NICENESS) setPriority(thread, BACKGROUND_NICENESS);
}
