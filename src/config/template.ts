/**
 * Texts made from the property table: the `server.conf` of a new root and the table of `docs/configuration.md`.
 *
 * @module
 */
import { type FileSystem, parentPath, writeFileAtomic } from "../platform/mod.ts";
import { propertiesOf } from "./load_configuration.ts";
import type { Property } from "./property.ts";
import type { PropertyTable } from "./property_table.ts";
import { confPath } from "./sources.ts";

const LINE_CHARS_MAX = 100;
const HEADER = [
  "Configuration of this server, in the format of Java properties. Every line is commented out and shows the default.",
  "A value can also come from the environment (QDB_ and the key in upper case, _ for .) or from --set KEY=VALUE on the " +
  "command line; both win over this file. Secrets can come from files: QDB_KEY_FILE, or KEY.file here.",
  "A comment needs a line of its own.",
];

/** The text of a new `server.conf`: every property of the table, commented out, with its default and what it does. */
export function serverConfTemplate(table: PropertyTable): string {
  const lines = HEADER.flatMap((paragraph) => commentLines(paragraph));
  for (const property of propertiesOf(table)) {
    lines.push("", ...commentLines(describe(property)), `#${property.key}=${property.defaultText}`);
  }
  return lines.join("\n") + "\n";
}

/** Writes `conf/server.conf` below the root unless there is one. @returns `true` if it was written. */
export function writeServerConf(
  fs: FileSystem,
  installRoot: string,
  table: PropertyTable,
): boolean {
  const path = confPath(installRoot);
  if (fs.stat(path) !== null) return false;
  fs.mkdir(parentPath(path));
  writeFileAtomic(fs, path, new TextEncoder().encode(serverConfTemplate(table)));
  fs.syncDir(installRoot);
  return true;
}

/** The properties as a Markdown table. */
export function propertyTableMarkdown(table: PropertyTable): string {
  const cell = (value: string) => value === "" ? "" : `\`${value.replaceAll("|", "\\|")}\``;
  const rows = propertiesOf(table).map((property) => {
    const traits = [
      property.kind,
      ...property.isReloadable ? ["reloadable"] : [],
      ...property.isSecret ? ["secret"] : [],
    ].join(", ");
    const description = describe(property).replaceAll("|", "\\|");
    return `| ${cell(property.key)} | ${cell(property.defaultText)} | ${traits} | ${description} |`;
  });
  return ["| key | default | kind | |", "|---|---|---|---|", ...rows].join("\n") + "\n";
}

function describe<T>(property: Property<T>): string {
  const aliases = property.aliases.length === 0 ? "" : ` Also ${property.aliases.join(", ")}.`;
  return property.doc + aliases;
}

function commentLines(paragraph: string): string[] {
  const lines: string[] = [];
  let line = "#";
  for (const word of paragraph.split(" ")) {
    if (line.length + 1 + word.length > LINE_CHARS_MAX) {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
