/**
 * Directories of the simulated file system and the journal of their changes that are not durable yet.
 *
 * A change assigns one or two names (a rename: both in one step). `syncDir` makes the changes of that directory durable
 * together with the older ones they build on. A power loss keeps some of the others:
 *
 * 1. A change survives whole or not at all, so a rename never loses or doubles the file.
 * 2. Changes of the same name persist in order.
 *
 * @module
 */
import type { RandomNumbers, SimulatedFile } from "./simulated_file.ts";

/** A file or a directory. */
export type SimulatedNode = SimulatedFile | SimulatedDirectory;

/** A directory: names now, and names that are surely on the disk. */
export class SimulatedDirectory {
  readonly isDirectory = true;
  readonly size = 0;
  /** Logical time of the last change. */
  modifiedMillis: number;
  entries: Map<string, SimulatedNode> = new Map();
  readonly durable: Map<string, SimulatedNode> = new Map();

  constructor(modifiedMillis: number) {
    this.modifiedMillis = modifiedMillis;
  }
}

/** A name in a directory. */
export interface Slot {
  readonly directory: SimulatedDirectory;
  readonly name: string;
}

/** What happens to names in one step. */
export interface DirectoryChange {
  /** Names and what they stand for afterwards; `null` removes the name. */
  readonly assignments: readonly (Slot & { readonly node: SimulatedNode | null })[];
  /** Names the change was made from and therefore builds on. */
  readonly sources?: readonly Slot[];
}

/** All directory changes that a power loss may undo, oldest first. */
export class DirectoryJournal {
  #changes: DirectoryChange[] = [];

  /** Applies a change to what programs see. */
  add(change: DirectoryChange): void {
    for (const { directory, name, node } of change.assignments) {
      if (node === null) directory.entries.delete(name);
      else directory.entries.set(name, node);
    }
    this.#changes.push(change);
  }

  /** Makes the changes in one directory durable, with those they build on. */
  sync(directory: SimulatedDirectory): void {
    const needed = new SlotSet();
    const isDurable = new Array<boolean>(this.#changes.length).fill(false);
    for (let index = this.#changes.length - 1; index >= 0; index--) {
      const change = this.#changes[index];
      const isOwn = change.assignments.some((slot) => slot.directory === directory);
      if (isOwn || slotsOf(change).some((slot) => needed.has(slot))) {
        isDurable[index] = true;
        for (const slot of slotsOf(change)) needed.add(slot);
      }
    }
    this.#settle((index) => isDurable[index]);
    this.#changes = this.#changes.filter((_, index) => !isDurable[index]);
  }

  /** Power loss: settles what survives and forgets the rest. */
  losePower(random: RandomNumbers): void {
    const probability = [0, 0.5, 0.9, 1][Math.floor(random.next() * 4)];
    const lost = new SlotSet();
    const survives = this.#changes.map((change) => {
      const isKept = random.next() < probability && !slotsOf(change).some((slot) => lost.has(slot));
      if (!isKept) { for (const slot of slotsOf(change)) lost.add(slot); }
      return isKept;
    });
    this.#settle((index) => survives[index]);
    this.#changes = [];
  }

  #settle(isDurable: (index: number) => boolean): void {
    this.#changes.forEach((change, index) => {
      if (!isDurable(index)) return;
      for (const { directory, name, node } of change.assignments) {
        if (node === null) directory.durable.delete(name);
        else directory.durable.set(name, node);
      }
    });
  }
}

function slotsOf(change: DirectoryChange): readonly Slot[] {
  return change.sources === undefined
    ? change.assignments
    : [...change.assignments, ...change.sources];
}

class SlotSet {
  readonly #names = new Map<SimulatedDirectory, Set<string>>();

  add(slot: Slot): void {
    let names = this.#names.get(slot.directory);
    if (names === undefined) this.#names.set(slot.directory, names = new Set());
    names.add(slot.name);
  }
  has(slot: Slot): boolean {
    return this.#names.get(slot.directory)?.has(slot.name) ?? false;
  }
}
