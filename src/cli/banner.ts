/**
 * What the server shows once it is ready.
 *
 * @module
 */
import type { RunningServer } from "./server.ts";
import { QUESTDB_VERSION, VERSION } from "./version.ts";

const NAME_WIDTH = 9;

/** The banner of a running server; holds no secrets. */
export function banner(server: Omit<RunningServer, typeof Symbol.asyncDispose>): string {
  const line = (name: string, value: string) => `  ${name.padEnd(NAME_WIDTH)}${value}\n`;
  return `\nTidemark ${VERSION}, compatible with QuestDB ${QUESTDB_VERSION}\n` +
    line("root", server.installRoot) +
    server.urls.map(({ name, url }) => line(name, url)).join("") +
    line("backups", server.backupStore ?? "off") +
    "Ready. Ctrl-C stops the server.\n\n";
}
