/** What a power loss may and may not do, and that each thing it may do really happens for some seed. */
import {
  type FileSystem,
  readFile,
  SECTOR_BYTES,
  SimulatedFileSystem,
  writeFileAtomic,
} from "../../src/platform/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { SeededRandom } from "../support/seeded_random.ts";

const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);
const text = (value: string) => new TextEncoder().encode(value);

function contentOf(fs: FileSystem, path: string): string | null {
  if (fs.stat(path) === null) return null;
  return new TextDecoder().decode(readFile(fs, path, 1e7));
}

/** Runs a scenario once per seed, loses power at its end and returns the distinct outcomes. */
function outcomes(
  prepare: (fs: SimulatedFileSystem) => void,
  observe: (fs: SimulatedFileSystem) => string,
): Set<string> {
  return new Set(SEEDS.map((seed) => {
    const fs = new SimulatedFileSystem();
    prepare(fs);
    fs.crash(new SeededRandom(seed));
    return observe(fs);
  }));
}

function durableFile(fs: SimulatedFileSystem, value: Uint8Array): void {
  using file = fs.open("/a", "createNew");
  file.write(value, 0);
  file.sync();
  fs.syncDir("/");
}

Deno.test("crash never loses synced bytes and names", () => {
  const seen = outcomes(
    (fs) => durableFile(fs, text("kept")),
    (fs) => String(contentOf(fs, "/a")),
  );
  assertEquals([...seen], ["kept"]);
});

Deno.test("crash may lose un-synced bytes of a durable file, and may keep them", () => {
  const seen = outcomes((fs) => {
    durableFile(fs, text("old"));
    using file = fs.open("/a", "readWrite");
    file.write(text("new"), 0);
  }, (fs) => String(contentOf(fs, "/a")));
  assertEquals([...seen].sort(), ["new", "old"]);
});

Deno.test("crash may lose the name of a synced file whose directory was not synced", () => {
  const seen = outcomes((fs) => {
    using file = fs.open("/a", "createNew");
    file.write(text("x"), 0);
    file.sync();
  }, (fs) => String(contentOf(fs, "/a")));
  assertEquals([...seen].sort(), ["null", "x"]);
});

Deno.test("crash may keep a name and lose the bytes", () => {
  const seen = outcomes((fs) => {
    using file = fs.open("/a", "createNew");
    fs.syncDir("/");
    file.write(text("x"), 0);
  }, (fs) => String(contentOf(fs, "/a")));
  // An empty file, a file that has its length but not its bytes, and the whole file.
  assertEquals([...seen].sort(), ["", "\0", "x"]);
});

Deno.test("crash tears a large write between sectors, never inside one", () => {
  const old = new Uint8Array(SECTOR_BYTES * 20).fill(1);
  let tornCount = 0;
  for (const seed of SEEDS) {
    const fs = new SimulatedFileSystem();
    durableFile(fs, old);
    {
      using file = fs.open("/a", "readWrite");
      file.write(new Uint8Array(SECTOR_BYTES * 20).fill(2), 0);
    }
    fs.crash(new SeededRandom(seed));
    const bytes = readFile(fs, "/a", 1e6);
    assertEquals(bytes.length, old.length);
    const sectors = new Set<number>();
    for (let start = 0; start < bytes.length; start += SECTOR_BYTES) {
      const values = new Set(bytes.subarray(start, start + SECTOR_BYTES));
      assertEquals(values.size, 1, `a sector is torn with seed ${seed}`);
      sectors.add([...values][0]);
    }
    if (sectors.size === 2) tornCount++;
  }
  assert(tornCount > SEEDS.length / 10, `only ${tornCount} of ${SEEDS.length} were torn`);
});

Deno.test("crash keeps writes of one sector in order", () => {
  const seen = outcomes((fs) => {
    durableFile(fs, text("..."));
    using file = fs.open("/a", "readWrite");
    file.write(text("1"), 0);
    file.write(text("2"), 1);
    file.write(text("3"), 2);
  }, (fs) => String(contentOf(fs, "/a")));
  assertEquals([...seen].sort(), ["...", "1..", "12.", "123"]);
});

Deno.test("crash may keep a later write and lose an earlier one of another sector", () => {
  const seen = outcomes((fs) => {
    durableFile(fs, new Uint8Array(SECTOR_BYTES * 2));
    using file = fs.open("/a", "readWrite");
    file.write(text("1"), 0);
    file.write(text("2"), SECTOR_BYTES);
  }, (fs) => {
    const bytes = readFile(fs, "/a", 1e6);
    return `${bytes[0]}-${bytes[SECTOR_BYTES]}`;
  });
  assertEquals([...seen].sort(), ["0-0", "0-50", "49-0", "49-50"]);
});

Deno.test("crash never brings back bytes that a kept truncation cut off", () => {
  const seen = outcomes((fs) => {
    durableFile(fs, text("secret"));
    using file = fs.open("/a", "readWrite");
    file.truncate(0);
    file.write(text("new"), 3);
  }, (fs) => String(contentOf(fs, "/a")));
  assert(seen.has("secret") && seen.has("\0\0\0new") && seen.has(""));
  for (const value of seen) {
    assert(value === "secret" || !value.includes("s"), JSON.stringify(value));
  }
});

Deno.test("crash leaves a rename done or not done, also across directories", () => {
  const seen = outcomes((fs) => {
    fs.mkdir("/d");
    durableFile(fs, text("x"));
    fs.rename("/a", "/d/b");
  }, (fs) => `${contentOf(fs, "/a")} ${contentOf(fs, "/d/b")}`);
  assertEquals([...seen].sort(), ["null x", "x null"]);
});

