/**
 * Names that come from a store are not trusted: before one touches a file system or a key it passes here.
 *
 * A component is non-empty, not `.` or `..`, at most {@linkcode COMPONENT_BYTES_MAX} bytes of UTF-8, and without `/`, `\`
 * and NUL. A path is relative: components joined by `/`. Other control characters pass: QuestDB allows some in names.
 *
 * @module
 */
import { RestoreError } from "../common/mod.ts";

/** Longest file or directory name. */
export const COMPONENT_BYTES_MAX = 255;
/** Most components of a path below a table directory: `wal1/0/column.d` has three. */
export const PATH_COMPONENTS_MAX = 4;

/** Names in the database root that are not tables; a manifest that uses one as a table directory is refused. */
const RESERVED =
  /^(\..*|~.*|tables\.d.*|_tab_index\.d|_upgrade\.d|_preferences~store|_backup_instance\..*)$/i;

function reasonAgainst(component: string): string | null {
  if (component === "") return "empty name";
  if (component === "." || component === "..") return "dot name";
  if (new TextEncoder().encode(component).length > COMPONENT_BYTES_MAX) return "name too long";
  for (const character of component) {
    const code = character.codePointAt(0)!;
    if (character === "/" || character === "\\") return "separator in name";
    if (code === 0) return "NUL in name";
    if (code >= 0xd800 && code <= 0xdfff) return "unpaired surrogate in name";
  }
  return null;
}

/**
 * Checks one file or directory name.
 *
 * @throws {RestoreError} naming the object the name came from.
 */
export function checkComponent(component: unknown, source: string): string {
  const reason = typeof component === "string" ? reasonAgainst(component) : "not a text";
  if (reason !== null) {
    throw new RestoreError(`unsafe path in manifest: ${reason}`, {
      path: printable(component),
      manifest: source,
    });
  }
  return component as string;
}

/** Checks a relative path. @throws {RestoreError} naming the object it came from. */
export function checkRelativePath(path: unknown, source: string): string {
  if (typeof path === "string") {
    const components = path.split("/");
    if (components.length <= PATH_COMPONENTS_MAX) {
      for (const component of components) checkComponent(component, source);
      return path;
    }
  }
  throw new RestoreError("unsafe path in manifest: not a relative path", {
    path: printable(path),
    manifest: source,
  });
}

/** Checks the name of a table directory. @throws {RestoreError} naming the object it came from. */
export function checkTableDirectory(name: unknown, source: string): string {
  const checked = checkComponent(name, source);
  if (RESERVED.test(checked)) {
    throw new RestoreError("unsafe path in manifest: reserved name", {
      path: printable(checked),
      manifest: source,
    });
  }
  return checked;
}

function printable(value: unknown): string {
  const text = typeof value === "string" ? value : String(value);
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);
}
