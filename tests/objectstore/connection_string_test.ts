import {
  InvalidObjectStoreConfigurationError,
  openObjectStore,
  parseConnectionString,
} from "../../src/objectstore/mod.ts";
import { RealFileSystem, SystemRandom } from "../../src/platform/mod.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";

const environment = { fs: new RealFileSystem(), random: new SystemRandom() };

Deno.test("parseConnectionString keeps everything after the first = of a part", () => {
  const { scheme, values } = parseConnectionString(" gcs::bucket=b;credential=eyJ9==;root=/; ");
  assertEquals(scheme, "gcs");
  assertEquals([...values], [["bucket", "b"], ["credential", "eyJ9=="], ["root", "/"]]);
  assertEquals([...parseConnectionString("fs::root=/a").values], [["root", "/a"]]);
  assertEquals([...parseConnectionString("fs::").values], []);
});

Deno.test("parseConnectionString refuses what is not scheme::key=value; and never shows a value", () => {
  const secret = "hunter2secret";
  const cases = [
    "",
    secret,
    `fs:root=${secret}`,
    `FS::root=${secret}`,
    `s3::bucket=b;${secret}`,
    `s3::secret_access_key=${secret};;bucket=b`,
    `s3::=${secret}`,
    `s3::Secret Key=${secret}`,
    `s3::bucket=b;bucket=${secret}`,
    `s3::bucket=${secret.repeat(10_000)}`,
  ];
  for (const text of cases) {
    const error = assertThrows(
      () => parseConnectionString(text),
      InvalidObjectStoreConfigurationError,
      "InvalidObjectStoreConfigurationException: ",
    );
    assert(!error.message.includes(secret), error.message);
  }
});

Deno.test("openObjectStore refuses unknown, missing, empty and relative values", async () => {
  const cases: [string, string][] = [
    ["fs::root=/x;", "key is missing [scheme=fs, key=atomic_write_dir]"],
    ["fs::atomic_write_dir=/x;", "key is missing [scheme=fs, key=root]"],
    ["fs::root=;atomic_write_dir=/x;", "value is empty [scheme=fs, key=root]"],
    [
      "fs::root=/x;atomic_write_dir=/y;ca_cert_file=/z;",
      "unknown key [scheme=fs, key=ca_cert_file",
    ],
    ["fs::root=x;atomic_write_dir=/y;", "absolute path"],
    ["fs::root=/x/../etc;atomic_write_dir=/y;", "absolute path"],
    ["fs::root=/x;atomic_write_dir=/x;", "directory of its own"],
    ["fs::root=/x/y;atomic_write_dir=/x/;", "directory of its own"],
    ["hdfs::root=/;", "unknown scheme [scheme=hdfs"],
  ];
  for (const [text, message] of cases) {
    const error = await assertRejects(
      () => openObjectStore(text, environment),
      InvalidObjectStoreConfigurationError,
      message,
    );
    assert(!error.message.includes("hunter2"));
  }
});

Deno.test("openObjectStore opens fs with the atomic directory inside the root, as documented", async () => {
  using directory = new TempDir();
  const text = `fs::root=${directory.path}/store;atomic_write_dir=${directory.path}/store/atomic;`;
  await using store = await openObjectStore(text, environment);
  await store.put("a/b", new Uint8Array([1]));
  assertEquals(store.description, `fs [root=${directory.path}/store]`);
  const keys = [];
  for await (const page of store.list("")) keys.push(...page.map((info) => info.key));
  assertEquals(keys, ["a/b"]);
  await assertRejects(
    () => store.put("atomic/x", new Uint8Array(1)),
    Error,
    "inside atomic_write_dir",
  );
});

Deno.test("openObjectStore removes what calls that died left in the atomic directory a week ago", async () => {
  using directory = new TempDir();
  const atomic = `${directory.path}/atomic`;
  const text = `fs::root=${directory.path}/store;atomic_write_dir=${atomic};`;
  Deno.mkdirSync(atomic);
  const old = `${"0a".repeat(16)}.tmp`, fresh = `${"0b".repeat(16)}.tmp`;
  const day = 86_400_000;
  for (const [name, ageDays] of [[old, 8], [fresh, 6], ["not-ours.tmp", 99]] as const) {
    const path = `${atomic}/${name}`;
    Deno.writeTextFileSync(path, "x");
    const time = new Date(Date.now() - ageDays * day);
    Deno.utimeSync(path, time, time);
  }
  await using _store = await openObjectStore(text, environment);
  const names = [...Deno.readDirSync(atomic)].map(({ name }) => name).sort();
  assertEquals(names, [fresh, "not-ours.tmp"]);
});
