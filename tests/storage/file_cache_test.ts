import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { StorageError } from "../../src/common/mod.ts";
import { RealFileSystem } from "../../src/platform/mod.ts";
import { FileCache, OPEN_FILES_MAX, openColumnFiles } from "../../src/storage/file_cache.ts";

Deno.test("FileCache keeps a bound over all readers, and reads the right file whatever was closed", () => {
  using dir = new TempDir();
  const fs = new RealFileSystem();
  const count = OPEN_FILES_MAX + 88;
  for (let i = 0; i < count; i++) {
    Deno.writeFileSync(`${dir.path}/${i}`, new Uint8Array([i & 255, i >> 8]));
  }
  const readers = Array.from({ length: 5 }, () => new FileCache(fs));
  let state = 1;
  for (let step = 0; step < 5000; step++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    const i = (state >>> 8) % count;
    const bytes = new Uint8Array(2);
    readers[step % readers.length].get(`${dir.path}/${i}`).read(bytes, 0);
    assertEquals(bytes[0] + 256 * bytes[1], i);
    assert(openColumnFiles(fs) <= OPEN_FILES_MAX, `${openColumnFiles(fs)} files`);
  }
  assertEquals(openColumnFiles(fs), OPEN_FILES_MAX);
  assertThrows(() => readers[0].get(`${dir.path}/none`), StorageError, "none");
  for (const reader of readers) reader[Symbol.dispose]();
  assertEquals(openColumnFiles(fs), 0);
});
