/** One contract for every file system: the real one, the simulated one, and the one that can fail. */
import {
  FaultFileSystem,
  type FileSystem,
  joinPath,
  parentPath,
  readFile,
  RealFileSystem,
  SimulatedFileSystem,
  writeFileAtomic,
} from "../../src/platform/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";

const text = (value: string) => new TextEncoder().encode(value);
const content = (fs: FileSystem, path: string) => new TextDecoder().decode(readFile(fs, path, 1e6));

function put(fs: FileSystem, path: string, value: string): void {
  using file = fs.open(path, "createNew");
  file.write(text(value), 0);
}

function contract(name: string, run: (fs: FileSystem, root: string) => void): void {
  Deno.test(`RealFileSystem ${name}`, () => {
    using directory = new TempDir();
    run(new RealFileSystem(), directory.path);
  });
  Deno.test(`SimulatedFileSystem ${name}`, () => {
    const fs = new SimulatedFileSystem();
    fs.mkdir("/data");
    run(fs, "/data");
  });
  Deno.test(`FaultFileSystem without faults ${name}`, () => {
    const fs = new FaultFileSystem(new SimulatedFileSystem());
    fs.mkdir("/data");
    run(fs, "/data");
  });
}

contract("reads back positional writes and fills holes with zeros", (fs, root) => {
  using file = fs.open(`${root}/a`, "createNew");
  file.write(text("tail"), 6);
  file.write(text("hd"), 0);
  assertEquals(file.size(), 10);
  const buffer = new Uint8Array(16).fill(255);
  assertEquals(file.read(buffer, 0), 10);
  assertEquals([...buffer.subarray(0, 10)], [104, 100, 0, 0, 0, 0, 116, 97, 105, 108]);
  assertEquals(file.read(buffer, 10), 0);
  assertEquals(file.read(buffer, 99), 0);
});

contract("truncates and grows with zeros", (fs, root) => {
  using file = fs.open(`${root}/a`, "create");
  file.write(text("abcdef"), 0);
  file.truncate(2);
  file.truncate(4);
  assertEquals([...readFile(fs, `${root}/a`, 10)], [97, 98, 0, 0]);
  file.sync();
  file.syncData();
});

contract("reads and writes views on shared memory", (fs, root) => {
  const shared = new Uint8Array(new SharedArrayBuffer(8));
  shared.set([1, 2, 3, 4, 5, 6, 7, 8]);
  using file = fs.open(`${root}/a`, "createNew");
  file.write(shared.subarray(2, 6), 0);
  assertEquals(file.read(shared, 0), 4);
  assertEquals([...shared], [3, 4, 5, 6, 5, 6, 7, 8]);
});

contract("opens by mode", (fs, root) => {
  assertThrows(() => fs.open(`${root}/a`, "read"), Deno.errors.NotFound, "a");
  assertThrows(() => fs.open(`${root}/a`, "readWrite"), Deno.errors.NotFound);
  assertThrows(() => fs.open(`${root}/no/a`, "create"), Deno.errors.NotFound);
  put(fs, `${root}/a`, "x");
  assertThrows(() => fs.open(`${root}/a`, "createNew"), Deno.errors.AlreadyExists);
  fs.open(`${root}/a`, "create").close();
  assertEquals(content(fs, `${root}/a`), "x");
  using reader = fs.open(`${root}/a`, "read");
  assertThrows(() => reader.write(text("y"), 0), Error);
});

contract("lists directories in name order and tells what a path is", (fs, root) => {
  fs.mkdir(`${root}/d/e/f`);
  fs.mkdir(`${root}/d/e`);
  put(fs, `${root}/d/b`, "12345");
  put(fs, `${root}/d/a`, "");
  assertEquals(fs.readDir(`${root}/d`), [
    { name: "a", isDirectory: false },
    { name: "b", isDirectory: false },
    { name: "e", isDirectory: true },
  ]);
  assertEquals(fs.stat(`${root}/d/b`)!.size, 5);
  assertEquals(fs.stat(`${root}/d/e`)!.isDirectory, true);
  assertEquals(fs.stat(`${root}/d/zz`), null);
  assertEquals(fs.stat(`${root}/zz/zz`), null);
  assertThrows(() => fs.readDir(`${root}/zz`), Deno.errors.NotFound);
});

contract("removes files, empty directories and trees", (fs, root) => {
  fs.mkdir(`${root}/d/e`);
  put(fs, `${root}/d/e/a`, "x");
  assertThrows(() => fs.remove(`${root}/d`), Error);
  fs.remove(`${root}/d/e/a`);
  assertThrows(() => fs.remove(`${root}/d/e/a`), Deno.errors.NotFound);
  fs.remove(`${root}/d/e`);
  put(fs, `${root}/d/b`, "x");
  fs.removeTree(`${root}/d`);
  fs.removeTree(`${root}/d`);
  assertEquals(fs.stat(`${root}/d`), null);
});

contract("renames over a file and keeps open handles working", (fs, root) => {
  put(fs, `${root}/a`, "new");
  put(fs, `${root}/b`, "old");
  using old = fs.open(`${root}/b`, "read");
  fs.rename(`${root}/a`, `${root}/b`);
  assertEquals(content(fs, `${root}/b`), "new");
  assertEquals(fs.stat(`${root}/a`), null);
  const buffer = new Uint8Array(3);
  old.read(buffer, 0);
  assertEquals(new TextDecoder().decode(buffer), "old");
  assertThrows(() => fs.rename(`${root}/a`, `${root}/c`), Deno.errors.NotFound);
});

contract("links a file under two names", (fs, root) => {
  put(fs, `${root}/a`, "x");
  fs.link(`${root}/a`, `${root}/b`);
  fs.remove(`${root}/a`);
  assertEquals(content(fs, `${root}/b`), "x");
  put(fs, `${root}/a`, "y");
  assertThrows(() => fs.link(`${root}/a`, `${root}/b`), Deno.errors.AlreadyExists);
});

contract("locks a file for one handle at a time", (fs, root) => {
  put(fs, `${root}/lock`, "");
  const first = fs.open(`${root}/lock`, "readWrite");
  using second = fs.open(`${root}/lock`, "readWrite");
  assert(first.tryLock());
  assertEquals(second.tryLock(), false);
  first.close();
  assert(second.tryLock());
});

contract("replaces a file atomically, over a stale temporary one", (fs, root) => {
  put(fs, `${root}/a`, "old");
  put(fs, `${root}/a.tmp`, "rubbish of a crash");
  writeFileAtomic(fs, `${root}/a`, text("new"));
  assertEquals(content(fs, `${root}/a`), "new");
  assertEquals(fs.stat(`${root}/a.tmp`), null);
});

contract("refuses to read a file over the caller's limit", (fs, root) => {
  put(fs, `${root}/a`, "12345");
  assertThrows(() => readFile(fs, `${root}/a`, 4), RangeError, "over the limit of 4");
});

Deno.test("joinPath and parentPath use single slashes", () => {
  assertEquals(joinPath("/a/", "b", "", "c"), "/a/b/c");
  assertEquals(parentPath("/a/b"), "/a");
  assertEquals(parentPath("/a"), "/");
  assertEquals(parentPath("/a/b/"), "/a");
});
