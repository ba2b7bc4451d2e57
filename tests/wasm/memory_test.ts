import fc from "fast-check";
import { LimitError } from "../../src/common/mod.ts";
import {
  Arena,
  createCore,
  createSharedMemory,
  planRegions,
  WasmMemory,
} from "../../src/wasm/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

Deno.test("WasmMemory never hands out overlapping or unaligned blocks, and merges what comes back", () => {
  const shared = createSharedMemory();
  const region = { start: 65_536, end: 65_536 * 9 };
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20_000), fc.boolean()), { maxLength: 60 }), (steps) => {
      const memory = new WasmMemory(shared, region);
      const live: { pointer: number; size: number }[] = [];
      for (const [size, frees] of steps) {
        if (frees && live.length > 0) memory.free(live.splice(size % live.length, 1)[0].pointer);
        else {
          const pointer = memory.alloc(size);
          assertEquals(pointer % 64, 0);
          assert(pointer >= region.start && pointer + size <= region.end);
          for (const other of live) {
            assert(
              pointer + size <= other.pointer || other.pointer + other.size <= pointer,
              "blocks do not overlap",
            );
          }
          live.push({ pointer, size });
        }
      }
      for (const block of live) memory.free(block.pointer);
      assertEquals(memory.liveBytes, 0);
      memory.free(memory.alloc(region.end - region.start)); // everything is one extent again
    }),
  );
});

Deno.test("WasmMemory.alloc() fails with the limit when its region is full, and works again after a free", () => {
  const memory = new WasmMemory(createSharedMemory(), { start: 65_536, end: 65_536 * 2 });
  const block = memory.alloc(60_000);
  assertThrows(() => memory.alloc(10_000), LimitError, "out of column memory");
  memory.free(block);
  memory.free(memory.alloc(65_536));
});

Deno.test("WasmMemory.free() refuses a pointer it did not hand out", () => {
  const memory = new WasmMemory(createSharedMemory(), { start: 65_536, end: 65_536 * 2 });
  const block = memory.alloc(1);
  memory.free(block);
  assertThrows(() => memory.free(block), Error, "Assertion failed");
});

Deno.test("planRegions() gives every thread a region of its own", () => {
  const { main, workers } = planRegions(3);
  const all = [main, ...workers].sort((a, b) => a.start - b.start);
  for (const [index, region] of all.entries()) {
    assert(region.start < region.end);
    if (index > 0) assert(all[index - 1].end <= region.start);
  }
});

Deno.test("Arena frees all its blocks", () => {
  const { memory } = createCore();
  {
    using arena = new Arena(memory);
    arena.alloc(10);
    arena.alloc(1000);
    assert(memory.liveBytes > 0);
  }
  assertEquals(memory.liveBytes, 0);
});
