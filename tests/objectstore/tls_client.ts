/**
 * Writes and reads an object by each connection string of the command line, and prints how that went, a line each. A process
 * of its own, so that tests can say which roots the runtime has built in.
 *
 * @module
 */
import { ObjectStoreRequestError, openObjectStore } from "../../src/objectstore/mod.ts";
import { environment } from "./store_environment.ts";

for (const connection of Deno.args) {
  await using store = await openObjectStore(connection, environment);
  try {
    await store.put("by a client", Uint8Array.of(1, 2, 3));
    console.log((await store.get("by a client")).length === 3 ? "ok" : "damaged");
  } catch (error) {
    console.log(error instanceof ObjectStoreRequestError ? error.failure.kind : String(error));
  }
}
