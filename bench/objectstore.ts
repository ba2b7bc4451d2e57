/**
 * Object stores against rclone: the same servers on loopback, the same objects, one after the other in one run.
 *
 * `deno run -A bench/objectstore.ts [objects] [MiB each]`, default 16 objects of 64 MiB, all 16 at a time. Needs `rclone`
 * (Debian's package; installed if missing). Times include neither the start of the server nor that of the client; CPU is the
 * client's alone, user and system.
 *
 * @module
 */
import { openObjectStore } from "../src/objectstore/mod.ts";
import { RealFileSystem, SystemRandom } from "../src/platform/mod.ts";
import { startAzurite } from "../tests/support/store_servers/azurite.ts";
import { startFakeGcs } from "../tests/support/store_servers/fake_gcs.ts";
import { installDebian } from "../tests/support/store_servers/install.ts";
import { startSeaweedFs } from "../tests/support/store_servers/seaweedfs.ts";
import type { StoreServer } from "../tests/support/store_servers/store_server.ts";

const MEBIBYTE = 1_048_576;
const BYTES_PER_MEGABYTE = 1e6;
const BYTES_PER_GIGABYTE = 1e9;
const RANDOM_BYTES_MAX = 65_536;
const BUCKET = "tidemark-bench";

/** What one direction cost. */
interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMebibytes: number;
}

const count = Number(Deno.args[0] ?? 16);
const bytesEach = Number(Deno.args[1] ?? 64) * MEBIBYTE;
const total = count * bytesEach;

function fillRandom(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  for (let start = 0; start < bytes.length; start += RANDOM_BYTES_MAX) {
    crypto.getRandomValues(bytes.subarray(start, start + RANDOM_BYTES_MAX));
  }
  return bytes;
}

function report(
  { server, client }: { server: string; client: string },
  up: Cost,
  down: Cost,
): void {
  const cell = ({ seconds, cpuSeconds, peakMebibytes }: Cost) =>
    `${(total / BYTES_PER_MEGABYTE / seconds).toFixed(0).padStart(5)} MB/s ` +
    `${(cpuSeconds / (total / BYTES_PER_GIGABYTE)).toFixed(2).padStart(6)} CPU s/GB ` +
    `${peakMebibytes.toFixed(0).padStart(5)} MiB`;
  console.log(`${server.padEnd(16)} ${client.padEnd(9)} up ${cell(up)}   down ${cell(down)}`);
}

/** Runs one direction in a process of its own and reads its cost from the system. */
async function measure(
  command: string,
  args: string[],
  env: Record<string, string>,
): Promise<Cost> {
  const script = `import json,os,resource,subprocess,sys,time
start=time.time()
code=subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL).returncode
r=resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([time.time()-start,r.ru_utime+r.ru_stime,r.ru_maxrss/1024,code]))`;
  const { stdout } = await new Deno.Command("python3", {
    args: ["-c", script, command, ...args],
    env,
    stderr: "inherit",
  }).output();
  const [seconds, cpuSeconds, peakMebibytes, code] = JSON.parse(new TextDecoder().decode(stdout));
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
  return { seconds, cpuSeconds, peakMebibytes };
}

/** The child of {@linkcode measure}: moves all objects, all at a time. */
async function move(direction: string, connection: string): Promise<void> {
  const environment = { fs: new RealFileSystem(), random: new SystemRandom() };
  await using store = await openObjectStore(connection, environment);
  const keys = Array.from({ length: count }, (_, i) => `bulk/${i}`);
  if (direction === "up") {
    await Promise.all(keys.map(async (key) => {
      await store.put(key, fillRandom(new Uint8Array(bytesEach)));
    }));
  } else if (direction === "down") {
    await Promise.all(keys.map(async (key) => {
      const bytes = await store.get(key, { range: { offset: 0, length: bytesEach } });
      if (bytes.length !== bytesEach) throw new Error("short");
    }));
  }
}