Deno.test("syncDir of either directory makes a rename durable", () => {
  for (const directory of ["/", "/d"]) {
    const seen = outcomes((fs) => {
      fs.mkdir("/d");
      durableFile(fs, text("x"));
      fs.rename("/a", "/d/b");
      fs.syncDir(directory);
    }, (fs) => `${contentOf(fs, "/a")} ${contentOf(fs, "/d/b")}`);
    assertEquals([...seen], ["null x"]);
  }
});

Deno.test("crash never loses a file whose old name was removed after it was linked", () => {
  const seen = outcomes((fs) => {
    durableFile(fs, text("x"));
    fs.link("/a", "/b");
    fs.remove("/a");
  }, (fs) => `${contentOf(fs, "/a")} ${contentOf(fs, "/b")}`);
  assertEquals([...seen].sort(), ["null x", "x null", "x x"]);
});

Deno.test("crash loses what lies below a directory whose name is lost", () => {
  const seen = outcomes((fs) => {
    fs.mkdir("/d");
    using file = fs.open("/d/a", "createNew");
    file.write(text("x"), 0);
    file.sync();
    fs.syncDir("/d");
  }, (fs) => `${fs.stat("/d") !== null} ${contentOf(fs, "/d/a")}`);
  assertEquals([...seen].sort(), ["false null", "true x"]);
});

Deno.test("writeFileAtomic leaves the old or the new content and, once returned, the new one", () => {
  const prepare = (fs: SimulatedFileSystem) => {
    durableFile(fs, text("old"));
    writeFileAtomic(fs, "/a", text("new"));
  };
  assertEquals([...outcomes(prepare, (fs) => String(contentOf(fs, "/a")))], ["new"]);
});

Deno.test("crash with the same seed gives the same disk", () => {
  const run = (seed: number) => {
    const fs = new SimulatedFileSystem();
    const random = new SeededRandom(7);
    for (let n = 0; n < 200; n++) {
      const path = `/${random.int(0, 9)}`;
      using file = fs.open(path, "create");
      file.write(text("x".repeat(random.int(1, 3000))), random.int(0, 5000));
      if (random.next() < 0.2) file.sync();
      if (random.next() < 0.2) fs.syncDir("/");
    }
    fs.crash(new SeededRandom(seed));
    return fs.readDir("/").map(({ name }) => `${name}${contentOf(fs, `/${name}`)}`).join();
  };
  assertEquals(run(11), run(11));
  assert(run(11) !== run(12), "another seed gives another disk");
});

Deno.test("crash kills handles and releases locks", () => {
  const fs = new SimulatedFileSystem();
  durableFile(fs, text("x"));
  const file = fs.open("/a", "readWrite");
  assert(file.tryLock());
  fs.crash(new SeededRandom(1));
  assertThrows(() => file.write(text("y"), 0), Error, "EBADF");
  using again = fs.open("/a", "readWrite");
  assert(again.tryLock());
  file.close();
  assert(!fs.open("/a", "read").tryLock(), "closing a dead handle releases nobody else's lock");
});

Deno.test("killProcess loses nothing and leaves un-synced bytes exposed to a later power loss", () => {
  const results = new Set<string>();
  for (const seed of SEEDS) {
    const fs = new SimulatedFileSystem();
    durableFile(fs, text("old"));
    const file = fs.open("/a", "readWrite");
    assert(file.tryLock());
    file.write(text("new"), 0);
    fs.killProcess();
    assertThrows(() => file.size(), Error, "EBADF");
    assertEquals(contentOf(fs, "/a"), "new");
    assert(fs.open("/a", "read").tryLock());
    fs.crash(new SeededRandom(seed));
    results.add(String(contentOf(fs, "/a")));
  }
  assertEquals([...results].sort(), ["new", "old"]);
});

Deno.test("SimulatedFileSystem agrees with a plain model while nothing crashes", () => {
  const random = new SeededRandom(42);
  const fs = new SimulatedFileSystem();
  const model = new Map<string, number[]>();
  for (let n = 0; n < 2000; n++) {
    const path = `/${random.int(0, 6)}`, other = `/${random.int(0, 6)}`;
    const known = model.get(path);
    switch (random.int(0, 6)) {
      case 0:
      case 1: {
        using file = fs.open(path, "create");
        const bytes = Array.from({ length: random.int(0, 700) }, () => random.int(0, 256));
        const position = random.int(0, 900);
        file.write(new Uint8Array(bytes), position);
        const value = known ?? [];
        if (bytes.length > 0) { while (value.length < position) value.push(0); }
        bytes.forEach((byte, index) => value[position + index] = byte);
        model.set(path, value);
        break;
      }
      case 2:
        if (known !== undefined) {
          using file = fs.open(path, "readWrite");
          const size = random.int(0, 1500);
          file.truncate(size);
          known.length = Math.min(known.length, size);
          while (known.length < size) known.push(0);
        }
        break;
      case 3:
        if (known !== undefined && path !== other) {
          fs.rename(path, other);
          model.delete(path);
          model.set(other, known);
        }
        break;
      case 4:
        if (known !== undefined && random.next() < 0.3) {
          fs.remove(path);
          model.delete(path);
        }
        break;
      default:
        fs.syncDir("/");
    }
  }
  assertEquals(fs.readDir("/").map(({ name }) => `/${name}`), [...model.keys()].sort());
  for (const [path, bytes] of model) assertEquals([...readFile(fs, path, 1e5)], bytes);
});

Deno.test("SimulatedFileSystem refuses relative paths", () => {
  const fs = new SimulatedFileSystem();
  assertThrows(() => fs.stat("a"), TypeError, "absolute");
  assertThrows(() => fs.stat("/a/../b"), TypeError, "absolute");
});
