/**
 * The protocol of lease, backup and cleanup as a small state machine: two servers, a store whose answers may be behind the times,
 * crashes, a clone. Its steps are those of `src/backup`, one store call or one local write each; its decisions are made by the very
 * functions of `src/backup`. docs/internals/cleanup.md maps one to the other.
 *
 * @module
 */
import { judgeLease } from "../../src/backup/backup_instance.ts";
import { isGarbage, splitBackups } from "../../src/backup/cleanup.ts";

/** What a backup stores: names of objects. */
type Content = readonly string[];

/** What an attempt may find in its database: the same as before, or something else that shares an object with it. */
const CONTENTS: readonly Content[] = [["x"], ["x", "y"]];

/** What a server has on its disk: `db/_backup_instance.json`. */
interface LocalRecord {
  readonly epoch: number;
  readonly tokens: readonly string[];
  readonly backups: readonly number[];
  readonly unsure: readonly number[];
}

/** Where a server is. */
type Phase =
  | "idle"
  | "take lease"
  | "read lease"
  | "hold lease"
  | "find previous"
  | "store objects"
  | "publish"
  | "look up manifest"
  | "note backup"
  | "look for unsure"
  | "delete manifests"
  | "note deleted"
  | "collect names"
  | "list objects"
  | "delete objects";

/** A server. Everything but `local` is lost in a crash. */
interface ServerState {
  readonly local: LocalRecord;
  readonly attempts: number;
  readonly phase: Phase;
  readonly token: string;
  readonly epoch: number;
  readonly timestamp: number;
  readonly content: Content;
  readonly missing: Content;
  readonly old: readonly number[];
  readonly kept: readonly number[];
  readonly named: readonly string[];
  readonly garbage: readonly string[];
}

/** An object or manifest of the store and when it was stored. */
interface StoreState {
  readonly time: number;
  readonly objects: Readonly<Record<string, number>>;
  readonly manifests: Readonly<Record<number, Content>>;
  readonly leases: Readonly<Record<number, { readonly token: string; readonly time: number }>>;
  /** Manifests before the last change. A listing that lags shows these, or not the newest ones. */
  readonly manifestsBefore: Readonly<Record<number, Content>>;
}

/** A state of everything. */
export interface ModelState {
  readonly store: StoreState;
  readonly servers: readonly (ServerState | null)[];
  readonly crashes: number;
  readonly stale: number;
  readonly lost: number;
  readonly clones: number;
  /** Backups that a server has called complete. */
  readonly acknowledged: readonly number[];
  /** Every backup that was ever there. */
  readonly everPublished: readonly number[];
}

/** How far the search goes, and which rules of the protocol are left out, to show that each is needed. */
export interface ModelOptions {
  readonly keepCount: number;
  readonly attempts: number;
  readonly crashes: number;
  /** Answers that are behind the times. */
  readonly stale: number;
  /** Requests that happen and whose answer is lost. */
  readonly lost: number;
  readonly clones: number;
  readonly without?: Rule;
}

/** A rule of the protocol. */
export type Rule =
  | "manifests first"
  | "manifest last"
  | "own record"
  | "unsure record"
  | "unread manifest stops"
  | "lease"
  | "next epoch is looked for"
  | "earlier tokens are passed over";

/** Rules that the search must miss when they are left out. */
export const RULES: readonly Rule[] = [
  "manifests first",
  "manifest last",
  "own record",
  "unsure record",
  "unread manifest stops",
  "lease",
  "next epoch is looked for",
  "earlier tokens are passed over",
];

/** What was found. */
export interface ModelResult {
  readonly states: number;
  readonly completeBackups: number;
  readonly deletedObjects: number;
  /** A broken promise and the way to it, or `null`. */
  readonly violation: { readonly reason: string; readonly path: readonly string[] } | null;
}

interface Step {
  readonly label: string;
  readonly next: ModelState;
}

const IDLE: Omit<ServerState, "local" | "attempts"> = {
  phase: "idle",
  token: "",
  epoch: 0,
  timestamp: 0,
  content: [],
  missing: [],
  old: [],
  kept: [],
  named: [],
  garbage: [],
};

