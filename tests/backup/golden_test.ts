/**
 * A backup of format 1, made once and never rewritten: every later version must restore it.
 */
import { RealFileSystem } from "../../src/platform/mod.ts";
import { assertEquals } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { openStore, restore, restoredRows } from "./test_database.ts";

const GOLDEN = new URL("../golden/backup_format_1/", import.meta.url).pathname;

function copyTree(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory } of new RealFileSystem().readDir(from)) {
    if (isDirectory) copyTree(`${from}/${name}`, `${to}/${name}`);
    else Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Rows as JSON text: 64-bit integers as text, doubles by their bits. */
function jsonOf(rows: Record<string, object[]>): unknown {
  return JSON.parse(JSON.stringify(rows, (_, value) => {
    if (typeof value === "bigint") return String(value);
    if (typeof value === "number" && !Number.isInteger(value)) return `f${value}`;
    return Object.is(value, -0) ? "f-0" : value;
  }));
}

Deno.test("a backup of format 1 restores to its rows, at both of its points in time", async () => {
  using directory = new TempDir();
  copyTree(`${GOLDEN}store`, `${directory.path}/store`);
  const expected = JSON.parse(Deno.readTextFileSync(`${GOLDEN}rows.json`));
  for (const [name, moment] of Object.entries<{ timestamp: string; rows: unknown }>(expected)) {
    await restore(`${directory.path}/${name}`, openStore(directory.path), {
      lines: [`backup.restore.timestamp=${moment.timestamp}`],
    });
    assertEquals(jsonOf(restoredRows(`${directory.path}/${name}`)), moment.rows);
  }
});
