/**
 * What a table must hold after a crash: a base and the operations on it, oldest first. Any prefix that contains everything
 * durable may be what is left; nothing else may.
 *
 * ```
 * base ─► op 1 ─► … ─► op durable ─► … ─► op acknowledged ─► (op in flight)
 *                      └──────────── one of these ─────────────────────┘
 * ```
 *
 * @module
 */

/** A column of the model. Rows refer to it by `id`, so renaming does not touch them. */
export interface ModelColumn {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly isIndexed: boolean;
}

/** A row: its timestamp and the text of its values by column id; a missing one is NULL. */
export interface ModelRow {
  readonly micros: number;
  readonly values: ReadonlyMap<number, string>;
}

/** A table at one moment. */
export interface TableImage {
  readonly columns: readonly ModelColumn[];
  /** Ids of the deduplication keys besides the timestamp; `null` without deduplication. */
  readonly keys: readonly number[] | null;
  readonly rows: readonly ModelRow[];
}

/** One operation on a table. */
export interface TableOperation {
  readonly sql: string;
  readonly apply: (image: TableImage) => TableImage;
}

/** What a server shows of a table. */
export interface SeenTable {
  /** `name TYPE`, in order, with `key` for deduplication keys and `index` for indexed ones. */
  readonly columns: readonly string[];
  /** Values as text, in table order; the first column is the timestamp in microseconds. */
  readonly rows: readonly (readonly string[])[];
}

/** The text of NULL, of every type but BOOLEAN. */
export const NULL_TEXT = "null";

/** What is shown of a column. */
export function columnText(
  column: { name: string; type: string; isKey: boolean; isIndexed: boolean },
): string {
  const { name, type, isKey, isIndexed } = column;
  return `${name} ${type}${isKey ? " key" : ""}${isIndexed ? " index" : ""}`;
}

/** The text of a row's value. */
export function textOfValue(row: ModelRow, column: ModelColumn): string {
  return row.values.get(column.id) ?? (column.type === "BOOLEAN" ? "false" : NULL_TEXT);
}

/** An image as a server would show it, rows in an order of their own. */
export function textOfImage(image: TableImage): string {
  const { keys } = image;
  const columns = image.columns.map(({ id, name, type, isIndexed }) =>
    columnText({ name, type, isKey: keys?.includes(id) ?? false, isIndexed })
  );
  columns.unshift(
    columnText({ name: "ts", type: "TIMESTAMP", isKey: keys !== null, isIndexed: false }),
  );
  const rows = image.rows.map((row) =>
    [String(row.micros), ...image.columns.map((column) => textOfValue(row, column))].join("|")
  );
  return [columns.join(","), ...rows.sort()].join("\n");
}

/** What was seen, in the form of {@linkcode textOfImage}. */
export function textOfSeen(seen: SeenTable): string {
  return [seen.columns.join(","), ...seen.rows.map((row) => row.join("|")).sort()].join("\n");
}

/** A table's base, operations and how many of them are surely durable. */
export class TableModel {
  name: string;
  /** The name after a rename that was in flight. */
  newName: string | null = null;
  isDropping = false;
  isCreating = false;
  readonly isWal: boolean;
  #base: TableImage;
  #operations: TableOperation[] = [];
  #durableCount = 0;
  #inFlight: TableOperation | null = null;

  constructor(name: string, options: { base: TableImage; isWal: boolean }) {
    this.name = name;
    this.#base = options.base;
    this.isWal = options.isWal;
  }

  /** The table as the last acknowledged operation left it. */
  get image(): TableImage {
    return this.#operations.reduce((image, { apply }) => apply(image), this.#base);
  }
  /** Acknowledged operations since the base. */
  get operationCount(): number {
    return this.#operations.length;
  }
  /** Says that an operation was begun. */
  begin(operation: TableOperation): void {
    this.#inFlight = operation;
  }
  /** Says that the operation in flight was acknowledged. */
  acknowledge(): void {
    this.#operations.push(this.#inFlight!);
    this.#inFlight = null;
  }
  /** Says that the operation in flight was refused and has left nothing behind. */
  refuse(): void {
    this.#inFlight = null;
  }
  /** Says that everything acknowledged is durable. */
  markDurable(): void {
    this.#durableCount = this.#operations.length;
  }

  /**
   * Takes what is there after a crash.
   *
   * @param crash `power`: what is left is durable from now on; `process`: nothing acknowledged may be gone.
   * @returns `null`, or what is wrong.
   */
  recover(seen: SeenTable, crash: "power" | "process"): string | null {
    const operations = this.#inFlight === null
      ? this.#operations
      : [...this.#operations, this.#inFlight];
    const least = crash === "power" ? this.#durableCount : this.#operations.length;
    const text = textOfSeen(seen);
    let image = this.#base, match = -1, matching = this.#base;
    let closest = "";
    for (let count = 0; count <= operations.length; count++) {
      if (count > 0) image = operations[count - 1].apply(image);
      const expected = textOfImage(image);
      if (count === this.#operations.length) closest = expected;
      if (count < least || expected !== text) continue;
      match = count;
      matching = image;
    }
    if (match < 0) {
      return `${this.name}: none of the states ${least} to ${operations.length} is there\n${
        operations.map(({ sql }, index) =>
          `  ${index + 1}${index < this.#durableCount ? " durable" : ""}: ${sql}`
        ).join("\n")
      }\n${difference(closest, text)}`;
    }
    this.#inFlight = null;
    if (crash === "process") {
      this.#operations = operations.slice(0, match);
      return null;
    }
    this.#base = matching;
    this.#operations = [];
    this.#durableCount = 0;
    return null;
  }
}

/** Lines of two texts that are in one of them only. */
export function difference(expected: string, actual: string): string {
  const want = new Set(expected.split("\n")), got = new Set(actual.split("\n"));
  const missing = [...want].filter((line) => !got.has(line));
  const extra = [...got].filter((line) => !want.has(line));
  const counts = `${expected.split("\n").length} and ${actual.split("\n").length} lines`;
  return `  ${counts}; missing ${JSON.stringify(missing.slice(0, 6))} (${missing.length}), extra ${
    JSON.stringify(extra.slice(0, 6))
  } (${extra.length})`;
}
