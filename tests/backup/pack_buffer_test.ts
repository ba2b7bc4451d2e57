import { PackBuffer, PackBuffers } from "../../src/backup/pack_buffer.ts";
import { assert, assertEquals } from "../support/assert.ts";

Deno.test("PackBuffer holds what was appended, also when it grows, and begins anew", () => {
  const buffer = new PackBuffer();
  const part = new Uint8Array(15 << 20).fill(1);
  buffer.append(new Uint8Array([7]));
  for (let i = 0; i < 3; i++) buffer.append(part);
  assertEquals(buffer.length, 1 + 3 * part.length);
  const { content } = buffer;
  assertEquals([content[0], content[1], content.at(-1)], [7, 1, 1]);
  assertEquals(content.indexOf(0), -1);
  buffer.clear();
  buffer.append(new Uint8Array([9, 8]));
  assertEquals(buffer.content, new Uint8Array([9, 8]));
  buffer.free();
});

Deno.test("PackBuffers uses a buffer again once it is given back, and frees the idle ones", () => {
  const buffers = new PackBuffers();
  const first = buffers.take(), second = buffers.take();
  assert(first !== second, "two in use");
  first.append(new Uint8Array([1]));
  buffers.giveBack(first);
  assert(buffers.take() === first, "the idle one");
  assertEquals(first.length, 0);
  buffers.giveBack(second);
  buffers[Symbol.dispose]();
  assert(buffers.take() !== second, "freed");
});
