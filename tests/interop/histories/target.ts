/**
 * One server of a comparison: runs statements, waits for its WAL, and shows everything a table holds.
 *
 * @module
 */

/** How a statement ended. */
export interface Outcome {
  /** `null` when it was accepted. */
  readonly error: string | null;
  readonly position: number | null;
}

/** All that is visible of a table, as text that is compared line by line. */
export interface TableDump {
  readonly columns: string;
  readonly ddl: string;
  readonly partitions: string;
  readonly rows: string;
  /** Answers through the index of every indexed column. */
  readonly indexed: string;
  /** The same answers from the rows, without an index. */
  readonly scanned: string;
}

const DRAIN_TIMEOUT_MILLIS = 30_000;
const DRAIN_POLL_MILLIS = 4;
const DEAD_CONNECTION_ATTEMPTS = 3;
/** More rows than a history makes. */
const ROWS_MAX = 1_000_000_000;

interface ExecJson {
  readonly error?: string;
  readonly position?: number;
  readonly columns?: { name: string; type: string }[];
  readonly dataset?: unknown[][];
}

/** A query was refused that should show what is there. */
export class QueryFailure extends Error {
  override readonly name: string = "QueryFailure";
}

/** A server over HTTP, and the database root it works on. */
export class Target {
  readonly name: string;
  readonly #url: string;
  readonly #dbRoot: string;

  constructor(options: { name: string; url: string; dbRoot: string }) {
    this.name = options.name;
    this.#url = options.url;
    this.#dbRoot = options.dbRoot;
  }

  /** Runs a statement, or the renaming that a step `attachable:TABLE:PARTITION` asks for. */
  async run(sql: string): Promise<Outcome> {
    if (sql.startsWith("attachable:")) return await this.#makeAttachable(sql);
    const answer = await this.#exec(sql);
    const error = answer.error?.replaceAll(this.#dbRoot, "<root>") ?? null;
    return { error, position: answer.position ?? null };
  }

  /** Rows of a query. @throws {Error} if it fails. */
  async query(sql: string): Promise<unknown[][]> {
    const answer = await this.#exec(sql);
    if (answer.error !== undefined) {
      throw new QueryFailure(`${this.name}: ${answer.error} [${sql}]`);
    }
    return answer.dataset ?? [];
  }

  /** Waits until the WAL of tables with a prefix is applied. @returns those that are suspended, with their errors. */
  async drain(prefix: string): Promise<string[]> {
    const deadline = performance.now() + DRAIN_TIMEOUT_MILLIS;
    while (performance.now() < deadline) {
      const rows = (await this.query("wal_tables()")).filter((row) =>
        (row[0] as string).startsWith(prefix)
      );
      const suspended = rows.filter((row) => row[1] === true);
      if (rows.every((row) => row[1] === true || (row[2] === row[4] && row[3] === 0))) {
        return suspended.map((row) => `${row[0]}: ${row[5]} ${row[6]}`);
      }
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MILLIS));
    }
    throw new Error(`${this.name} did not apply its WAL in time`);
  }

  /** Directory of a table below the database root. */
  async directoryOf(table: string): Promise<string> {
    const rows = await this.query(
      `SELECT directoryName FROM tables() WHERE table_name = '${table}'`,
    );
    if (rows.length === 0) throw new QueryFailure(`${this.name}: there is no table ${table}`);
    return `${this.#dbRoot}/${rows[0][0]}`;
  }

  /** Reads everything of a table. */
  async dump(table: string): Promise<TableDump> {
    const columns = await this.query(
      'SELECT "column", type, indexed, indexBlockCapacity, symbolCached, symbolCapacity, designated, ' +
        `upsertKey FROM table_columns('${table}')`,
    );
    const partitions = await this.query(
      "SELECT name, minTimestamp, maxTimestamp, numRows, readOnly, active, attached, detached, attachable " +
        `FROM table_partitions('${table}')`,
    );
    const ddl = await this.query(`SHOW CREATE TABLE ${table}`);
    const response = await this.#fetch("/exp", `SELECT * FROM ${table}`);
    const rows = await response.text();
    const [[isWal]] = await this.query(
      `SELECT walEnabled FROM tables() WHERE table_name = '${table}'`,
    );
    const indexed: string[] = [], scanned: string[] = [];
    for (const [column] of columns.filter((values) => values[2] === true)) {
      for (const value of ["= 's3'", "= 'q1'", "= null"]) {
        const sources = [
          [table, column, indexed],
          // The limit keeps the condition from the table, and so from its index.
          [`(SELECT ts, ${column} k FROM ${table} LIMIT ${ROWS_MAX})`, "k", scanned],
        ] as const;
        for (const [source, name, lines] of sources) {
          const counted = await this.query(
            `SELECT count(), min(ts), max(ts) FROM ${source} WHERE ${name} ${value}`,
          );
          lines.push(`${column} ${value}: ${JSON.stringify(counted)}`);
        }
      }
    }
    return {
      columns: linesOf(columns),
      ddl: String(ddl[0]?.[0]),
      partitions: linesOf(partitions),
      // Without WAL, the reference does not keep late rows of equal timestamps in the order they came in.
      rows: isWal === true ? rows : rows.split("\n").sort().join("\n"),
      indexed: indexed.join("\n"),
      scanned: scanned.join("\n"),
    };
  }

  async #makeAttachable(step: string): Promise<Outcome> {
    const [, table, partition] = step.split(":");
    try {
      const directory = await this.directoryOf(table);
      await Deno.rename(
        `${directory}/${partition}.detached`,
        `${directory}/${partition}.attachable`,
      );
      return { error: null, position: null };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return { error: error.name, position: null };
    }
  }

  async #exec(sql: string): Promise<ExecJson> {
    const response = await this.#fetch("/exec", sql);
    const text = await response.text();
    try {
      return JSON.parse(text) as ExecJson;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new Error(`${this.name} answers no JSON: ${text.slice(0, 500)} [${sql}]`);
    }
  }

  /** A connection that the server closed meanwhile is tried again; nothing was sent over it. */
  async #fetch(path: string, query: string): Promise<Response> {
    for (let attempt = 1;; attempt++) {
      try {
        return await fetch(`${this.#url}${path}?query=${encodeURIComponent(query)}`);
      } catch (error) {
        if (!(error instanceof TypeError) || attempt === DEAD_CONNECTION_ATTEMPTS) {
          throw new Error(`${this.name} does not answer [${query.slice(0, 300)}]`, {
            cause: error,
          });
        }
      }
    }
  }
}

function linesOf(rows: readonly unknown[][]): string {
  return rows.map((row) => JSON.stringify(row)).join("\n");
}

/**
 * The first difference of two dumps, for people; `null` if there is none.
 *
 * Both answers of the second, through an index and without, are held against what the first reads without one: a running
 * QuestDB now and then counts other rows through an index than it has, and than it counts when it was started again.
 */
export function firstDifference(expected: TableDump, actual: TableDump): string | null {
  const parts = [
    ["columns", "columns"],
    ["ddl", "ddl"],
    ["partitions", "partitions"],
    ["rows", "rows"],
    ["scanned", "scanned"],
    ["scanned", "indexed"],
  ] as const;
  for (const [wanted, part] of parts) {
    if (expected[wanted] === actual[part]) continue;
    const want = expected[wanted].split("\n"), got = actual[part].split("\n");
    const at = want.findIndex((line, index) => line !== got[index]);
    const line = at < 0 ? want.length : at;
    return `${part}, line ${line} of ${want.length} and ${got.length}:\n  expected ${
      want[line]
    }\n  actual   ${got[line]}`;
  }
  return null;
}
