/**
 * Fuzzes the multipart reader: random bytes, and bodies with pieces cut, repeated and replaced, in random pieces. It must end
 * with parts or a `QuestError`, and the parts must not depend on how the bytes were cut.
 *
 * @module
 */
import { QuestError } from "../../src/common/mod.ts";
import { readMultipart } from "../../src/server/http/multipart.ts";
import { SeededRandom } from "../support/seeded_random.ts";

const BOUNDARY = "b0";
const PIECES = [
  `--${BOUNDARY}\r\n`,
  `\r\n--${BOUNDARY}\r\n`,
  `\r\n--${BOUNDARY}--\r\n`,
  'Content-Disposition: form-data; name="data"; filename="x.csv"\r\n\r\n',
  'content-disposition: form-data; name="schema"\r\n\r\n',
  "Content-Type: text/csv\r\n",
  "\r\n",
  "\r",
  "\n",
  "--",
  BOUNDARY,
  "a,b\r\n1,2\r\n",
  "x".repeat(100),
  "\u0000",
];
/** No body of a few hundred bytes may take longer. */
const MILLIS_MAX = 2_000;

/**
 * Runs `iterations` random bodies.
 *
 * @returns How many of them were read to their end.
 * @throws {Error} naming seed, iteration and bytes when something else than a QuestError is thrown, or it hangs.
 */
export async function fuzzMultipart(seed: number, iterations: number): Promise<number> {
  const random = new SeededRandom(seed);
  let accepted = 0;
  for (let i = 0; i < iterations; i++) {
    const bytes = makeBody(random);
    const started = performance.now();
    try {
      const whole = await read(bytes, bytes.length + 1);
      const cut = await read(bytes, random.int(1, 20));
      if (whole !== cut) throw new Error(`cut differently: ${whole} / ${cut}`);
      if (!whole.endsWith("!")) accepted++;
      const millis = performance.now() - started;
      if (millis > MILLIS_MAX) throw new Error(`took ${millis} ms`);
    } catch (error) {
      throw new Error(`seed=${seed} iteration=${i}: bytes [${bytes}]`, { cause: error });
    }
  }
  return accepted;
}

function makeBody(random: SeededRandom): Uint8Array {
  let text = random.int(0, 8) === 0 ? "" : `--${BOUNDARY}\r\n`;
  for (let n = random.int(0, 20); n > 0; n--) text += random.pick(PIECES);
  if (random.int(0, 2) === 0) text += `\r\n--${BOUNDARY}--\r\n`;
  const bytes = new TextEncoder().encode(text);
  for (let n = random.int(0, 3); n > 0 && bytes.length > 0; n--) {
    bytes[random.int(0, bytes.length)] = random.int(0, 256);
  }
  return bytes;
}

/** Names and bytes of the parts; ends with `!` if the body was refused. */
async function read(bytes: Uint8Array, step: number): Promise<string> {
  let at = 0, digest = "";
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, at += step));
    },
  });
  try {
    for await (const part of readMultipart(stream, BOUNDARY)) {
      digest += `[${part.name}|${part.fileName}|`;
      for await (const chunk of part.body) digest += `${chunk},`;
      digest = digest.replace(/,$/, "") + "]";
    }
    return digest;
  } catch (error) {
    if (error instanceof QuestError) return `${digest}!`;
    throw error;
  }
}
