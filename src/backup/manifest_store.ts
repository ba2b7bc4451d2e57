/**
 * Manifests in a store: finding, reading with every check, writing.
 *
 * @module
 */
import { zstdDecompressSync } from "node:zlib";
import { RestoreError } from "../common/mod.ts";
import type { ObjectStore } from "../objectstore/mod.ts";
import type { WasmCore } from "../wasm/mod.ts";
import { hashHex } from "./content_hash.ts";
import type { InstanceKeys } from "./object_keys.ts";
import { decodeRootManifest, type ManifestReference, type RootManifest } from "./root_manifest.ts";
import { TableManifest } from "./table_manifest.ts";
import { isWholeFrame } from "./zstd_frame.ts";

/** Largest manifest object that is fetched. */
export const MANIFEST_STORED_BYTES_MAX = 268_435_456;
/** Largest table manifest text that is accepted after decompression; a text of JSON cannot be longer here. */
export const MANIFEST_BYTES_MAX = 536_870_888;
/** Largest root manifest text. */
export const ROOT_MANIFEST_BYTES_MAX = 67_108_864;

/** What reading manifests needs. */
export interface ManifestContext {
  readonly store: ObjectStore;
  readonly core: WasmCore;
  readonly productVersion: string;
}

/** Timestamps of the backups of an instance, ascending. */
export async function listBackups(store: ObjectStore, keys: InstanceKeys): Promise<bigint[]> {
  const timestamps: bigint[] = [];
  for await (const page of store.list(keys.manifests)) {
    for (const { key } of page) {
      const timestamp = keys.manifestTimestamp(key);
      if (timestamp !== null) timestamps.push(timestamp);
    }
  }
  // Not every store lists in order.
  return timestamps.sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
}

/** Reads a root manifest. @throws {RestoreError} naming the object if it is damaged or not readable by this version. */
export async function readRootManifest(
  context: ManifestContext,
  key: string,
): Promise<RootManifest> {
  const bytes = await context.store.get(key, { maxBytes: MANIFEST_STORED_BYTES_MAX });
  return decodeRootManifest(decompress(bytes, key, ROOT_MANIFEST_BYTES_MAX), {
    source: key,
    productVersion: context.productVersion,
    hash: (text) => hashHex(context.core, text),
  });
}

/** Reads a table manifest and checks that it is the one that the root manifest names. @throws {RestoreError} */
export async function readTableManifest(
  context: ManifestContext,
  reference: ManifestReference,
): Promise<TableManifest> {
  const { key, blake3, bytes: size } = reference;
  if (size > MANIFEST_STORED_BYTES_MAX) {
    throw new RestoreError("manifest is too large", { manifest: key, bytes: size });
  }
  const bytes = await context.store.get(key, { maxBytes: size });
  const actual = hashHex(context.core, bytes);
  if (actual !== blake3) {
    throw new RestoreError("hash mismatch", { path: key, expected: blake3, actual });
  }
  return TableManifest.decode(decompress(bytes, key, MANIFEST_BYTES_MAX), key);
}

function decompress(bytes: Uint8Array, source: string, maxOutputLength: number): Uint8Array {
  if (!isWholeFrame(bytes)) {
    throw new RestoreError("manifest is damaged or cut short", {
      manifest: source,
      bytes: bytes.length,
    });
  }
  try {
    return zstdDecompressSync(bytes, { maxOutputLength });
  } catch (error) {
    throw new RestoreError("manifest cannot be decompressed", { manifest: source }, {
      cause: error,
    });
  }
}
