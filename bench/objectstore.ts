/**
 * Object stores beside rclone: the same servers on loopback, objects of the same sizes, one after the other in one run.
 *
 * `deno run -A bench/objectstore.ts [objects] [MiB each] [server…]`, by default 16 objects of 64 MiB, all 16 at a time, over `fs`,
 * `s3` (SeaweedFS), `azblob` (Azurite) and `gcs` (fake-gcs-server). Needs `rclone` (Debian's package; installed if missing).
 *
 * Our bytes are made as they are sent and compared as they come, in parts of 8 MiB, as backups are, so that the peak is the
 * client's and not that of the objects. Rclone sends files (`copy`), and compares what comes with them (`check --download`).
 * Each figure is of a process of its own, its start included; CPU is the client's alone, user and system.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import {
  ContainerClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { freeBytes } from "../src/common/mod.ts";
import { type ObjectStore, openObjectStore, uploadStream } from "../src/objectstore/mod.ts";
import { RealFileSystem, SystemRandom } from "../src/platform/mod.ts";
import { startAzurite } from "../tests/support/store_servers/azurite.ts";
import { startFakeGcs } from "../tests/support/store_servers/fake_gcs.ts";
import { installDebian } from "../tests/support/store_servers/install.ts";
import { startSeaweedFs } from "../tests/support/store_servers/seaweedfs.ts";
import type { StoreServer } from "../tests/support/store_servers/store_server.ts";

const MEBIBYTE = 1_048_576;
const BYTES_PER_MEGABYTE = 1e6;
const BYTES_PER_GIGABYTE = 1e9;
const PART_BYTES = 8 * MEBIBYTE;
const PIECE_BYTES = MEBIBYTE;
/** Length of the bytes that objects repeat, each from a place of its own; no multiple of a part. */
const BLOCK_BYTES = 5 * MEBIBYTE + 4096;
const BUCKET = "tidemark-bench";

/** What one direction cost. */
interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMebibytes: number;
}

/** A server to compare on, and how rclone is told of it. */
interface Subject {
  readonly name: string;
  /** Connection string. */
  readonly connection: string;
  /** Where rclone puts its objects. */
  readonly target: string;
  readonly environment: Record<string, string>;
}

const count = Number(Deno.args[0] ?? 16);
const bytesEach = Number(Deno.args[1] ?? 64) * MEBIBYTE;
const total = count * bytesEach;

/** Bytes that do not compress and are the same in every process. */
function makeBlock(): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(BLOCK_BYTES / Uint32Array.BYTES_PER_ELEMENT);
  let state = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer);
}

/** The bytes of an object, in views of the block. */
function* piecesOf(
  block: Uint8Array,
  index: number,
  range: { readonly offset: number; readonly length: number },
): Generator<Uint8Array> {
  const end = range.offset + range.length;
  for (let position = range.offset; position < end;) {
    const place = (index * 977 * 64 + position) % block.length;
    const piece = block.subarray(place, place + Math.min(PIECE_BYTES, end - position));
    yield piece;
    position += piece.length;
  }
}

function report(name: string, client: string, costs: readonly [Cost, Cost]): void {
  const cells = costs.map(({ seconds, cpuSeconds, peakMebibytes }) =>
    `${(total / BYTES_PER_MEGABYTE / seconds).toFixed(0).padStart(5)} MB/s ` +
    `${(cpuSeconds / (total / BYTES_PER_GIGABYTE)).toFixed(2).padStart(6)} CPU s/GB ` +
    `${peakMebibytes.toFixed(0).padStart(5)} MiB`
  );
  console.log(`${name.padEnd(16)} ${client.padEnd(9)} up ${cells[0]}   down ${cells[1]}`);
}

