/**
 * Fuzzes the SQL front end: random token soup, random characters, and recorded statements with pieces cut, repeated,
 * swapped and replaced. The parser must answer each with a statement or a positioned `SqlError`, and soon.
 *
 * @module
 */
import { SqlError } from "../../src/common/mod.ts";
import { tokenize } from "../../src/sql/lexer/mod.ts";
import { parseStatement, parseStatements } from "../../src/sql/parser/mod.ts";
import golden from "../golden/sql_parser.json" with { type: "json" };
import { SeededRandom } from "../support/seeded_random.ts";

const RECORDED = new URL("../golden/statements.jsonl", import.meta.url);
const STATEMENTS: readonly string[] = [
  ...golden.accepted,
  ...golden.errors.map((entry) => entry.sql),
  ...Deno.readTextFileSync(RECORDED).trimEnd().split("\n").map((line) => JSON.parse(line).sql),
];

const WORDS: readonly string[] = [
  ...new Set(
    STATEMENTS.flatMap((sql) => {
      const tokens = tokenize(sql);
      return Array.from(
        { length: tokens.count },
        (_, i) => sql.slice(tokens.starts[i], tokens.ends[i]),
      );
    }).filter((word) => word.length < 40),
  ),
];
const CHARACTERS = "abcxyz019_ .,;:()[]{}'\"`+-*/%<>=!~|&^#$@?\\\n\t\u0000é\ud83d\udc4d\ud800";
/** No statement of a few hundred characters may take longer to refuse or accept. */
const MILLIS_MAX = 2_000;
const TOKENS_MAX = 60;

/**
 * Runs `iterations` random texts through the parser.
 *
 * @returns How many of them were statements.
 * @throws {Error} naming seed, iteration and text when the parser throws anything but a positioned SqlError, or hangs.
 */
export function fuzzSql(seed: number, iterations: number): number {
  const random = new SeededRandom(seed);
  let accepted = 0;
  for (let i = 0; i < iterations; i++) {
    const text = makeText(random);
    const started = performance.now();
    const failure = tryParse(text);
    if (failure === null) accepted++;
    else if (failure !== "refused") {
      throw new Error(`seed=${seed} iteration=${i}: ${failure}: ${text}`);
    }
    if (performance.now() - started > MILLIS_MAX) {
      throw new Error(`seed=${seed} iteration=${i}: took too long: ${text}`);
    }
  }
  return accepted;
}

/** Returns `null` if the text is a statement, `refused` if it is rightly refused, else what went wrong. */
function tryParse(text: string): string | null {
  let first: unknown = null;
  for (const parse of [parseStatement, parseStatements]) {
    try {
      parse(text);
    } catch (error) {
      if (!(error instanceof SqlError)) return `threw ${error}`;
      if (error.position < 0 || error.position > text.length) return `position ${error.position}`;
      if (error.message === "") return "empty message";
      first ??= error;
    }
  }
  return first === null ? null : "refused";
}

function makeText(random: SeededRandom): string {
  switch (random.int(0, 4)) {
    case 0:
      return Array.from({ length: random.int(0, TOKENS_MAX) }, () => random.pick(WORDS)).join(" ");
    case 1:
      return Array.from(
        { length: random.int(0, TOKENS_MAX) },
        () => CHARACTERS[random.int(0, CHARACTERS.length)],
      ).join("");
    default:
      return mutate(random, random.pick(STATEMENTS));
  }
}

function mutate(random: SeededRandom, statement: string): string {
  let text = statement;
  for (let i = random.int(0, 4); i >= 0; i--) {
    const from = random.int(0, text.length + 1);
    const to = Math.min(text.length, from + random.int(0, 12));
    switch (random.int(0, 6)) {
      case 0: // cut a piece
        text = text.slice(0, from) + text.slice(to);
        break;
      case 1: // cut the rest
        text = text.slice(0, from);
        break;
      case 2: // put a word
        text = `${text.slice(0, from)} ${random.pick(WORDS)} ${text.slice(from)}`;
        break;
      case 3: // replace a piece by a character
        text = text.slice(0, from) + CHARACTERS[random.int(0, CHARACTERS.length)] + text.slice(to);
        break;
      case 4: // repeat a piece
        text = text.slice(0, to) + text.slice(from, to).repeat(1 + random.int(0, 30)) +
          text.slice(to);
        break;
      default: // graft another statement
        text = text.slice(0, from) + random.pick(STATEMENTS).slice(random.int(0, 20));
    }
  }
  return text;
}
