import { freeBytes } from "../../src/common/mod.ts";
import { assertEquals } from "../support/assert.ts";

Deno.test("freeBytes() gives back buffers of one's own, and leaves small and shared ones", () => {
  const large = new Uint8Array(1 << 20), view = large.subarray(5, 9);
  freeBytes(view);
  assertEquals([large.byteLength, view.byteLength, large.buffer.detached], [0, 0, true]);
  const small = new Uint8Array(100), shared = new Uint8Array(new SharedArrayBuffer(1 << 20));
  for (const kept of [small, shared]) {
    const { byteLength } = kept;
    freeBytes(kept);
    assertEquals(kept.byteLength, byteLength);
  }
});
