/**
 * Reading small files whole or in part, untrusted: lengths are checked before memory is taken.
 *
 * @module
 */
import { StorageError } from "../common/mod.ts";
import { type FileHandle, type FileSystem, type OpenMode, readFile } from "../platform/mod.ts";
import { ByteReader } from "./binary.ts";

/** Attempts to read a file whose version changes while it is read. */
const STABLE_READ_ATTEMPTS = 100;
const VERSION_BYTES = 8;
/** Longest prefix that is read in one go. */
const PREFIX_BYTES_MAX = 2 ** 31 - 1;

/** Reads a small file whole. @throws {StorageError} if it is missing or over the limit. */
export function readStorageFile(fs: FileSystem, path: string, maxBytes: number): ByteReader {
  try {
    return new ByteReader(path, readFile(fs, path, maxBytes));
  } catch (error) {
    if (error instanceof RangeError) {
      throw new StorageError(path, "file is too large", { limit: maxBytes }, { cause: error });
    }
    throw orStorageError(path, error);
  }
}

/** Reads the first `byteSize` bytes of a file. @throws {StorageError} if it is missing or shorter. */
export function readStoragePrefix(fs: FileSystem, path: string, byteSize: number): ByteReader {
  using file = openStorageFile(fs, path);
  const length = file.size();
  if (length < byteSize) {
    throw new StorageError(path, "file is too short", { size: byteSize, length });
  }
  if (byteSize > PREFIX_BYTES_MAX) {
    throw new StorageError(path, "file is too large", { size: byteSize, limit: PREFIX_BYTES_MAX });
  }
  const bytes = new Uint8Array(byteSize);
  file.read(bytes, 0);
  return new ByteReader(path, bytes);
}

/**
 * Reads a file that is committed to by storing a version at offset 0, while that may happen: the bytes belong to one version or
 * to the one that is being written next, never to two that were committed.
 *
 * @throws {StorageError} if the file is missing, over the limit, or never stands still.
 */
export function readVersionedFile(fs: FileSystem, path: string, maxBytes: number): ByteReader {
  for (let attempt = 0; attempt < STABLE_READ_ATTEMPTS; attempt++) {
    const reader = readStorageFile(fs, path, maxBytes);
    if (reader.length < VERSION_BYTES) return reader; // refused by whoever decodes it
    const again = readStoragePrefix(fs, path, VERSION_BYTES);
    if (again.i64(0) === reader.i64(0)) return reader;
  }
  throw new StorageError(path, "file changes too often to be read");
}

/** Opens a file. @throws {StorageError} if it does not exist. */
export function openStorageFile(
  fs: FileSystem,
  path: string,
  mode: OpenMode = "read",
): FileHandle {
  try {
    return fs.open(path, mode);
  } catch (error) {
    throw orStorageError(path, error);
  }
}

/**
 * Makes a file. Whatever has its name is un-linked first: it may be a second name of a file that is in use, left by an operation that
 * a crash cut off.
 */
export function createFreshFile(fs: FileSystem, path: string): FileHandle {
  try {
    return fs.open(path, "createNew");
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    fs.remove(path);
    return fs.open(path, "createNew");
  }
}

function orStorageError(path: string, error: unknown): unknown {
  return error instanceof Deno.errors.NotFound
    ? new StorageError(path, "file does not exist", {}, { cause: error })
    : error;
}
