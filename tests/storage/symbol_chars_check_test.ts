/** SymbolCharsCheck finds the same in pieces, wherever they end, as a rebuild finds in the whole file. */
import fc from "fast-check";
import { StorageError } from "../../src/common/mod.ts";
import { rebuildSymbolFiles, SymbolCharsCheck, symbolFiles } from "../../src/storage/mod.ts";
import { SimulatedFileSystem } from "../../src/platform/mod.ts";
import { assertEquals } from "../support/assert.ts";

const text = fc.string({ maxLength: 6 });
const damage = fc.record({ at: fc.nat(80), value: fc.constantFrom(0, 1, 0x7f, 0xff) });

Deno.test("SymbolCharsCheck agrees with rebuildSymbolFiles() on whole, short and damaged files", () => {
  const seen = { good: 0, bad: 0 };
  fc.assert(fc.property(
    fc.array(text, { maxLength: 6 }),
    fc.nat(7),
    fc.option(damage),
    fc.nat(9),
    fc.integer({ min: 1, max: 9 }),
    (texts, count, flip, cut, piece) => {
      const whole = new Uint8Array(texts.reduce((sum, one) => sum + 4 + 2 * one.length, 0));
      const view = new DataView(whole.buffer);
      let end = 0;
      for (const one of texts) {
        view.setInt32(end, one.length, true);
        for (let i = 0; i < one.length; i++) {
          view.setUint16(end + 4 + 2 * i, one.charCodeAt(i), true);
        }
        end += 4 + 2 * one.length;
      }
      if (flip !== null && flip.at < end) whole[flip.at] = flip.value;
      const chars = whole.subarray(0, Math.max(0, end - Math.max(0, cut - 5)));
      const expected = rebuilds(chars, count);
      assertEquals(passes(chars, count, piece), expected);
      if (expected) seen.good++;
      else seen.bad++;
    },
  ));
  assertEquals(seen.good > 5 && seen.bad > 5, true);
});

function rebuilds(chars: Uint8Array<ArrayBuffer>, count: number): boolean {
  const fs = new SimulatedFileSystem();
  fs.mkdir("/t");
  const files = symbolFiles("/t", "s", -1);
  using file = fs.open(files.chars, "createNew");
  file.write(chars, 0);
  return isWhole(() =>
    rebuildSymbolFiles(fs, files, { count, capacity: 8, isCached: true, hasNull: false })
  );
}

function passes(chars: Uint8Array<ArrayBuffer>, count: number, piece: number): boolean {
  return isWhole(() => {
    const check = new SymbolCharsCheck("/t/s.c", count);
    for (let at = 0; at < chars.length; at += piece) check.add(chars.subarray(at, at + piece));
    check.finish();
  });
}

function isWhole(read: () => void): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof StorageError) return false;
    throw error;
  }
}