/** Visits every state that can be reached, nearest first. */
export function searchModel(options: ModelOptions): ModelResult {
  const model = new Model(options);
  const first = model.initial();
  const seen = new Map<string, { readonly from: string | null; readonly label: string }>();
  let layer: { key: string; state: ModelState }[] = [{ key: keyOf(first), state: first }];
  seen.set(layer[0].key, { from: null, label: "" });
  let completeBackups = 0, deletedObjects = 0;
  while (layer.length > 0) {
    const next: typeof layer = [];
    for (const { key, state } of layer) {
      for (const step of model.steps(state)) {
        const to = keyOf(step.next);
        if (seen.has(to)) continue;
        seen.set(to, { from: key, label: step.label });
        completeBackups = Math.max(completeBackups, step.next.acknowledged.length);
        if (step.label.includes("delete object")) deletedObjects++;
        const reason = model.violation(step.next);
        if (reason !== null) {
          const path = pathTo(seen, to);
          return {
            states: seen.size,
            completeBackups,
            deletedObjects,
            violation: { reason, path },
          };
        }
        next.push({ key: to, state: step.next });
      }
    }
    layer = next;
  }
  return { states: seen.size, completeBackups, deletedObjects, violation: null };
}

function pathTo(
  seen: ReadonlyMap<string, { readonly from: string | null; readonly label: string }>,
  end: string,
): string[] {
  const path: string[] = [];
  for (let key: string | null = end; key !== null;) {
    const { from, label }: { from: string | null; label: string } = seen.get(key)!;
    if (label !== "") path.unshift(label);
    key = from;
  }
  return path;
}

function keyOf(state: ModelState): string {
  return JSON.stringify(state);
}

/** What follows from a state. */
class Model {
  readonly #options: ModelOptions;

  constructor(options: ModelOptions) {
    this.#options = options;
  }

