// BLAKE3 (specification: https://github.com/BLAKE3-team/BLAKE3-specs): chunks and the tree over them. Whole chunks and parent nodes
// are hashed four at a time, one per 32-bit lane; what is left over one block at a time.
import { compress, initial } from "./compress";
import { hash4 } from "./compress4";

const CHUNK_START: u32 = 1;
const CHUNK_END: u32 = 2;
const PARENT: u32 = 4;
const ROOT: u32 = 8;
const CHUNK_BYTES: i32 = 1024;

/** Hashes one chunk of at most 1024 bytes. `pad`: 64 bytes of scratch. */
function hashChunk(input: usize, length: i32, counter: u64, rootFlag: u32, pad: usize, out: usize): void {
  initial(out);
  let at: i32 = 0;
  let flags = CHUNK_START;
  while (length - at > 64) {
    compress(out, input + <usize>at, 64, counter, flags);
    flags = 0;
    at += 64;
  }
  const rest = length - at;
  memory.fill(pad, 0, 64);
  memory.copy(pad, input + <usize>at, <usize>rest);
  compress(out, pad, <u32>rest, counter, flags | CHUNK_END | rootFlag);
}

/** Joins two chaining values that lie side by side at `pair` into out, which may be `pair`. `pad`: 64 bytes of scratch. */
export function blake3Parent(pair: usize, isRoot: i32, pad: usize, out: usize): void {
  memory.copy(pad, pair, 64);
  initial(out);
  compress(out, pad, 64, 0, PARENT | (isRoot ? ROOT : 0));
}

/**
 * Hash of the subtree over `length` bytes whose first chunk has the number `chunk`. With isRoot, the final hash of a whole
 * input. scratch: 64 + 32 · chunks bytes. out: 32 bytes.
 */
export function blake3Subtree(input: usize, length: i32, chunk: f64, isRoot: i32, scratch: usize, out: usize): void {
  const pad = scratch;
  const cvs = scratch + 64;
  const first = <u64>chunk;
  if (length <= CHUNK_BYTES) {
    hashChunk(input, length, first, isRoot ? ROOT : 0, pad, out);
    return;
  }
  const whole = length >> 10;
  let count: i32 = 0;
  while (count + 4 <= whole) {
    const at = input + ((<usize>count) << 10);
    hash4(at, at + 1024, at + 2048, at + 3072, 16, first + <u64>count, 1, 0, CHUNK_START, CHUNK_END,
      cvs + ((<usize>count) << 5));
    count += 4;
  }
  for (let at = count << 10; at < length; at += CHUNK_BYTES) {
    const size = min(length - at, CHUNK_BYTES);
    hashChunk(input + <usize>at, size, first + <u64>count, 0, pad, cvs + ((<usize>count) << 5));
    count++;
  }
  // Level by level: pairs become parents, an odd one out moves up as it is. The last pair is the root of this subtree.
  while (count > 2) {
    let next: i32 = 0;
    let i: i32 = 0;
    while (i + 8 <= count) {
      const at = cvs + ((<usize>i) << 5);
      hash4(at, at + 64, at + 128, at + 192, 1, 0, 0, PARENT, 0, 0, cvs + ((<usize>next) << 5));
      i += 8;
      next += 4;
    }
    for (; i + 2 <= count; i += 2) blake3Parent(cvs + ((<usize>i) << 5), 0, pad, cvs + ((<usize>(next++)) << 5));
    if (i < count) memory.copy(cvs + ((<usize>(next++)) << 5), cvs + ((<usize>i) << 5), 32);
    count = next;
  }
  blake3Parent(cvs, isRoot, pad, out);
}
