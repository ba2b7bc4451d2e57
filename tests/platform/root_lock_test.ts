import { StorageError } from "../../src/common/mod.ts";
import { RealFileSystem, RootLock, SimulatedFileSystem } from "../../src/platform/mod.ts";
import { assertEquals, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";

Deno.test("RootLock refuses a second server and names the root and the first one", () => {
  using directory = new TempDir();
  const fs = new RealFileSystem();
  {
    using _lock = RootLock.acquire(fs, directory.path, 4711);
    const error = assertThrows(
      () => RootLock.acquire(fs, directory.path, 4712),
      StorageError,
      "another server is running on this root",
    );
    assertEquals(error.context.root, directory.path);
    assertEquals(error.context.holder, "pid=4711");
  }
  using _again = RootLock.acquire(fs, directory.path, 4712);
  assertEquals(Deno.readTextFileSync(`${directory.path}/.lock`), "pid=4712\n");
});

Deno.test("RootLock of a killed process does not keep the next one away", () => {
  const fs = new SimulatedFileSystem();
  fs.mkdir("/root");
  RootLock.acquire(fs, "/root", 1);
  fs.killProcess();
  using _lock = RootLock.acquire(fs, "/root", 2);
});
