import { RestoreError } from "../../src/common/mod.ts";
import { hashHex } from "../../src/backup/content_hash.ts";
import { drawInstanceName } from "../../src/backup/instance_name.ts";
import {
  compactTimestamp,
  InstanceKeys,
  isInstanceName,
  keyComponent,
  parseCompactTimestamp,
} from "../../src/backup/object_keys.ts";
import { checkRelativePath, checkTableDirectory } from "../../src/backup/path_safety.ts";
import { PackBuffer } from "../../src/backup/pack_buffer.ts";
import { PackBuilder, readPackDirectory } from "../../src/backup/pack.ts";
import { validateObjectKey } from "../../src/objectstore/mod.ts";
import { SystemRandom } from "../../src/platform/mod.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";
import { core } from "../storage/table_fixture.ts";

Deno.test("drawInstanceName draws three words, rarely the same", () => {
  const random = new SystemRandom();
  const names = new Set(Array.from({ length: 500 }, () => drawInstanceName(random)));
  assert(names.size > 490, `only ${names.size} names`);
  for (const name of names) assert(isInstanceName(name), name);
});

Deno.test("compactTimestamp sorts by time and parses back", () => {
  const micros = [0n, 1n, 1_724_502_896_789_123n, 253_402_300_799_999_999n];
  const texts = micros.map(compactTimestamp);
  assertEquals(texts[2], "20240824T123456789123Z");
  assertEquals(texts, [...texts].sort());
  assertEquals(texts.map(parseCompactTimestamp), micros);
  for (const bad of ["", "20240824T123456Z", "20241324T123456789123Z", "x20240824T123456789123Z"]) {
    assertEquals(parseCompactTimestamp(bad), null);
  }
});

Deno.test("InstanceKeys builds valid keys, whatever the table is called", () => {
  const keys = new InstanceKeys("calm-lake-otter");
  for (const directory of ["t~1", "Ünï~2", "tab\tle~3", "50%~4", "a.b~5"]) {
    validateObjectKey(keys.pack(directory, "0".repeat(64)));
    validateObjectKey(keys.tableManifest(directory, "0".repeat(64)));
  }
  assertEquals(new Set(["a\tb", "a%09b"].map(keyComponent)).size, 2);
  assertEquals(keys.manifestTimestamp(keys.manifest(5n)), 5n);
  assertEquals(keys.manifestTimestamp(`${keys.manifests}junk.json.zst`), null);
});

Deno.test("checkRelativePath refuses what could leave the directory", () => {
  const bad = [
    "",
    "/",
    "/etc",
    "a//b",
    "../a",
    "a/../b",
    "a/.",
    "a\\b",
    "a\0",
    "a/b/c/d/e",
    "x".repeat(256),
    5,
    null,
  ];
  for (const path of bad) {
    const error = assertThrows(() => checkRelativePath(path, "key"), RestoreError, "unsafe path");
    assert(error.message.includes("manifest=key"));
  }
  for (const path of ["_meta", "2024-01-01.5/pri ce.d", "txn_seq/_txn_parts/0", "wal1/0/x.d"]) {
    assertEquals(checkRelativePath(path, "key"), path);
  }
});

Deno.test("checkTableDirectory refuses the database's own names", () => {
  for (
    const name of [".", "..", ".data_id", ".restore", "~db", "tables.d.0", "_tab_index.d", "a/b"]
  ) {
    assertThrows(() => checkTableDirectory(name, "key"), RestoreError, "unsafe path");
  }
  for (const name of ["trades~12", "sys.telemetry", "_query_trace", "x"]) {
    assertEquals(checkTableDirectory(name, "key"), name);
  }
});

Deno.test("readPackDirectory finds every slice of a pack and refuses a damaged one", () => {
  const builder = new PackBuilder(core, new PackBuffer());
  const facts = {
    path: "a.d",
    row_lo: 0,
    row_hi: 2,
    raw: 16,
    codec: "raw",
    blake3: "x".repeat(43),
  };
  const offsets = [
    builder.add(new Uint8Array([1, 2, 3]), facts),
    builder.add(new Uint8Array(0), facts),
  ];
  const { body: bytes, name } = builder.finish();
  assertEquals(name, hashHex(core, bytes), "a pack's name is the hash of its bytes");
  const entries = readPackDirectory(bytes, "key");
  assertEquals(entries.map((entry) => entry.offset), offsets);
  assertEquals(bytes.slice(offsets[0], offsets[0] + entries[0].stored), new Uint8Array([1, 2, 3]));
  assertEquals(entries[0].path, "a.d");
  for (const length of [0, 8, 31, bytes.length - 1]) {
    assertThrows(
      () => readPackDirectory(bytes.subarray(0, length), "key"),
      RestoreError,
      "path=key",
    );
  }
  for (const [position, value] of [[0, 0], [bytes.length - 24, 0xff], [bytes.length - 16, 9]]) {
    const changed = bytes.slice();
    changed[position] = value;
    assertThrows(() => readPackDirectory(changed, "key"), RestoreError, "invalid pack");
  }
});
