/**
 * Bugs to plant between the code of backups and its world, so that the histories prove they would see them: steps left out, done
 * in the wrong order, or done on the word of somebody who may be wrong.
 *
 * @module
 */
import { INSTANCE_FILE } from "../../../src/backup/backup_instance.ts";
import { readRootManifest, readTableManifest } from "../../../src/backup/manifest_store.ts";
import { DATABASE_DIRECTORY, InstanceKeys } from "../../../src/backup/object_keys.ts";
import type { ObjectStore } from "../../../src/objectstore/mod.ts";
import type { FileHandle, FileSystem } from "../../../src/platform/mod.ts";
import { BuggyFileSystem } from "../../crash/planted_bugs.ts";
import { testCore } from "../../support/engine_fixture.ts";
import { PRODUCT_VERSION } from "../test_database.ts";
import type { Wrappers } from "./chaos_server.ts";

/** A bug. */
export interface PlantedBug {
  readonly name: string;
  readonly wrappers: Wrappers;
  /** The first seed to try: near one that sees the bug. */
  readonly firstSeed?: number;
}

const isManifest = (key: string | undefined) => key?.includes("/manifests/") === true;
const isContent = (key: string | undefined) => /\/(packs|tables)\//.test(key ?? "");

/** A store with some calls replaced. */
function withCalls(inner: ObjectStore, calls: Partial<ObjectStore>): ObjectStore {
  return {
    description: inner.description,
    get: (key, options) => inner.get(key, options),
    put: (key, body, options) => inner.put(key, body, options),
    head: (key, options) => inner.head(key, options),
    list: (prefix, options) => inner.list(prefix, options),
    delete: (keys, options) => inner.delete(keys, options),
    openUpload: (key, options) => inner.openUpload(key, options),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    ...calls,
  };
}

/** Objects go first, then the manifests that name them. */
function deleteManifestsLast(inner: ObjectStore): ObjectStore {
  let held: readonly string[] = [];
  return withCalls(inner, {
    async delete(keys, options) {
      if (isManifest(keys[0])) {
        held = keys;
        return;
      }
      await inner.delete(keys, options);
      await inner.delete(held, options);
      held = [];
    },
    async head(key, options) {
      if (held.length > 0 && isManifest(key)) { // now it would be noticed
        await inner.delete(held, options);
        held = [];
      }
      return await inner.head(key, options);
    },
  });
}

/** The manifest goes up first, then what it names. */
function putManifestFirst(inner: ObjectStore): ObjectStore {
  let held: (() => Promise<boolean>)[] = [];
  return withCalls(inner, {
    async put(key, body, options) {
      if (isContent(key)) {
        held.push(() => inner.put(key, body, options));
        return true;
      }
      const result = await inner.put(key, body, options);
      if (isManifest(key)) {
        const late = held;
        held = [];
        for (const put of late) await put();
      }
      return result;
    },
  });
}

/** Everybody has leases of his own. */
function skipLease(inner: ObjectStore): ObjectStore {
  const own = String(Math.random()).slice(2);
  const mapped = (key: string) => key.replace("/leases/", `/leases-${own}/`);
  return withCalls(inner, {
    get: (key, options) => inner.get(mapped(key), options),
    put: (key, body, options) => inner.put(mapped(key), body, options),
    head: (key, options) => inner.head(mapped(key), options),
  });
}

/** With a manifest goes everything that it names, shared or not. */
function deleteSharedObjects(inner: ObjectStore): ObjectStore {
  return withCalls(inner, {
    async delete(keys, options) {
      const named: string[] = [];
      for (const key of keys.filter(isManifest)) named.push(...await namesIn(inner, key));
      await inner.delete([...keys, ...named], options);
    },
  });
}