/** Runs a command in a process of its own and reads its cost from the system. */
async function measure(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Cost> {
  await new Deno.Command("sync").output(); // what was written before is not paid for now
  const script = `import json,resource,subprocess,sys,time
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

async function* stream(block: Uint8Array, index: number): AsyncGenerator<Uint8Array> {
  yield* piecesOf(block, index, { offset: 0, length: bytesEach });
  await Promise.resolve();
}

async function send(store: ObjectStore, block: Uint8Array, index: number): Promise<void> {
  const options = { partBytes: PART_BYTES, concurrency: 1 };
  await uploadStream(store, `bulk/${index}`, stream(block, index), options);
}

async function compare(store: ObjectStore, block: Uint8Array, index: number): Promise<void> {
  for (let offset = 0; offset < bytesEach; offset += PART_BYTES) {
    const range = { offset, length: Math.min(PART_BYTES, bytesEach - offset) };
    const bytes = await store.get(`bulk/${index}`, { range });
    let position = 0;
    for (const piece of piecesOf(block, index, range)) {
      const part = bytes.subarray(position, position += piece.length);
      if (Buffer.compare(part, piece) !== 0) throw new Error("other bytes came back");
    }
    freeBytes(bytes);
  }
}

/** The child of {@linkcode measure}: moves all objects, all at a time. */
async function move(direction: string, connection: string): Promise<void> {
  const environment = { fs: new RealFileSystem(), random: new SystemRandom() };
  await using store = await openObjectStore(connection, environment);
  const block = makeBlock();
  const run = direction === "up" ? send : compare;
  await Promise.all(Array.from({ length: count }, (_, index) => run(store, block, index)));
}

function valueOf(connection: string, key: string): string {
  return new RegExp(`[:;]${key}=([^;]*)`).exec(connection)?.[1] ?? "";
}

/** What tells rclone of a server, as environment variables of a remote called B. */
function rcloneEnvironment(connection: string): Record<string, string> {
  const value = (key: string) => valueOf(connection, key);
  // A bundle of certificates in the environment is one that rclone cannot use.
  const common = { AWS_CA_BUNDLE: "" };
  if (connection.startsWith("s3")) {
    return {
      ...common,
      RCLONE_CONFIG_B_TYPE: "s3",
      RCLONE_CONFIG_B_PROVIDER: "Other",
      RCLONE_CONFIG_B_ENDPOINT: value("endpoint"),
      RCLONE_CONFIG_B_REGION: value("region"),
      RCLONE_CONFIG_B_ACCESS_KEY_ID: value("access_key_id"),
      RCLONE_CONFIG_B_SECRET_ACCESS_KEY: value("secret_access_key"),
    };
  }
  if (connection.startsWith("azblob")) {
    return { ...common, RCLONE_CONFIG_B_TYPE: "azureblob", RCLONE_CONFIG_B_SAS_URL: sasUrl(value) };
  }
  return {
    ...common,
    RCLONE_CONFIG_B_TYPE: "google cloud storage",
    RCLONE_CONFIG_B_ENDPOINT: `${value("endpoint")}/storage/v1/`,
    RCLONE_CONFIG_B_ANONYMOUS: "true",
    RCLONE_CONFIG_B_BUCKET_POLICY_ONLY: "true",
  };
}

/** The one kind of address by which rclone finds an Azure server that is not Microsoft's. */
function sasUrl(value: (key: string) => string): string {
  const credential = new StorageSharedKeyCredential(value("account_name"), value("account_key"));
  const container = new ContainerClient(`${value("endpoint")}/${BUCKET}`, credential);
  const query = generateBlobSASQueryParameters({
    containerName: BUCKET,
    permissions: ContainerSASPermissions.parse("racwdl"),
    protocol: SASProtocol.HttpsAndHttp,
    expiresOn: new Date(Date.now() + 86_400_000),
  }, credential);
  return `${container.url}?${query}`;
}

async function compareOn(subject: Subject, files: string): Promise<void> {
  const self = (direction: string) =>
    measure(Deno.execPath(), [
      ...["run", "-A", new URL(import.meta.url).pathname],
      ...[String(count), String(bytesEach / MEBIBYTE), "--child", direction, subject.connection],
    ]);
  report(subject.name, "tidemark", [await self("up"), await self("down")]);
  const { target, environment } = subject;
  const rclone = (args: string[]) =>
    measure("rclone", [...args, "--config=/dev/null", "--retries=1", "--quiet"], environment);
  const up = await rclone(["copy", `--transfers=${count}`, files, target]);
  const down = await rclone(["check", "--download", `--checkers=${count}`, files, target]);
  report(subject.name, "rclone", [up, down]);
}

const STARTERS: Readonly<Record<string, () => Promise<StoreServer>>> = {
  s3: startSeaweedFs,
  azblob: startAzurite,
  gcs: startFakeGcs,
};

async function main(chosen: readonly string[]): Promise<void> {
  await installDebian(["rclone"], "/usr/bin/rclone");
  const directory = await Deno.makeTempDir({ prefix: "tidemark-bench-" });
  try {
    const files = `${directory}/files`;
    await Deno.mkdir(files);
    const block = makeBlock();
    for (let i = 0; i < count; i++) {
      await Deno.writeFile(`${files}/${i}`, ReadableStream.from(stream(block, i)));
    }
    console.log(`${count} objects of ${bytesEach / MEBIBYTE} MiB, all at a time`);
    for (const name of chosen) {
      if (name === "fs") {
        const connection = `fs::root=${directory}/fs;atomic_write_dir=${directory}/fs-tmp;`;
        const subject = { name, connection, target: `${directory}/rclone`, environment: {} };
        await compareOn(subject, files);
        continue;
      }
      await using server = await STARTERS[name]();
      await server.makeBucket(BUCKET);
      const connection = server.connection(BUCKET, { port: server.directPort ?? server.port });
      const environment = rcloneEnvironment(connection);
      const target = `B:${BUCKET}/rclone`;
      await compareOn({ name: server.name, connection, target, environment }, files);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const [, , mode, direction, connection] = Deno.args;
if (mode === "--child") await move(direction, connection);
else {
  const chosen = Deno.args.slice(2);
  await main(chosen.length > 0 ? chosen : ["fs", ...Object.keys(STARTERS)]);
}
