import { createHash } from "node:crypto";
import { RestoreError } from "../../src/common/mod.ts";
import {
  BACKUP_FORMAT,
  FileKind,
  type StoredFile,
  TableManifest,
  TableManifestBuilder,
} from "../../src/backup/table_manifest.ts";
import {
  decodeRootManifest,
  encodeRootManifest,
  type RootManifest,
} from "../../src/backup/root_manifest.ts";
import { assert, assertEquals, assertThrows } from "../support/assert.ts";

const PACK_A = "a".repeat(64), PACK_B = "b".repeat(64);
const PACKS = new Map([[PACK_A, 1000], [PACK_B, 2000]]);

function slice(rowLo: number, rowHi: number, raw: number, pack = PACK_A) {
  const blake3 = String(rowLo).padStart(43, "x");
  return { rowLo, rowHi, pack, offset: 8 + rowLo, stored: 10, raw, codec: "zstd", blake3 };
}

const TABLE_FILE: StoredFile = {
  path: "_meta",
  kind: FileKind.RAW,
  top: 0,
  bytes: 30,
  slices: [slice(0, 10, 10), slice(10, 30, 20)],
};
const COLUMN_FILE: StoredFile = {
  path: "price.d.3",
  kind: FileKind.FIXED,
  top: 5,
  bytes: 64,
  slices: [slice(5, 13, 64, PACK_B)],
};
const EMPTY_FILE: StoredFile = { path: "x.d", kind: FileKind.HEAP, top: 0, bytes: 0, slices: [] };
const PARTITION = {
  timestamp: -86_400_000_000n,
  nameTxn: -1,
  rows: 13,
  squashCount: 0,
  format: "native",
};

function builtManifest(): Uint8Array {
  const builder = new TableManifestBuilder({ directory: "t~1", tableId: 1, truncateVersion: 2 });
  builder.addFiles([TABLE_FILE], PACKS);
  builder.addPartition(PARTITION, [COLUMN_FILE, EMPTY_FILE], PACKS);
  assertEquals(builder.rawBytes, 94);
  assertEquals(builder.storedBytes, 30);
  return builder.encode();
}

Deno.test("TableManifest gives back what was built", () => {
  const manifest = TableManifest.decode(builtManifest(), "key");
  assertEquals(manifest.header, { directory: "t~1", tableId: 1, truncateVersion: 2 });
  assertEquals(manifest.tableFiles(), [TABLE_FILE]);
  assertEquals(manifest.partitions, [PARTITION]);
  assertEquals(manifest.partitionFiles(0), [COLUMN_FILE, EMPTY_FILE]);
  assertEquals(manifest.packBytes(), PACKS);
  assertEquals(manifest.rawBytes, 94);
});

// deno-lint-ignore no-explicit-any -- the tests break JSON in every way
type AnyJson = any;

const DAMAGE: [string, (json: AnyJson) => void, string][] = [
  ["future format", (json) => json.format = BACKUP_FORMAT + 1, "cannot read"],
  ["missing group", (json) => delete json.slices, "group"],
  ["unequal arrays", (json) => json.files.kind.push(0), "another length"],
  ["gap in rows", (json) => json.slices.row_lo[1] = 11, "gap"],
  ["length that does not add up", (json) => json.files.bytes[0] = 31, "add up"],
  ["huge raw length", (json) => json.slices.raw[0] = 2 ** 40, "out of range"],
  ["huge file length", (json) => json.files.bytes[0] = 2 ** 60, "out of range"],
  ["negative offset", (json) => json.slices.offset[0] = -1, "out of range"],
  ["fraction", (json) => json.slices.offset[0] = 1.5, "out of range"],
  ["text for a number", (json) => json.slices.offset[0] = "8", "out of range"],
  ["slice behind its pack", (json) => json.slices.offset[0] = 995, "behind its pack"],
  ["unknown pack index", (json) => json.slices.pack[0] = 7, "out of range"],
  ["pack name with a path", (json) => json.packs.hash[0] = "../../etc/passwd", "pack names"],
  ["unknown kind", (json) => json.files.kind[0] = 99, "out of range"],
  ["short hashes", (json) => json.slices.blake3 = json.slices.blake3.slice(1), "hashes"],
  ["slice counts", (json) => json.files.slice_count[0] = 1, "add up"],
  ["file counts", (json) => json.partitions.file_count[0] = 9, "more partition files"],
  ["partition timestamp", (json) => json.partitions.timestamp[0] = "1e9", "timestamp"],
  ["partition format", (json) => json.partitions.format[0] = "zip", "format"],
  ["names", (json) => json.names[0] = 5, "names"],
];

