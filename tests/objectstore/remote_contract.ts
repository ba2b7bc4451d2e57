/**
 * The contract, and what only remote stores have, run against a real server that is started for the file of tests.
 *
 * @module
 */
import { ObjectStoreError } from "../../src/common/mod.ts";
import {
  checkStore,
  type ObjectStore,
  ObjectStoreRequestError,
  openObjectStore,
} from "../../src/objectstore/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import type { StartServer, StoreServer } from "../support/store_servers/store_server.ts";
import { type ContractExceptions, testObjectStoreContract } from "./contract.ts";
import { environment } from "./store_environment.ts";

/** What is special about a server. */
export interface RemoteExceptions extends ContractExceptions {
  /** The server checks no credentials. */
  readonly isOpen?: boolean;
}

/** Buckets are dear on some servers: tests share one and have roots of their own. */
const SHARED_BUCKET = "tidemark-tests";

/** A server that lives as long as the tests of a file. */
export class SharedServer {
  readonly #start: StartServer;
  #server: StoreServer | null = null;
  #count = 0;

  constructor(start: StartServer) {
    this.#start = start;
    Deno.test.beforeAll(async () => {
      this.#server = await this.#start();
      await this.#server.makeBucket(SHARED_BUCKET);
    });
    Deno.test.afterAll(async () => {
      await this.#server![Symbol.asyncDispose]();
    });
  }

  get current(): StoreServer {
    return this.#server!;
  }

  /** Makes a bucket with a name of its own. */
  async newBucket(): Promise<string> {
    const name = `bucket-${++this.#count}`;
    await this.current.makeBucket(name);
    return name;
  }

  /** The connection string of an empty root. @param extra more keys of the connection string. */
  connection(extra = "", port?: number): string {
    const root = `tests/${++this.#count}`;
    const options = { extra, root, ...port === undefined ? {} : { port } };
    return this.current.connection(SHARED_BUCKET, options);
  }

  /** Opens a store in an empty root. */
  async open(extra = "", port?: number): Promise<ObjectStore> {
    return await openObjectStore(this.connection(extra, port), environment);
  }
}

/** Registers the contract and more for a kind of server. @returns the server that they share. */
export function testRemoteStore(
  name: string,
  start: StartServer,
  exceptions: RemoteExceptions = {},
): SharedServer {
  const server = new SharedServer(start);
  testObjectStoreContract(name, async () => {
    const store = await server.open();
    return { store, [Symbol.asyncDispose]: () => Promise.resolve(store[Symbol.asyncDispose]()) };
  }, exceptions);

  Deno.test(`${name} keeps roots of one bucket apart`, async () => {
    const bucket = await server.newBucket();
    const open = (root: string) =>
      openObjectStore(server.current.connection(bucket, { root }), environment);
    await using first = await open("one");
    await using second = await open("/one-more/");
    await using whole = await open("/");
    await first.put("a", Uint8Array.of(1));
    await second.put("a", Uint8Array.of(2, 2));
    assertEquals((await first.get("a")).length, 1);
    assertEquals((await second.get("a")).length, 2);
    const keys = [];
    for await (const page of whole.list("")) keys.push(...page.map(({ key }) => key));
    assertEquals(keys.sort(), ["one-more/a", "one/a"]);
  });

  Deno.test(`${name} says that a bucket is missing`, async () => {
    const connection = server.current.connection("no-such-bucket", { extra: "retry_attempts=1;" });
    await using store = await openObjectStore(connection, environment);
    await assertRejects(() => store.put("a", Uint8Array.of(1)), ObjectStoreRequestError);
    await assertRejects(() => store.get("a"), ObjectStoreError);
  });

  Deno.test(`${name} passes the probe`, async () => {
    await using store = await server.open();
    const rows = await checkStore(store, { ...environment, bulkBytes: 8_388_608 });
    const bad = rows.filter(({ result }) =>
      result === "fail" || result === "warn" && exceptions.hasRaces !== true
    );
    assertEquals(bad, []);
    assertEquals(rows.length, 9);
    for await (const page of store.list("")) assertEquals(page, []);
  });

  testRefusals(name, server, exceptions);
  return server;
}

function testRefusals(name: string, server: SharedServer, exceptions: RemoteExceptions): void {
  if (exceptions.isOpen !== true) {
    Deno.test(`${name} refuses a wrong secret with words that hold no secret`, async () => {
      const right = server.connection();
      const wrong = right.replace(
        /((?:secret_access|account)_key)=([^;]{4})([^;]{4})/,
        (_, key, first, second) => `${key}=${second}${first}`,
      );
      assert(right !== wrong, "the secret was changed");
      await using store = await openObjectStore(wrong, environment);
      const secret = /(?:secret_access|account)_key=([^;]+)/.exec(wrong)![1];
      const error = await store.put("a", Uint8Array.of(1)).then(() => null, (reason) => reason);
      assert(error instanceof ObjectStoreRequestError, "a put is refused");
      assertEquals(error.failure.kind, "credentials");
      assertEquals(error.isRetryable, false);
      const words = Deno.inspect(error, { depth: 10 }) + store.description;
      assert(!words.includes(secret), "the secret is not in the error");
    });
  }

  Deno.test(`${name} gives up on a server that is not there, in time`, async () => {
    const connection = server.current.connection("bucket-0", {
      port: 1,
      extra: "retry_attempts=2;request_timeout_ms=2000;",
    });
    await using store = await openObjectStore(connection, environment);
    const error = await assertRejectsWith(() => store.get("a"));
    assert(error instanceof ObjectStoreError && error.isRetryable, "it may be there later");
  });
}

async function assertRejectsWith(call: () => Promise<unknown>): Promise<unknown> {
  return await call().then(() => assert(false, "it succeeded"), (error) => error);
}
