/** Text to tokens. @module */
export { TokenKind } from "./token.ts";
export { tokenize, type TokenList } from "./lexer.ts";