for (const [name, damage, message] of DAMAGE) {
  Deno.test(`TableManifest refuses ${name}`, () => {
    const json = JSON.parse(new TextDecoder().decode(builtManifest()));
    damage(json);
    const bytes = new TextEncoder().encode(JSON.stringify(json));
    const error = assertThrows(
      () => TableManifest.decode(bytes, "tables/t~1/x"),
      RestoreError,
      message,
    );
    assert(error.message.includes("tables/t~1/x"), error.message);
  });
}

Deno.test("TableManifest refuses any truncation of its text", () => {
  const bytes = builtManifest();
  for (let length = 0; length < bytes.length; length += 7) {
    assertThrows(() => TableManifest.decode(bytes.subarray(0, length), "key"), RestoreError, "key");
  }
});

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const REFERENCE = { key: `backup/a-b-c/tables/t~1/${PACK_A}.json.zst`, blake3: PACK_A, bytes: 5 };
const ROOT: RootManifest = {
  format: 1,
  min_reader: 1,
  features_required: [],
  features_optional: ["later"],
  product_version: "0.1.0",
  data_id: "01234567-89ab-cdef-0123-456789abcdef",
  instance: "calm-lake-otter",
  timestamp: "2024-08-24T12:34:56.789123Z",
  started_at: "2024-08-24T12:34:56.789123Z",
  finished_at: "2024-08-24T12:34:57.789123Z",
  compression: { codec: "zstd", level: 5 },
  partition_hashes: false,
  registry: [{ name: "t", dir: "t~1", id: 1, type: 1 }],
  tables: [{
    name: "t",
    dir: "t~1",
    id: 1,
    type: 1,
    partition_by: 0,
    txn: 3,
    seq_txn: 3,
    last_txn: 4,
    structure_version: "0",
    rows: 13,
    raw_bytes: 94,
    stored_bytes: 30,
    manifest: REFERENCE,
  }],
  files: REFERENCE,
  stats: { bytes_read: 1, bytes_uploaded: 2, bytes_reused: 3, objects_uploaded: 4 },
};
const context = { source: "manifests/x", productVersion: "0.2.7", hash };

function resealed(change: (json: AnyJson) => void): Uint8Array {
  const json = structuredClone(ROOT) as AnyJson;
  change(json);
  return encodeRootManifest(json, hash);
}

Deno.test("decodeRootManifest gives back what was encoded and ignores optional features", () => {
  const manifest = decodeRootManifest(encodeRootManifest(ROOT, hash), context);
  assertEquals(manifest.tables, ROOT.tables);
  assertEquals(manifest.stats, ROOT.stats);
});

Deno.test("decodeRootManifest refuses any changed byte", () => {
  const bytes = encodeRootManifest(ROOT, hash);
  for (let i = 0; i < bytes.length; i++) {
    const changed = bytes.slice();
    changed[i] ^= 1;
    assertThrows(() => decodeRootManifest(changed, context), RestoreError);
  }
});

const ROOT_DAMAGE: [string, (json: AnyJson) => void, string][] = [
  ["a newer reader", (json) => json.min_reader = 2, "cannot read"],
  ["another major version", (json) => json.product_version = "1.0.0", "another major version"],
  ["a required feature", (json) => json.features_required = ["rot13"], "feature=rot13"],
  ["a directory that climbs", (json) => json.tables[0].dir = "../../etc", "unsafe path"],
  ["an absolute directory", (json) => json.tables[0].dir = "/etc", "unsafe path"],
  ["a reserved directory", (json) => json.tables[0].dir = ".restore", "unsafe path"],
  ["the data id as a table", (json) => json.tables[0].dir = ".data_id", "unsafe path"],
  ["a registry as a table", (json) => json.tables[0].dir = "tables.d.0", "unsafe path"],
  ["a directory named twice", (json) => json.tables.push(json.tables[0]), "twice"],
  ["a NUL", (json) => json.tables[0].dir = "a\0b", "NUL"],
  ["a number that is none", (json) => json.tables[0].rows = -1, "rows"],
  ["a reference elsewhere", (json) => json.tables[0].manifest.key = "secret", "reference"],
  ["no data id", (json) => json.data_id = "", "data_id"],
];

for (const [name, damage, message] of ROOT_DAMAGE) {
  Deno.test(`decodeRootManifest refuses ${name}`, () => {
    assertThrows(() => decodeRootManifest(resealed(damage), context), RestoreError, message);
  });
}
