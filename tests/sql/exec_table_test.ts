/**
 * Queries on a real table: partitions, NULLs, symbols, texts, rows inserted out of order; compared with a model in memory.
 *
 * @module
 */
import { type ScalarValue, valueReader } from "../../src/sql/functions/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { EngineFixture } from "./engine_fixture.ts";

interface Trade {
  readonly ts: bigint;
  readonly sym: string | null;
  readonly price: number | null;
  readonly qty: bigint | null;
  readonly flag: boolean;
  readonly note: string | null;
}

const START = BigInt(Date.parse("2024-01-01T00:00:00Z")) * 1000n;
const HOUR = 3_600_000_000n;
const ROWS = 40_000;

/** Row x of the table, as the INSERT below computes it. */
function trade(x: number): Trade {
  const k = (x * 7919) % ROWS; // out of order, every position once
  return {
    ts: START + BigInt(k) * 6_500_000n,
    sym: x % 11 === 0 ? null : `S${x % 13}`,
    price: x % 17 === 0 ? null : (x % 1009) / 8,
    qty: x % 19 === 0 ? null : BigInt(x % 500),
    flag: x % 3 === 0,
    note: x % 5 === 0 ? null : x % 2 === 0 ? `n${x % 97}` : `a longer note with number ${x % 97}`,
  };
}

const INSERT = `INSERT INTO trades SELECT
  (${START} + ((x * 7919) % ${ROWS}) * 6500000L)::timestamp,
  CASE WHEN x % 11 = 0 THEN null ELSE 'S' || (x % 13) END,
  CASE WHEN x % 17 = 0 THEN null ELSE (x % 1009) / 8.0 END,
  CASE WHEN x % 19 = 0 THEN null ELSE x % 500 END,
  x % 3 = 0,
  CASE WHEN x % 5 = 0 THEN null WHEN x % 2 = 0 THEN 'n' || (x % 97) ELSE 'a longer note with number ' || (x % 97) END
  FROM long_sequence(${ROWS})`;

const model: readonly Trade[] = Array.from({ length: ROWS }, (_, i) => trade(i + 1))
  .sort((a, b) => (a.ts < b.ts ? -1 : 1));

async function withTable(
  run: (query: (text: string) => Promise<ScalarValue[][]>) => Promise<void>,
) {
  await using fixture = await EngineFixture.open();
  await fixture.run(
    "CREATE TABLE trades (ts TIMESTAMP, sym SYMBOL, price DOUBLE, qty LONG, flag BOOLEAN, note VARCHAR) " +
      "TIMESTAMP(ts) PARTITION BY DAY WAL",
  );
  assertEquals(await fixture.run(INSERT), ROWS);
  await fixture.engine.waitApplied(fixture.engine.findTable("trades")!);
  const { memory } = fixture.engine.core;
  const before = memory.liveBytes;
  await run(async (text) => {
    const result = await fixture.sql.execute(text, fixture.context());
    assert(result.kind === "rows", "a query gives rows");
    const rows: ScalarValue[][] = [];
    try {
      for (
        let batch = await result.cursor.next();
        batch !== null;
        batch = await result.cursor.next()
      ) {
        const readers = batch.vectors.map((vector) => valueReader(memory, vector));
        for (let row = 0; row < batch.rowCount; row++) rows.push(readers.map((read) => read(row)));
      }
    } finally {
      result.cursor.close();
    }
    return rows;
  });
  assertEquals(memory.liveBytes, before);
}

function flat(row: Trade): ScalarValue[] {
  return [row.ts, row.sym, row.price, row.qty, row.flag, row.note];
}

/** Sums, average and count of what is known, as SQL has it. */
function totals(rows: readonly Trade[]): ScalarValue[] {
  const prices = rows.flatMap((row) => row.price ?? []);
  const quantities = rows.flatMap((row) => row.qty ?? []);
  return [
    BigInt(rows.length),
    prices.length === 0 ? null : prices.reduce((a, b) => a + b, 0),
    quantities.length === 0 ? null : quantities.reduce((a, b) => a + b, 0n),
    prices.length === 0 ? null : Math.max(...prices),
    quantities.reduce<bigint | null>((a, b) => a === null || b < a ? b : a, null),
  ];
}

