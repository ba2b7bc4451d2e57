import { PartitionBy } from "../../src/common/mod.ts";
import { NO_ROWS, type StorageContext, TableReader, TableWriter } from "../../src/storage/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  checkIndex,
  commitRows,
  createTable,
  readRows,
  readRowsOf,
  type Row,
} from "./table_fixture.ts";

const MINUTE = 60_000_000n;
const START = 1_704_067_200_000_000n;
const SPLIT = { splitMinBytes: 1 };

function rows(from: number, to: number, text: string): Row[] {
  return Array.from({ length: to - from }, (_, i) => ({
    ts: START + BigInt(from + i) * MINUTE,
    ok: (from + i) % 2 === 0,
    i: from + i,
    l: BigInt(from + i),
    d: (from + i) / 4,
    sym: `s${(from + i) % 5}`,
    text: `${text}, long enough for the heap: ${from + i}`,
  }));
}

/** Ways to take away the part behind the one that keeps the first rows. */
const REMOVALS: Record<string, (writer: TableWriter, timestamp: bigint) => void> = {
  "FORCE DROP": (writer, timestamp) =>
    writer.alter({ kind: "dropPartitions", timestamps: [timestamp], isForced: true }, {
      seqTxn: 3,
      sync: false,
    }),
  "a replaced range": (writer, timestamp) => {
    writer.write(NO_ROWS, { replaceRange: { lo: timestamp, hi: timestamp + 2000n * MINUTE } });
    writer.commit({ seqTxn: 3, sync: false });
  },
};

/** Splits the one partition; returns the name of the part behind. */
function split(context: StorageContext): bigint {
  using writer = TableWriter.open(context, SPLIT);
  commitRows(writer, rows(900, 902, "late"), { seqTxn: 2 });
  const { partitions } = writer.txn;
  assertEquals(partitions.length, 2, "the partition is split");
  return partitions[1].timestamp;
}

for (const [name, remove] of Object.entries(REMOVALS)) {
  for (const isReopened of [false, true]) {
    const when = isReopened ? ", after a restart" : "";
    Deno.test(`TableWriter keeps what was committed before a split when its part goes by ${name}${when}`, () => {
      using directory = new TempDir();
      const context = createTable(directory.path, PartitionBy.DAY, undefined, { isIndexed: true });
      let writer = TableWriter.open(context, SPLIT);
      commitRows(writer, rows(0, 1000, "first"), { seqTxn: 1 });
      writer.close();
      using pinned = TableReader.open(context);
      const expected = readRows(context);
      const part = split(context);
      writer = TableWriter.open(context, SPLIT);
      remove(writer, part);
      const kept = readRows(context);
      assert(kept.length < 1000 && kept.length > 0, "only the first rows are left");
      if (isReopened) {
        writer.close();
        writer = TableWriter.open(context, SPLIT);
      }
      commitRows(writer, rows(950, 1100, "over"), { seqTxn: 4 });
      writer.close();
      assertEquals(readRowsOf(pinned), expected);
      assertEquals(readRows(context), [...kept, ...rows(950, 1100, "over")]);
      checkIndex(context);
    });
  }
}