async function namesIn(store: ObjectStore, manifestKey: string): Promise<string[]> {
  const context = { store, core: testCore(), productVersion: PRODUCT_VERSION };
  const root = await readRootManifest(context, manifestKey);
  const keys = new InstanceKeys(root.instance);
  const parts = [
    ...root.tables.map(({ manifest, dir }) => ({ manifest, dir })),
    { manifest: root.files, dir: DATABASE_DIRECTORY },
  ];
  const named: string[] = [];
  for (const { manifest, dir } of parts) {
    const table = await readTableManifest(context, manifest);
    named.push(manifest.key);
    for (const pack of table.packBytes().keys()) named.push(keys.pack(dir, pack));
  }
  return named;
}

/** What this server knows of its backups is what a listing shows. */
function forgetBackups(fs: FileSystem): FileSystem {
  return replaceOpen(fs, (path, handle) => {
    if (!path.endsWith(INSTANCE_FILE)) return handle;
    const bytes = new Uint8Array(handle.size());
    handle.read(bytes, 0);
    const record = JSON.parse(new TextDecoder().decode(bytes));
    const changed = new TextEncoder().encode(JSON.stringify({ ...record, backups: [] }));
    return new Proxy(handle, {
      get(target, name) {
        if (name === "size") return () => changed.length;
        if (name === "read") {
          return (buffer: Uint8Array, position: number) => {
            const part = changed.subarray(position, position + buffer.length);
            buffer.set(part);
            return part.length;
          };
        }
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  });
}

function replaceOpen(
  fs: FileSystem,
  change: (path: string, handle: FileHandle) => FileHandle,
): FileSystem {
  return new Proxy(fs, {
    get(target, name) {
      if (name === "open") {
        return (path: string, mode: "read") => {
          const handle = target.open(path, mode);
          return mode === "read" ? change(path, handle) : handle;
        };
      }
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** The trigger is removed as soon as the plan is written. */
function removeTriggerEarly(fs: FileSystem): FileSystem {
  return new Proxy(fs, {
    get(target, name) {
      if (name === "rename") {
        return (from: string, to: string) => {
          target.rename(from, to);
          if (!to.endsWith("/plan.json")) return;
          const root = to.slice(0, to.indexOf("/db/"));
          target.remove(`${root}/_backup_restore`);
          target.syncDir(root);
        };
      }
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const isRestored = (path: string) => path.includes("/.restore/") && !path.includes("plan.json");

/** The bugs that histories of chaos must see. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "objects are deleted before the manifests",
    wrappers: { store: deleteManifestsLast },
  },
  { name: "the manifest is stored before the packs", wrappers: { store: putManifestFirst } },
  { name: "the lease is skipped", wrappers: { store: skipLease }, firstSeed: 55 },
  {
    name: "with a manifest goes what others name, too",
    wrappers: { store: deleteSharedObjects },
  },
  {
    name: "deletes of manifests are lost",
    wrappers: {
      store: (inner) =>
        withCalls(inner, {
          delete: (keys, options) =>
            isManifest(keys[0]) ? Promise.resolve() : inner.delete(keys, options),
        }),
    },
  },
  { name: "a listing decides which backups there are", wrappers: { fs: forgetBackups } },
  {
    name: "the instance's record is not synced",
    wrappers: {
      fs: (fs) =>
        new BuggyFileSystem(fs, {
          name: "",
          skips: ({ operation, path }) => operation === "sync" && path.includes(INSTANCE_FILE),
        }),
    },
  },
  {
    name: "restored files are not synced before the trigger goes",
    wrappers: {
      restoreFs: (fs) =>
        new BuggyFileSystem(fs, {
          name: "",
          skips: ({ operation, path }) => operation === "sync" && isRestored(path),
        }),
    },
  },
  {
    name: "restored directories are not synced before the trigger goes",
    wrappers: {
      restoreFs: (fs) =>
        new BuggyFileSystem(fs, {
          name: "",
          skips: ({ operation, path }) => operation === "syncDir" && isRestored(path),
        }),
    },
  },
  {
    name: "the trigger goes before the tables are in place",
    wrappers: { restoreFs: removeTriggerEarly },
  },
];
