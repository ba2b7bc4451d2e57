import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { ObjectStoreRequestError, openObjectStore } from "../../src/objectstore/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { environment } from "./store_environment.ts";
import { startAzurite } from "../support/store_servers/azurite.ts";
import { testRemoteBackup } from "./remote_backup.ts";
import { testRemoteStore } from "./remote_contract.ts";
import { testRemoteFaults } from "./remote_faults.ts";
import { testRemoteTls } from "./remote_tls.ts";

const NAME = "AzureObjectStore on Azurite";

const server = testRemoteStore(NAME, startAzurite);
testRemoteFaults(NAME, server, {
  hashesRanges: true,
  expired: {
    kind: "status",
    status: 401,
    headers: { "x-ms-error-code": "InvalidAuthenticationInfo" },
    body:
      "<Error><Code>InvalidAuthenticationInfo</Code><Message>Lifetime validation failed.</Message></Error>",
  },
});
testRemoteBackup(NAME, server);
testRemoteTls(NAME, server);

/** The connection string with a signature of so many rights in place of the key. */
function withSas(connection: string, permissions: string): string {
  const [, account, key] = /account_name=([^;]+);account_key=([^;]+);/.exec(connection)!;
  const query = generateBlobSASQueryParameters({
    containerName: /container=([^;]+)/.exec(connection)![1],
    permissions: ContainerSASPermissions.parse(permissions),
    protocol: SASProtocol.HttpsAndHttp,
    expiresOn: new Date(Date.now() + 3_600_000),
  }, new StorageSharedKeyCredential(account, key));
  return connection.replace(/account_key=[^;]+;/, `sas_token=?${query};`);
}

Deno.test(`${NAME} takes a sas_token in place of a key, and shows it to nobody`, async () => {
  const connection = server.connection();
  await using store = await openObjectStore(withSas(connection, "racwdl"), environment);
  assertEquals(await store.put("a", Uint8Array.of(7), { ifNoneMatch: true }), true);
  assertEquals(await store.get("a"), Uint8Array.of(7));
  const readOnly = withSas(connection, "rl");
  await using reader = await openObjectStore(readOnly, environment);
  assertEquals(await reader.get("a"), Uint8Array.of(7));
  const error = await assertRejects(
    () => reader.put("b", Uint8Array.of(8)),
    ObjectStoreRequestError,
  );
  assertEquals(error.failure.kind, "credentials");
  const signature = /sig=([^;&]+)/.exec(readOnly)![1];
  const words = Deno.inspect(error, { depth: 10 }) + reader.description;
  assert(!words.includes(signature) && !words.includes(decodeURIComponent(signature)), words);
});