Deno.test("queries on a table agree with a model", async () => {
  await withTable(async (query) => {
    assertEquals(await query("SELECT * FROM trades"), model.map(flat));
    const aggregate = "SELECT count(), sum(price), sum(qty), max(price), min(qty) FROM trades";
    const conditions: [string, (row: Trade) => boolean][] = [
      ["true", () => true],
      ["sym = 'S7'", (row) => row.sym === "S7"],
      ["sym != 'S7'", (row) => row.sym !== "S7"],
      ["sym IS NULL", (row) => row.sym === null],
      ["sym = 'none'", () => false],
      [
        "sym IN ('S1', 'S2', null)",
        (row) => row.sym === null || row.sym === "S1" || row.sym === "S2",
      ],
      ["sym > 'S3'", (row) => row.sym !== null && row.sym > "S3"],
      ["sym LIKE 'S1%'", (row) => row.sym?.startsWith("S1") === true],
      [
        "price > 60.5 AND qty < 100",
        (row) => row.price! > 60.5 && row.qty !== null && row.qty < 100n && row.price !== null,
      ],
      ["price >= 60.5 OR flag", (row) => row.flag || (row.price !== null && row.price >= 60.5)],
      ["NOT (qty > 100)", (row) => row.qty !== null && row.qty <= 100n],
      ["qty % 7 = 3", (row) => row.qty !== null && row.qty % 7n === 3n],
      ["note = 'n42'", (row) => row.note === "n42"],
      [
        "note >= 'a longer note with number 5'",
        (row) => row.note !== null && row.note >= "a longer note with number 5",
      ],
      ["length(note) > 20", (row) => (row.note?.length ?? -1) > 20],
      ["note IS NULL AND flag", (row) => row.note === null && row.flag],
      ["price BETWEEN 10 AND 5", (row) => row.price !== null && row.price >= 5 && row.price <= 10],
    ];
    for (const [condition, test] of conditions) {
      assertEquals(
        await query(`${aggregate} WHERE ${condition}`),
        [totals(model.filter(test))],
        condition,
      );
      const rows = await query(`SELECT * FROM trades WHERE ${condition} LIMIT -5`);
      assertEquals(rows, model.filter(test).slice(-5).map(flat), condition);
    }
  });
});

Deno.test("constraints on the designated timestamp read the same rows as filters", async () => {
  await withTable(async (query) => {
    const day = 24n * HOUR;
    const at = (hours: bigint) => START + hours * HOUR;
    const cases: [string, (ts: bigint) => boolean][] = [
      ["ts IN '2024-01-02'", (ts) => ts >= START + day && ts < START + 2n * day],
      ["ts IN '2024-01-02T10'", (ts) => ts >= at(34n) && ts < at(35n)],
      ["ts NOT IN '2024-01-02'", (ts) => ts < START + day || ts >= START + 2n * day],
      ["ts >= '2024-01-01T12' AND ts < '2024-01-02T06'", (ts) => ts >= at(12n) && ts < at(30n)],
      ["ts BETWEEN '2024-01-02T06' AND '2024-01-01T12'", (ts) => ts >= at(12n) && ts <= at(30n)],
      ["'2024-01-02' > ts", (ts) => ts < START + day],
      ["ts = '2024-01-01T00:00:06.500Z'", (ts) => ts === START + 6_500_000n],
      [
        "ts IN '2024-01-01;2h;1d;3'",
        (ts) => ts < START + 3n * day && (ts - START) % day < 2n * HOUR,
      ],
      ["ts IN '2024-01-[01,03]'", (ts) => [0n, 2n].includes((ts - START) / day)],
      ["ts > '2025'", () => false],
      ["ts IN '2024-01-01' AND ts IN '2024-01-02'", () => false],
      ["ts IN '2024-01-01' OR ts IN '2024-01-03'", (ts) => [0n, 2n].includes((ts - START) / day)],
    ];
    for (const [condition, test] of cases) {
      const wanted = model.filter((row) => test(row.ts));
      assertEquals(
        await query(`SELECT count(), first(ts), last(ts) FROM trades WHERE ${condition}`),
        [[
          BigInt(wanted.length),
          wanted[0]?.ts ?? null,
          wanted.at(-1)?.ts ?? null,
        ]],
        condition,
      );
    }
  });
});

