import { FsObjectStore, InvalidObjectStoreConfigurationError } from "../../src/objectstore/mod.ts";
import { ObjectStoreError } from "../../src/common/mod.ts";
import {
  FaultFileSystem,
  RealFileSystem,
  SimulatedFileSystem,
  SystemRandom,
} from "../../src/platform/mod.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { testObjectStoreContract } from "./contract.ts";

const random = new SystemRandom();

testObjectStoreContract("FsObjectStore", () => {
  const directory = new TempDir();
  const store = FsObjectStore.open({
    root: `${directory.path}/root`,
    atomicWriteDir: `${directory.path}/atomic`,
    fs: new RealFileSystem(),
    random,
  });
  return Promise.resolve({
    store,
    [Symbol.asyncDispose]: () => Promise.resolve(directory[Symbol.dispose]()),
  });
});

testObjectStoreContract("FsObjectStore on a file system without links", () => {
  const fs = new FaultFileSystem(new SimulatedFileSystem());
  const refusal = Object.assign(new Error("no links here"), { code: "ENOTSUP" });
  fs.failWhen((call) => call.operation === "link", { error: refusal });
  const store = FsObjectStore.open({ root: "/root", atomicWriteDir: "/atomic", fs, random });
  return Promise.resolve({ store, [Symbol.asyncDispose]: () => Promise.resolve() });
});

// The larger one is written in pieces, off the thread.
for (const length of [20_000, 2_500_000]) {
  Deno.test(`FsObjectStore.put of ${length} bytes survives a loss of power once it has resolved, and is whole or absent before`, async () => {
    const numbers = new SeededRandom(7);
    const body = Uint8Array.from({ length }, (_, i) => i % 253);
    let completed = 0, lost = 0;
    for (let n = 1; completed < 3; n++) {
      const disk = new SimulatedFileSystem();
      FsObjectStore.open({ root: "/root", atomicWriteDir: "/atomic", fs: disk, random });
      const faults = new FaultFileSystem(disk);
      const store = FsObjectStore.open({
        root: "/root",
        atomicWriteDir: "/atomic",
        fs: faults,
        random,
      });
      faults.stopAt(n);
      let isAcknowledged = false;
      try {
        isAcknowledged = await store.put("dir/sub/object", body, { ifNoneMatch: true });
      } catch {
        lost++;
      }
      disk.crash(numbers);
      const after = FsObjectStore.open({
        root: "/root",
        atomicWriteDir: "/atomic",
        fs: disk,
        random,
      });
      const info = await after.head("dir/sub/object");
      if (isAcknowledged) {
        completed++;
        assertEquals(await after.get("dir/sub/object"), body);
      } else if (info !== null) {
        assertEquals(await after.get("dir/sub/object"), body);
      }
    }
    assert(lost > 5, "every step was interrupted once");
  });
}

Deno.test("FsObjectStore removes its temporary file when a put fails", async () => {
  const fs = new FaultFileSystem(new SimulatedFileSystem());
  const store = FsObjectStore.open({ root: "/root", atomicWriteDir: "/atomic", fs, random });
  fs.failWhen((call) => call.operation === "syncData");
  await assertRejects(
    () => store.put("a", new Uint8Array(10)),
    ObjectStoreError,
    "operation=put, key=a",
  );
  fs.clear();
  assertEquals(fs.readDir("/atomic"), []);
  assertEquals(await store.head("a"), null);
});

Deno.test("FsObjectStore.sweepTemporary removes old files of its own only", () => {
  const fs = new SimulatedFileSystem();
  const store = FsObjectStore.open({ root: "/root", atomicWriteDir: "/atomic", fs, random });
  fs.open(`/atomic/${"0f".repeat(16)}.tmp`, "createNew").close();
  fs.open("/atomic/precious.tmp", "createNew").close();
  assertEquals(store.sweepTemporary(0), 0);
  assertEquals(store.sweepTemporary(Infinity), 1);
  assertEquals(fs.readDir("/atomic").map((entry) => entry.name), ["precious.tmp"]);
});

Deno.test("FsObjectStore.open refuses directories on two file systems", () => {
  const fs = new FaultFileSystem(new SimulatedFileSystem());
  const error = Object.assign(new Error("cross-device link"), { code: "EXDEV" });
  fs.failWhen((call) => call.operation === "rename", { error });
  assertThrows(
    () => FsObjectStore.open({ root: "/root", atomicWriteDir: "/atomic", fs, random }),
    InvalidObjectStoreConfigurationError,
    "must be on the same file system",
  );
});
