/**
 * Runs mutated statements on a real engine. Each is answered with rows, an acknowledgement or a positioned `SqlError`,
 * and no statement keeps column memory after its cursor is closed.
 *
 * @module
 */
import { SqlError } from "../../src/common/mod.ts";
import { EngineFixture } from "../sql/engine_fixture.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import golden from "../golden/sql_parser.json" with { type: "json" };

const STATEMENTS = golden.accepted.filter((sql) => !/^\s*(drop|truncate|create)/i.test(sql));
const PIECES =
  ("ts s d i t1 i1 l v b count( sum( avg( min( max( first( last( ) ( , + - * / % 1 'a' '2024' null ::int " +
    "::string ::timestamp = < != and or not in between like is case when then else end group by order limit sample 1h " +
    "fill(null) fill(prev) latest on partition where from select distinct union all long_sequence(3) x " +
    "array[1,2] [1] [1:2] 1.5m #u33 ##101 0xabcd '1.2.3.4'::ipv4 ::uuid ::geohash(3c) ::decimal(10,2) ::double[] " +
    "::timestamp_ns ::long256 ::varchar within array_sum( rnd_uuid4() json_extract( interval( mode(")
    .split(" ");
/** Batches to pull of one result; a mutation may ask for billions of rows. */
const BATCHES_MAX = 20;

/**
 * Runs `iterations` mutated statements.
 *
 * @returns How many succeeded.
 * @throws {Error} naming seed, iteration and statement when one fails with anything but a positioned SqlError or leaks.
 */
export async function fuzzSqlRun(seed: number, iterations: number): Promise<number> {
  await using fixture = await EngineFixture.open();
  await fixture.run(
    "create table t1 (ts timestamp, s symbol, d double, i int) timestamp(ts) partition by day wal",
  );
  await fixture.run(
    "create table i1 (ts timestamp, b boolean, i int, l long, d double, s symbol, v varchar) " +
      "timestamp(ts) partition by day wal",
  );
  await fixture.run(
    "insert into t1 values ('2024-01-01T10:00:00', 'a', 1, 1), ('2024-01-01', 'b', 2.5, 2)",
  );
  const random = new SeededRandom(seed);
  const bytesBefore = await settledBytes(fixture);
  let succeeded = 0;
  for (let i = 0; i < iterations; i++) {
    const text = mutate(random, random.pick(STATEMENTS));
    try {
      await runOne(fixture, text);
      succeeded++;
    } catch (error) {
      const isRefusal = error instanceof SqlError && error.position >= -1 &&
        error.position <= text.length;
      if (isRefusal) continue;
      throw new Error(`seed=${seed} iteration=${i}: ${text}`, { cause: error });
    }
  }
  const leaked = await settledBytes(fixture) - bytesBefore;
  if (leaked !== 0) throw new Error(`seed=${seed}: refused statements leaked ${leaked} bytes`);
  return succeeded;
}

/** Bytes of column memory in use when no log is left to apply. */
async function settledBytes(fixture: EngineFixture): Promise<number> {
  for (const token of fixture.engine.tables()) await fixture.engine.waitApplied(token);
  return fixture.engine.core.memory.liveBytes;
}

async function runOne(fixture: EngineFixture, text: string): Promise<void> {
  const { memory } = fixture.engine.core;
  const bytesBefore = memory.liveBytes;
  const result = await fixture.sql.execute(text, fixture.context());
  if (result.kind !== "rows") return;
  try {
    for (let i = 0; i < BATCHES_MAX; i++) {
      if (await result.cursor.next() === null) break;
    }
  } finally {
    result.cursor.close();
  }
  const leaked = memory.liveBytes - bytesBefore;
  if (leaked !== 0) throw new Error(`${leaked} bytes of column memory are still in use`);
}

function mutate(random: SeededRandom, statement: string): string {
  let text = statement;
  for (let i = random.int(0, 4); i > 0; i--) {
    const at = random.int(0, text.length + 1);
    text = random.int(0, 2) === 0
      ? text.slice(0, at) + text.slice(at + random.int(0, 8))
      : `${text.slice(0, at)} ${random.pick(PIECES)} ${text.slice(at)}`;
  }
  return text;
}
