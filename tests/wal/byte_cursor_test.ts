import { assertEquals, assertThrows } from "../support/assert.ts";
import { StorageError } from "../../src/common/mod.ts";
import { ByteBuilder, ByteCursor, javaHash } from "../../src/wal/mod.ts";

Deno.test("ByteBuilder and ByteCursor agree on every field, also past the first buffer", () => {
  const out = new ByteBuilder();
  for (let i = 0; i < 500; i++) {
    out.u8(i & 1).i32(-i).i64(BigInt(i) << 40n).str("žluť 🐎".slice(0, i % 7));
  }
  const cursor = new ByteCursor("f", out.bytes());
  for (let i = 0; i < 500; i++) {
    assertEquals(cursor.bool("flag"), (i & 1) === 1);
    assertEquals(cursor.i32(), -i || 0);
    assertEquals(cursor.i64(), BigInt(i) << 40n);
    assertEquals(cursor.str("text"), "žluť 🐎".slice(0, i % 7));
  }
  assertEquals(cursor.remaining, 0);
});

Deno.test("ByteCursor refuses to read past the end, and lengths that cannot be, naming the file", () => {
  const bytes = new ByteBuilder().i32(1000).i32(-2).bytes();
  for (const read of [(c: ByteCursor) => c.str("s"), (c: ByteCursor) => (c.i64(), c.i32())]) {
    const error = assertThrows(() => read(new ByteCursor("/some/file", bytes)), StorageError);
    assertEquals(error.file, "/some/file");
  }
  assertThrows(() => new ByteCursor("f", bytes, 4).str("s"), StorageError, "invalid length");
  assertThrows(() => new ByteCursor("f", bytes, 4).int("n"), StorageError, "invalid n");
  assertEquals(new ByteCursor("f", new ByteBuilder().i32(-1).bytes()).str("s"), null);
});

Deno.test("javaHash is String.hashCode", () => {
  assertEquals(javaHash(""), 0);
  assertEquals(javaHash("ts"), 3711);
  assertEquals(javaHash("polygenelubricants"), -0x80000000);
});
