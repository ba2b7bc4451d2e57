import { WalError } from "../../src/common/mod.ts";
import { assertEquals } from "../support/assert.ts";
import { ServerFixture } from "../server/server_fixture.ts";

/** A statement that was sent to QuestDB 9.3.4, in order, and what it answered; the WAL was drained behind each. */
interface RecordedStatement {
  readonly sql: string;
  readonly error?: string;
  readonly position?: number;
  readonly updated?: number;
  readonly columns?: string[];
  readonly rows?: unknown[][];
}

Deno.test("CREATE, ALTER, UPDATE, RENAME, TRUNCATE, DROP and catalog statements answer as recorded", async () => {
  await replay("statements.jsonl");
});

Deno.test("values, their conversions and texts are those that were recorded", async () => {
  await replay("values.jsonl");
});

async function replay(name: string): Promise<void> {
  const recording = new URL(`../golden/${name}`, import.meta.url);
  await using fixture = await ServerFixture.start();
  for (const line of Deno.readTextFileSync(recording).trimEnd().split("\n")) {
    const { sql, ...expected }: RecordedStatement = JSON.parse(line);
    const answer = JSON.parse(await fixture.exec(sql));
    const { columns, dataset, error, position, updated } = answer;
    const actual = {
      ...(error === undefined ? {} : { error, position }),
      ...(updated === undefined ? {} : { updated }),
      ...(columns === undefined ? {} : {
        columns: columns.map((column: { name: string; type: string }) =>
          `${column.name} ${column.type}`
        ),
        rows: dataset,
      }),
    };
    assertEquals(sorted(actual), sorted(expected), sql);
    await settle(fixture);
  }
}

/** Waits for what was committed; a table that a statement has suspended, as it did there, is left alone. */
async function settle(fixture: ServerFixture): Promise<void> {
  for (const token of fixture.engine.tables()) {
    try {
      await fixture.engine.waitApplied(token);
    } catch (error) {
      if (!(error instanceof WalError) || !fixture.engine.walStatus(token).isSuspended) throw error;
    }
  }
}

/** Rows of catalog functions come in no order. */
function sorted(answer: Omit<RecordedStatement, "sql">): Omit<RecordedStatement, "sql"> {
  if (answer.rows === undefined) return answer;
  return { ...answer, rows: answer.rows.map((row) => JSON.stringify(row)).sort() as never };
}
