/**
 * SQL over every type, over HTTP, compared with what a real QuestDB 9.3.4 answered: literals, casts of every pair of types,
 * operators, functions, order, groups, results as JSON and CSV byte for byte, and INSERT from every type into every type.
 *
 * The recordings are in tests/sql/testdata: `questdb_types.json` holds statements that make a table and queries with their
 * answers, without the echo of the query; `questdb_inserts.json` holds [mode, value, column type, stored value or error].
 *
 * @module
 */
import { assertEquals } from "../support/assert.ts";
import { ServerFixture } from "./server_fixture.ts";
import inserts from "../sql/testdata/questdb_inserts.json" with { type: "json" };
import types from "../sql/testdata/questdb_types.json" with { type: "json" };

/** Leaves out what the answer repeats of the request. */
function withoutEcho(body: string): string {
  return body.replace(/^\{"query":"(?:[^"\\]|\\.)*",/, "{").replaceAll("\r", "");
}

Deno.test("queries over every type give the real server's bytes", async () => {
  await using server = await ServerFixture.start();
  for (const statement of types.setup) {
    assertEquals(JSON.parse(await server.exec(statement)).error, undefined, statement);
  }
  await server.settle();
  const failures: string[] = [];
  for (const [path, query, expected] of types.answers) {
    const actual = withoutEcho((await server.request(path, { query })).body);
    if (actual !== expected) failures.push(`${query}\n  got  ${actual}\n  want ${expected}`);
  }
  assertEquals(failures.slice(0, 20), []);
});

Deno.test("INSERT converts, or refuses in the real server's words", async () => {
  await using server = await ServerFixture.start();
  const made = new Set<string>();
  const failures: string[] = [];
  for (const [mode, value, type, expected] of inserts) {
    const table = `it_${type.replace(/\W/g, "_")}`;
    if (!made.has(table)) await server.exec(`CREATE TABLE ${table} (v ${type})`);
    made.add(table);
    const source = mode === "values"
      ? `values (${value})`
      : `select ${value} from long_sequence(1)`;
    const { error, position } = JSON.parse(
      await server.exec(`insert into ${table} ${source}`),
    );
    let actual = `ERR@${position} ${error}`;
    if (error === undefined) {
      const body = await server.exec(`select v from ${table} limit -1`);
      actual = /"dataset":(.*),"count"/.exec(body)?.[1] ?? body;
    }
    if (actual !== expected) {
      failures.push(`${mode} ${value} -> ${type}\n  got  ${actual}\n  want ${expected}`);
    }
  }
  assertEquals(failures.slice(0, 20), []);
});
