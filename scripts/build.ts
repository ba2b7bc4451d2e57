/**
 * Builds `build/core.wasm` from `core-wasm/` if it is missing or its sources changed. A failed build leaves the old file.
 *
 * @module
 */
import { createHash } from "node:crypto";

const ROOT = new URL("..", import.meta.url).pathname;
const OUTPUT = `${ROOT}build/core.wasm`;
const STAMP = `${ROOT}build/core.wasm.stamp`;

function sourceFiles(directory: string): string[] {
  const files: string[] = [];
  for (const entry of Deno.readDirSync(directory)) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory) files.push(...sourceFiles(path));
    else if (entry.name.endsWith(".ts")) files.push(path);
  }
  return files.sort();
}

function fingerprint(): string {
  const hash = createHash("sha256");
  for (const path of [...sourceFiles(`${ROOT}core-wasm`), `${ROOT}asc.json`, `${ROOT}deno.lock`]) {
    hash.update(path.slice(ROOT.length)).update("\0").update(Deno.readFileSync(path));
  }
  return hash.digest("hex");
}

function readText(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Builds the core if it is stale. @returns `true` if it was built. @throws {Error} if the compiler fails. */
export async function buildCore(): Promise<boolean> {
  const wanted = fingerprint();
  if (readText(STAMP) === wanted && readText(OUTPUT) !== null) return false;
  Deno.mkdirSync(`${ROOT}build`, { recursive: true });
  const temporary = `${OUTPUT}.${Deno.pid}.tmp`;
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "npm:assemblyscript/asc",
      "--config",
      "asc.json",
      "--target",
      "release",
      "--outFile",
      temporary,
    ],
    cwd: ROOT,
    stdout: "inherit",
    stderr: "inherit",
  });
  const { success } = await command.output();
  if (!success) {
    throw new Error(
      "Cannot build the wasm core: the AssemblyScript compiler failed, see its messages above",
    );
  }
  Deno.renameSync(temporary, OUTPUT);
  Deno.writeTextFileSync(STAMP, wanted);
  return true;
}

if (import.meta.main) {
  const isBuilt = await buildCore();
  if (isBuilt) console.log("built build/core.wasm");
}
