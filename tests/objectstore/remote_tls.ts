/**
 * Certificates: which servers a remote store trusts, by `ca_cert_file` and `ca_builtin_roots`.
 *
 * @module
 */
import { rootCertificates } from "node:tls";
import {
  type ObjectStore,
  ObjectStoreRequestError,
  openObjectStore,
  uploadStream,
} from "../../src/objectstore/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { type KeyPair, TestAuthority, TlsFront } from "../support/tls_front.ts";
import type { SharedServer } from "./remote_contract.ts";
import { environment } from "./store_environment.ts";

/** What is special about a server. */
export interface TlsExceptions {
  /** Uploads go on at addresses without TLS, because the server knows nothing of the front. */
  readonly hasPlainSessions?: boolean;
}

const ONLY_FILE = "ca_builtin_roots=false;";
const PART_BYTES = 5_242_880;

interface Setting extends AsyncDisposable {
  readonly own: TestAuthority;
  readonly other: TestAuthority;
  readonly pair: KeyPair;
  readonly front: TlsFront;
  /** The connection string through the front. */
  connection(extra: string): string;
}

async function makeSetting(server: SharedServer, subject = "IP:127.0.0.1"): Promise<Setting> {
  await using resources = new AsyncDisposableStack();
  const directory = resources.use(new TempDir());
  const own = await TestAuthority.make(directory.path, "own");
  const other = await TestAuthority.make(directory.path, "other");
  const pair = await own.issue("server", subject);
  const front = resources.use(await TlsFront.start(server.current.port, pair));
  const plain = server.connection();
  const moved = resources.move();
  return {
    own,
    other,
    pair,
    front,
    connection: (extra) =>
      plain.replace(/http:\/\/127\.0\.0\.1:\d+/, `https://127.0.0.1:${front.port}`) + extra,
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

async function useEveryCall(store: ObjectStore, exceptions: TlsExceptions): Promise<void> {
  const body = new Uint8Array(300_000).fill(5);
  assertEquals(await store.put("a", body, { ifNoneMatch: true }), true);
  assertEquals((await store.get("a")).length, body.length);
  assertEquals((await store.get("a", { range: { offset: 9, length: 99 } })).length, 99);
  assertEquals((await store.head("a"))?.size, body.length);
  if (exceptions.hasPlainSessions !== true) {
    const parts = ReadableStream.from([new Uint8Array(PART_BYTES), body]);
    await uploadStream(store, "parts", parts, { partBytes: PART_BYTES });
    assertEquals((await store.head("parts"))?.size, PART_BYTES + body.length);
  }
  const keys = [];
  for await (const page of store.list("")) keys.push(...page.map(({ key }) => key));
  assert(keys.includes("a"), "it is listed");
  await store.delete(keys);
  assertEquals(await store.head("a"), null);
}

async function assertRefused(setting: Setting, extra: string): Promise<void> {
  await using store = await openObjectStore(setting.connection(extra), environment);
  for (
    const call of [() => store.put("a", Uint8Array.of(1)), () => store.get("a")]
  ) {
    const error = await call().then(() => null, (reason) => reason);
    assert(error instanceof ObjectStoreRequestError, `${extra} is refused: ${error}`);
    assertEquals([error.failure.kind, error.isRetryable], ["unavailable", false]);
    assert(/certificate|altname|issuer/i.test(error.message), error.message);
  }
  assertEquals(setting.front.receivedBytes, 0, "nothing was said to a stranger");
}

/** Registers the tests of certificates for a server. */
export function testRemoteTls(
  name: string,
  server: SharedServer,
  exceptions: TlsExceptions = {},
): void {
  Deno.test(`${name} trusts the authority of ca_cert_file, with the built-in roots and without`, async () => {
    await using setting = await makeSetting(server);
    for (const roots of ["", "ca_builtin_roots=true;", ONLY_FILE]) {
      const extra = `ca_cert_file=${setting.own.pair.file};${roots}`;
      await using store = await openObjectStore(setting.connection(extra), environment);
      await useEveryCall(store, exceptions);
    }
    assert(setting.front.receivedBytes > 0, "the requests went through the front");
  });

  Deno.test(`${name} trusts each authority of a file of several`, async () => {
    await using setting = await makeSetting(server);
    const file = `${setting.own.pair.file}-both`;
    const { other, own } = setting;
    Deno.writeTextFileSync(file, `${other.pair.certificate}\ntext\n${own.pair.certificate}`);
    const extra = `ca_cert_file=${file};${ONLY_FILE}`;
    await using store = await openObjectStore(setting.connection(extra), environment);
    await useEveryCall(store, exceptions);
  });

  Deno.test(`${name} refuses a server whose authority is not given, before a word is said`, async () => {
    await using setting = await makeSetting(server);
    await assertRefused(setting, "");
    const { other, pair } = setting;
    for (const roots of ["", ONLY_FILE]) {
      await assertRefused(setting, `ca_cert_file=${other.pair.file};${roots}`);
      // A server's own certificate is no authority.
      await assertRefused(setting, `ca_cert_file=${pair.file};${roots}`);
    }
  });

  Deno.test(`${name} refuses a certificate of another host`, async () => {
    await using setting = await makeSetting(server, "DNS:elsewhere.example");
    await assertRefused(setting, `ca_cert_file=${setting.own.pair.file};`);
  });

  Deno.test(`${name} with ca_builtin_roots=false does not trust the runtime's own roots`, async () => {
    await using setting = await makeSetting(server);
    const { own, other } = setting;
    // The runtime of this process takes the server's authority for one of its own.
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        new URL("tls_client.ts", import.meta.url).pathname,
        setting.connection(""),
        setting.connection(`ca_cert_file=${other.pair.file};${ONLY_FILE}`),
        setting.connection(`ca_cert_file=${own.pair.file};${ONLY_FILE}`),
      ],
      env: { NODE_EXTRA_CA_CERTS: own.pair.file },
      stderr: "inherit",
    }).output();
    assertEquals(new TextDecoder().decode(stdout).trim().split("\n"), ["ok", "unavailable", "ok"]);
    assert(rootCertificates.length > 100, "there are built-in roots to do without");
  });
}
