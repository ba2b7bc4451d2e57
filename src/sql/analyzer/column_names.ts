/**
 * Default names of result columns.
 *
 * @module
 */

/** Longest generated name; QuestDB's `cairo.sql.column.alias.generated.max.size`. */
const GENERATED_NAME_MAX = 64;

/** What QuestDB sets aside for two quotes. */
const QUOTES_ROOM = 3;

/** Names given so far, compared without case. */
export class ColumnNames {
  readonly #taken = new Set<string>();

  /** Takes a name as it is. @returns `false` if it is taken. */
  take(name: string): boolean {
    const key = name.toLowerCase();
    if (this.#taken.has(key)) return false;
    this.#taken.add(key);
    return true;
  }

  /** A name for an expression: its text, in quotes if it has a dot, cut to 64 characters, `_2` if it is taken. */
  forExpression(text: string): string {
    const isQuoted = text.includes(".");
    const quote = isQuoted ? '"' : "";
    for (let sequence = 1;; sequence++) {
      const suffix = sequence === 1 ? "" : `_${sequence}`;
      const room = GENERATED_NAME_MAX - suffix.length - (isQuoted ? QUOTES_ROOM : 0);
      const cut = isQuoted ? text.slice(0, room) : text.slice(0, room).trimEnd();
      const name = `${quote}${cut}${suffix}${quote}`;
      if (this.take(name)) return name;
    }
  }

  /** A name for a column named in the select list: itself, `_2` if it is taken. */
  forColumn(column: string): string {
    for (let sequence = 1;; sequence++) {
      const name = sequence === 1 ? column : `${column}_${sequence}`;
      if (this.take(name)) return name;
    }
  }

  /** A name for a column that came with a star: itself, `1`, `2` … appended if it is taken. */
  forStar(column: string): string {
    for (let sequence = 0;; sequence++) {
      const name = sequence === 0 ? column : `${column}${sequence}`;
      if (this.take(name)) return name;
    }
  }
}
