/**
 * Parameters of `s3::` that change what is asked of the server.
 *
 * @module
 */
import { openObjectStore } from "../../src/objectstore/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { FaultProxy } from "../support/fault_proxy.ts";
import type { SharedServer } from "./remote_contract.ts";
import { environment } from "./store_environment.ts";

type SentHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Registers the tests for a server of S3. */
export function testS3Parameters(name: string, server: SharedServer): void {
  Deno.test(`${name} sends objects over single_put_max in parts`, async () => {
    await using proxy = await FaultProxy.start(server.current.port);
    const connection = server.connection("single_put_max=6000000;", proxy.port);
    await using store = await openObjectStore(connection, environment);
    const body = Uint8Array.from({ length: 11_000_000 }, (_, i) => i % 253);
    assertEquals(await store.put("small", body.subarray(0, 6_000_000)), true);
    assertEquals(proxy.counts.get("upload"), undefined);
    assertEquals(await store.put("large", body, { ifNoneMatch: true }), true);
    assert(proxy.counts.get("upload")! >= 3, "the larger object went in parts");
    const bytes = await store.get("large");
    assert(bytes.length === body.length && bytes.every((byte, i) => byte === body[i]), "whole");
    assertEquals(await store.put("large", body, { ifNoneMatch: true }), false);
  });

  const cases: [parameter: string, header: string, value: string | undefined][] = [
    ["default_storage_class=STANDARD_IA;", "x-amz-storage-class", "STANDARD_IA"],
    ["server_side_encryption=AES256;", "x-amz-server-side-encryption", "AES256"],
    [
      "server_side_encryption=aws:kms;server_side_encryption_aws_kms_key_id=a-key;",
      "x-amz-server-side-encryption-aws-kms-key-id",
      "a-key",
    ],
    ["session_token=a-session-token;", "x-amz-security-token", "a-session-token"],
    ["skip_signature=true;", "authorization", undefined],
  ];
  for (const [parameter, header, value] of cases) {
    Deno.test(`${name} sends ${header} as ${parameter.split("=")[0]} says`, async () => {
      await using proxy = await FaultProxy.start(server.current.port);
      const sent: SentHeaders[] = [];
      proxy.injectWhen((operation, { headers }) => {
        if (operation === "put") sent.push(headers);
        return false; // it only watches
      }, { kind: "reset" });
      proxy.inject("put", { kind: "status", status: 200 }, 9);
      const connection = server.connection(parameter, proxy.port);
      await using store = await openObjectStore(connection, environment);
      await store.put("a", Uint8Array.of(1));
      assertEquals(sent.map((headers) => headers[header]), [value]);
    });
  }
}
