/**
 * Builds the single executable `build/tidemark`.
 *
 * 1. `deno bundle` makes a directory: one JavaScript file of the program, the worker and the wasm core, and files beside it
 *    for what is loaded on demand, so that a start does not read them.
 * 2. `deno compile` turns it into a native executable, from an empty directory, so that nothing else is embedded. It needs
 *    Deno's `denort` runtime: downloaded by Deno, or given as `DENORT_BIN`.
 * 3. Where that runtime cannot be had, the same bundle is written as a self-extracting file, and the script says so:
 *
 * ```
 * POSIX sh header        fixed text; knows the byte counts below and the content hash
 * bundle                 JavaScript files, tar
 * deno executable        gzip
 * ```
 * On first start it unpacks into a cache directory named by the content hash, under a lock, and executes from there.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { buildCore } from "./build.ts";
import { V8_FLAGS } from "./server_process.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const BUILD = `${ROOT}build`;
const BUNDLE = `${BUILD}/bundle`;
/** The file of the bundle that is the program; the others are clients of object stores, loaded when one is used. */
const ENTRY = "main.js";
const EXECUTABLE = `${BUILD}/tidemark`;
/** How long `deno compile` may try to get its runtime. */
const COMPILE_TIMEOUT_MILLIS = 120_000;

/** Longest cause that is printed. */
const CAUSE_CHARS_MAX = 200;

/** How the executable was made. */
export type CompileMethod = "deno compile" | "self-extracting";

