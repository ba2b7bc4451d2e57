/**
 * The region of a bucket: asked of a server that names it, and named to whoever signs for another.
 *
 * @module
 */
import { type ObjectStore, openObjectStore } from "../../src/objectstore/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { type Fault, FaultProxy } from "../support/fault_proxy.ts";
import type { SharedServer } from "./remote_contract.ts";
import { environment } from "./store_environment.ts";

const REGION = "eu-test-7";
const HEADERS = { "x-amz-bucket-region": REGION };
const BODY = Uint8Array.of(1, 2, 3);
/** Of a known size, so that it is read by one request; without a range its size is asked for first. */
const WHOLE = { offset: 0, length: BODY.length };

interface Setting {
  readonly store: ObjectStore;
  readonly proxy: FaultProxy;
  /** Regions that requests were signed for, in order; `null` for one without a signature. */
  readonly signed: (string | null)[];
}

/** Registers the tests for a server of S3. */
export function testS3Regions(name: string, server: SharedServer): void {
  const test = (
    criterion: string,
    region: string,
    run: (setting: Setting) => Promise<void>,
  ) =>
    Deno.test(`${name} ${criterion}`, async () => {
      await using proxy = await FaultProxy.start(server.current.port);
      const signed: (string | null)[] = [];
      proxy.injectWhen((_, { headers }) => {
        const scope = /Credential=[^/]+\/\d+\/([^/]+)\/s3/.exec(headers.authorization ?? "");
        signed.push(scope?.[1] ?? null);
        return false; // it only watches
      }, { kind: "reset" });
      const connection = server.connection().replace(/:\d+(?=[;/])/, `:${proxy.port}`)
        .replace(/region=[^;]*;/, region);
      await using store = await openObjectStore(connection, environment);
      assertEquals(signed, [], "opening a store makes no request");
      await run({ store, proxy, signed });
    });

  for (const status of [301, 400, 403]) {
    const fault: Fault = { kind: "status", status, headers: HEADERS };
    test(`signs for the region that a server names by a ${status}`, "", async (setting) => {
      const { store, proxy, signed } = setting;
      proxy.inject("head", fault);
      await store.put("a", BODY);
      assertEquals(await store.get("a", { range: WHOLE }), BODY);
      assertEquals(signed, [null, REGION, REGION], "it is asked once, unsigned");
    });
  }

  test("asks once for several requests at a time", "", async ({ store, proxy, signed }) => {
    proxy.inject("head", { kind: "status", status: 301, headers: HEADERS });
    await Promise.all(["a", "b", "c"].map((key) => store.put(key, BODY)));
    assertEquals(signed, [null, REGION, REGION, REGION]);
  });

  test("signs for us-east-1 where the server knows of no regions", "", async (setting) => {
    const { store, signed } = setting;
    await store.put("a", BODY);
    assertEquals(await store.get("a", { range: WHOLE }), BODY);
    assertEquals(signed, [null, "us-east-1", "us-east-1"]);
  });

  for (const fault of [{ kind: "reset" }, { kind: "status", status: 503 }] as const) {
    test(`asks again for a region after a ${fault.kind}`, "", async (setting) => {
      const { store, proxy, signed } = setting;
      proxy.inject("head", fault);
      proxy.inject("head", { kind: "status", status: 301, headers: HEADERS });
      await store.put("a", BODY);
      assertEquals(await store.get("a", { range: WHOLE }), BODY);
      assertEquals(signed, [null, null, REGION, REGION]);
    });
  }

  test(
    "names the region to whoever is configured for another",
    "region=us-west-1;",
    async (setting) => {
      const { store, proxy, signed } = setting;
      const body = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>The region " +
        "is wrong</Message></Error>";
      proxy.inject("put", { kind: "status", status: 400, headers: HEADERS, body }, 9);
      const error = await store.put("a", BODY).then(() => null, (reason) => reason as Error);
      assert(error!.message.includes(`(the bucket is in region ${REGION})`), error!.message);
      assertEquals(signed, ["us-west-1"], "it is not tried again");
    },
  );
}
