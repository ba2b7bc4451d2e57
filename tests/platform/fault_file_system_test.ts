import {
  FaultFileSystem,
  InjectedError,
  readFile,
  SimulatedFileSystem,
  StoppedError,
  writeFileAtomic,
} from "../../src/platform/mod.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { SeededRandom } from "../support/seeded_random.ts";

const text = (value: string) => new TextEncoder().encode(value);
const read = (fs: SimulatedFileSystem, path: string) =>
  new TextDecoder().decode(readFile(fs, path, 1e6));

Deno.test("failAt fails exactly the n-th call and counts every call", () => {
  const disk = new SimulatedFileSystem();
  const faults = new FaultFileSystem(disk);
  faults.failAt(2);
  using file = faults.open("/a", "createNew");
  const error = assertThrows(() => file.write(text("1"), 0), InjectedError, 'write on "/a"');
  assertEquals([error.call.callNumber, error.call.changeNumber], [2, 2]);
  file.write(text("2"), 0);
  assertEquals(read(disk, "/a"), "2");
  assertEquals([faults.callCount, faults.changeCount], [3, 3]);
  file.size();
  faults.stat("/a");
  assertEquals([faults.callCount, faults.changeCount], [5, 3]);
});

Deno.test("failAt applies the call, half of it, or nothing, before it throws", () => {
  for (
    const [effect, expected] of [["none", ""], ["partial", "ab"], ["applied", "abcd"]] as const
  ) {
    const disk = new SimulatedFileSystem();
    const faults = new FaultFileSystem(disk);
    using file = faults.open("/a", "createNew");
    faults.failAt(1, { effect });
    assertThrows(() => file.write(text("abcd"), 0), InjectedError);
    assertEquals(read(disk, "/a"), expected);
  }
});

Deno.test("failAt closes the handle of an open that was applied and failed", () => {
  const disk = new SimulatedFileSystem();
  const faults = new FaultFileSystem(disk);
  faults.failAt(1, { effect: "applied" });
  assertThrows(() => faults.open("/a", "createNew"), InjectedError);
  assert(disk.stat("/a") !== null, "the file was created");
});

Deno.test("failWhen throws the given error for as long as it matches", async () => {
  const faults = new FaultFileSystem(new SimulatedFileSystem());
  const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
  using file = faults.open("/a", "createNew");
  faults.failWhen((call) => call.operation === "write" && call.path === "/a", { error: full });
  assertThrows(() => file.write(text("x"), 0), Error, "no space left");
  assertThrows(() => file.write(text("x"), 0), Error, "no space left");
  file.syncData();
  faults.failWhen((call) => call.operation === "syncData");
  await assertRejects(() => file.syncDataAsync(), InjectedError);
  faults.clear();
  file.write(text("x"), 0);
});

Deno.test("stopAt fails the n-th change and everything after it, reads included, but never close", () => {
  const disk = new SimulatedFileSystem();
  const faults = new FaultFileSystem(disk);
  {
    using file = faults.open("/a", "createNew");
    faults.stopAt(2);
    file.size();
    file.write(text("1"), 0);
    assertThrows(() => file.write(text("2"), 0), StoppedError);
    assertThrows(() => file.size(), StoppedError);
    assertThrows(() => faults.stat("/a"), StoppedError);
    assertThrows(() => faults.mkdir("/d"), StoppedError);
  }
  assertEquals(read(disk, "/a"), "1");
});

Deno.test("writeFileAtomic stopped at every call and then losing power leaves old or new content", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    for (let n = 1;; n++) {
      const disk = new SimulatedFileSystem();
      writeFileAtomic(disk, "/a", text("old"));
      const faults = new FaultFileSystem(disk);
      faults.stopAt(n, (["none", "partial", "applied"] as const)[seed % 3]);
      let isDone = false;
      try {
        writeFileAtomic(faults, "/a", text("new"));
        isDone = true;
      } catch (error) {
        if (!(error instanceof StoppedError)) throw error;
      }
      disk.crash(new SeededRandom(seed));
      const value = read(disk, "/a");
      assert(isDone ? value === "new" : value === "old" || value === "new", `${value} at ${n}`);
      seen.add(value);
      if (isDone) break;
    }
  }
  assertEquals([...seen].sort(), ["new", "old"]);
});
