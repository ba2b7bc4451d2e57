/** Parameters that change nothing but what is sent: the requests that arrive, at a server that keeps them. */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { openObjectStore, parseConnectionString } from "../../src/objectstore/mod.ts";
import { Secrets } from "../../src/objectstore/remote/secrets.ts";
import { loadS3Sdk, makeS3Client } from "../../src/objectstore/s3/s3_client.ts";
import { readS3Options } from "../../src/objectstore/s3/s3_options.ts";
import { assert, assertEquals } from "../support/assert.ts";
import {
  type PlayedAnswer,
  type RecordedRequest,
  RecordingServer,
} from "../support/recording_server.ts";
import { environment } from "./store_environment.ts";

const BODY = Uint8Array.of(1, 2, 3);

/** Takes an object as Google does: with its length and checksum. */
function takeGcsObject({ method, url, body }: RecordedRequest): PlayedAnswer {
  if (method !== "POST") return { status: 500 };
  if (url.includes("uploadType=resumable")) return { status: 400, body: "no uploads today" };
  const { crc32c } = JSON.parse(/\{.*\}/.exec(body)![0]);
  return { body: JSON.stringify({ size: String(BODY.length), crc32c }) };
}

function gcs(port: number, extra: string): string {
  return `gcs::bucket=bucket;root=a-root;endpoint=http://127.0.0.1:${port};retry_attempts=1;${extra}`;
}

Deno.test("gcs with skip_signature sends no token", async () => {
  await using server = await RecordingServer.start(takeGcsObject);
  await using anonymous = await openObjectStore(
    gcs(server.port, "skip_signature=true;"),
    environment,
  );
  await anonymous.put("a", BODY);
  await using known = await openObjectStore(gcs(server.port, "token=a-token;"), environment);
  await known.put("a", BODY);
  assertEquals(
    server.requests.map(({ headers }) => headers.authorization),
    [undefined, "Bearer a-token"],
  );
});

Deno.test("gcs with default_storage_class names it for objects and for uploads in parts", async () => {
  await using server = await RecordingServer.start(takeGcsObject);
  for (const extra of ["default_storage_class=NEARLINE;", ""]) {
    const connection = gcs(server.port, `skip_signature=true;${extra}`);
    await using store = await openObjectStore(connection, environment);
    await store.put("a", BODY);
    await store.openUpload("b").catch(() => null);
  }
  const classes = server.requests.map(({ body }) => {
    const { name, storageClass } = JSON.parse(/\{.*\}/.exec(body)![0]);
    return [name, storageClass];
  });
  assertEquals(classes, [
    ["a-root/a", "NEARLINE"],
    ["a-root/b", "NEARLINE"],
    ["a-root/a", undefined],
    ["a-root/b", undefined],
  ]);
});

Deno.test("azblob with skip_signature sends no authorization", async () => {
  await using server = await RecordingServer.start(() => ({ status: 201 }));
  const connection = (extra: string) =>
    `azblob::endpoint=http://127.0.0.1:${server.port}/account;container=box;retry_attempts=1;${extra}`;
  await using anonymous = await openObjectStore(connection("skip_signature=true;"), environment);
  await anonymous.put("a", BODY);
  const key = `account_name=account;account_key=${btoa("a-key")};`;
  await using known = await openObjectStore(connection(key), environment);
  await known.put("a", BODY);
  const [first, second] = server.requests.map(({ headers }) => headers.authorization);
  assertEquals(first, undefined);
  assert(second?.startsWith("SharedKey account:"), "with a key it is signed");
});

Deno.test("s3 with skip_signature signs nothing; default_storage_class is named for uploads in parts, too", async () => {
  await using server = await RecordingServer.start(({ method }) =>
    method === "POST"
      ? {
        headers: { "content-type": "application/xml" },
        body:
          "<InitiateMultipartUploadResult><UploadId>an-upload</UploadId></InitiateMultipartUploadResult>",
      }
      : {}
  );
  await using store = await openObjectStore(
    `s3::bucket=bucket;region=r;endpoint=http://127.0.0.1:${server.port};retry_attempts=1;` +
      "skip_signature=true;default_storage_class=GLACIER_IR;",
    environment,
  );
  await store.put("a", BODY);
  await store.openUpload("b");
  assertEquals(
    server.requests.map(({ method, headers }) => [
      method,
      headers.authorization,
      headers["x-amz-storage-class"],
    ]),
    [["PUT", undefined, "GLACIER_IR"], ["POST", undefined, "GLACIER_IR"]],
  );
});

Deno.test("s3 names the bucket in the path; with enable_virtual_host_style in the host", async () => {
  await using server = await RecordingServer.start(() => ({ status: 404 }));
  const sdk = await loadS3Sdk();
  const looked: string[] = [];
  const http = new HttpAgent(
    {
      // Whatever the name, it is here: no resolver knows the buckets of the tests.
      lookup: (host: string, { all }: { all?: boolean }, done: (...answer: unknown[]) => void) => {
        looked.push(host);
        if (all === true) done(null, [{ address: "127.0.0.1", family: 4 }]);
        else done(null, "127.0.0.1", 4);
      },
    } as ConstructorParameters<typeof HttpAgent>[0],
  );
  const agents = { http, https: new HttpsAgent(), [Symbol.dispose]: () => http.destroy() };
  for (const extra of ["", "enable_virtual_host_style=false;", "enable_virtual_host_style=true;"]) {
    const text = `s3::bucket=a-bucket;endpoint=http://store.example:${server.port};` +
      `access_key_id=an-id;secret_access_key=a-secret;${extra}`;
    const options = readS3Options(parseConnectionString(text), environment.fs);
    const client = makeS3Client(sdk, options, { agents, region: "r", secrets: new Secrets([]) });
    const command = new sdk.HeadObjectCommand({ Bucket: options.bucket, Key: "a/b" });
    await client.send(command).catch(() => null);
    client.destroy();
  }
  const { port } = server;
  assertEquals(
    server.requests.map(({ url, headers }) => [headers.host, url]),
    [
      [`store.example:${port}`, "/a-bucket/a/b"],
      [`store.example:${port}`, "/a-bucket/a/b"],
      [`a-bucket.store.example:${port}`, "/a/b"],
    ],
  );
  assertEquals(looked.at(-1), "a-bucket.store.example");
});
