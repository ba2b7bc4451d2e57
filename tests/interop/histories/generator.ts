/**
 * Random histories of statements over a few tables: every type, every change of columns, in-order and out-of-order
 * inserts, deduplication, UPDATE, partitions dropped, detached, attached and squashed, TTL, WAL tables and others.
 *
 * The generator keeps the schema in mind so that most statements are valid. A history is made by a seed and by which of its
 * statements the reference accepted; {@linkcode Step.accept} tells the generator.
 *
 * @module
 */
import { SeededRandom } from "../../support/seeded_random.ts";
import { literal, LITERAL_TYPES, sequenceExpression, typedLiteral } from "./values.ts";

/** One thing to do on both servers. */
export interface Step {
  /** A statement; or, as `attachable:TABLE:PARTITION`, the renaming of a detached partition's directory. */
  readonly sql: string;
  /** Call it when the reference took the statement. */
  accept(): void;
}

interface ColumnModel {
  name: string;
  type: string;
}

interface TableModel {
  name: string;
  isWal: boolean;
  partitionBy: string;
  timestamp: string;
  timestampType: string;
  columns: ColumnModel[];
  dedupKeys: string[] | null;
  /** Micros of the newest row in order. */
  now: number;
  rows: number;
  detached: string[];
}

/** Options of a history. */
export interface HistoryOptions {
  readonly seed: number;
  /** What table names start with, so that histories share a server. */
  readonly prefix: string;
}

const HOUR = 3_600_000_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2024, 0, 1) * 1000;
/** Micros over which rows of a table spread, by unit: a handful of partitions. */
const SPANS: Readonly<Record<string, number>> = {
  HOUR: 6 * HOUR,
  DAY: 6 * DAY,
  WEEK: 30 * DAY,
  MONTH: 150 * DAY,
  YEAR: 1400 * DAY,
  NONE: 10 * DAY,
};
const CONVERSIONS: readonly string[] = [
  "BOOLEAN",
  "BYTE",
  "SHORT",
  "INT",
  "LONG",
  "FLOAT",
  "DOUBLE",
  "DATE",
  "TIMESTAMP",
  "STRING",
  "VARCHAR",
  "SYMBOL",
  "UUID",
  "IPv4",
  "CHAR",
];
const TABLES_MAX = 3;

/** Micros as text of a literal, in UTC. */
export function timestampLiteral(micros: number, digits = 6): string {
  const millis = Math.floor(micros / 1000);
  const rest = String(micros - millis * 1000).padStart(3, "0");
  const text = new Date(millis).toISOString().replace("Z", rest);
  return `${text}${"0".repeat(digits - 6)}Z`;
}

function partitionName(micros: number, unit: string): string {
  const text = new Date(micros / 1000).toISOString();
  switch (unit) {
    case "HOUR":
      return text.slice(0, 13);
    case "MONTH":
      return text.slice(0, 7);
    case "YEAR":
      return text.slice(0, 4);
    default:
      return text.slice(0, 10);
  }
}

/** See the module's description. */
export class HistoryGenerator {
  readonly #random: SeededRandom;
  readonly #prefix: string;
  #tables: TableModel[] = [];
  #nextTable = 0;
  #nextColumn = 0;

  constructor(options: HistoryOptions) {
    this.#random = new SeededRandom(options.seed);
    this.#prefix = options.prefix;
  }

  /** Names of the tables that exist now. */
  get tables(): string[] {
    return this.#tables.map((table) => table.name);
  }