function rcloneEnvironment(connection: string): Record<string, string> {
  const value = (key: string) => new RegExp(`[:;]${key}=([^;]*)`).exec(connection)?.[1] ?? "";
  if (connection.startsWith("s3")) {
    return {
      RCLONE_CONFIG_B_TYPE: "s3",
      RCLONE_CONFIG_B_PROVIDER: "Other",
      RCLONE_CONFIG_B_ENDPOINT: value("endpoint"),
      RCLONE_CONFIG_B_REGION: value("region"),
      RCLONE_CONFIG_B_ACCESS_KEY_ID: value("access_key_id"),
      RCLONE_CONFIG_B_SECRET_ACCESS_KEY: value("secret_access_key"),
    };
  }
  if (connection.startsWith("azblob")) {
    return {
      RCLONE_CONFIG_B_TYPE: "azureblob",
      RCLONE_CONFIG_B_ENDPOINT: value("endpoint"),
      RCLONE_CONFIG_B_ACCOUNT: value("account_name"),
      RCLONE_CONFIG_B_KEY: value("account_key"),
    };
  }
  return {
    RCLONE_CONFIG_B_TYPE: "google cloud storage",
    RCLONE_CONFIG_B_ENDPOINT: `${value("endpoint")}/storage/v1/`,
    RCLONE_CONFIG_B_ANONYMOUS: "true",
    RCLONE_CONFIG_B_BUCKET_POLICY_ONLY: "true",
  };
}

async function compare(
  { name, connection }: { name: string; connection: string },
  target: string,
  directory: string,
) {
  const self = (direction: string) =>
    measure(Deno.execPath(), [
      "run",
      "-A",
      new URL(import.meta.url).pathname,
      String(count),
      String(bytesEach / MEBIBYTE),
      direction,
      connection,
    ], {});
  report({ server: name, client: "tidemark" }, await self("up"), await self("down"));
  // A bundle of certificates in the environment is one that rclone cannot use.
  const env = { ...rcloneEnvironment(connection), AWS_CA_BUNDLE: "" };
  const rclone = (from: string, to: string) =>
    measure("rclone", [
      "copy",
      "--config=/dev/null",
      `--transfers=${count}`,
      "--retries=1",
      "--quiet",
      from,
      to,
    ], env);
  try {
    const up = await rclone(`${directory}/up`, target);
    report(
      { server: name, client: "rclone" },
      up,
      await rclone(target, `${directory}/down-${name}`),
    );
  } catch (error) {
    console.log(`${name.padEnd(16)} rclone    failed: ${(error as Error).message}`);
  }
}

async function main(): Promise<void> {
  await installDebian(["rclone"], "/usr/bin/rclone");
  const directory = await Deno.makeTempDir({ prefix: "tidemark-bench-" });
  try {
    await Deno.mkdir(`${directory}/up`);
    const bytes = new Uint8Array(bytesEach);
    for (let i = 0; i < count; i++) await Deno.writeFile(`${directory}/up/${i}`, fillRandom(bytes));
    console.log(`${count} objects of ${bytesEach / MEBIBYTE} MiB, all at a time`);
    const fs = `fs::root=${directory}/fs;atomic_write_dir=${directory}/fs-tmp;`;
    await compare({ name: "fs", connection: fs }, `${directory}/rclone`, directory);
    const starters: (() => Promise<StoreServer>)[] = [startSeaweedFs, startAzurite, startFakeGcs];
    for (const start of starters) {
      await using server = await start();
      await server.makeBucket(BUCKET);
      const extra = "max_memory=4000000000;";
      const connection = server.connection(BUCKET, { extra });
      await compare({ name: server.name, connection }, `B:${BUCKET}/rclone`, directory);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const [, , direction, connection] = Deno.args;
if (direction !== undefined && connection !== undefined) await move(direction, connection);
else await main();