Deno.test("order, tails and latest rows come from reading backwards", async () => {
  await withTable(async (query) => {
    assertEquals(await query("SELECT * FROM trades LIMIT -100"), model.slice(-100).map(flat));
    assertEquals(
      await query("SELECT * FROM trades LIMIT -100, -90"),
      model.slice(-100, -90).map(flat),
    );
    assertEquals(
      await query("SELECT * FROM trades ORDER BY ts DESC LIMIT 20000, 20005"),
      model.toReversed().slice(20000, 20005).map(flat),
    );
    assertEquals(
      await query("SELECT ts FROM trades WHERE sym = 'S3' ORDER BY ts DESC LIMIT 3"),
      model.filter((row) => row.sym === "S3").slice(-3).reverse().map((row) => [row.ts]),
    );
    const latestBy = (key: (row: Trade) => string, rows = model) => {
      const latest = new Map<string, Trade>();
      for (const row of rows) latest.set(key(row), row);
      return [...latest.values()].sort((a, b) => (a.ts < b.ts ? -1 : 1)).map(flat);
    };
    assertEquals(
      await query("SELECT * FROM trades LATEST ON ts PARTITION BY sym"),
      latestBy((row) => String(row.sym)),
    );
    assertEquals(
      await query("SELECT * FROM trades LATEST ON ts PARTITION BY sym, flag"),
      latestBy((row) => `${row.sym}/${row.flag}`),
    );
    assertEquals(
      await query("SELECT * FROM trades WHERE flag LATEST ON ts PARTITION BY note"),
      latestBy((row) => String(row.note), model.filter((row) => row.flag)),
    );
  });
});

Deno.test("groups of a table agree with a model", async () => {
  await withTable(async (query) => {
    const grouped = (key: (row: Trade) => ScalarValue) => {
      const groups = new Map<ScalarValue, Trade[]>();
      for (const row of model) {
        const own = groups.get(key(row));
        if (own === undefined) groups.set(key(row), [row]);
        else own.push(row);
      }
      return groups;
    };
    const select = "count(), sum(price), sum(qty), max(price), min(qty) FROM trades";
    const keys: [string, (row: Trade) => ScalarValue][] = [
      ["sym", (row) => row.sym],
      ["qty", (row) => row.qty],
      ["note", (row) => row.note],
      ["flag", (row) => row.flag],
      ["hour(ts)", (row) => new Date(Number(row.ts / 1000n)).getUTCHours()],
    ];
    for (const [text, key] of keys) {
      const groups = grouped(key);
      const rows = await query(`SELECT ${text}, ${select}`);
      assertEquals(rows.length, groups.size, text);
      for (const [value, ...rest] of rows) {
        assertEquals(rest, totals(groups.get(value)!), `${text} ${value}`);
      }
    }
    const sampled = await query(`SELECT ts, ${select} SAMPLE BY 90m`);
    const buckets = grouped((row) => row.ts - (row.ts - 0n) % (HOUR * 3n / 2n));
    assertEquals(sampled.map(([ts]) => ts), [...buckets.keys()]);
    for (const [ts, ...rest] of sampled) {
      const wanted = totals(buckets.get(ts)!);
      assertEquals(rest, wanted);
    }
    const distinct = await query("SELECT DISTINCT sym, flag FROM trades");
    assertEquals(distinct.length, new Set(model.map((row) => `${row.sym}/${row.flag}`)).size);
    assertEquals(
      await query(
        "SELECT count_distinct(sym), count_distinct(qty), count_distinct(note) FROM trades",
      ),
      [[
        13n,
        500n,
        BigInt(new Set(model.flatMap((row) => row.note ?? [])).size),
      ]],
    );
    const first = await query(
      "SELECT sym, first(price), last(qty), first_not_null(price), last(note), first(sym) FROM trades",
    );
    for (const [sym, price, qty, known, note, self] of first) {
      const own = model.filter((row) => row.sym === sym);
      assertEquals(
        [price, qty, known, note, self],
        [
          own[0].price,
          own.at(-1)!.qty,
          own.find((row) => row.price !== null)!.price,
          own.at(-1)!.note,
          sym,
        ],
      );
    }
  });
});
