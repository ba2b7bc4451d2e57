/**
 * Fetches the object store servers that tests run against, by the ordinary client of the registry that carries each, into
 * `build/servers`. What is there already is kept.
 *
 * @module
 */

const CACHE = new URL("../../../build/servers/", import.meta.url).pathname;

async function run(
  command: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    stdout: "piped",
    stderr: "piped",
    env: { DEBIAN_FRONTEND: "noninteractive", ...env },
  }).output();
  if (success) return;
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  throw new Error(`Cannot run ${command} ${args.join(" ")}:\n${text.slice(-3000)}`);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Fetches into a directory of its own; a broken attempt leaves nothing. */
async function fetchOnce(name: string, fetch: (directory: string) => Promise<void>) {
  const directory = CACHE + name;
  if (exists(`${directory}/complete`)) return directory;
  const attempt = `${directory}.${Deno.pid}`;
  Deno.mkdirSync(attempt, { recursive: true });
  await fetch(attempt);
  Deno.writeTextFileSync(`${attempt}/complete`, "");
  if (exists(directory)) Deno.removeSync(directory, { recursive: true });
  Deno.renameSync(attempt, directory);
  return directory;
}

/** Installs an npm package. @returns the directory of its `node_modules`. */
export async function installNpm(name: string, version: string): Promise<string> {
  const directory = await fetchOnce(
    `${name}-${version}`,
    (prefix) =>
      run("npm", ["install", "--no-audit", "--no-fund", "--prefix", prefix, `${name}@${version}`]),
  );
  return `${directory}/node_modules`;
}

/** Installs a Python package without its dependencies. @returns the directory it is in. */
export function installPip(name: string, version: string): Promise<string> {
  return fetchOnce(`${name}-${version}`, (target) =>
    run("python3", [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--no-deps",
      "--target",
      target,
      `${name}==${version}`,
    ]));
}

/** Installs Debian packages unless `probe`, a file of theirs, is there. */
export async function installDebian(names: string[], probe: string): Promise<void> {
  if (exists(probe)) return;
  await run("apt-get", ["update", "-qq"]);
  await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...names]);
}

/** Builds a Go program. @returns the path of its binary. */
export async function installGo(module: string, version: string): Promise<string> {
  const name = module.split("/").at(-1)!;
  const directory = await fetchOnce(`${name}-${version}`, async (target) => {
    await run("go", ["install", `${module}@${version}`], { GOBIN: target });
  });
  return `${directory}/${name}`;
}
