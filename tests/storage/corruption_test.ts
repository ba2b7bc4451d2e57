import fc from "fast-check";
import { PartitionBy, StorageError, UnsupportedTypeError } from "../../src/common/mod.ts";
import { TableReader, TableWriter } from "../../src/storage/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { commitRows, core, createTable, readRows, type Row } from "./table_fixture.ts";

const START = 1_704_067_200_000_000n;
const DAY = 86_400_000_000n;

function makeTable(directory: string) {
  const context = createTable(directory, PartitionBy.DAY);
  using writer = TableWriter.open(context);
  const row = (i: number): Row => ({
    ts: START + BigInt(i) * DAY / 3n,
    ok: true,
    i,
    l: 7n,
    d: 0.5,
    sym: `s${i}`,
    text: `row number ${i} of the table`,
  });
  commitRows(writer, [row(1), row(2), row(5)], { seqTxn: 1 });
  commitRows(writer, [row(0), row(9)], { seqTxn: 2 });
  return context;
}

/** Opens and reads everything. A damaged file may still make sense, but nothing other than a StorageError may come out. */
function openOrRefuse(context: ReturnType<typeof makeTable>): boolean {
  try {
    readRows(context);
    return true;
  } catch (error) {
    if (error instanceof UnsupportedTypeError) return false; // the damage made another type of it
    if (!(error instanceof StorageError)) throw error;
    assert(
      error.file.startsWith(context.tableDir),
      `the error names a file of the table: ${error.message}`,
    );
    return false;
  } finally {
    assertEquals(core.memory.liveBytes, 0);
  }
}

for (const name of ["_meta", "_txn", "_cv", "sym.o", "sym.c"]) {
  Deno.test(`TableReader refuses a damaged ${name} with its name, or reads it, and never does anything else`, () => {
    using directory = new TempDir();
    const context = makeTable(directory.path);
    const path = `${context.tableDir}/${name}`;
    const intact = Deno.readFileSync(path);
    const offset = fc.integer({ min: 0, max: intact.length - 1 });
    let refused = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(offset, fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 6,
        }),
        (changes) => {
          const damaged = intact.slice();
          for (const [at, value] of changes) damaged[at] = value;
          Deno.writeFileSync(path, damaged);
          if (!openOrRefuse(context)) refused++;
        },
      ),
      { numRuns: 300 },
    );
    for (let length = 0; length < Math.min(intact.length, 200); length += 3) {
      Deno.writeFileSync(path, intact.slice(0, length));
      if (!openOrRefuse(context)) refused++;
    }
    assert(refused > 5, "some damage is noticed");
    Deno.writeFileSync(path, intact);
    assertEquals(readRows(context).length, 5);
  });
}

Deno.test("TableReader names missing and short column files", () => {
  using directory = new TempDir();
  const context = makeTable(directory.path);
  const file = `${context.tableDir}/2024-01-02/l.d`;
  Deno.truncateSync(file, 3);
  assertThrows(() => readRows(context), StorageError, `file is too short [file=${file}`);
  Deno.removeSync(file);
  assertThrows(() => readRows(context), StorageError, `file does not exist [file=${file}`);
});

Deno.test("TableReader refuses a torn _txn record", () => {
  using directory = new TempDir();
  const context = makeTable(directory.path);
  const path = `${context.tableDir}/_txn`;
  const bytes = Deno.readFileSync(path);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, view.getBigInt64(0, true) + 2n, true); // the version of a commit whose record never came
  Deno.writeFileSync(path, bytes);
  assertThrows(() => TableReader.open(context), StorageError, "torn transaction record");
});
