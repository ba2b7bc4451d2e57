import { rootCertificates } from "node:tls";
import {
  InvalidObjectStoreConfigurationError,
  openObjectStore,
  parseConnectionString,
} from "../../src/objectstore/mod.ts";
import { readAuthorities } from "../../src/objectstore/remote/tls.ts";
import { RealFileSystem, SystemRandom } from "../../src/platform/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";

const environment = { fs: new RealFileSystem(), random: new SystemRandom() };
const SECRET = "hunter2-hunter2-hunter2";
const S3 = `s3::bucket=bucket;region=r;access_key_id=id;secret_access_key=${SECRET};`;
const AZURE = `azblob::endpoint=https://a.example;container=box;account_name=a;account_key=${
  btoa(SECRET)
};`;
const GCS = `gcs::bucket=bucket;token=${SECRET};`;

Deno.test("openObjectStore names the key that a remote store cannot use, and no value", async () => {
  const cases: [string, string][] = [
    [S3.replace("bucket=bucket;", ""), "key is missing [scheme=s3, key=bucket]"],
    [S3.replace("bucket=bucket", "bucket=no/bucket"), "no bucket name [scheme=s3, key=bucket]"],
    [S3.replace("access_key_id=id;", ""), "key is missing [scheme=s3, key=access_key_id]"],
    [
      S3.replace(`secret_access_key=${SECRET};`, ""),
      "key is missing [scheme=s3, key=secret_access_key]",
    ],
    [`s3::bucket=bucket;session_token=${SECRET};`, "needs access_key_id [scheme=s3"],
    [`${S3}endpoint=ftp://x;`, "must begin with http:// or https:// [scheme=s3, key=endpoint]"],
    [`${S3}endpoint=https://u:${SECRET}@x;`, "must not hold credentials"],
    [`${S3}enable_virtual_host_style=yes;`, "true or false [scheme=s3, key=enable_virtual"],
    [`${S3}checksum_algorithm=sha0;`, "crc32, md5 or none [scheme=s3, key=checksum_algorithm]"],
    [`${S3}retry_attempts=0;`, "in bounds [scheme=s3, key=retry_attempts"],
    [`${S3}root=a/../b;`, "cannot be a prefix of keys [scheme=s3, key=root]"],
    [`${S3}colour=red;`, "unknown key [scheme=s3, key=colour"],
    [`${S3}ca_builtin_roots=false;`, "needs ca_cert_file [scheme=s3, key=ca_builtin_roots]"],
    [`${S3}ca_cert_file=/no/such/file;`, "cannot be read"],
    [AZURE.replace("container=box;", ""), "key is missing [scheme=azblob, key=container]"],
    [AZURE.replace("endpoint=https://a.example;", ""), "missing [scheme=azblob, key=endpoint]"],
    [AZURE.replace("account_name=a;", ""), "key is missing [scheme=azblob, key=account_name]"],
    [AZURE.replace(btoa(SECRET), "not base64!"), "not base64 [scheme=azblob, key=account_key]"],
    ["azblob::endpoint=http://a;container=box;", "must begin with https://"],
    [GCS.replace("bucket=bucket;", ""), "key is missing [scheme=gcs, key=bucket]"],
    [`gcs::bucket=bucket;credential=${btoa(SECRET)};`, "no credential"],
    ["gcs::bucket=bucket;credential=%;", "not base64 [scheme=gcs, key=credential]"],
    [
      "gcs::bucket=bucket;credential_path=/none;",
      "cannot be read [scheme=gcs, key=credential_path]",
    ],
    [`gcs::bucket=bucket;credential=e30=;credential_path=/none;`, "excludes credential"],
  ];
  for (const [text, message] of cases) {
    const error = await assertRejects(
      () => openObjectStore(text, environment),
      InvalidObjectStoreConfigurationError,
      message,
    );
    assert(!error.message.includes(SECRET) && !error.message.includes(btoa(SECRET)), message);
  }
});

Deno.test("openObjectStore parses the certificates of ca_cert_file when it is opened", async () => {
  using directory = new TempDir();
  const file = `${directory.path}/ca.pem`;
  Deno.writeTextFileSync(file, "no certificate");
  const open = (text: string) => openObjectStore(`${text}ca_cert_file=${file};`, environment);
  for (const text of [S3, AZURE, GCS]) {
    await assertRejects(() => open(text), InvalidObjectStoreConfigurationError, "no PEM");
  }
  Deno.writeTextFileSync(
    file,
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  );
  for (const text of [S3, AZURE, GCS]) {
    await assertRejects(() => open(text), InvalidObjectStoreConfigurationError, "cannot be parsed");
  }
});

Deno.test("readAuthorities adds the file's certificates to the built-in roots, or takes them alone", () => {
  using directory = new TempDir();
  const file = `${directory.path}/ca.pem`;
  const own = rootCertificates[3];
  Deno.writeTextFileSync(file, `about the authority\n${own}\n`);
  const read = (keys: string) =>
    readAuthorities(parseConnectionString(`${S3}${keys}`), environment.fs);
  assertEquals(read(""), null, "the runtime's own");
  const both = [...rootCertificates, own];
  assertEquals(read(`ca_cert_file=${file};`), both);
  assertEquals(read(`ca_cert_file=${file};ca_builtin_roots=true;`), both);
  assertEquals(read(`ca_cert_file=${file};ca_builtin_roots=false;`), [own]);
});

Deno.test("openObjectStore opens every scheme without a request, and shows no secret", async () => {
  const cases: [string, string][] = [
    [
      `${S3}root=/db/;endpoint=s3.example:9000;`,
      "s3 [bucket=bucket, root=/db, endpoint=s3.example:9000]",
    ],
    [AZURE, "azblob [container=box, root=/, endpoint=a.example]"],
    [`${GCS}root=/;`, "gcs [bucket=bucket, root=/, endpoint=storage.googleapis.com]"],
  ];
  for (const [text, description] of cases) {
    await using store = await openObjectStore(text, environment);
    assertEquals(store.description, description);
    assert(!Deno.inspect(store, { depth: 8 }).includes(SECRET), "the store hides its secret");
  }
});