  initial(): ModelState {
    const { crashes, stale, lost, clones } = this.#options;
    const local = { epoch: 0, tokens: [], backups: [], unsure: [] };
    return {
      store: { time: 1, objects: {}, manifests: {}, leases: {}, manifestsBefore: {} },
      servers: [{ ...IDLE, local, attempts: this.#options.attempts }, null],
      crashes,
      stale,
      lost,
      clones,
      acknowledged: [],
      everPublished: [],
    };
  }

  /** Everything that may happen next. */
  steps(state: ModelState): Step[] {
    const found: Step[] = [];
    state.servers.forEach((server, index) => {
      if (server === null) return;
      const turn = new Turn(state, index, this.#options);
      found.push(...turn.steps());
      if (server.phase !== "idle" && state.crashes > 0) {
        found.push(turn.step("crash", {}, { crashes: state.crashes - 1 }, IDLE));
      }
    });
    const [original, clone] = state.servers;
    if (clone === null && state.clones > 0) {
      const attempts = this.#options.attempts;
      const servers = [original, { ...IDLE, local: original!.local, attempts }];
      found.push({ label: "clone", next: { ...state, servers, clones: state.clones - 1 } });
    }
    return found;
  }

  /** The promise that a state breaks, or `null`. */
  violation(state: ModelState): string | null {
    const { objects, manifests } = state.store;
    for (const [timestamp, content] of Object.entries(manifests)) {
      const gone = content.find((name) => objects[name] === undefined);
      if (gone !== undefined) return `backup ${timestamp} names ${gone}, which is gone`;
    }
    const newest = [...state.everPublished].sort((a, b) => b - a).slice(0, this.#options.keepCount);
    const taken = newest.find((timestamp) =>
      state.acknowledged.includes(timestamp) && manifests[timestamp] === undefined
    );
    if (taken !== undefined) return `backup ${taken} was acknowledged and is gone`;
    const isAlone = state.servers[1] === null;
    if (isAlone && state.servers[0]!.phase === LOCKED_OUT) return "the only server is locked out";
    return isAlone && state.servers[0]!.phase === LEFT_OVER ? "objects are left over" : null;
  }
}

/** Phases that nothing follows: findings. */
const LOCKED_OUT = "locked out" as Phase;
const LEFT_OVER = "left over" as Phase;

/** The steps of one server in a state. */
class Turn {
  readonly #state: ModelState;
  readonly #index: number;
  readonly #server: ServerState;
  readonly #options: ModelOptions;

  constructor(state: ModelState, index: number, options: ModelOptions) {
    this.#state = state;
    this.#index = index;
    this.#server = state.servers[index]!;
    this.#options = options;
  }

  steps(): Step[] {
    switch (this.#server.phase) {
      case "idle":
        return this.#begin();
      case "take lease":
        return this.#takeLease();
      case "read lease":
        return this.#readLease();
      case "hold lease": {
        const { local, epoch } = this.#server;
        const held = { ...local, epoch, tokens: [] };
        return [this.step("note epoch", {}, {}, { local: held, phase: "find previous" })];
      }
      case "find previous":
        return this.#findPrevious();
      case "store objects":
        return this.#storeObject();
      case "publish":
        return this.#publish();
      case "look up manifest":
        return this.#lookUp();
      case "note backup":
        return this.#noteBackup();
      case "look for unsure":
        return this.#split();
      case "delete manifests":
        return this.#deleteManifest();
      case "note deleted":
        return this.#noteDeleted();
      case "collect names":
        return this.#collectNames();
      case "list objects":
        return this.#listObjects();
      case "delete objects":
        return this.#deleteObject();
      default:
        return [];
    }
  }

  /** A step: what changes in the store, in general, and of this server. */
  step(
    label: string,
    store: Partial<StoreState>,
    state: Partial<ModelState>,
    server: Partial<ServerState>,
  ): Step {
    const servers = this.#state.servers.map((other, index) =>
      index === this.#index ? { ...this.#server, ...server } : other
    );
    const next = {
      ...this.#state,
      ...state,
      store: { ...this.#state.store, ...store },
      servers,
    };
    return { label: `${"ab"[this.#index]}: ${label}`, next };
  }

  #has(rule: Rule): boolean {
    return this.#options.without !== rule;
  }
  /** The attempt ends here. */
  #fail(label: string, state: Partial<ModelState> = {}, store: Partial<StoreState> = {}): Step {
    return this.step(label, store, state, IDLE);
  }
  /** A request that changes the store; its answer may be lost. */
  #request(
    label: string,
    store: Partial<StoreState>,
    options: {
      state?: Partial<ModelState>;
      next: Partial<ServerState>;
      lost?: Partial<ServerState>;
    },
  ): Step[] {
    const { state = {}, next, lost = IDLE } = options;
    const steps = [this.step(label, store, state, next)];
    if (this.#state.lost === 0) return steps;
    const unanswered = { ...state, lost: this.#state.lost - 1 };
    delete unanswered.acknowledged; // nobody was told
    return [...steps, this.step(`${label}, answer lost`, store, unanswered, lost)];
  }
  /** The manifests that a listing may show, and what is left of staleness. */
  #listings(): { manifests: StoreState["manifests"]; stale: number; label: string }[] {
    const { stale, store } = this.#state;
    const fresh = { manifests: store.manifests, stale, label: "list" };
    if (stale === 0) return [fresh];
    const entries = Object.entries(store.manifests);
    const behind = entries.map((_, count) => Object.fromEntries(entries.slice(0, count)));
    return [
      fresh,
      ...[store.manifestsBefore, ...behind].map((manifests) => ({
        manifests,
        stale: stale - 1,
        label: `stale list of ${Object.keys(manifests)}`,
      })),
    ];
  }
  /** Answers to a GET or HEAD, and what is left of staleness. */
  #answers<T>(found: T | undefined): { found: T | null; stale: number; label: string }[] {
    const { stale } = this.#state;
    if (found === undefined) return [{ found: null, stale, label: "not found" }];
    const answers = [{ found: found as T | null, stale, label: "found" }];
    if (stale > 0) answers.push({ found: null, stale: stale - 1, label: "stale 404" });
    return answers;
  }

  #begin(): Step[] {
    const { local, attempts } = this.#server;
    if (attempts === 0) return [];
    // A clock that never goes back, but shows a clone the same time.
    const begun = this.#options.attempts - attempts;
    const last = Math.max(begun, ...local.backups, ...local.unsure);
    const token = `${"ab"[this.#index]}${attempts}`;
    const tokens = this.#has("earlier tokens are passed over")
      ? [...local.tokens, token]
      : local.tokens;
    const unsure = this.#has("unsure record") ? [...local.unsure, last + 1] : local.unsure;
    return CONTENTS.map((content) =>
      this.step(`begin ${content.join("+")}`, {}, {}, {
        ...IDLE,
        local: { ...local, tokens, unsure },
        attempts: attempts - 1,
        phase: "take lease",
        token,
        epoch: local.epoch + 1,
        timestamp: last + 1,
        content,
      })
    );
  }

