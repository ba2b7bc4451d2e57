/**
 * Random operations on modelled tables: the SQL text, and what it does to the model.
 *
 * @module
 */
import type { SeededRandom } from "../support/seeded_random.ts";
import {
  type ModelColumn,
  type ModelRow,
  NULL_TEXT,
  type TableImage,
  type TableModel,
  type TableOperation,
  textOfValue,
} from "./table_model.ts";

/** An operation and its kind, for counting. */
export interface ChosenOperation extends TableOperation {
  readonly kind: string;
  /** The WAL has to be applied first, because the statement looks at the table's state. */
  readonly needsApplied: boolean;
}

const TYPES = ["INT", "LONG", "DOUBLE", "BOOLEAN", "SYMBOL", "VARCHAR", "STRING"] as const;
const DAY = 86_400_000_000;
const START = Date.UTC(2024, 0, 1) * 1000;
const DAYS = 5;
/** Keeps histories short enough to compare all their states. */
const ROWS_MAX = 400;

let nextId = 1;

/** Starts ids again, so that a history does not depend on those before it. */
export function resetIds(): void {
  nextId = 1;
}

/** A new column with an id of its own. */
export function newColumn(random: SeededRandom): ModelColumn {
  const id = nextId++;
  const type = random.pick(TYPES);
  return { id, name: `c${id}`, type, isIndexed: type === "SYMBOL" && random.next() < 0.3 };
}

/** A column in a statement's column list. */
export function definitionOf(column: ModelColumn): string {
  return `${column.name} ${column.type}${column.isIndexed ? " INDEX CAPACITY 4" : ""}`;
}

function literalOf(type: string, random: SeededRandom): { sql: string; text: string } {
  if (type === "BOOLEAN") {
    const text = random.pick(["true", "false"]);
    return { sql: text, text };
  }
  if (random.next() < 0.15) return { sql: "null", text: NULL_TEXT };
  switch (type) {
    case "INT":
    case "LONG": {
      const text = String(random.int(-1000, 1_000_000));
      return { sql: text, text };
    }
    case "DOUBLE": {
      const text = String(random.int(-4000, 4000) / 4);
      return { sql: text.includes(".") ? text : `${text}.0`, text };
    }
    case "SYMBOL": {
      const text = `s${random.int(0, 15)}`;
      return { sql: `'${text}'`, text };
    }
    default: {
      const text = "text é 漢 ".slice(0, random.int(0, 9)) + "x".repeat(random.int(0, 30));
      return { sql: `'${text}'`, text };
    }
  }
}

function dayName(day: number): string {
  return new Date(START / 1000 + day * 86_400_000).toISOString().slice(0, 10);
}

function insert(model: TableModel, random: SeededRandom): ChosenOperation {
  const { image } = model;
  const columns = image.columns.filter(() => random.next() < 0.9);
  const count = random.int(1, 13);
  const rows: ModelRow[] = [];
  const texts: string[] = [];
  for (let i = 0; i < count; i++) {
    const day = random.int(0, DAYS);
    const micros = START + day * DAY + random.int(0, 60) * 1_000_000_000;
    const values = columns.map(({ type }) => literalOf(type, random));
    rows.push({ micros, values: new Map(columns.map(({ id }, c) => [id, values[c].text])) });
    texts.push(`(${[String(micros), ...values.map(({ sql }) => sql)].join(", ")})`);
  }
  const names = ["ts", ...columns.map(({ name }) => name)].join(", ");
  return {
    kind: "insert",
    needsApplied: false,
    sql: `INSERT INTO ${model.name} (${names}) VALUES ${texts.join(", ")}`,
    apply: (before) => ({ ...before, rows: withRows(before, rows) }),
  };
}

/**
 * Adds rows; with deduplication a later row takes the place of those with its key: of each, if there were several before the
 * table was deduplicated.
 */
function withRows(image: TableImage, added: readonly ModelRow[]): ModelRow[] {
  const { keys } = image;
  if (keys === null) return [...image.rows, ...added];
  const columns = image.columns.filter(({ id }) => keys.includes(id));
  const keyOf = (row: ModelRow) =>
    [row.micros, ...columns.map((column) => textOfValue(row, column))].join("|");
  const last = new Map(added.map((row) => [keyOf(row), row]));
  const present = new Set(image.rows.map(keyOf));
  return [
    ...image.rows.map((row) => last.get(keyOf(row)) ?? row),
    ...[...last].filter(([key]) => !present.has(key)).map(([, row]) => row),
  ];
}

function update(model: TableModel, random: SeededRandom): ChosenOperation {
  const { image } = model;
  const usable = image.columns.filter(({ id }) => !(image.keys?.includes(id) ?? false));
  if (usable.length === 0) return insert(model, random);
  const column = random.pick(usable);
  const value = literalOf(column.type, random);
  const bound = START + random.int(0, DAYS * 24) * 3_600_000_000;
  const isBelow = random.next() < 0.5;
  return {
    kind: "update",
    needsApplied: false,
    sql: `UPDATE ${model.name} SET ${column.name} = ${value.sql} WHERE ts ${
      isBelow ? "<" : ">="
    } ${bound}`,
    apply: (before) => ({
      ...before,
      rows: before.rows.map((row) =>
        (row.micros < bound) !== isBelow
          ? row
          : { ...row, values: new Map(row.values).set(column.id, value.text) }
      ),
    }),
  };
}

