/**
 * Rules on any text file: sizes, machine paths, registry hosts, notes to self.
 *
 * @module
 */
import type { SourceText, Violation } from "./rule.ts";

/** Lines after which a source file should be split. */
export const FILE_LINES_SOFT = 400;
/** Lines after which a source file has to be split. */
export const FILE_LINES_HARD = 700;

// The patterns are put together from parts, so that this file passes its own rules.
const MACHINE_PATH = new RegExp(`(?<![\\w}\\])$.*-])/(${["work", "root", "home"].join("|")})/`);
const REGISTRY_HOST = new RegExp(
  [
    ["registry", "npmjs"],
    ["registry", "yarnpkg"],
    ["jsr", "io"],
    ["npm", "jsr"],
    ["deno", "land"],
    ["esm", "sh"],
    ["repo1", "maven"],
    ["repo", "maven"],
    ["files", "pythonhosted"],
    ["deb", "debian"],
  ].map((parts) => parts.join("\\.")).join("|"),
);
const LEFTOVER = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X".repeat(3)].join("|")})\\b`);

function matches(
  source: SourceText,
  { rule, pattern, what }: { rule: string; pattern: RegExp; what: string },
): Violation[] {
  const found: Violation[] = [];
  source.text.split("\n").forEach((line, index) => {
    const match = pattern.exec(line);
    if (match === null) return;
    found.push({
      rule,
      file: source.path,
      line: index + 1,
      message: `${what}: ${match[0].trim()}`,
    });
  });
  return found;
}

/** No path of the machine it was written on. */
export function checkMachinePaths(source: SourceText): Violation[] {
  return matches(source, {
    rule: "machine-path",
    pattern: MACHINE_PATH,
    what: "a path of some machine",
  });
}

/** No package registry by name: clients know their registries. */
export function checkRegistryHosts(source: SourceText): Violation[] {
  return matches(source, {
    rule: "registry-host",
    pattern: REGISTRY_HOST,
    what: "the host name of a registry",
  });
}

/** No notes to self: what is to be done is an issue. */
export function checkLeftovers(source: SourceText): Violation[] {
  return matches(source, { rule: "leftover", pattern: LEFTOVER, what: "a note to self" });
}

/** Files keep to one idea. Over the soft limit is advice, over the hard one a violation. */
export function checkFileSize(source: SourceText): Violation[] {
  const count = source.text.trimEnd().split("\n").length;
  if (count <= FILE_LINES_SOFT) return [];
  const isHard = count > FILE_LINES_HARD;
  const limit = isHard ? FILE_LINES_HARD : FILE_LINES_SOFT;
  return [{
    rule: "file-size",
    file: source.path,
    line: count,
    message: `${count} lines, limit ${limit}`,
    isAdvice: !isHard,
  }];
}