  #takeLease(): Step[] {
    const { epoch, token } = this.#server;
    const { leases, time } = this.#state.store;
    if (leases[epoch] !== undefined && this.#has("lease")) {
      return [this.step("lease exists", {}, {}, { phase: "read lease" })];
    }
    const store = { leases: { ...leases, [epoch]: { token, time } }, time: time + 1 };
    return this.#request(`put lease ${epoch}`, store, { next: { phase: "hold lease" } });
  }

  #readLease(): Step[] {
    const { epoch, token, local } = this.#server;
    return this.#answers(this.#state.store.leases[epoch]).map(({ found, stale, label }) => {
      const judgement = judgeLease(found?.token ?? null, { token, tokens: local.tokens });
      const text = `lease ${label}: ${judgement}`;
      switch (judgement) {
        case "held":
          return this.step(text, {}, { stale }, { phase: "hold lease" });
        case "earlier":
          return this.step(text, {}, { stale }, {
            local: { ...local, epoch },
            epoch: epoch + 1,
            phase: "take lease",
          });
        case "unreadable":
          return this.#fail(text, { stale });
        case "other":
          return this.step(text, {}, { stale }, { ...IDLE, phase: LOCKED_OUT });
      }
    });
  }

  #findPrevious(): Step[] {
    const { local, timestamp, content } = this.#server;
    const { store } = this.#state;
    const after = this.#has("manifest last") ? "store objects" : "publish";
    return this.#listings().map(({ manifests, stale, label }) => {
      const known = [...Object.keys(manifests).map(Number), ...local.backups];
      const newest = Math.max(0, ...known);
      if (newest >= timestamp) return this.#fail(`${label}: a later backup exists`, { stale });
      const previous = store.manifests[newest] ?? [];
      const missing = content.filter((name) => !previous.includes(name));
      return this.step(`${label}: previous is ${newest}`, {}, { stale }, { missing, phase: after });
    });
  }

  #storeObject(): Step[] {
    const [name, ...missing] = this.#server.missing;
    const after = this.#has("manifest last") ? "publish" : "note backup";
    if (name === undefined) return [this.step("all is stored", {}, {}, { phase: after })];
    const { objects, time } = this.#state.store;
    const store = objects[name] === undefined
      ? { objects: { ...objects, [name]: time }, time: time + 1 }
      : {};
    return this.#request(`put object ${name}`, store, { next: { missing } });
  }

  /** Looking for the next epoch and the call right behind it are one step: no attempt of another server fits in between. */
  #isOvertaken(): boolean {
    if (!this.#has("next epoch is looked for") || !this.#has("lease")) return false;
    return this.#state.store.leases[this.#server.epoch + 1] !== undefined;
  }

  #publish(): Step[] {
    const { timestamp, content } = this.#server;
    const { manifests } = this.#state.store;
    if (this.#isOvertaken()) return [this.#fail("overtaken before the manifest")];
    if (manifests[timestamp] !== undefined) return [this.#fail("timestamp exists already")];
    const store = {
      manifests: { ...manifests, [timestamp]: content },
      manifestsBefore: manifests,
    };
    return this.#request(`put manifest ${timestamp}`, store, {
      state: {
        everPublished: [...this.#state.everPublished, timestamp],
        acknowledged: [...this.#state.acknowledged, timestamp],
      },
      next: { phase: this.#has("manifest last") ? "note backup" : "store objects" },
      lost: { phase: "look up manifest" },
    });
  }

  #lookUp(): Step[] {
    const { timestamp } = this.#server;
    const acknowledged = [...this.#state.acknowledged, timestamp];
    return this.#answers(this.#state.store.manifests[timestamp]).map(({ found, stale, label }) =>
      found === null
        ? this.#fail(`manifest ${label}`, { stale })
        : this.step(`manifest ${label}`, {}, { stale, acknowledged }, { phase: "note backup" })
    );
  }

  #noteBackup(): Step[] {
    const { local, timestamp } = this.#server;
    const backups = [...local.backups, timestamp].sort((a, b) => a - b);
    const unsure = local.unsure.filter((other) => other !== timestamp);
    const noted = { ...local, backups, unsure };
    return [this.step("note backup", {}, {}, { local: noted, phase: "look for unsure" })];
  }

  #split(): Step[] {
    const { local, timestamp } = this.#server;
    const steps: Step[] = [];
    for (const listing of this.#listings()) {
      const listed = Object.keys(listing.manifests).map(Number);
      const unseen = local.unsure.filter((other) => !listed.includes(other));
      // Either every HEAD is right, or, on the account of staleness, none finds anything.
      for (const isBlind of unseen.length > 0 && listing.stale > 0 ? [false, true] : [false]) {
        const isThere = (other: number) =>
          listed.includes(other) || (!isBlind && this.#state.store.manifests[other] !== undefined);
        const found = local.unsure.filter(isThere);
        const known = this.#has("own record") ? local.backups : [timestamp];
        const { kept, old } = splitBackups([...listed, ...found].map(BigInt), {
          knownBackups: known.map(BigInt),
          keepCount: this.#options.keepCount,
        });
        const gone = [...old.map(Number), ...local.unsure.filter((other) => !isThere(other))];
        const stale = listing.stale - (isBlind ? 1 : 0);
        steps.push(
          this.step(`${listing.label}${isBlind ? ", stale 404" : ""}: ${gone} are old`, {}, {
            stale,
          }, {
            local: { ...local, backups: sorted([...local.backups, ...found]) },
            old: gone,
            kept: kept.map(Number),
            phase: this.#has("manifests first") ? "delete manifests" : "collect names",
          }),
        );
      }
    }
    return steps;
  }

  #deleteManifest(): Step[] {
    const [timestamp, ...old] = this.#server.old;
    if (timestamp === undefined) {
      const phase = this.#has("manifests first") ? "note deleted" : "idle";
      return [this.step("manifests are deleted", {}, {}, phase === "idle" ? IDLE : { phase })];
    }
    if (this.#isOvertaken()) return [this.#fail("overtaken before a manifest goes")];
    const { manifests } = this.#state.store;
    const { [timestamp]: _, ...rest } = manifests;
    const { local } = this.#server;
    const without = {
      ...local,
      backups: local.backups.filter((other) => other !== timestamp),
      unsure: local.unsure.filter((other) => other !== timestamp),
    };
    return this.#request(
      `delete manifest ${timestamp}`,
      { manifests: rest, manifestsBefore: manifests },
      { next: { old, local: old.length === 0 ? without : local } },
    );
  }

  #noteDeleted(): Step[] {
    const { local } = this.#server;
    const kept = new Set(this.#server.kept);
    const left = (all: readonly number[]) => all.filter((timestamp) => kept.has(timestamp));
    const noted = { ...local, backups: left(local.backups), unsure: [] };
    return [this.step("note deleted", {}, {}, { local: noted, phase: "collect names" })];
  }

  #collectNames(): Step[] {
    const { kept } = this.#server;
    const { manifests } = this.#state.store;
    const { stale } = this.#state;
    const namesOf = (timestamps: readonly number[]) =>
      sorted([...new Set(timestamps.flatMap((timestamp) => manifests[timestamp] ?? []))]);
    const isWhole = kept.every((timestamp) => manifests[timestamp] !== undefined);
    const stops = this.#has("unread manifest stops");
    const steps: Step[] = [];
    if (isWhole || !stops) {
      steps.push(
        this.step("read manifests", {}, {}, { named: namesOf(kept), phase: "list objects" }),
      );
    } else steps.push(this.#fail("a kept manifest is not found"));
    if (stale === 0) return steps;
    for (const hidden of kept) {
      const named = namesOf(kept.filter((timestamp) => timestamp !== hidden));
      steps.push(
        stops
          ? this.#fail(`stale 404 of manifest ${hidden}`, { stale: stale - 1 })
          : this.step(`stale 404 of manifest ${hidden}`, {}, { stale: stale - 1 }, {
            named,
            phase: "list objects",
          }),
      );
    }
    return steps;
  }

  #listObjects(): Step[] {
    const { named, epoch } = this.#server;
    const { objects, leases } = this.#state.store;
    const lease = { modifiedMillis: leases[epoch].time };
    const names = new Set(named);
    const garbage = Object.entries(objects)
      .filter(([key, modifiedMillis]) => isGarbage({ key, modifiedMillis }, names, lease))
      .map(([key]) => key).sort();
    return [this.step(`list objects`, {}, {}, { garbage, phase: "delete objects" })];
  }

  #deleteObject(): Step[] {
    const [name, ...garbage] = this.#server.garbage;
    if (name === undefined) {
      if (!this.#has("manifests first")) {
        return [this.step("objects are deleted", {}, {}, { phase: "delete manifests" })];
      }
      const phase = this.#leavesGarbage() ? LEFT_OVER : "idle";
      return [this.step("cleanup is complete", {}, {}, { ...IDLE, phase })];
    }
    if (this.#isOvertaken()) return [this.#fail("overtaken before an object goes")];
    const { [name]: _, ...objects } = this.#state.store.objects;
    return this.#request(`delete object ${name}`, { objects }, { next: { garbage } });
  }

  /** Is there anything older than this lease that no backup names? */
  #leavesGarbage(): boolean {
    const { objects, manifests, leases } = this.#state.store;
    const named = new Set(Object.values(manifests).flat());
    const { time } = leases[this.#server.epoch];
    return Object.entries(objects).some(([name, stored]) => !named.has(name) && stored < time);
  }
}

function sorted<T extends number | string>(values: readonly T[]): T[] {
  return [...new Set(values)].sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
}
