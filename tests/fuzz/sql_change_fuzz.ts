/**
 * Runs mutated CREATE, ALTER, UPDATE, RENAME, DROP and catalog statements on a real engine, whose tables change with them. Each
 * is answered or refused with one of this project's errors, never with one of the runtime.
 *
 * @module
 */
import { QuestError } from "../../src/common/mod.ts";
import { tokenize } from "../../src/sql/lexer/mod.ts";
import { EngineFixture } from "../sql/engine_fixture.ts";
import { SeededRandom } from "../support/seeded_random.ts";

const RECORDED = new URL("../golden/statements.jsonl", import.meta.url);
const TEXTS: readonly string[] = Deno.readTextFileSync(RECORDED).trimEnd().split("\n")
  .map((line) => JSON.parse(line).sql);
const WORDS_LENGTH_MAX = 30;
/** Tables are made anew after so many statements; most are dropped or full of odd columns by then. */
const ROUND = 300;
/** A number of so many digits can ask for more rows than a test has time for. */
const LARGE_NUMBER = /\d{6,}/;

function tokensOf(text: string): string[] {
  const { count, starts, ends } = tokenize(text);
  return Array.from({ length: count }, (_, i) => text.slice(starts[i], ends[i]));
}

const STATEMENTS = TEXTS.filter((text) => !/long_sequence\(\d{4}/.test(text));
const SETUP = TEXTS.filter((text) => /^create table \w+ \(/i.test(text)).slice(0, 60);
const WORDS = [...new Set(TEXTS.flatMap(tokensOf))]
  .filter((word) => word.length < WORDS_LENGTH_MAX);

/**
 * Runs `iterations` mutated statements.
 *
 * @returns How many succeeded.
 * @throws {Error} naming seed, iteration and statement when one fails in a way it may not.
 */
export async function fuzzSqlChange(seed: number, iterations: number): Promise<number> {
  const random = new SeededRandom(seed);
  await using fixture = await EngineFixture.open();
  let succeeded = 0;
  for (let i = 0; i < iterations; i++) {
    if (i % ROUND === 0) { for (const text of SETUP) await tryRun(fixture, text); }
    const text = mutate(random);
    if (LARGE_NUMBER.test(text)) continue;
    try {
      if (await tryRun(fixture, text)) succeeded++;
    } catch (error) {
      throw new Error(`seed=${seed} iteration=${i}: ${text}`, { cause: error });
    }
  }
  return succeeded;
}

/** @returns false if the statement is refused. */
async function tryRun(fixture: EngineFixture, text: string): Promise<boolean> {
  try {
    await fixture.run(text);
    return true;
  } catch (error) {
    if (error instanceof QuestError) return false;
    throw error;
  }
}

function mutate(random: SeededRandom): string {
  const tokens = tokensOf(random.pick(STATEMENTS));
  for (let edits = random.int(0, 3); edits > 0; edits--) {
    const at = random.int(0, tokens.length + 1);
    switch (random.int(0, 3)) {
      case 0:
        tokens.splice(at, 1);
        break;
      case 1:
        tokens.splice(at, 1, random.pick(WORDS));
        break;
      default:
        tokens.splice(at, 0, random.pick(WORDS));
    }
  }
  return tokens.join(" ");
}
