import fc from "fast-check";
import { RealFileSystem } from "../../src/platform/mod.ts";
import {
  createSymbolFiles,
  symbolFiles,
  SymbolMapReader,
  SymbolMapWriter,
} from "../../src/storage/mod.ts";
import { SymbolTexts } from "../../src/storage/symbol_texts.ts";
import { assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";

/** Little-endian UTF-16 units of a text, behind an odd number of other bytes. */
function unitsOf(text: string): Uint8Array {
  const bytes = new Uint8Array(3 + 2 * text.length);
  for (let i = 0; i < text.length; i++) {
    bytes[3 + 2 * i] = text.charCodeAt(i);
    bytes[4 + 2 * i] = text.charCodeAt(i) >> 8;
  }
  return bytes;
}

Deno.test("SymbolMapWriter gives texts the keys that a Map gives them, by text and by units, over re-opening", () => {
  const fs = new RealFileSystem();
  fc.assert(
    fc.property(
      // Lone surrogates, the empty text, and texts that share their hash.
      fc.array(
        fc.array(
          fc.oneof(
            fc.string({ maxLength: 4, unit: "binary" }),
            fc.constantFrom("Aa", "BB", "AaAa", "BBBB", "AaBB", "\ud800", "\udc00x", ""),
            fc.integer({ min: 0, max: 500 }).map((n) => `device ${n}`),
          ),
          { maxLength: 200 },
        ),
        { minLength: 1, maxLength: 4 },
      ),
      fc.integer({ min: 1, max: 64 }),
      (commits, capacity) => {
        using directory = new TempDir();
        const files = symbolFiles(directory.path, "sym", -1);
        createSymbolFiles(fs, files, { capacity, isCached: true });
        const model = new Map<string, number>();
        for (const texts of commits) {
          const writer = new SymbolMapWriter(fs, files, model.size);
          for (const [i, text] of texts.entries()) {
            assertEquals(writer.find(text), model.get(text) ?? -1, text);
            if (!model.has(text)) model.set(text, model.size);
            const key = i % 2 === 0
              ? writer.intern(text)
              : writer.internUnits(unitsOf(text), 3, text.length);
            assertEquals(key, model.get(text), text);
            assertEquals(writer.text(key), text);
          }
          assertEquals(writer.count, model.size);
          writer.flush(false);
        }
        const reader = SymbolMapReader.open(fs, files, model.size);
        for (const [text, key] of model) {
          assertEquals(reader.text(key), text);
          assertEquals(reader.find(text), key);
        }
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("SymbolTexts.intern keeps texts that are longer than all before them", () => {
  const texts = new SymbolTexts({
    chars: new Uint8Array(0),
    starts: new Float64Array(1),
    count: 0,
  });
  const added = ["a".repeat(20), "b", "c".repeat(300), "d", "e".repeat(5000), "f".repeat(129)];
  for (const [key, text] of added.entries()) assertEquals(texts.intern(text), key);
  for (const [key, text] of added.entries()) {
    assertEquals(texts.text(key), text);
    assertEquals(texts.find(text), key);
    assertEquals(texts.intern(text), key);
  }
});
