/**
 * Compares this server with the real QuestDB: the same data, the same statements, over HTTP, in the same run, taking turns. Prints
 * both medians and the ratio QuestDB / Tidemark: above 1, Tidemark is faster.
 *
 * Usage: `deno task bench [rows] [runs] [--writes]`, by default 5 000 000 rows and 7 runs; `--writes` leaves the queries out.
 *
 * @module
 */
import { ServerProcess } from "../scripts/server_process.ts";
import { startQuestDb } from "../tests/support/questdb_server.ts";
import { type BenchPeer, median, millisOf, questDbPeer, tidemarkPeer } from "./peer.ts";
import { CREATE, insert, QUERIES } from "./queries.ts";
import { compareWrites } from "./writes.ts";

const WARM_UPS = 2;
const IMPORT_ROWS = 500_000;
/** Below the rows after which either server commits an INSERT SELECT in parts. */
const WRITE_ROWS_MAX = 1_000_000;
const RELATIVE_TOLERANCE = 1e-9;

/** Tells whether two answers are the same, up to the last digits of sums and the order of groups. */
function isSameAnswer(a: unknown[][], b: unknown[][], isOrdered: boolean): boolean {
  const rows = (data: unknown[][]) =>
    isOrdered ? data : [...data].sort((x, y) => JSON.stringify(x) < JSON.stringify(y) ? -1 : 1);
  const left = rows(a), right = rows(b);
  return left.length === right.length && left.every((row, i) =>
    row.every((value, j) => {
      const other = right[i][j];
      if (typeof value !== "number" || typeof other !== "number") return value === other;
      return Math.abs(value - other) <=
        RELATIVE_TOLERANCE * Math.max(Math.abs(value), Math.abs(other), 1);
    })
  );
}

function printRow(name: string, [ours, theirs]: readonly [number, number], note = ""): void {
  const cells = [
    name.padEnd(34),
    `${ours.toFixed(1)} ms`.padStart(12),
    `${theirs.toFixed(1)} ms`.padStart(12),
  ];
  console.log(`${cells.join("")}${(theirs / ours).toFixed(2).padStart(9)}  ${note}`);
}

async function load(peer: BenchPeer, rows: number): Promise<number> {
  await peer.exec(CREATE);
  return await millisOf(async () => {
    await peer.exec(insert(rows));
    await peer.settle();
  });
}

async function importCsv(peer: BenchPeer, csv: Blob): Promise<number> {
  await peer.exec(CREATE.replace("TABLE bench", "TABLE imported"));
  return await millisOf(async () => {
    const form = new FormData();
    form.append("data", csv, "data.csv");
    const response = await fetch(`http://127.0.0.1:${peer.port}/imp?name=imported&fmt=json`, {
      method: "POST",
      body: form,
    });
    const answer = await response.json();
    if (answer.rowsImported !== IMPORT_ROWS) {
      throw new Error(`Import failed: ${JSON.stringify(answer)}`);
    }
    await peer.settle();
  });
}

async function compareQueries(peers: readonly [BenchPeer, BenchPeer], runs: number): Promise<void> {
  for (const [name, sql] of QUERIES) {
    const times: [number[], number[]] = [[], []];
    const answers: unknown[][][] = [];
    for (let run = 0; run < WARM_UPS + runs; run++) {
      for (const [index, peer] of peers.entries()) {
        const millis = await millisOf(async () => answers[index] = (await peer.exec(sql)).dataset!);
        if (run >= WARM_UPS) times[index].push(millis);
      }
    }
    const isSame = isSameAnswer(answers[0], answers[1], /ORDER BY|LIMIT/.test(sql));
    printRow(
      name,
      [median(times[0]), median(times[1])],
      isSame ? "" : "answers differ (rows with equal keys may come in any order)",
    );
  }
}

async function compareReads(
  peers: readonly [BenchPeer, BenchPeer],
  ours: ServerProcess,
  options: { rows: number; runs: number },
): Promise<void> {
  const { rows, runs } = options;
  console.log(`${rows.toLocaleString("en")} rows, median of ${runs} runs`);
  printRow(
    "insert as select",
    [await load(peers[0], rows), await load(peers[1], rows)],
    "until visible, one run",
  );
  await compareQueries(peers, runs);
  const csv = await (await ours.exp(`SELECT * FROM bench LIMIT ${IMPORT_ROWS}`)).blob();
  const times = [await importCsv(peers[0], csv), await importCsv(peers[1], csv)] as const;
  printRow(`/imp ${IMPORT_ROWS / 1000}k rows`, times, "until visible, one run");
}

if (import.meta.main) {
  const numbers = Deno.args.filter((arg) => !arg.startsWith("--")).map(Number);
  const [rows = 5_000_000, runs = 7] = numbers;
  const directory = await Deno.makeTempDir({ prefix: "tidemark-bench-" });
  try {
    Deno.mkdirSync(`${directory}/ours`);
    Deno.mkdirSync(`${directory}/theirs`);
    await using ours = await ServerProcess.start({ root: `${directory}/ours` });
    await using theirs = await startQuestDb({
      root: `${directory}/theirs`,
      config: ["cairo.writer.data.append.page.size=16m"],
    });
    const peers = [tidemarkPeer(ours), questDbPeer(theirs)] as const;
    console.log(
      `${"".padEnd(34)}${"Tidemark".padStart(12)}${"QuestDB".padStart(12)}${"ratio".padStart(9)}`,
    );
    if (!Deno.args.includes("--writes")) await compareReads(peers, ours, { rows, runs });
    await compareWrites(peers, { rows: Math.min(rows, WRITE_ROWS_MAX), runs });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
