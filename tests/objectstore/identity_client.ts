/**
 * Opens the store of a connection string and does what the further arguments name, a line of JSON for each. A process of its
 * own, because the providers' clients take identities from the environment.
 *
 * ```
 * list   lists the root
 * whole  writes an object, reads it and removes it
 * ```
 *
 * @module
 */
import {
  type ObjectStore,
  ObjectStoreRequestError,
  openObjectStore,
} from "../../src/objectstore/mod.ts";
import { environment } from "./store_environment.ts";

async function run(store: ObjectStore, action: string): Promise<number> {
  if (action === "list") {
    let count = 0;
    for await (const page of store.list("")) count += page.length;
    return count;
  }
  await store.put("by an identity", Uint8Array.of(1, 2, 3));
  const bytes = await store.get("by an identity", { maxBytes: 100 });
  await store.delete(["by an identity"]);
  return bytes.length;
}

const [connection, ...actions] = Deno.args;
const store = await openObjectStore(connection, environment);
for (const action of actions) {
  try {
    console.log(JSON.stringify({ count: await run(store, action) }));
  } catch (error) {
    const kind = error instanceof ObjectStoreRequestError ? error.failure.kind : "unknown";
    console.log(JSON.stringify({ kind, words: Deno.inspect(error, { depth: 10 }) }));
  }
}
// The clients may still ask other places for identities.
Deno.exit(0);