  /** The next step. */
  next(): Step {
    const random = this.#random;
    if (this.#tables.length === 0) return this.#create();
    if (this.#tables.length < TABLES_MAX && random.next() < 0.06) return this.#create();
    const table = random.pick(this.#tables);
    const dice = random.next();
    if (dice < 0.45) return this.#insert(table);
    if (dice < 0.52) return this.#insertSelect(table);
    if (dice < 0.60) return this.#update(table);
    if (dice < 0.82) return this.#alterColumns(table);
    if (dice < 0.93) return this.#partitions(table);
    if (dice < 0.97) return this.#settings(table);
    return this.#tableWide(table);
  }

  #create(): Step {
    const random = this.#random;
    const name = `${this.#prefix}t${this.#nextTable++}`;
    const partitionBy = random.pick(["DAY", "DAY", "DAY", "HOUR", "WEEK", "MONTH", "YEAR", "NONE"]);
    const isWal = partitionBy !== "NONE" && random.next() < 0.75;
    const columns: ColumnModel[] = [];
    const definitions: string[] = [];
    const count = random.int(1, 9);
    const at = random.int(0, count + 1);
    const timestampType = random.next() < 0.12 ? "TIMESTAMP_NS" : "TIMESTAMP";
    for (let i = 0; i <= count; i++) {
      if (i === at) definitions.push(`ts ${timestampType}`);
      if (i === count) break;
      const column = { name: `c${this.#nextColumn++}`, type: random.pick(LITERAL_TYPES) };
      columns.push(column);
      definitions.push(`${column.name} ${column.type}${this.#symbolOptions(column.type)}`);
    }
    const dedupKeys = isWal && random.next() < 0.3 ? this.#dedupKeys(columns) : null;
    const clauses = [
      `TIMESTAMP(ts)`,
      partitionBy === "NONE" ? "" : `PARTITION BY ${partitionBy}`,
      partitionBy === "NONE" ? "" : isWal ? "WAL" : "BYPASS WAL",
      dedupKeys === null
        ? ""
        : `DEDUP UPSERT KEYS(ts${dedupKeys.map((key) => `, ${key}`).join("")})`,
    ];
    const table: TableModel = {
      name,
      isWal,
      partitionBy,
      timestamp: "ts",
      timestampType,
      columns,
      dedupKeys,
      now: START,
      rows: 0,
      detached: [],
    };
    return {
      sql: `CREATE TABLE ${name} (${definitions.join(", ")}) ${
        clauses.filter((clause) => clause !== "").join(" ")
      }`,
      accept: () => this.#tables.push(table),
    };
  }

  #symbolOptions(type: string): string {
    const random = this.#random;
    if (type !== "SYMBOL") return "";
    const parts = ["", " CAPACITY 16", " CAPACITY 1024 NOCACHE", " NOCACHE"];
    return random.pick(parts) + (random.next() < 0.3 ? " INDEX CAPACITY 4" : "");
  }

  #dedupKeys(columns: readonly ColumnModel[]): string[] {
    const usable = columns.filter(({ type }) => !type.endsWith("[]") && type !== "BINARY");
    return usable.filter(() => this.#random.next() < 0.4).map(({ name }) => name);
  }

  /** Micros of a new row, after or before what is there. */
  #rowTime(table: TableModel): number {
    const random = this.#random;
    const span = SPANS[table.partitionBy];
    if (random.next() < 0.5 || table.partitionBy === "NONE") {
      table.now += random.next() < 0.3 ? 0 : Math.floor(random.next() * span / 60);
      return table.now;
    }
    // Late rows: on a coarse grid, so that they tie with each other.
    return START + Math.floor(random.next() * 200) * Math.floor(span / 200);
  }

  #insert(table: TableModel): Step {
    const random = this.#random;
    const columns = table.columns.filter(() => random.next() < 0.85);
    const count = random.next() < 0.1 ? 60 : random.int(1, 12);
    const digits = table.timestampType === "TIMESTAMP_NS" ? 9 : 6;
    const rows = Array.from({ length: count }, () => {
      const values = columns.map(({ type }) => literal(type, random));
      const time = timestampLiteral(this.#rowTime(table), digits);
      return `('${time}'${values.map((value) => `, ${value}`).join("")})`;
    });
    const names = [table.timestamp, ...columns.map(({ name }) => name)];
    return {
      sql: `INSERT INTO ${table.name} (${names.join(", ")}) VALUES ${rows.join(", ")}`,
      accept: () => table.rows += count,
    };
  }

