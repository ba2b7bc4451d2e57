import fc from "fast-check";
import { PartitionBy } from "../../src/common/mod.ts";
import type { StorageContext } from "../../src/storage/mod.ts";
import { NO_ROWS, TableWriter } from "../../src/storage/mod.ts";
import { Arena } from "../../src/wasm/mod.ts";
import { assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { checkIndex, core, createTable, readRows, type Row, rowSource } from "./table_fixture.ts";
import { type Key, TableModel } from "./table_model.ts";

const HOUR = 3_600_000_000n;
const START = 1_704_067_200_000_000n;
const RUNS = Number(Deno.env.get("WRITE_PATH_RUNS") ?? 15);

const anyTime = fc.integer({ min: 0, max: 60 }).map((hour) => START + BigInt(hour) * HOUR);
/** Few distinct values, so that keys meet; long texts, so that heaps are used. */
const anyRow = fc.record<Row>({
  ts: anyTime,
  ok: fc.boolean(),
  i: fc.option(fc.integer({ min: -2, max: 2 })),
  l: fc.option(fc.constantFrom(-(2n ** 62n), -1n, 0n, 2n ** 62n)),
  d: fc.option(fc.constantFrom(-2, -1, -0, 0, 1.5)),
  sym: fc.option(fc.constantFrom("b", "a", "c")),
  text: fc.option(
    fc.constantFrom("", "b", "ab", "é", "same length, another text", "same length, another tex2"),
  ),
}, { noNullPrototype: true });

/** One step of a history. */
type Step =
  | { readonly kind: "write"; readonly rows: Row[]; readonly isDeduplicated: boolean }
  | { readonly kind: "replace"; readonly lo: bigint; readonly hi: bigint; readonly rows: Row[] }
  | { readonly kind: "commit" | "rollback" | "reopen" | "truncate" | "squash" };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("write" as const),
      rows: fc.array(anyRow, { maxLength: 20 }),
      isDeduplicated: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(anyTime, anyTime, fc.array(anyRow, { maxLength: 5 })).map(
      ([a, b, rows]) => {
        const lo = a < b ? a : b, hi = (a < b ? b : a) + 1n;
        const inside = rows.map((row) => ({ ...row, ts: lo + (row.ts - START) % (hi - lo) }));
        return { kind: "replace" as const, lo, hi, rows: inside };
      },
    ),
  },
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      "commit" as const,
      "commit" as const,
      "rollback" as const,
      "reopen" as const,
      "truncate" as const,
      "squash" as const,
    )
      .map((kind) => ({ kind })),
  },
);

/** Runs a history against a table and a model; compares after every commit, and the un-committed state never shows. */
function runHistory(
  context: StorageContext,
  keys: readonly Key[] | null,
  steps: readonly Step[],
  splitMinBytes: number,
): void {
  const model = new TableModel(keys);
  let writer = TableWriter.open(context, { splitMinBytes });
  let committed: Row[] = [], seqTxn = 0;
  const commit = () => {
    assertEquals(writer.dedupedRowCount, model.dedupedRowCount, "deduplicated rows");
    writer.commit({ seqTxn: ++seqTxn, sync: false });
    model.commit();
    committed = model.rows;
  };
  for (const step of [...steps, { kind: "commit" as const }]) {
    switch (step.kind) {
      case "write": {
        using arena = new Arena(core.memory);
        const { isDeduplicated } = step;
        writer.write(rowSource(writer, step.rows, arena), { isDeduplicated });
        model.write(step.rows, { isDeduplicated });
        break;
      }
      case "replace": {
        using arena = new Arena(core.memory);
        const source = step.rows.length === 0 ? NO_ROWS : rowSource(writer, step.rows, arena);
        writer.write(source, { replaceRange: step });
        model.replace(step, step.rows);
        break;
      }
      case "commit":
        commit();
        break;
      case "rollback":
        writer.rollback();
        model.rollback();
        break;
      case "reopen":
        writer.close();
        writer = TableWriter.open(context, { splitMinBytes });
        model.rollback();
        break;
      case "truncate":
        commit();
        writer.truncate({ keepsSymbols: true });
        model.truncate();
        commit();
        break;
      case "squash":
        commit();
        writer.alter({ kind: "squashPartitions" }, { seqTxn: ++seqTxn, sync: false });
    }
    assertEquals(readRows(context), committed, step.kind);
  }
  const { minTimestamp, maxTimestamp } = writer.txn;
  if (committed.length > 0) {
    assertEquals([minTimestamp, maxTimestamp], [committed[0].ts, committed.at(-1)!.ts]);
  }
  writer.close();
  assertEquals(core.memory.liveBytes, 0, "no block of memory is left behind");
}

const KEYS: readonly (readonly Key[] | null)[] = [
  null,
  [],
  ["i"],
  ["sym"],
  ["text"],
  ["d"],
  ["ok", "l"],
  ["i", "sym", "text"],
];
for (const keys of KEYS) {
  const name = keys === null ? "no keys" : `keys ts ${keys.join(" ")}`;
  Deno.test(`TableWriter holds what a model holds over several writes a commit, ranges, rollbacks: ${name}`, () => {
    fc.assert(
      fc.property(
        fc.array(anyStep, { maxLength: 12 }),
        fc.constantFrom(PartitionBy.DAY, PartitionBy.HOUR, PartitionBy.YEAR),
        fc.boolean(),
        fc.constantFrom(1, 200, 1 << 30),
        (steps, unit, isIndexed, splitMinBytes) => {
          using directory = new TempDir();
          const dedupKeys = keys === null ? [] : ["ts", ...keys];
          const context = createTable(directory.path, unit, undefined, { dedupKeys, isIndexed });
          runHistory(context, keys, steps, splitMinBytes);
          if (isIndexed) checkIndex(context);
        },
      ),
      { numRuns: RUNS },
    );
  });
}
