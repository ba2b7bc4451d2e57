import { StorageError } from "../../src/common/mod.ts";
import {
  FaultFileSystem,
  type FileSystem,
  InjectedError,
  RealFileSystem,
} from "../../src/platform/mod.ts";
import {
  buildPartitionIndex,
  extendPartitionIndex,
  type PartitionIndexFiles,
  partitionIndexFiles,
  PartitionIndexReader,
} from "../../src/storage/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";

const fs = new RealFileSystem();
const INT_NULL = -0x80000000;

/** A column of symbol keys below a column top, and its index. */
class IndexedFixture {
  readonly dataPath: string;
  readonly files: PartitionIndexFiles;
  readonly keys: number[] = [];

  constructor(directory: string, readonly columnTop: number, blockCapacity: number) {
    this.dataPath = `${directory}/s.d`;
    this.files = partitionIndexFiles(
      directory,
      { name: "s", indexBlockCapacity: blockCapacity },
      3,
    );
    Deno.writeFileSync(this.dataPath, new Uint8Array(0));
  }
  get rowCount(): number {
    return this.columnTop + this.keys.length;
  }
  add(keys: readonly number[]): void {
    this.keys.push(...keys);
    Deno.writeFileSync(this.dataPath, new Uint8Array(new Int32Array(this.keys).buffer));
  }
  build(): void {
    buildPartitionIndex(fs, this.files, this);
  }
  extend(committedRows: number, disk: FileSystem = fs): void {
    const { dataPath, columnTop, rowCount } = this;
    extendPartitionIndex(disk, this.files, { dataPath, columnTop, rowCount, committedRows });
  }
  /** Compares every key's rows in [rowLo, rowHi) with the column. */
  check(rowLo = 0, rowHi = this.rowCount, label = ""): void {
    using reader = PartitionIndexReader.open(fs, this.files);
    for (const key of new Set([...this.keys, INT_NULL, 1_000_000])) {
      const wanted = this.keys.flatMap((held, i) => {
        const row = this.columnTop + i;
        return held === key && row >= rowLo && row < rowHi ? [row] : [];
      });
      assertEquals([...reader.rowsOf(key, rowLo, rowHi)], wanted, `${label} key ${key}`);
    }
  }
}

Deno.test("a partition index holds what the column holds over random appends, crashes and leftovers", () => {
  const seed = runSeed();
  const random = new SeededRandom(seed);
  for (let round = 0; round < 8; round++) {
    using directory = new TempDir();
    const fixture = new IndexedFixture(directory.path, random.int(0, 50), random.pick([2, 4, 256]));
    const keysMax = random.pick([1, 7, 300]);
    const someKeys = () =>
      Array.from(
        { length: random.int(1, 800) },
        () => random.next() < 0.1 ? INT_NULL : random.int(0, keysMax),
      );
    fixture.add(someKeys());
    fixture.build();
    fixture.check();
    for (let step = 0; step < 8; step++) {
      const committed = fixture.rowCount;
      if (random.next() < 0.4) {
        // A transaction that never commits leaves rows; the next one writes others in their place.
        fixture.add(someKeys());
        fixture.extend(committed);
        fixture.keys.length = committed - fixture.columnTop;
      }
      fixture.add(someKeys());
      fixture.extend(committed);
      assertEquals(fs.stat(`${fixture.files.keys}.tmp`), null);
      fixture.check();
      const low = random.int(0, fixture.rowCount);
      fixture.check(low, random.int(low, fixture.rowCount + 1));
    }
  }
});

Deno.test("a partition index is right although extending it failed at any call, with other rows each time", () => {
  const seed = runSeed();
  const random = new SeededRandom(seed);
  let failures = 0;
  for (let round = 0; round < 6; round++) {
    using directory = new TempDir();
    const fixture = new IndexedFixture(directory.path, 3, 2);
    const someKeys = () => Array.from({ length: random.int(1, 40) }, () => random.int(0, 5));
    fixture.add(someKeys());
    fixture.build();
    for (let step = 0; step < 60; step++) {
      const committed = fixture.rowCount;
      const faults = new FaultFileSystem(fs);
      faults.failAt(random.int(1, 20), { effect: random.pick(["none", "partial", "applied"]) });
      fixture.add(someKeys());
      try {
        fixture.extend(committed, faults);
      } catch (error) {
        if (!(error instanceof InjectedError)) throw error;
        failures++;
        fixture.keys.length = committed - fixture.columnTop;
        fixture.add(someKeys());
        fixture.extend(committed);
      }
      fixture.check(0, fixture.rowCount, `SEED=${seed} step ${step}`);
    }
  }
  assert(failures > 50, `${failures} calls failed`);
});

Deno.test("extendPartitionIndex() builds an index anew that is missing, torn or of other rows", () => {
  using directory = new TempDir();
  const fixture = new IndexedFixture(directory.path, 5, 4);
  const damage: [string, () => void][] = [
    ["missing", () => Deno.removeSync(fixture.files.keys)],
    ["no header", () => Deno.writeFileSync(fixture.files.keys, new Uint8Array(4096))],
    ["count", () => overwrite(fixture.files.keys, 64 + 32, 9)],
    ["block outside", () => overwrite(fixture.files.keys, 64 + 32 + 16, 1 << 20)],
    ["blocks lost", () => Deno.truncateSync(fixture.files.values, 48)],
  ];
  for (const [what, break_] of damage) {
    fixture.add([0, 1, 2, 0, 1, 2, 0, 0, 0, 0, 0, INT_NULL]);
    fixture.build();
    break_();
    const committed = fixture.rowCount;
    fixture.add([3, 0, 1]);
    fixture.extend(committed);
    fixture.check(0, fixture.rowCount, what);
  }
  // Rows that the index does not have although they are committed.
  fixture.add([1, 1]);
  const committed = fixture.rowCount;
  fixture.add([2]);
  fixture.extend(committed);
  fixture.check();
});

Deno.test("PartitionIndexReader refuses an index that makes no sense", () => {
  using directory = new TempDir();
  const fixture = new IndexedFixture(directory.path, 0, 2);
  fixture.add([0, 0, 0, 0, 0]);
  fixture.build();
  overwrite(fixture.files.values, 24, 24); // the first block's next block is no block
  using reader = PartitionIndexReader.open(fs, fixture.files);
  assertThrows(() => reader.rowsOf(0, 0, 5), StorageError);
  assertEquals([...reader.rowsOf(0, 0, 1)], [0]);
  overwrite(fixture.files.keys, 1, 77); // the sequence alone
  assertThrows(() => PartitionIndexReader.open(fs, fixture.files), StorageError);
  assertThrows(
    () => PartitionIndexReader.open(fs, { ...fixture.files, keys: "/nowhere/s.k" }),
    StorageError,
  );
});

function overwrite(path: string, offset: number, value: number): void {
  using file = fs.open(path, "readWrite");
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigInt64(0, BigInt(value), true);
  file.write(new Uint8Array(bytes.buffer), offset);
}
