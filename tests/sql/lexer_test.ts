import { assertEquals } from "../support/assert.ts";
import { tokenize, TokenKind } from "../../src/sql/lexer/mod.ts";

const NAMES = new Map(Object.entries(TokenKind).map(([name, kind]) => [kind as number, name]));

/** Tokens as `KIND:text`, without the final END. */
function lex(text: string): string[] {
  const tokens = tokenize(text);
  return Array.from(
    { length: tokens.count - 1 },
    (_, i) => `${NAMES.get(tokens.kinds[i])}:${text.slice(tokens.starts[i], tokens.ends[i])}`,
  );
}

Deno.test("tokenize() gives offsets into the text and ends with END", () => {
  const tokens = tokenize("  ab = 'x' ");
  assertEquals(Array.from(tokens.starts.slice(0, tokens.count)), [2, 5, 7, 11]);
  assertEquals(Array.from(tokens.ends.slice(0, tokens.count)), [4, 6, 10, 11]);
  assertEquals(tokens.kinds[tokens.count - 1], TokenKind.END);
});

Deno.test("tokenize() reads numbers with fractions, exponents, suffixes and separators", () => {
  for (
    const number of [
      "1",
      "1_000",
      "1.5",
      "1.",
      "1.5e-3",
      "1e+5",
      "1E5",
      "0xff",
      "10L",
      "1.5f",
      ".5",
    ]
  ) {
    assertEquals(lex(number), [`NUMBER:${number}`]);
  }
  assertEquals(lex("1h"), ["NUMBER:1h"]);
  assertEquals(lex("0xe-5"), ["NUMBER:0xe", "MINUS:-", "NUMBER:5"]);
  assertEquals(lex("1-2"), ["NUMBER:1", "MINUS:-", "NUMBER:2"]);
  assertEquals(lex("1.2.3"), ["NUMBER:1.2", "DOT:.", "NUMBER:3"]);
});

Deno.test("tokenize() keeps doubled quotes inside strings and quoted names", () => {
  assertEquals(lex("'it''s' \"a\"\"b\" `c`"), [
    "STRING:'it''s'",
    'QUOTED_NAME:"a""b"',
    "QUOTED_NAME:`c`",
  ]);
  assertEquals(lex("''"), ["STRING:''"]);
});

Deno.test("tokenize() marks quotes without a partner and never fails", () => {
  assertEquals(lex("a 'bc"), ["WORD:a", "UNCLOSED_STRING:'bc"]);
  assertEquals(lex('a "bc'), ["WORD:a", 'UNCLOSED_NAME:"bc']);
  assertEquals(lex("'a''"), ["UNCLOSED_STRING:'a''"]);
});

Deno.test("tokenize() skips comments, also unclosed ones", () => {
  assertEquals(lex("a -- b\n c /* d */ e /* f"), ["WORD:a", "WORD:c", "WORD:e"]);
  assertEquals(lex("--"), []);
});

Deno.test("tokenize() takes the longest operator", () => {
  assertEquals(lex("a::b || <= >= <> != !~ << >> <<= >>= < = ~ !").map((t) => t.split(":")[0]), [
    "WORD",
    "DOUBLE_COLON",
    "WORD",
    "DOUBLE_PIPE",
    "LESS_EQUAL",
    "GREATER_EQUAL",
    "NOT_EQUAL",
    "NOT_EQUAL",
    "NOT_TILDE",
    "SHIFT_LEFT",
    "SHIFT_RIGHT",
    "SHIFT_LEFT_EQUAL",
    "SHIFT_RIGHT_EQUAL",
    "LESS",
    "EQUAL",
    "TILDE",
    "EXCLAMATION",
  ]);
});

Deno.test("tokenize() keeps a dot that qualifies a name apart from its parts", () => {
  assertEquals(lex('t.c "t".5'), [
    "WORD:t",
    "DOT:.",
    "WORD:c",
    'QUOTED_NAME:"t"',
    "DOT:.",
    "NUMBER:5",
  ]);
});

Deno.test("tokenize() reads geohash literals with their precision, bind variables and foreign letters", () => {
  assertEquals(lex("#u33d/20 ##0110 $1 @x юникод"), [
    "GEOHASH:#u33d/20",
    "GEOHASH:##0110",
    "WORD:$1",
    "WORD:@x",
    "WORD:юникод",
  ]);
});

Deno.test("tokenize() grows past its first guess of the token count", () => {
  const text = "(".repeat(10_000);
  assertEquals(tokenize(text).count, 10_001);
});
