import {
  address,
  boolean,
  choice,
  connectionString,
  duration,
  integer,
  path,
  positiveNumber,
  type Property,
  size,
  text,
} from "../../src/config/property.ts";
import { editDistance, nearestKey } from "../../src/config/nearest_key.ts";
import { QUESTDB_KEYS } from "../../src/config/known_keys.ts";
import { PROPERTIES } from "../../src/config/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";

function accepts<T>(property: Property<T>, cases: [string, T][]): void {
  for (const [given, expected] of cases) assertEquals(property.parse(given), expected, given);
}

function refuses<T>(property: Property<T>, cases: string[]): void {
  for (const given of cases) assertEquals(property.parse(given), undefined, JSON.stringify(given));
}

Deno.test("boolean reads true and false in any case and nothing else", () => {
  const property = boolean("k", { default: false, doc: "" });
  accepts(property, [["true", true], ["FALSE", false], ["True", true]]);
  refuses(property, ["", "yes", "1", "true # comment", "truefalse"]);
});

Deno.test("integer keeps to its limits", () => {
  const property = integer("k", { default: 5, min: -1, max: 10, doc: "" });
  accepts(property, [["-1", -1], ["10", 10], ["007", 7]]);
  refuses(property, ["", "-2", "11", "1.5", "1e1", "0x1", "1_0", "abc", "99999999999999999999"]);
});

Deno.test("positiveNumber reads decimals above 0 and nothing else", () => {
  const property = positiveNumber("k", { default: 0.8, doc: "" });
  accepts(property, [["0.8", 0.8], ["1", 1], ["12.50", 12.5], [".5", 0.5]]);
  refuses(property, ["0", "0.0", "-1", "1.", "", ".", "1e3", "NaN", "Infinity", "abc", "1,5"]);
});

Deno.test("size reads QuestDB's suffixes", () => {
  const property = size("k", { default: 0, min: 0, max: 8 * 1024 ** 3, doc: "" });
  accepts(property, [["0", 0], ["64k", 65536], ["1M", 1048576], ["2gb", 2147483648], ["9", 9]]);
  refuses(property, ["", "k", "1.5m", "-1", "9g", "1t", "1 m"]);
});

Deno.test("duration reads milliseconds and suffixes", () => {
  const property = duration("k", { default: 0, minMillis: 1, maxMillis: 86_400_000, doc: "" });
  accepts(property, [["500", 500], ["500ms", 500], ["2s", 2000], ["10m", 600_000], ["1H", 3.6e6]]);
  refuses(property, ["", "0", "2d", "s", "1.5s", "-1s", "1w"]);
});

Deno.test("address reads IPv4, IPv6 and names with a port", () => {
  const property = address("k", { default: { hostname: "::1", port: 1 }, doc: "" });
  accepts(property, [
    ["127.0.0.1:9000", { hostname: "127.0.0.1", port: 9000 }],
    ["[::1]:0", { hostname: "::1", port: 0 }],
    ["my-host.local:65535", { hostname: "my-host.local", port: 65535 }],
  ]);
  refuses(property, ["", "9000", ":9000", "a:65536", "a:-1", "a:b", "::1:9000", "http://a:1"]);
  assertEquals(property.defaultText, "[::1]:1");
});

Deno.test("choice reads its words in any case", () => {
  const property = choice("k", { default: "sync", values: ["sync", "nosync"], doc: "" });
  accepts(property, [["NoSync", "nosync"]]);
  refuses(property, ["", "syn", "sync nosync"]);
});

Deno.test("text and path refuse control characters; path refuses ..", () => {
  refuses(text("k", { default: "", doc: "" }), ["a\nb", "\u0000", "x".repeat(70_000)]);
  accepts(text("k", { default: "", doc: "" }), [["", ""], [" a ", " a "]]);
  refuses(path("k", { default: "db", doc: "" }), ["", "a/../b", "..", "a\nb"]);
  accepts(path("k", { default: "db", doc: "" }), [["/a/b..c", "/a/b..c"], ["db", "db"]]);
});

Deno.test("connectionString checks the form and is always secret", () => {
  const property = connectionString("k", { default: "", doc: "" });
  accepts(property, [
    ["", ""],
    ["fs::root=/a;atomic_write_dir=/b;", "fs::root=/a;atomic_write_dir=/b;"],
    ["s3::bucket=b;secret_access_key=a=b#!==", "s3::bucket=b;secret_access_key=a=b#!=="],
  ]);
  refuses(property, ["s3", "s3:bucket=b", "::a=b", "s3::bucket", "s3::a=b;=c", "S3::a=b"]);
  assert(property.isSecret);
});

Deno.test("editDistance counts insertions, deletions, replacements and swaps", () => {
  for (
    const [a, b, expected] of [
      ["", "", 0],
      ["abc", "abc", 0],
      ["abc", "", 3],
      ["abc", "abxc", 1],
      ["abc", "ab", 1],
      ["abc", "axc", 1],
      ["abc", "acb", 1],
      ["kitten", "sitting", 3],
    ] as const
  ) {
    assertEquals(editDistance(a, b), expected, `${a} ${b}`);
    assertEquals(editDistance(b, a), expected, `${b} ${a}`);
  }
});

Deno.test("nearestKey finds the mistyped key and does not guess wildly", () => {
  assertEquals(nearestKey("http.net.bind.too", QUESTDB_KEYS), "http.net.bind.to");
  assertEquals(nearestKey("cairo.comit.mode", QUESTDB_KEYS), "cairo.commit.mode");
  assertEquals(nearestKey("backup.object.sotre", QUESTDB_KEYS), "backup.object.store");
  assertEquals(nearestKey("my.own.thing.altogether", QUESTDB_KEYS), null);
  assertEquals(nearestKey("x".repeat(100_000), QUESTDB_KEYS), null);
});

/** Keys of things that QuestDB does not have. */
const OWN_KEYS = new Set(["backup.max.bytes.per.second"]);

Deno.test("PROPERTIES has unique keys, and its defaults are values of their own kind", () => {
  const host = { installRoot: "/data/root", cpuCount: 4 };
  const keys = new Set<string>();
  for (const section of Object.values(PROPERTIES)) {
    for (const property of Object.values(section) as Property<unknown>[]) {
      for (const key of [property.key, ...property.aliases]) {
        assert(!keys.has(key), `${key} stands once`);
        keys.add(key);
        assert(
          QUESTDB_KEYS.has(key) || OWN_KEYS.has(key),
          `${key} is spelled as QuestDB spells it`,
        );
      }
      const value = property.defaultValue(host);
      assertEquals(property.parse(property.format(value)), value, property.key);
      assert(/^[A-Z].*\.$/s.test(property.doc), `${property.key} is documented in sentences`);
    }
  }
});