function addColumn(model: TableModel, random: SeededRandom): ChosenOperation {
  const column = newColumn(random);
  return {
    kind: "add column",
    needsApplied: false,
    sql: `ALTER TABLE ${model.name} ADD COLUMN ${definitionOf(column)}`,
    apply: (before) => ({ ...before, columns: [...before.columns, column] }),
  };
}

function changeColumn(model: TableModel, random: SeededRandom): ChosenOperation {
  const { image } = model;
  if (image.columns.length === 0) return addColumn(model, random);
  const column = random.pick(image.columns);
  const isKey = image.keys?.includes(column.id) ?? false;
  const alter = `ALTER TABLE ${model.name}`;
  const replace = (changed: ModelColumn) => (before: TableImage): TableImage => ({
    ...before,
    columns: before.columns.map((other) => other.id === column.id ? changed : other),
  });
  const dice = random.next();
  if (dice < 0.3 && !isKey) {
    return {
      kind: "drop column",
      needsApplied: false,
      sql: `${alter} DROP COLUMN ${column.name}`,
      apply: (before) => ({
        ...before,
        columns: before.columns.filter(({ id }) => id !== column.id),
      }),
    };
  }
  if (dice < 0.5) {
    const name = `r${nextId++}`;
    return {
      kind: "rename column",
      needsApplied: false,
      sql: `${alter} RENAME COLUMN ${column.name} TO ${name}`,
      apply: replace({ ...column, name }),
    };
  }
  const types: Record<string, readonly string[]> = {
    INT: ["LONG"],
    SYMBOL: ["VARCHAR", "STRING"],
    VARCHAR: ["SYMBOL", "STRING"],
    STRING: ["VARCHAR", "SYMBOL"],
  };
  const targets = types[column.type];
  if (dice < 0.75 && targets !== undefined && !isKey) {
    const type = random.pick(targets);
    return {
      kind: "convert column",
      needsApplied: false,
      sql: `${alter} ALTER COLUMN ${column.name} TYPE ${type}`,
      apply: replace({ ...column, type, isIndexed: false }),
    };
  }
  const symbol = image.columns.find(({ type }) => type === "SYMBOL");
  if (symbol === undefined) return addColumn(model, random);
  const change = random.pick(["INDEX", "SYMBOL CAPACITY 2048", "NOCACHE"]);
  const text = change !== "INDEX"
    ? change
    : symbol.isIndexed
    ? "DROP INDEX"
    : "ADD INDEX CAPACITY 4";
  return {
    kind: change === "INDEX" ? "index" : "symbol settings",
    needsApplied: true,
    sql: `${alter} ALTER COLUMN ${symbol.name} ${text}`,
    apply: (before) => ({
      ...before,
      columns: before.columns.map((other) =>
        other.id === symbol.id && change === "INDEX"
          ? { ...other, isIndexed: text !== "DROP INDEX" }
          : other
      ),
    }),
  };
}

function tableWide(model: TableModel, random: SeededRandom): ChosenOperation {
  const alter = `ALTER TABLE ${model.name}`;
  const dice = random.next();
  if (dice < 0.25) {
    return {
      kind: "truncate",
      needsApplied: false,
      sql: `TRUNCATE TABLE ${model.name}`,
      apply: (before) => ({ ...before, rows: [] }),
    };
  }
  if (dice < 0.6) {
    const from = START + random.int(0, DAYS) * DAY;
    return {
      kind: "drop partition",
      needsApplied: true,
      sql: `${alter} DROP PARTITION LIST '${dayName((from - START) / DAY)}'`,
      apply: (before) => ({
        ...before,
        rows: before.rows.filter(({ micros }) => micros < from || micros >= from + DAY),
      }),
    };
  }
  if (dice < 0.75 || !model.isWal) {
    return {
      kind: "settings",
      needsApplied: true,
      sql: random.pick([
        `${alter} SET PARAM maxUncommittedRows = ${random.int(10, 1000)}`,
        `${alter} SQUASH PARTITIONS`,
        `${alter} SET TTL 100 DAYS`,
      ]),
      apply: (before) => before,
    };
  }
  const { image } = model;
  if (image.keys !== null) {
    return {
      kind: "dedup off",
      needsApplied: false,
      sql: `${alter} DEDUP DISABLE`,
      apply: (before) => ({ ...before, keys: null }),
    };
  }
  const keys = image.columns.filter(({ type }) => type !== "DOUBLE" && random.next() < 0.4);
  return {
    kind: "dedup on",
    needsApplied: false,
    sql: `${alter} DEDUP ENABLE UPSERT KEYS(${["ts", ...keys.map(({ name }) => name)].join(", ")})`,
    apply: (before) => ({ ...before, keys: keys.map(({ id }) => id) }),
  };
}

/** A random operation on a table. */
export function chooseOperation(model: TableModel, random: SeededRandom): ChosenOperation {
  const dice = random.next();
  if (dice < 0.6 && model.image.rows.length < ROWS_MAX) return insert(model, random);
  if (dice < 0.7) return update(model, random);
  if (dice < 0.77) return addColumn(model, random);
  if (dice < 0.9) return changeColumn(model, random);
  return tableWide(model, random);
}
