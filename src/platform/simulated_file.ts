/**
 * One file of the simulated file system: what programs see now, what is surely on the disk, and the changes between.
 *
 * ```
 * durable ──► pending changes, oldest first ──► current
 *             write(position, bytes) | resize(size)
 * sync: durable = current, no pending changes
 * power loss: every 512-byte sector keeps its own prefix of the pending writes; the length keeps a prefix of its own
 * ```
 * Invariants:
 * 1. Synced bytes survive any crash unless a later pending change overwrote them.
 * 2. Within one sector writes persist in order: a later write never survives without the earlier ones.
 * 3. A shrinking that is lost takes everything written after it with it; one that is kept is never undone by an older write,
 *    so bytes that were cut off do not come back.
 *
 * @module
 */

/** The unit a disk writes atomically. Larger writes can be torn between sectors. */
export const SECTOR_BYTES = 512;
/** The unit the page cache writes back; one way to tear is between pages. */
const SECTORS_PER_PAGE = 8;

/** Where a simulation takes its choices from: numbers in [0, 1). */
export interface RandomNumbers {
  /** A number in [0, 1). */
  next(): number;
}

type FileChange =
  | { readonly kind: "write"; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: "resize"; readonly size: number };

/** Bytes that grow; what was never written reads as zeros. */
class Content {
  size = 0;
  #bytes = new Uint8Array(0);

  read(buffer: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(buffer.byteLength, this.size - position));
    const known = this.#bytes.subarray(position, position + count);
    buffer.set(known);
    buffer.fill(0, known.length, count);
    return count;
  }
  write(bytes: Uint8Array, position: number): void {
    if (bytes.byteLength === 0) return;
    this.put(bytes, position);
    this.size = Math.max(this.size, position + bytes.byteLength);
  }
  /** Stores bytes without changing the length. */
  put(bytes: Uint8Array, position: number): void {
    const end = position + bytes.byteLength;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, position);
  }
  resize(size: number): void {
    if (size < this.#bytes.length) this.#bytes.fill(0, size);
    this.size = size;
  }
  clone(): Content {
    const copy = new Content();
    copy.#bytes = this.#bytes.slice();
    copy.size = this.size;
    return copy;
  }
}

/** A simulated file's bytes with their durability. */
export class SimulatedFile {
  readonly isDirectory = false;
  /** The handle that holds the lock, if any. */
  lockOwner: object | null = null;
  /** Logical time of the last change. */
  modifiedMillis: number;
  #current = new Content();
  #durable = new Content();
  #pending: FileChange[] = [];

  constructor(modifiedMillis: number) {
    this.modifiedMillis = modifiedMillis;
  }

  /** Current length in bytes. */
  get size(): number {
    return this.#current.size;
  }
  /** Number of changes that a power loss may undo. */
  get pendingCount(): number {
    return this.#pending.length;
  }
  /** Reads current bytes; returns how many. */
  read(buffer: Uint8Array, position: number): number {
    return this.#current.read(buffer, position);
  }
  /** Writes bytes; not durable before {@linkcode sync}. */
  write(buffer: Uint8Array, position: number): void {
    const bytes = new Uint8Array(buffer.byteLength);
    bytes.set(buffer);
    this.#current.write(bytes, position);
    this.#pending.push({ kind: "write", position, bytes });
  }
  /** Sets the length; not durable before {@linkcode sync}. */
  resize(size: number): void {
    this.#current.resize(size);
    this.#pending.push({ kind: "resize", size });
  }
  /** Makes everything written so far durable. */
  sync(): void {
    for (const change of this.#pending) {
      if (change.kind === "write") this.#durable.write(change.bytes, change.position);
      else this.#durable.resize(change.size);
    }
    this.#pending = [];
  }
  /** Power loss: what is pending survives in part; the result is what the disk holds from now on. */
  losePower(random: RandomNumbers): void {
    const survivors = chooseSurvivors(this.#pending, random);
    this.#pending.forEach((change, index) => {
      if (change.kind === "resize") {
        if (index <= survivors.lengthUpTo) this.#durable.resize(change.size);
        return;
      }
      putSurvivingSectors(this.#durable, change, (sector) => index <= survivors.upTo(sector));
      if (index <= survivors.lengthUpTo) {
        const end = change.bytes.length === 0 ? 0 : change.position + change.bytes.length;
        this.#durable.size = Math.max(this.#durable.size, end);
      }
    });
    this.#durable.resize(this.#durable.size); // what lies past the length is gone
    this.#pending = [];
    this.#current = this.#durable.clone();
    this.lockOwner = null;
  }
}

/** Which pending changes survive: per sector, and for the length, the index of the last one that does (-1: none). */
interface Survivors {
  upTo(sector: number): number;
  readonly lengthUpTo: number;
}

function chooseSurvivors(changes: readonly FileChange[], random: RandomNumbers): Survivors {
  const last = changes.length - 1;
  const cut = () => Math.floor(random.next() * (changes.length + 1)) - 1;
  switch (Math.floor(random.next() * 5)) {
    case 0: // nothing was written back
      return { upTo: () => -1, lengthUpTo: -1 };
    case 1: // everything was
      return { upTo: () => last, lengthUpTo: last };
    case 2: { // everything up to a moment
      const moment = cut();
      return { upTo: () => moment, lengthUpTo: moment };
    }
    case 3: // each sector on its own
      return independent(changes, { cut, lengthUpTo: cut(), sectorsPerUnit: 1 });
    default: // each page on its own, the length in full
      return independent(changes, { cut, lengthUpTo: last, sectorsPerUnit: SECTORS_PER_PAGE });
  }
}

function independent(
  changes: readonly FileChange[],
  choice: { cut: () => number; lengthUpTo: number; sectorsPerUnit: number },
): Survivors {
  const { cut, lengthUpTo, sectorsPerUnit } = choice;
  const lostResize = changes.findIndex((change, index) =>
    change.kind === "resize" && index > lengthUpTo
  );
  const limit = lostResize < 0 ? changes.length - 1 : lostResize - 1;
  const chosen = new Map<number, number>();
  return {
    lengthUpTo,
    upTo(sector) {
      const unit = Math.floor(sector / sectorsPerUnit);
      let index = chosen.get(unit);
      if (index === undefined) chosen.set(unit, index = Math.min(cut(), limit));
      return index;
    },
  };
}

function putSurvivingSectors(
  content: Content,
  change: { readonly position: number; readonly bytes: Uint8Array },
  survives: (sector: number) => boolean,
): void {
  const end = change.position + change.bytes.length;
  for (let start = change.position; start < end;) {
    const sector = Math.floor(start / SECTOR_BYTES);
    const stop = Math.min(end, (sector + 1) * SECTOR_BYTES);
    if (survives(sector)) {
      content.put(change.bytes.subarray(start - change.position, stop - change.position), start);
    }
    start = stop;
  }
}
