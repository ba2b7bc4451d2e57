import { ColumnType, PartitionBy, StorageError, typeName } from "../../src/common/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import { ColumnWriter } from "../../src/storage/column_writer.ts";
import {
  columnFilesOf,
  createTableFiles,
  type RowSource,
  TableReader,
  TableWriter,
} from "../../src/storage/mod.ts";
import { Arena, fixedVector } from "../../src/wasm/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import {
  type Cell,
  cellText,
  cellVector,
  randomCell,
  TYPE_NAMES,
  TYPES,
  vectorTexts,
} from "../support/typed_cells.ts";
import { core } from "./table_fixture.ts";

const fs = new RealFileSystem();
const HOUR = 3_600_000_000n;
const START = 1_704_067_200_000_000n; // 2024-01-01

interface TypedRow {
  readonly ts: bigint;
  readonly cells: readonly Cell[];
}

/** A table with a column of every type, and its rows. */
class TypedTable {
  readonly tableDir: string;
  rows: TypedRow[] = [];
  #seqTxn = 0;

  constructor(directory: string, readonly types: readonly number[], timestampType: number) {
    this.tableDir = `${directory}/t~1`;
    const definition = {
      name: "t",
      columns: [
        { name: "ts", type: timestampType },
        ...types.map((type, i) => ({ name: `c${i}`, type })),
      ],
      timestampIndex: 0,
      partitionBy: PartitionBy.DAY,
      isWalEnabled: true,
      maxUncommittedRows: 1000,
      o3MaxLagMicros: 0n,
      ttlHoursOrMonths: 0,
    };
    createTableFiles(fs, this.tableDir, { definition, tableId: 1 });
  }
  get context() {
    return { fs, core, tableDir: this.tableDir };
  }
  commit(rows: readonly TypedRow[], changed?: (writer: TableWriter) => void): void {
    using writer = TableWriter.open(this.context);
    using arena = new Arena(core.memory);
    const sorted = byTime(rows);
    const data = arena.alloc(8 * sorted.length);
    for (const [i, row] of sorted.entries()) core.memory.i64[data / 8 + i] = row.ts;
    const { metadata } = writer;
    const source: RowSource = {
      rowCount: sorted.length,
      timestamps: data,
      minTimestamp: sorted[0].ts,
      maxTimestamp: sorted.at(-1)!.ts,
      column: (index) => {
        const { type } = metadata.columns[index];
        const cells = sorted.map((row) => row.cells[index - 1] ?? null);
        if (index === 0) return fixedVector(type, data);
        return cells.every((cell) => cell === null)
          ? null
          : cellVector(core, arena, { type, cells });
      },
      release: () => {},
    };
    writer.write(source);
    writer.commit({ seqTxn: ++this.#seqTxn, sync: false });
    this.rows = byTime([...this.rows, ...sorted]);
    changed?.(writer);
  }
  /** Compares every column with the model, whole partitions and random parts of them. */
  check(random: SeededRandom): void {
    using reader = TableReader.open(this.context);
    assertEquals(reader.rowCount, this.rows.length);
    let first = 0;
    for (const [index, partition] of reader.partitions.entries()) {
      const low = random.int(0, partition.rowCount);
      const ranges = [
        { rowLo: 0, rowHi: partition.rowCount },
        { rowLo: low, rowHi: random.int(low, partition.rowCount + 1) },
      ];
      for (const { writerIndex, type } of reader.metadata.columns.slice(1)) {
        for (const range of ranges) {
          using arena = new Arena(core.memory);
          const vector = reader.readColumn(index, writerIndex, range, arena);
          const wanted = this.rows.slice(first + range.rowLo, first + range.rowHi)
            .map((row) => cellText(type, row.cells[writerIndex - 1] ?? null));
          assertEquals(vectorTexts(core, vector, wanted.length), wanted, typeName(type));
        }
      }
      columnFilesOf({ ...reader, fs, tableDir: this.tableDir, partition }); // lengths are sound
      first += partition.rowCount;
    }
  }
}

function byTime(rows: readonly TypedRow[]): TypedRow[] {
  return [...rows].sort((a, b) => a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0);
}

for (const timestampType of [ColumnType.TIMESTAMP, ColumnType.TIMESTAMP_NS]) {
  Deno.test(`columns of every type hold what was written, appended and merged, ${typeName(timestampType)}`, () => {
    const random = new SeededRandom(runSeed());
    const unit = timestampType === ColumnType.TIMESTAMP_NS ? 1000n : 1n;
    using directory = new TempDir();
    const half = TYPES.length / 2;
    const table = new TypedTable(directory.path, TYPES.slice(0, half), timestampType);
    const types = [...table.types];
    const rowsFrom = (hour: number, hours: number, count = 150): TypedRow[] =>
      Array.from({ length: count }, () => ({
        ts: (START + BigInt(hour) * HOUR + BigInt(random.int(0, hours * 3_600_000))) * unit,
        cells: types.map((type) => randomCell(random, type)),
      }));
    table.commit(rowsFrom(0, 20)); // a new partition
    table.commit(rowsFrom(20, 2)); // behind it
    table.check(random);
    table.commit(rowsFrom(10, 60)); // merged into it, and two new ones
    table.check(random);
    // The other types come later: the rows so far are above their column tops.
    using writer = TableWriter.open(table.context);
    for (const [i, type] of TYPES.slice(half).entries()) {
      const column = { name: `c${half + i}`, type };
      writer.alter({ kind: "addColumn", column }, { seqTxn: 100 + i, sync: false });
      types.push(type);
    }
    writer.close();
    table.check(random);
    table.commit(rowsFrom(70, 1)); // behind the column tops
    table.check(random);
    table.commit(rowsFrom(5, 70)); // merged with rows above and below them
    table.check(random);
    for (let i = 0; i < 5; i++) table.commit(rowsFrom(random.int(0, 100), 30, random.int(1, 60)));
    table.check(random);
  });
}

Deno.test("STRING and BINARY begin with an offset and end every row with one; NULL takes its length field", () => {
  using directory = new TempDir();
  const write = (type: number, batches: readonly (readonly Cell[])[]) => {
    const dataPath = `${directory.path}/${type}.d`, auxPath = `${directory.path}/${type}.i`;
    let rows = 0;
    for (const cells of batches) {
      using arena = new Arena(core.memory);
      using writer = new ColumnWriter({ fs, core }, { type, dataPath, auxPath }, rows);
      const vector = cellVector(core, arena, { type, cells });
      writer.append({ vector, rowLo: 0, rowHi: cells.length });
      rows += cells.length;
    }
    return {
      offsets: [...new BigInt64Array(Deno.readFileSync(auxPath).buffer)].map(Number),
      data: Deno.readFileSync(dataPath).toHex(),
    };
  };
  const text = (value: string) => new TextEncoder().encode(value);
  assertEquals(write(ColumnType.STRING, [[text("ab"), null], [text(""), text("é🐎")]]), {
    offsets: [0, 8, 12, 16, 26],
    data: "02000000" + "61006200" + "ffffffff" + "00000000" + "03000000" + "e9003dd80edc",
  });
  assertEquals(write(ColumnType.BINARY, [[new Uint8Array([1, 2, 3])], [null, new Uint8Array(0)]]), {
    offsets: [0, 11, 19, 27],
    data: "0300000000000000" + "010203" + "ffffffffffffffff" + "0000000000000000",
  });
});

Deno.test("damaged files of every type of variable width are refused by name, whatever was damaged", () => {
  const random = new SeededRandom(runSeed());
  for (const name of ["STRING", "BINARY", "DOUBLE[]", "DOUBLE[][][]", "VARCHAR"] as const) {
    using directory = new TempDir();
    const type = TYPES[TYPE_NAMES.indexOf(name)];
    const table = new TypedTable(directory.path, [type], ColumnType.TIMESTAMP);
    table.commit(Array.from({ length: 40 }, (_, i) => ({
      ts: START + BigInt(i),
      cells: [randomCell(random, type)],
    })));
    const partition = `${table.tableDir}/2024-01-01`;
    let refused = 0;
    for (let round = 0; round < 60; round++) {
      const path = `${partition}/c0.${random.pick(["i", "i", "d"])}`;
      const good = Deno.readFileSync(path);
      const bad = good.slice();
      bad[random.int(0, bad.length)] ^= 1 << random.int(0, 8);
      Deno.writeFileSync(path, random.next() < 0.2 ? bad.subarray(0, random.int(0, 100)) : bad);
      try {
        using reader = TableReader.open(table.context);
        using arena = new Arena(core.memory);
        reader.readColumn(0, 1, { rowLo: 0, rowHi: 40 }, arena);
      } catch (error) {
        assert(error instanceof StorageError, `${name}: ${error}`);
        refused++;
      }
      Deno.writeFileSync(path, good);
    }
    assert(refused > 0, name);
    table.check(random);
  }
});

Deno.test("a column of variable width is merged over the borders of chunks", () => {
  using directory = new TempDir();
  const type = ColumnType.STRING;
  const rows = (1 << 20) + 1000;
  const paths = { type, dataPath: `${directory.path}/s.d`, auxPath: `${directory.path}/s.i` };
  using arena = new Arena(core.memory);
  const one = cellVector(core, arena, { type, cells: [new TextEncoder().encode("é longer")] });
  const data = arena.alloc(16 * rows);
  for (let row = 0; row < rows; row++) {
    core.memory.u8.copyWithin(data + 16 * row, one.data, one.data + 16);
  }
  const vector = { ...one, data };
  {
    using writer = new ColumnWriter({ fs, core }, paths, 0);
    writer.append({ vector, rowLo: 0, rowHi: rows });
    writer.append({ vector: null, rowLo: 0, rowHi: rows });
  }
  const offsets = new BigInt64Array(Deno.readFileSync(paths.auxPath).buffer);
  assertEquals(offsets.length, 2 * rows + 1);
  assertEquals(offsets[rows], BigInt(rows * 20));
  assertEquals(offsets[2 * rows], BigInt(rows * 24));
  assertThrows(
    () => new ColumnWriter({ fs, core }, paths, 2 * rows + 1)[Symbol.dispose](),
    StorageError,
    "too short",
  );
});
