/**
 * A position in a token list with the questions every parser asks. Word comparisons ignore case.
 *
 * Invariant: the cursor never passes the final `END` token.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";
import { tokenize, TokenKind, type TokenList } from "../lexer/mod.ts";
import type { Name } from "../ast/mod.ts";
import { isReserved } from "./keywords.ts";
import { MAX_STATEMENT_LENGTH } from "./limits.ts";

/** Walks over the tokens of a text. */
export class TokenCursor {
  readonly text: string;
  readonly #tokens: TokenList;
  #index = 0;

  /** @throws {SqlError} if the text is longer than {@linkcode MAX_STATEMENT_LENGTH}. */
  constructor(text: string) {
    if (text.length > MAX_STATEMENT_LENGTH) {
      throw new SqlError(0, `statement is too long [limit=${MAX_STATEMENT_LENGTH}]`);
    }
    this.text = text;
    this.#tokens = tokenize(text);
  }

  /** Kind of the current token. (A method: TypeScript would narrow a property across {@linkcode TokenCursor.advance}.) */
  kind(): TokenKind {
    return this.#tokens.kinds[this.#index] as TokenKind;
  }
  /** Offset of the current token; the length of the text at the end. */
  get position(): number {
    return this.#tokens.starts[this.#index];
  }
  /** Offset after the current token. */
  get end(): number {
    return this.#tokens.ends[this.#index];
  }
  /** Offset of the token before the current one, or 0. */
  get previousPosition(): number {
    return this.#index > 0 ? this.#tokens.starts[this.#index - 1] : 0;
  }
  /** Offset after the token before the current one, or 0. */
  get previousEnd(): number {
    return this.#index > 0 ? this.#tokens.ends[this.#index - 1] : 0;
  }
  /** Tells whether no token is left. */
  get isAtEnd(): boolean {
    return this.kind() === TokenKind.END;
  }
  /** Tells whether the statement ends here: at the end of the text or at a semicolon. */
  get isAtStatementEnd(): boolean {
    return this.kind() === TokenKind.END || this.kind() === TokenKind.SEMICOLON;
  }

  /** Source text of the current token. */
  token(): string {
    return this.text.slice(this.position, this.end);
  }
  /** Kind of the token `distance` after the current one. */
  kindAhead(distance: number): TokenKind {
    const index = Math.min(this.#index + distance, this.#tokens.count - 1);
    return this.#tokens.kinds[index] as TokenKind;
  }
  /** Offset of the token `distance` after the current one. */
  positionAhead(distance: number): number {
    return this.#tokens.starts[Math.min(this.#index + distance, this.#tokens.count - 1)];
  }
  /** Lower-case text of the current token if it is an unquoted word, else an empty string. */
  word(): string {
    return this.kind() === TokenKind.WORD ? this.token().toLowerCase() : "";
  }
  /** Lower-case text of the word `distance` tokens ahead, or an empty string. */
  wordAhead(distance: number): string {
    if (this.kindAhead(distance) !== TokenKind.WORD) return "";
    const index = Math.min(this.#index + distance, this.#tokens.count - 1);
    return this.text.slice(this.#tokens.starts[index], this.#tokens.ends[index]).toLowerCase();
  }

  /** Steps over the current token. */
  advance(): void {
    if (this.#index < this.#tokens.count - 1) this.#index++;
  }
  /** Tells whether the current token is this unquoted word, given in lower case. */
  isWord(word: string): boolean {
    return this.kind() === TokenKind.WORD && this.end - this.position === word.length &&
      this.token().toLowerCase() === word;
  }
  /** Steps over the word if it is the current token. */
  acceptWord(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.advance();
    return true;
  }
  /** Steps over a token of the kind if it is the current one. */
  accept(kind: TokenKind): boolean {
    if (this.kind() !== kind) return false;
    this.advance();
    return true;
  }
  /** Steps over a token of the kind. @throws {SqlError} with `message` at the current token if it is another. */
  expect(kind: TokenKind, message: string): void {
    if (!this.accept(kind)) throw this.error(message);
  }
  /** Steps over the word. @throws {SqlError} `'word' expected` (or `message`) at the current token if it is another. */
  expectWord(word: string, message = `'${word}' expected`): void {
    if (!this.acceptWord(word)) throw this.error(message);
  }

  /** Makes an error that points at the current token; an unclosed quote is reported as such instead. */
  error(message: string): SqlError {
    const unclosed = this.#unclosedQuote();
    return unclosed ?? new SqlError(this.position, message);
  }
  /** Makes QuestDB's `found [tok='x', len=1] …` error; at the end of the text just the message. */
  foundError(message: string): SqlError {
    if (this.isAtEnd) return this.error(message);
    const token = this.token();
    return this.error(`found [tok='${token}', len=${token.length}] ${message}`);
  }
  /** Makes an `unexpected token [x]` error for the current token. */
  unexpected(): SqlError {
    if (this.isAtEnd) return this.error("unexpected end of statement");
    return this.error(`unexpected token [${this.token()}]`);
  }

  #unclosedQuote(): SqlError | null {
    if (this.kind() === TokenKind.UNCLOSED_STRING) {
      return new SqlError(this.position, "unclosed quoted string?");
    }
    if (this.kind() === TokenKind.UNCLOSED_NAME) {
      return new SqlError(this.position, "unclosed quotation mark");
    }
    return null;
  }

  /** Text of the current token without its quotes, doubled quotes resolved. */
  unquoted(): string {
    const kind = this.kind();
    if (kind !== TokenKind.STRING && kind !== TokenKind.QUOTED_NAME) return this.token();
    const quote = this.text[this.position];
    const inner = this.text.slice(this.position + 1, this.end - 1);
    return inner.includes(quote) ? inner.replaceAll(quote + quote, quote) : inner;
  }
  /** Tells whether the current token can be a name: a word, or quoted in any way. */
  get isName(): boolean {
    return this.kind() >= TokenKind.WORD && this.kind() <= TokenKind.STRING;
  }
  /**
   * Reads a table, column or alias name.
   *
   * @throws {SqlError} with `message` if the token is no name; QuestDB's texts for reserved words and odd identifiers.
   */
  name(message: string): Name {
    if (this.isAtEnd) throw this.error(message);
    this.checkName(message);
    const name = { text: this.unquoted(), position: this.position };
    this.advance();
    return name;
  }
  /** Checks that the current token may be a name, like {@linkcode TokenCursor.name}, without reading it. */
  checkName(message: string): void {
    if (!this.isName) throw this.error(message);
    if (this.kind() === TokenKind.WORD && isReserved(this.token())) {
      throw this.error(
        "table and column names that are SQL keywords have to be enclosed in double quotes, " +
          `such as "${this.token()}"`,
      );
    }
  }
}
