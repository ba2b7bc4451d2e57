import { ColumnType } from "../../src/common/mod.ts";
import { Arena, createCore } from "../../src/wasm/mod.ts";
import { assertEquals } from "../support/assert.ts";
import { runSeed, SeededRandom } from "../support/seeded_random.ts";
import { cellVector, vectorTexts } from "../support/typed_cells.ts";

const core = createCore();
const STRING_FORMAT = -1;

/** The texts as a STRING column's files hold them. */
function files(texts: readonly Uint16Array[], arena: Arena) {
  const { memory } = core;
  const dataBytes = texts.reduce((sum, units) => sum + 4 + 2 * units.length, 0);
  const aux = arena.alloc(8 * (texts.length + 1)), data = arena.alloc(dataBytes);
  let at = 0;
  for (const [i, units] of texts.entries()) {
    memory.i64[aux / 8 + i] = BigInt(at);
    const view = new DataView(memory.u8.buffer, data + at, 4 + 2 * units.length);
    view.setInt32(0, units.length, true);
    units.forEach((unit, u) => view.setUint16(4 + 2 * u, unit, true));
    at += 4 + 2 * units.length;
  }
  memory.i64[aux / 8 + texts.length] = BigInt(at);
  return { aux, data, dataBytes };
}

function roundTrip(texts: readonly Uint16Array[]): string[] {
  using arena = new Arena(core.memory);
  const { kernels, memory } = core;
  const n = texts.length;
  const { aux, data, dataBytes } = files(texts, arena);
  const bound = kernels.storedHeapBytes(STRING_FORMAT, aux, n, data, 0, dataBytes);
  const entries = arena.alloc(16 * n), heap = arena.alloc(bound);
  const heapBytes = kernels.storedDecode(STRING_FORMAT, aux, n, data, 0, entries, heap);
  const vector = {
    type: ColumnType.STRING,
    data: entries,
    heap,
    heapBytes,
    heapOffset: 0,
    symbols: null,
  };
  assertEquals(kernels.storedDataBytes(STRING_FORMAT, entries, heap, 0, n, 0), dataBytes);
  const backAux = arena.alloc(8 * (n + 1)), back = arena.alloc(dataBytes);
  assertEquals(
    kernels.storedEncode(STRING_FORMAT, entries, heap, 0, n, backAux, back, 0),
    dataBytes,
  );
  assertEquals(
    memory.u8.slice(back, back + dataBytes).toHex(),
    memory.u8.slice(data, data + dataBytes).toHex(),
  );
  assertEquals(
    memory.u8.slice(backAux, backAux + 8 * (n + 1)).toHex(),
    memory.u8.slice(aux, aux + 8 * (n + 1)).toHex(),
  );
  return vectorTexts(core, vector, n);
}

Deno.test("every UTF-16 unit and pair of surrogates comes back as it was, and well-formed texts are UTF-8", () => {
  const units: Uint16Array[] = [];
  for (let unit = 0; unit < 0x10000; unit++) units.push(new Uint16Array([unit]));
  roundTrip(units);
  const random = new SeededRandom(runSeed());
  const alphabet = [0x41, 0x7f, 0x80, 0x7ff, 0x800, 0xd83d, 0xdc0e, 0xd800, 0xdbff, 0xdfff, 0xffff];
  const texts = Array.from(
    { length: 5000 },
    () =>
      Uint16Array.from(
        { length: random.int(0, 40) },
        () => random.next() < 0.6 ? 0x61 : random.pick(alphabet),
      ),
  );
  const found = roundTrip(texts);
  for (const [i, text] of texts.entries()) {
    const string = String.fromCharCode(...text);
    if (string.isWellFormed()) assertEquals(found[i], new TextEncoder().encode(string).toHex());
  }
});

Deno.test("bytes that are no UTF-8 become replacement characters in a STRING file, as a decoder reads them one by one", () => {
  using arena = new Arena(core.memory);
  const bad: [hex: string, units: number[]][] = [
    ["61ff62", [0x61, 0xfffd, 0x62]],
    ["c080", [0xfffd, 0xfffd]],
    ["e282", [0xfffd, 0xfffd]],
    ["f0808080", [0xfffd, 0xfffd, 0xfffd, 0xfffd]],
    ["f48fbfbf", [0xdbff, 0xdfff]],
    ["f4908080", [0xfffd, 0xfffd, 0xfffd, 0xfffd]],
  ];
  for (const [hex, units] of bad) {
    const cells = [Uint8Array.fromHex(hex)];
    const { data, heap } = cellVector(core, arena, { type: ColumnType.VARCHAR, cells });
    const bytes = core.kernels.storedDataBytes(STRING_FORMAT, data, heap, 0, 1, 0);
    assertEquals(bytes, 4 + 2 * units.length, hex);
    const aux = arena.alloc(16), out = arena.alloc(bytes);
    core.kernels.storedEncode(STRING_FORMAT, data, heap, 0, 1, aux, out, 0);
    assertEquals([...core.memory.u16.subarray(out / 2 + 2, (out + bytes) / 2)], units, hex);
  }
});
