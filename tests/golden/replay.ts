/**
 * Replays the recording against our server over HTTP, in order, and compares every answer. The WAL is drained after each
 * write, as it was when the recording was made.
 *
 * As a program: `deno run -A tests/golden/replay.ts [--quiet] [group…]` prints the differences of the groups (all of the
 * storage issue when none is named; `all` for every group) and equal/total per group. `--reference` asks the real QuestDB
 * instead, which shows what of the recording a server can be held to.
 *
 * @module
 */
import { ServerProcess } from "../../scripts/server_process.ts";
import { startQuestDb } from "../support/questdb_server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { type Answer, isSameAnswer } from "./comparison.ts";
import { describeRequest, loadRecording, type RecordedCase } from "./recording.ts";

/** Groups of the storage and WAL work. */
export const STORAGE_GROUPS: readonly string[] = [
  "ddl.create",
  "dml.insert",
  "select.types",
  "types.literals",
  "update",
  "alter",
  "partitions",
  "dedup",
  "o3",
  "ttl",
  "rename_truncate_drop",
  "catalog",
  "exp",
  "imp",
];
const WRITE = /^\s*(create|insert|update|alter|drop|rename|truncate|vacuum|reindex)\b/i;
const DRAIN_TIMEOUT_MILLIS = 20_000;
const DRAIN_POLL_MILLIS = 5;

/** What one case gave. */
export interface ReplayedCase {
  readonly request: RecordedCase;
  readonly actual: Answer;
  readonly isEqual: boolean;
}

/** A server under replay. */
export interface Target {
  readonly url: string;
  tryExec(sql: string): Promise<{ dataset?: unknown[][] }>;
}

/** Runs the cases whose group is asked for, and every other one that changes state; gives the former. */
export async function replay(
  server: Target,
  options: { root: string; groups: readonly string[] | null },
): Promise<ReplayedCase[]> {
  const replayed: ReplayedCase[] = [];
  for (const request of loadRecording()) {
    const isAsked = options.groups === null || options.groups.includes(request.group);
    if (!isAsked && request.setup !== true) continue;
    const actual = await send(server, request);
    if (request.method === "POST" || WRITE.test(request.params?.query ?? "")) await drain(server);
    if (!isAsked || request.unstable === true) continue;
    replayed.push({ request, actual, isEqual: isSameAnswer(request, actual, options.root) });
  }
  return replayed;
}

async function send(server: Target, request: RecordedCase): Promise<Answer> {
  const { method, path, params = {}, parts, body } = request;
  const init: RequestInit = { method };
  if (parts !== undefined) {
    const form = new FormData();
    for (const [name, content] of parts) {
      if (name === "data") form.append(name, new Blob([content]), "file.csv");
      else form.append(name, content);
    }
    init.body = form;
  } else if (body !== undefined) init.body = body;
  try {
    const response = await fetch(`${server.url}${path}?${new URLSearchParams(params)}`, init);
    return { status: response.status, body: await response.text() };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { status: 0, body: String(error) }; // the answer was broken off
  }
}

/** Waits until every table that is not suspended shows all its transactions. */
async function drain(server: Target): Promise<void> {
  const deadline = performance.now() + DRAIN_TIMEOUT_MILLIS;
  while (performance.now() < deadline) {
    const { dataset = [] } = await server.tryExec("wal_tables()");
    if (dataset.every((row) => row[1] === true || row[2] === row[4])) return;
    await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MILLIS));
  }
}

/** Equal and all cases by group, in the recording's order. */
export function countByGroup(
  cases: readonly ReplayedCase[],
): Map<string, { equal: number; total: number }> {
  const counts = new Map<string, { equal: number; total: number }>();
  for (const { request, isEqual } of cases) {
    const count = counts.get(request.group) ?? { equal: 0, total: 0 };
    count.total++;
    if (isEqual) count.equal++;
    counts.set(request.group, count);
  }
  return counts;
}

/** Starts our server on an empty root and replays on it. */
export async function replayOnNewRoot(groups: readonly string[] | null): Promise<ReplayedCase[]> {
  using directory = new TempDir();
  await using server = await ServerProcess.start({ root: directory.path });
  return await replay(server, { root: directory.path, groups });
}

/** Starts the real QuestDB on an empty root and replays on it. */
async function replayOnReference(groups: readonly string[] | null): Promise<ReplayedCase[]> {
  using directory = new TempDir();
  await using server = await startQuestDb({ root: directory.path });
  const url = `http://127.0.0.1:${server.port}`;
  const tryExec = async (sql: string) =>
    await (await fetch(`${url}/exec?query=${encodeURIComponent(sql)}`)).json();
  return await replay({ url, tryExec }, { root: directory.path, groups });
}

function show(replayed: ReplayedCase): string {
  const { request, actual } = replayed;
  return [
    `── ${request.number} ${request.group}: ${describeRequest(request)}`,
    `   expected ${request.status} ${request.response}`,
    `   actual   ${actual.status} ${actual.body}`,
  ].join("\n");
}

if (import.meta.main) {
  const names = Deno.args.filter((arg) => !arg.startsWith("--"));
  const groups = names.includes("all") ? null : names.length > 0 ? names : STORAGE_GROUPS;
  const run = Deno.args.includes("--reference") ? replayOnReference : replayOnNewRoot;
  const cases = await run(groups);
  if (!Deno.args.includes("--quiet")) {
    for (const replayed of cases) if (!replayed.isEqual) console.log(show(replayed));
  }
  for (const [group, { equal, total }] of countByGroup(cases)) {
    console.log(`${group.padEnd(22)} ${equal}/${total}`);
  }
  const equal = cases.filter((replayed) => replayed.isEqual).length;
  console.log(`${"together".padEnd(22)} ${equal}/${cases.length} (${
    (100 * equal / cases.length).toFixed(1)
  } %)`);
}