  #insertSelect(table: TableModel): Step {
    const random = this.#random;
    const count = random.pick([50, 500, 3000]);
    const step = Math.max(1, Math.floor(SPANS[table.partitionBy] / count / random.int(1, 6)));
    const start = table.partitionBy === "NONE" || random.next() < 0.5
      ? table.now
      : START + Math.floor(random.next() * SPANS[table.partitionBy] / 2);
    const names = [table.timestamp];
    const expressions = [`timestamp_sequence('${timestampLiteral(start)}', ${step}L)`];
    for (const { name, type } of table.columns) {
      const expression = sequenceExpression(type, random);
      if (expression === null || random.next() < 0.2) continue;
      names.push(name);
      expressions.push(expression);
    }
    return {
      sql: `INSERT INTO ${table.name} (${names.join(", ")}) SELECT ${
        expressions.join(", ")
      } FROM long_sequence(${count})`,
      accept: () => {
        table.rows += count;
        table.now = Math.max(table.now, start + step * count);
      },
    };
  }

  #update(table: TableModel): Step {
    const random = this.#random;
    const column = table.columns.length > 0 ? random.pick(table.columns) : null;
    if (column === null) return this.#insert(table);
    const value = typedLiteral(column.type, random);
    const span = SPANS[table.partitionBy];
    const from = START + Math.floor(random.next() * span);
    const conditions = [
      "",
      ` WHERE ts >= '${timestampLiteral(from)}'`,
      ` WHERE ts < '${timestampLiteral(from)}'`,
      ` WHERE ts BETWEEN '${timestampLiteral(from)}' AND '${
        timestampLiteral(from + Math.floor(span / 10))
      }'`,
    ];
    const symbol = table.columns.find(({ type }) => type === "SYMBOL");
    if (symbol !== undefined) conditions.push(` WHERE ${symbol.name} = 's${random.int(0, 12)}'`);
    const number = table.columns.find(({ type }) => type === "INT" || type === "LONG");
    if (number !== undefined) conditions.push(` WHERE ${number.name} > ${random.int(-1000, 1000)}`);
    return {
      sql: `UPDATE ${table.name} SET ${column.name} = ${value}${random.pick(conditions)}`,
      accept: () => {},
    };
  }

  #alterColumns(table: TableModel): Step {
    const random = this.#random;
    const dice = random.next();
    if (dice < 0.35 || table.columns.length === 0) return this.#addColumn(table);
    const column = random.pick(table.columns);
    const alter = `ALTER TABLE ${table.name}`;
    if (dice < 0.50) {
      // A dropped key costs the reference rows: a merge into a partition then loses those that are there (9.3.4).
      if (table.dedupKeys?.includes(column.name)) return this.#disableDedup(table);
      return {
        sql: `${alter} DROP COLUMN ${column.name}`,
        accept: () => {
          table.columns = table.columns.filter((other) => other !== column);
        },
      };
    }
    if (dice < 0.60) {
      const name = random.next() < 0.2 ? `${column.name}x` : `c${this.#nextColumn++}`;
      return {
        sql: `${alter} RENAME COLUMN ${column.name} TO ${name}`,
        accept: () => {
          table.dedupKeys = table.dedupKeys?.map((key) => key === column.name ? name : key) ?? null;
          column.name = name;
        },
      };
    }
    if (dice < 0.80) {
      const type = random.pick(CONVERSIONS);
      return {
        sql: `${alter} ALTER COLUMN ${column.name} TYPE ${type}`,
        accept: () => {
          column.type = type;
        },
      };
    }
    const symbol = table.columns.find(({ type }) => type === "SYMBOL") ?? column;
    const change = random.pick([
      "ADD INDEX",
      "ADD INDEX CAPACITY 8",
      "DROP INDEX",
      "CACHE",
      "NOCACHE",
      "SYMBOL CAPACITY 64",
      "SYMBOL CAPACITY 2048",
    ]);
    return { sql: `${alter} ALTER COLUMN ${symbol.name} ${change}`, accept: () => {} };
  }

  #addColumn(table: TableModel): Step {
    const random = this.#random;
    const column = { name: `c${this.#nextColumn++}`, type: random.pick(LITERAL_TYPES) };
    return {
      sql: `ALTER TABLE ${table.name} ADD COLUMN ${column.name} ${column.type}${
        this.#symbolOptions(column.type)
      }`,
      accept: () => table.columns.push(column),
    };
  }

  #partitions(table: TableModel): Step {
    const random = this.#random;
    const alter = `ALTER TABLE ${table.name}`;
    const micros = START + Math.floor(random.next() * SPANS[table.partitionBy]);
    const name = partitionName(micros, table.partitionBy);
    const dice = random.next();
    if (dice < 0.4 || table.partitionBy === "WEEK") {
      return {
        sql: random.next() < 0.5
          ? `${alter} DROP PARTITION LIST '${name}'`
          : `${alter} DROP PARTITION WHERE ts < '${timestampLiteral(micros)}'`,
        accept: () => {},
      };
    }
    if (dice < 0.65) {
      return {
        sql: `${alter} DETACH PARTITION LIST '${name}'`,
        accept: () => table.detached.push(name),
      };
    }
    if (dice < 0.85 && table.detached.length > 0) {
      const back = random.pick(table.detached);
      if (random.next() < 0.5) {
        return { sql: `attachable:${table.name}:${back}`, accept: () => {} };
      }
      return {
        sql: `${alter} ATTACH PARTITION LIST '${back}'`,
        accept: () => {
          table.detached = table.detached.filter((other) => other !== back);
        },
      };
    }
    return { sql: `${alter} SQUASH PARTITIONS`, accept: () => {} };
  }

  #settings(table: TableModel): Step {
    const random = this.#random;
    const alter = `ALTER TABLE ${table.name}`;
    const options: Step[] = [
      {
        sql: `${alter} SET PARAM maxUncommittedRows = ${random.int(1, 100_000)}`,
        accept: () => {},
      },
      { sql: `${alter} SET PARAM o3MaxLag = ${random.int(1, 600)}s`, accept: () => {} },
    ];
    if (table.partitionBy !== "NONE") {
      const count = random.pick([0, 3, 10]);
      options.push({ sql: `${alter} SET TTL ${count} ${table.partitionBy}S`, accept: () => {} });
    }
    if (table.isWal) {
      const keys = this.#dedupKeys(table.columns);
      options.push(
        {
          sql: `${alter} DEDUP ENABLE UPSERT KEYS(ts${keys.map((key) => `, ${key}`).join("")})`,
          accept: () => {
            table.dedupKeys = keys;
          },
        },
        this.#disableDedup(table),
      );
    }
    return random.pick(options);
  }

  #disableDedup(table: TableModel): Step {
    return {
      sql: `ALTER TABLE ${table.name} DEDUP DISABLE`,
      accept: () => {
        table.dedupKeys = null;
      },
    };
  }

  #tableWide(table: TableModel): Step {
    const random = this.#random;
    const dice = random.next();
    if (dice < 0.35) {
      return {
        sql: `TRUNCATE TABLE ${table.name}`,
        accept: () => {
          table.rows = 0;
        },
      };
    }
    if (dice < 0.65) {
      const name = `${this.#prefix}t${this.#nextTable++}`;
      return {
        sql: `RENAME TABLE ${table.name} TO ${name}`,
        accept: () => {
          table.name = name;
        },
      };
    }
    if (dice < 0.8) {
      return {
        sql: `DROP TABLE ${table.name}`,
        accept: () => {
          this.#tables = this.#tables.filter((other) => other !== table);
        },
      };
    }
    const name = `${this.#prefix}t${this.#nextTable++}`;
    const copy: TableModel = {
      ...table,
      name,
      columns: table.columns.map((column) => ({ ...column })),
      detached: [],
    };
    const suffix = table.partitionBy === "NONE"
      ? " TIMESTAMP(ts)"
      : ` TIMESTAMP(ts) PARTITION BY ${table.partitionBy} ${table.isWal ? "WAL" : "BYPASS WAL"}`;
    copy.dedupKeys = null;
    return {
      sql: `CREATE TABLE ${name} AS (SELECT * FROM ${table.name})${suffix}`,
      accept: () => this.#tables.push(copy),
    };
  }
}
