/** Identities of instances: what the metadata server gives is what arrives at the store, and nowhere else. */
import { assert, assertEquals } from "../support/assert.ts";
import { RecordingServer } from "../support/recording_server.ts";
import { TempDir } from "../support/temp_dir.ts";
import { TestAuthority, TlsFront } from "../support/tls_front.ts";
import {
  assertListedThenRefused,
  assertNoSecret,
  azureInstance,
  gcsInstance,
  listThenRefuse,
  runIdentityClient,
  S3_INSTANCES,
} from "./instance_identity.ts";

const XML = { "content-type": "application/xml" };
const KEYS = {
  accessKeyId: "AKIDOFANINSTANCE",
  secretAccessKey: "secret-of-an-instance",
  sessionToken: "session-of-an-instance",
};
const TOKEN = "token-of-an-instance";
const ONCE = "retry_attempts=1;";

function s3List(bucket = "bucket") {
  return listThenRefuse(
    `<ListBucketResult><Name>${bucket}</Name><IsTruncated>false</IsTruncated></ListBucketResult>`,
    (words) => ({
      headers: XML,
      body: `<Error><Code>AccessDenied</Code><Message>${words}</Message></Error>`,
    }),
  );
}

for (const [kind, start] of Object.entries(S3_INSTANCES)) {
  Deno.test(`s3 without keys signs with those of ${kind}`, async () => {
    await using instance = await start(KEYS);
    await using store = await RecordingServer.start(s3List());
    const outcomes = await runIdentityClient(
      instance.env,
      `s3::bucket=bucket;region=us-east-1;endpoint=http://127.0.0.1:${store.port};${ONCE}`,
      ["list", "list"],
    );
    assertListedThenRefused(outcomes, [KEYS.secretAccessKey, KEYS.sessionToken]);
    assertEquals(store.requests.length, 2);
    for (const { headers } of store.requests) {
      assert(headers.authorization?.includes(`Credential=${KEYS.accessKeyId}/`), "its key signs");
      assertEquals(headers["x-amz-security-token"], KEYS.sessionToken);
    }
  });
}

Deno.test("azblob without a key shows the token of the managed identity", async () => {
  using directory = new TempDir();
  await using instance = await azureInstance(TOKEN);
  await using store = await RecordingServer.start(listThenRefuse(
    '<EnumerationResults ServiceEndpoint="https://a/" ContainerName="box"><Blobs/><NextMarker/>' +
      "</EnumerationResults>",
    (words) => ({
      headers: { ...XML, "x-ms-error-code": "AuthorizationFailure" },
      body: `<Error><Code>AuthorizationFailure</Code><Message>${words}</Message></Error>`,
    }),
  ));
  const authority = await TestAuthority.make(directory.path, "own");
  const pair = await authority.issue("server", "IP:127.0.0.1");
  await using front = await TlsFront.start(store.port, pair);
  const outcomes = await runIdentityClient(
    instance.env,
    `azblob::endpoint=https://127.0.0.1:${front.port};container=box;` +
      `ca_cert_file=${authority.pair.file};${ONCE}`,
    ["list", "list"],
  );
  assertListedThenRefused(outcomes, [TOKEN, "identity-secret"]);
  assertEquals(
    store.requests.map(({ headers }) => headers.authorization),
    [`Bearer ${TOKEN}`, `Bearer ${TOKEN}`],
  );
});

Deno.test("gcs without a credential shows the token of the instance's service account", async () => {
  await using instance = await gcsInstance(TOKEN);
  await using store = await RecordingServer.start(listThenRefuse(
    "{}",
    (words) => ({ body: JSON.stringify({ error: { code: 403, message: words } }) }),
  ));
  const outcomes = await runIdentityClient(
    instance.env,
    `gcs::bucket=bucket;endpoint=http://127.0.0.1:${store.port};${ONCE}`,
    ["list", "list"],
  );
  assertListedThenRefused(outcomes, [TOKEN]);
  assertEquals(
    store.requests.map(({ headers }) => headers.authorization),
    [`Bearer ${TOKEN}`, `Bearer ${TOKEN}`],
  );
});

Deno.test("an instance that gives no identity is an error of credentials, without its secrets", async () => {
  // The metadata server refuses what the environment shows it.
  const wrong = "wrong-secret-of-a-container";
  await using instance = await S3_INSTANCES["a container (ECS)"](KEYS);
  await using store = await RecordingServer.start(s3List());
  const outcomes = await runIdentityClient(
    { ...instance.env, AWS_CONTAINER_AUTHORIZATION_TOKEN: wrong },
    `s3::bucket=bucket;region=us-east-1;endpoint=http://127.0.0.1:${store.port};${ONCE}`,
    ["list"],
  );
  assertEquals(outcomes.map(({ kind }) => kind), ["credentials"]);
  assertNoSecret(outcomes, [wrong]);
  assertEquals(store.requests, [], "nothing unsigned is sent");
});
