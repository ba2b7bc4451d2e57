/**
 * What a backup reads: files of a pinned table, up to their committed length, some with a few bytes replaced, and files
 * that exist only in memory. Plain data, so that it can be sent to a worker.
 *
 * @module
 */
import { BackupError } from "../common/mod.ts";
import { type FileSystem, readFile } from "../platform/mod.ts";

/** Bytes that replace those of a file from a position on. */
export interface Overlay {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** A file to store whole, outside any partition. */
export interface SourceFile {
  /** Path below the table directory, as it is restored. */
  readonly path: string;
  /** Bytes to store. */
  readonly bytes: number;
  /** Where to read, or `null` if `content` has it all. */
  readonly file: string | null;
  readonly content: Uint8Array | null;
  /** Applied to what was read. */
  readonly overlays: readonly Overlay[];
  /** Bytes that change more often than the rest, at the front; cut apart so that the rest can be reused. */
  readonly headerBytes: number;
}

/** Largest file that is read whole on the main isolate. */
const INLINE_BYTES_MAX = 16_777_216;

/** A source that exists in memory. */
export function inlineSource(path: string, content: Uint8Array): SourceFile {
  return { path, bytes: content.byteLength, file: null, content, overlays: [], headerBytes: 0 };
}

/** A source that is read from a file later. @param from `file`: absolute path; `bytes`: how much of it. */
export function fileSource(
  path: string,
  from: { readonly file: string; readonly bytes: number },
  options: { readonly overlays?: readonly Overlay[]; readonly headerBytes?: number } = {},
): SourceFile {
  return {
    path,
    ...from,
    content: null,
    overlays: options.overlays ?? [],
    headerBytes: options.headerBytes ?? 0,
  };
}

/** A source with the file's content as of now; for small files that may change while the backup runs. */
export function snapshotSource(fs: FileSystem, path: string, file: string): SourceFile {
  return inlineSource(path, readFile(fs, file, INLINE_BYTES_MAX));
}

/**
 * Reads exactly a range of a file.
 *
 * @throws {BackupError} naming the file if it is shorter.
 */
export function readExactly(
  fs: FileSystem,
  file: string,
  range: { readonly position: number; readonly bytes: number },
): Uint8Array<ArrayBuffer> {
  using handle = fs.open(file, "read");
  const buffer = new Uint8Array(range.bytes);
  const count = handle.read(buffer, range.position);
  if (count !== range.bytes) {
    throw new BackupError("file is shorter than its committed length", {
      file,
      expected: range.position + range.bytes,
      actual: range.position + count,
    });
  }
  return buffer;
}
