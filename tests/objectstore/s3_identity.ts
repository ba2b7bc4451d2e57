/**
 * A server of S3 takes what a client signs with the keys of its instance.
 *
 * @module
 */
import { assert, assertEquals } from "../support/assert.ts";
import { FaultProxy } from "../support/fault_proxy.ts";
import { S3_TEST_KEYS } from "../support/store_servers/s3_bucket.ts";
import { runIdentityClient, S3_INSTANCES } from "./instance_identity.ts";
import type { SharedServer } from "./remote_contract.ts";

/** Registers the tests for a server of S3 that checks signatures. */
export function testS3Identity(name: string, server: SharedServer): void {
  for (const [kind, start] of Object.entries(S3_INSTANCES)) {
    Deno.test(`${name} takes the keys of ${kind}`, async () => {
      // The server has keys for ever: they come without a session.
      await using instance = await start({ ...S3_TEST_KEYS, sessionToken: "" });
      await using proxy = await FaultProxy.start(server.current.port);
      const signatures: (string | undefined)[] = [];
      proxy.injectWhen((_, { headers }) => {
        signatures.push(headers.authorization);
        return false; // it only watches
      }, { kind: "reset" });
      const connection = server.connection("", proxy.port)
        .replace(/(access_key_id|secret_access_key)=[^;]+;/g, "");
      assert(!connection.includes("_key"), "no key is given");
      assertEquals(await runIdentityClient(instance.env, connection, ["whole"]), [{ count: 3 }]);
      assertEquals(signatures.length, 3);
      for (const signature of signatures) {
        assert(signature?.includes(`Credential=${S3_TEST_KEYS.accessKeyId}/`), "its key signs");
      }
    });
  }
}
