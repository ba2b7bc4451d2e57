import {
  joinPath,
  parentPath,
  readFile,
  RealFileSystem,
  writeFileAtomic,
} from "../../src/platform/mod.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";

const fs = new RealFileSystem();
const bytes = (...values: number[]) => new Uint8Array(values);

Deno.test("RealFileSystem reads and writes at positions and reports short reads", () => {
  using directory = new TempDir();
  const path = `${directory.path}/file`;
  using file = fs.open(path, "createNew");
  file.write(bytes(1, 2, 3), 5);
  assertEquals(file.size(), 8);
  const buffer = new Uint8Array(10);
  assertEquals(file.read(buffer, 4), 4);
  assertEquals([...buffer.subarray(0, 4)], [0, 1, 2, 3]);
  file.truncate(2);
  assertEquals(file.size(), 2);
});

Deno.test("FileHandle.writeAsync() writes at positions and lets others go on meanwhile", async () => {
  using directory = new TempDir();
  const path = `${directory.path}/file`;
  using file = fs.open(path, "createNew");
  const large = new Uint8Array(40 << 20).map((_, i) => i * 7);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await file.writeAsync(large, 3);
  await file.writeAsync(bytes(1, 2, 3), 0);
  await file.writeAsync(bytes(9), large.length + 3);
  clearInterval(timer);
  assert(turns > 0, "the event loop went on");
  assertEquals(file.size(), large.length + 4);
  const found = readFile(fs, path, 1 << 26);
  assertEquals([...found.subarray(0, 4), found.at(-1)], [1, 2, 3, large[0], 9]);
  assert(found.subarray(3, 3 + large.length).every((byte, i) => byte === large[i]));
  fs.remove(path);
  using gone = fs.open(`${directory.path}/other`, "createNew");
  fs.remove(`${directory.path}/other`);
  await assertRejects(() => gone.writeAsync(bytes(1), 0), Deno.errors.NotFound);
});

Deno.test("RealFileSystem reads into shared memory", () => {
  using directory = new TempDir();
  using file = fs.open(`${directory.path}/file`, "create");
  file.write(bytes(7, 8, 9), 0);
  const shared = new Uint8Array(new SharedArrayBuffer(3));
  assertEquals(file.read(shared, 0), 3);
  assertEquals([...shared], [7, 8, 9]);
});

Deno.test("RealFileSystem throws Deno's error classes", () => {
  using directory = new TempDir();
  assertThrows(() => fs.open(`${directory.path}/none`, "read"), Deno.errors.NotFound, "none");
  assertThrows(() => fs.readDir(`${directory.path}/none`), Deno.errors.NotFound);
  fs.open(`${directory.path}/file`, "createNew").close();
  assertThrows(() => fs.open(`${directory.path}/file`, "createNew"), Deno.errors.AlreadyExists);
  assertThrows(
    () => fs.link(`${directory.path}/file`, `${directory.path}/file`),
    Deno.errors.AlreadyExists,
  );
  assertEquals(fs.stat(`${directory.path}/none`), null);
});

Deno.test("FileHandle.tryLock() excludes a second handle until the first closes", () => {
  using directory = new TempDir();
  const path = `${directory.path}/lock`;
  const first = fs.open(path, "create");
  assert(first.tryLock());
  using second = fs.open(path, "create");
  assert(!second.tryLock());
  first.close();
  assert(second.tryLock());
});

Deno.test("RealFileSystem lists directories in name order and removes trees", () => {
  using directory = new TempDir();
  fs.mkdir(`${directory.path}/a/b`);
  fs.open(`${directory.path}/a/c`, "createNew").close();
  assertEquals(fs.readDir(`${directory.path}/a`), [{ name: "b", isDirectory: true }, {
    name: "c",
    isDirectory: false,
  }]);
  fs.removeTree(`${directory.path}/a`);
  fs.removeTree(`${directory.path}/a`);
  assertEquals(fs.stat(`${directory.path}/a`), null);
  assert(fs.availableBytes(directory.path)! > 0);
});

Deno.test("writeFileAtomic() replaces the file and leaves no temporary one, even after a crash left one", () => {
  using directory = new TempDir();
  const path = `${directory.path}/file`;
  writeFileAtomic(fs, path, bytes(1));
  fs.open(`${path}.tmp`, "createNew").close();
  writeFileAtomic(fs, path, bytes(2, 3));
  assertEquals([...readFile(fs, path, 10)], [2, 3]);
  assertEquals(fs.readDir(directory.path).map((entry) => entry.name), ["file"]);
});

Deno.test("readFile() refuses a file over its limit", () => {
  using directory = new TempDir();
  writeFileAtomic(fs, `${directory.path}/file`, bytes(1, 2, 3));
  assertThrows(() => readFile(fs, `${directory.path}/file`, 2), RangeError, "over the limit");
});

Deno.test("joinPath() and parentPath() handle separators", () => {
  assertEquals(joinPath("/a/", "", "b", "c"), "/a/b/c");
  assertEquals(parentPath("/a/b"), "/a");
  assertEquals(parentPath("/a"), "/");
});
