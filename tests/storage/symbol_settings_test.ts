/** A symbol table may be larger than one that is written to; what cannot be a capacity is refused. */
import { StorageError } from "../../src/common/mod.ts";
import { SimulatedFileSystem } from "../../src/platform/mod.ts";
import {
  createSymbolFiles,
  OPEN_SYMBOL_CAPACITY_MAX,
  readSymbolSettings,
  symbolFiles,
  SymbolMapReader,
  SymbolMapWriter,
} from "../../src/storage/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";

Deno.test("readSymbolSettings() reads what is too large to be written to, and refuses what is no capacity", () => {
  const fs = new SimulatedFileSystem();
  fs.mkdir("/t");
  const files = symbolFiles("/t", "s", -1);
  createSymbolFiles(fs, files, { capacity: 8, isCached: true });
  const set = (capacity: number) => {
    using file = fs.open(files.offsets, "readWrite");
    file.write(new Uint8Array(Int32Array.of(capacity).buffer), 0);
  };
  assertEquals(readSymbolSettings(fs, files), { capacity: 8, isCached: true, hasNull: false });
  const large = 2 * OPEN_SYMBOL_CAPACITY_MAX;
  set(large);
  assertEquals(readSymbolSettings(fs, files).capacity, large);
  assertEquals(SymbolMapReader.open(fs, files, 0).count, 0);
  assertThrows(() => new SymbolMapWriter(fs, files, 0), StorageError, "invalid symbol capacity");
  for (const capacity of [0, -1, 2 ** 30 + 1]) {
    set(capacity);
    assertThrows(
      () => readSymbolSettings(fs, files),
      StorageError,
      `invalid symbol capacity [file=/t/s.o, capacity=${capacity}, limit=1073741824]`,
    );
  }
});
