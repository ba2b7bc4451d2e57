/**
 * Replacing a small file atomically: write a sibling, fsync it, rename over the target, fsync the directory.
 * After a crash the target is either the old or the new content, never a mix.
 *
 * @module
 */
import { type FileSystem, parentPath } from "./file_system.ts";

/** Replaces `path` with `bytes`, durably, or leaves it as it was. A stale `.tmp` sibling of an earlier crash is replaced. */
export function writeFileAtomic(fs: FileSystem, path: string, bytes: Uint8Array): void {
  const temporary = `${path}.tmp`;
  if (fs.stat(temporary) !== null) fs.remove(temporary);
  using file = fs.open(temporary, "createNew");
  file.write(bytes, 0);
  file.sync();
  fs.rename(temporary, path);
  fs.syncDir(parentPath(path));
}