async function run(args: string[], cwd: string): Promise<{ success: boolean; output: string }> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(COMPILE_TIMEOUT_MILLIS),
  }).output();
  const decoder = new TextDecoder();
  return { success, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Bundles the program. @returns the directory. @throws {Error} if bundling fails. */
export async function bundle(): Promise<string> {
  await buildCore();
  await Deno.mkdir(BUNDLE, { recursive: true });
  await Deno.remove(BUNDLE, { recursive: true }); // files of an earlier bundle
  const { success, output } = await run(
    [
      "bundle",
      "--quiet",
      "--unstable-raw-imports",
      "--code-splitting",
      "--outdir",
      BUNDLE,
      "src/main.ts",
    ],
    ROOT,
  );
  if (!success) throw new Error(`Cannot bundle src/main.ts:\n${output}`);
  return BUNDLE;
}

/** The cause that a failed run names, in one line without terminal colours. */
function firstError(output: string): string {
  // deno-lint-ignore no-control-regex -- the colours are control characters
  const lines = output.replace(/\x1b\[[0-9;]*m/g, "").split("\n").map((line) => line.trim());
  const cause = lines.find((line) => /^1: /.test(line))?.slice(3) ??
    lines.find((line) => line.startsWith("error"));
  return (cause ?? "no message").slice(0, CAUSE_CHARS_MAX);
}

/** Tries `deno compile`. @returns what kept it from working, or `null` if it worked. */
async function compileNative(bundlePath: string): Promise<string | null> {
  const directory = await Deno.makeTempDir({ prefix: "tidemark-compile-" });
  try {
    for (const { name } of Deno.readDirSync(bundlePath)) {
      await Deno.copyFile(`${bundlePath}/${name}`, `${directory}/${name}`);
    }
    const { success, output } = await run(
      [
        "compile",
        "-A",
        V8_FLAGS,
        "--unstable-no-legacy-abort",
        "--no-config",
        "--no-npm",
        "--no-check",
        "--output",
        "tidemark",
        ENTRY,
      ],
      directory,
    );
    if (!success) return firstError(output);
    await Deno.copyFile(`${directory}/tidemark`, `${EXECUTABLE}.tmp`);
    await Deno.chmod(`${EXECUTABLE}.tmp`, 0o755);
    await Deno.rename(`${EXECUTABLE}.tmp`, EXECUTABLE);
    return null;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function header(
  facts: { id: string; headerBytes: string; bundleBytes: number; runtimeBytes: number },
): string {
  return `#!/bin/sh
# Tidemark, self-extracting. Unpacks once into a cache directory, then runs from there.
set -eu
id=${facts.id}
cache=\${TIDEMARK_CACHE:-\${XDG_CACHE_HOME:-\${HOME:-/tmp}/.cache}/tidemark}
dir=$cache/$id
if [ ! -f "$dir/complete" ]; then
  mkdir -p "$cache"
  while ! mkdir "$dir.lock" 2>/dev/null; do
    [ -f "$dir/complete" ] && break
    owner=$(cat "$dir.lock/pid" 2>/dev/null || echo "")
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then rm -rf "$dir.lock"; else sleep 0.1; fi
  done
  if [ ! -f "$dir/complete" ]; then
    echo $$ > "$dir.lock/pid"
    rm -rf "$dir"
    mkdir -p "$dir"
    tail -c +$((${facts.headerBytes} + 1)) "$0" | head -c ${facts.bundleBytes} > "$dir/bundle.tar"
    tail -c +$((${facts.headerBytes} + ${facts.bundleBytes} + 1)) "$0" | gzip -dc > "$dir/deno"
    if [ "$(wc -c < "$dir/bundle.tar")" -ne ${facts.bundleBytes} ] || [ "$(wc -c < "$dir/deno")" -ne ${facts.runtimeBytes} ]; then
      echo "tidemark: cannot unpack into $dir: is the disk full? Set TIDEMARK_CACHE to another directory." >&2
      rm -rf "$dir" "$dir.lock"
      exit 1
    fi
    tar -xf "$dir/bundle.tar" -C "$dir"
    rm "$dir/bundle.tar"
    chmod 755 "$dir/deno"
    : > "$dir/complete"
    rm -rf "$dir.lock"
  fi
fi
DENO_DIR=$dir/cache DENO_NO_UPDATE_CHECK=1
export DENO_DIR DENO_NO_UPDATE_CHECK
exec "$dir/deno" run -A ${V8_FLAGS} --quiet --no-config --no-prompt --unstable-no-legacy-abort "$dir/${ENTRY}" "$@"
exit 1
`;
}

/** Writes the self-extracting executable from a bundle and the running Deno. */
async function writeSelfExtracting(bundlePath: string): Promise<void> {
  const { success, stdout: program } = await new Deno.Command("tar", {
    args: [
      "-cf",
      "-",
      "--sort=name",
      "--owner=0",
      "--group=0",
      "--mtime=@0",
      "-C",
      bundlePath,
      ".",
    ],
  }).output();
  if (!success) throw new Error("Cannot pack the bundle: tar failed");
  const runtime = Deno.readFileSync(Deno.execPath());
  const id = createHash("sha256").update(program).update(runtime).digest("hex").slice(0, 24);
  const packed = gzipSync(runtime, { level: 6 });
  // The header holds its own length in a fixed-width field, so that filling it in does not change it.
  const facts = { id, bundleBytes: program.length, runtimeBytes: runtime.length };
  const headerBytes = new TextEncoder().encode(header({ ...facts, headerBytes: "000000" })).length;
  // Written with leading spaces, not zeros: a leading zero would mean octal in shell arithmetic.
  const head = new TextEncoder().encode(
    header({ ...facts, headerBytes: String(headerBytes).padStart(6, " ") }),
  );
  if (head.length !== headerBytes) {
    throw new Error("Assertion failed: the header's length is stable");
  }
  using file = Deno.openSync(`${EXECUTABLE}.tmp`, {
    create: true,
    write: true,
    truncate: true,
    mode: 0o755,
  });
  for (const part of [head, program, packed]) {
    for (let written = 0; written < part.length;) written += file.writeSync(part.subarray(written));
  }
  Deno.chmodSync(`${EXECUTABLE}.tmp`, 0o755);
  Deno.renameSync(`${EXECUTABLE}.tmp`, EXECUTABLE);
}

/** Builds the executable by the best way there is. @returns the way and the file's path. */
export async function compile(): Promise<{ method: CompileMethod; path: string }> {
  const bundlePath = await bundle();
  const obstacle = await compileNative(bundlePath);
  if (obstacle === null) return { method: "deno compile", path: EXECUTABLE };
  console.log(`deno compile could not be used: ${obstacle}`);
  console.log("writing the same bundle as a self-extracting file instead");
  await writeSelfExtracting(bundlePath);
  return { method: "self-extracting", path: EXECUTABLE };
}

if (import.meta.main) {
  const { method, path } = await compile();
  const megabytes = (Deno.statSync(path).size / 1e6).toFixed(1);
  console.log(`built build/tidemark by ${method}: ${megabytes} MB`);
}
