/**
 * The two servers of a benchmark, and how times are taken.
 *
 * @module
 */
import type { ServerProcess } from "../scripts/server_process.ts";
import type { QuestDbServer } from "../tests/support/questdb_server.ts";

/** A server under test. */
export interface BenchPeer {
  readonly name: string;
  readonly port: number;
  /** Of the process, whose CPU time is measured. */
  readonly pid: number;
  exec(sql: string): Promise<{ dataset?: unknown[][] }>;
  /** Waits until everything acknowledged is visible. */
  settle(): Promise<void>;
}

const SETTLE_POLL_MILLIS = 2;

/** The middle one of some values. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Milliseconds that some work takes. */
export async function millisOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Both servers are asked the same way and as often, so that waiting costs both the same. */
async function settle(exec: BenchPeer["exec"]): Promise<void> {
  while (true) {
    const { dataset } = await exec("SELECT suspended, writerTxn, sequencerTxn FROM wal_tables()");
    if (dataset!.some((row) => row[0] === true)) throw new Error("a table is suspended");
    if (dataset!.every((row) => row[1] === row[2])) return;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_MILLIS));
  }
}

/** The reference server. */
export function questDbPeer(server: QuestDbServer): BenchPeer {
  const exec = (sql: string) => server.exec(sql);
  return { name: "QuestDB", port: server.port, pid: server.pid, exec, settle: () => settle(exec) };
}

/** Our server. */
export function tidemarkPeer(server: ServerProcess): BenchPeer {
  const exec = (sql: string) => server.exec(sql);
  return { name: "Tidemark", port: server.port, pid: server.pid, exec, settle: () => settle(exec) };
}
