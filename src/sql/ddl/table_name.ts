/**
 * Which texts may name a table: QuestDB's rules.
 *
 * @module
 */

/** Characters QuestDB refuses in table names, besides control characters. */
const FORBIDDEN = /[?,'"\\/:)(+*%~\p{Cc}\ufeff]/u;

/** Tells whether a text may name a table: single dots inside only, no blanks at the ends, no special characters. */
export function isValidTableName(name: string, lengthMax: number): boolean {
  if (name === "" || name.length > lengthMax || name.trim() !== name) return false;
  if (name.startsWith(".") || name.endsWith(".") || name.includes("..")) return false;
  return !FORBIDDEN.test(name);
}
