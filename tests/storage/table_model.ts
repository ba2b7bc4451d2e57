/**
 * What a table must hold after writes of every kind: a sorted array of rows, by the plainest means.
 *
 * @module
 */
import type { Row } from "./table_fixture.ts";

/** A column that deduplication compares. */
export type Key = Exclude<keyof Row, "ts">;

/** Rows of a table beside its symbols, since deduplication orders symbols by their keys. */
export class TableModel {
  rows: Row[] = [];
  readonly #keys: readonly Key[] | null;
  #symbols = new Map<string, number>();
  #committed: { rows: Row[]; symbols: Map<string, number> } = { rows: [], symbols: new Map() };
  /** Rows that deduplication has taken out since the last commit. */
  dedupedRowCount = 0;

  /** @param keys Upsert keys besides the timestamp; `null` without deduplication. */
  constructor(keys: readonly Key[] | null) {
    this.#keys = keys;
  }
  write(rows: readonly Row[], options: { isDeduplicated?: boolean } = {}): void {
    const batch = sortByTime(rows);
    for (const { sym } of batch) this.#intern(sym);
    if (this.#keys === null || options.isDeduplicated === false) {
      this.rows = sortByTime([...this.rows, ...batch]);
      return;
    }
    const before = this.rows.length + batch.length;
    const unique = this.#dedup(batch);
    this.rows = [...new Set([...this.rows, ...unique].map((row) => row.ts))]
      .sort((a, b) => a < b ? -1 : 1).flatMap((ts) => this.#merge(ts, unique));
    this.dedupedRowCount += before - this.rows.length;
  }
  replace(range: { lo: bigint; hi: bigint }, rows: readonly Row[]): void {
    this.rows = this.rows.filter((row) => row.ts < range.lo || row.ts >= range.hi);
    for (const { sym } of sortByTime(rows)) this.#intern(sym);
    this.rows = sortByTime([...this.rows, ...rows]);
  }
  truncate(): void {
    this.rows = [];
  }
  commit(): void {
    this.#committed = { rows: this.rows, symbols: new Map(this.#symbols) };
    this.dedupedRowCount = 0;
  }
  rollback(): void {
    this.rows = this.#committed.rows;
    this.#symbols = new Map(this.#committed.symbols);
    this.dedupedRowCount = 0;
  }

  #intern(text: string | null): void {
    if (text !== null && !this.#symbols.has(text)) this.#symbols.set(text, this.#symbols.size);
  }

  /** Rows of one time: those of the table, replaced by new ones with their keys; then the new ones that found none. */
  #merge(ts: bigint, batch: readonly Row[]): Row[] {
    const added = batch.filter((row) => row.ts === ts);
    const used = new Set<Row>();
    const old = this.rows.filter((row) => row.ts === ts).map((row) => {
      const match = added.find((one) => this.#compare(one, row) === 0);
      if (match !== undefined) used.add(match);
      return match ?? row;
    });
    return [...old, ...added.filter((row) => !used.has(row))];
  }

  /** The last of equal rows, ordered by time, then keys. */
  #dedup(batch: readonly Row[]): Row[] {
    const ordered = batch.map((row, i) => ({ row, i })).sort((a, b) =>
      compareBig(a.row.ts, b.row.ts) || this.#compare(a.row, b.row) || a.i - b.i
    );
    return ordered.filter(({ row }, i) => {
      const next = ordered.at(i + 1)?.row;
      return next === undefined || next.ts !== row.ts || this.#compare(row, next) !== 0;
    }).map(({ row }) => row);
  }

  #compare(a: Row, b: Row): number {
    for (const key of this.#keys!) {
      const order = this.#compareKey(key, a, b);
      if (order !== 0) return order;
    }
    return 0;
  }

  #compareKey(key: Key, a: Row, b: Row): number {
    switch (key) {
      case "ok":
        return Number(a.ok) - Number(b.ok);
      case "i":
        return (a.i ?? -0x80000000) - (b.i ?? -0x80000000);
      case "l":
        return compareBig(a.l ?? -(2n ** 63n), b.l ?? -(2n ** 63n));
      case "d":
        return compareBig(bitsOf(a.d ?? NaN), bitsOf(b.d ?? NaN));
      case "sym":
        return this.#symbolKey(a.sym) - this.#symbolKey(b.sym);
      case "text":
        return compareText(a.text, b.text);
    }
  }

  #symbolKey(text: string | null): number {
    return text === null ? -1 : this.#symbols.get(text)!;
  }
}

/** Sorts by time, stable. */
export function sortByTime(rows: readonly Row[]): Row[] {
  return [...rows].sort((a, b) => compareBig(a.ts, b.ts));
}

function compareBig(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function bitsOf(value: number): bigint {
  return new BigInt64Array(new Float64Array([value]).buffer)[0];
}

/** NULL first, then by length in bytes, then by bytes. */
function compareText(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  const x = new TextEncoder().encode(a), y = new TextEncoder().encode(b);
  if (x.length !== y.length) return x.length - y.length;
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return x[i] - y[i];
  return 0;
}
