/**
 * OpenStack Swift with its S3 interface: an old and strict server, which refuses framed bodies and conditional requests and
 * wants Content-MD5 where others do not. From Debian's packages; one process for each of its four parts, and the memory cache it needs.
 *
 * @module
 */
import { TempDir } from "../temp_dir.ts";
import { installDebian } from "./install.ts";
import { answers, freePorts, ServerProcess } from "./process.ts";
import { makeS3Bucket, s3Connection } from "./s3_bucket.ts";
import type { StoreServer } from "./store_server.ts";

const PACKAGES = ["swift-proxy", "swift-account", "swift-container", "swift-object", "memcached"];
const KINDS = ["account", "container", "object"] as const;
const KEYS = { accessKeyId: "test:tester", secretAccessKey: "tidemark-test-secret-0123" };
/** The package reads its hash suffix from a fixed place; this runs a server with another. */
const LAUNCHER = `import runpy, sys
import swift.common.utils as utils
utils.SWIFT_CONF_FILE = sys.argv[1]
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
`;

async function makeRing(directory: string, kind: string, port: number): Promise<void> {
  for (
    const args of [
      ["create", "4", "1", "1"],
      ["add", `r1z1-127.0.0.1:${port}/d1`, "1"],
      ["rebalance"],
    ]
  ) {
    const { code, stdout, stderr } = await new Deno.Command("swift-ring-builder", {
      args: [`${directory}/${kind}.builder`, ...args],
    }).output();
    // 1 is a warning.
    if (code > 1) {
      throw new Error(
        new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr),
      );
    }
  }
}

function common(directory: string, port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = root
swift_dir = ${directory}
log_address = /dev/null
`;
}

function partConfig(directory: string, kind: string, port: number): string {
  return `${common(directory, port)}devices = ${directory}/srv
mount_check = false
recon_cache_path = ${directory}
disable_fallocate = true
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`;
}

function proxyConfig(directory: string, port: number, cachePort: number): string {
  return `${common(directory, port)}[pipeline:main]
pipeline = catch_errors cache s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${cachePort}
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = ${KEYS.secretAccessKey} .admin
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = us-east-1
max_upload_part_num = 10000
[filter:slo]
use = egg:swift#slo
min_segment_size = 1
[filter:catch_errors]
use = egg:swift#catch_errors
`;
}

/** Starts the server. */
export async function startSwift(): Promise<StoreServer> {
  await installDebian(PACKAGES, "/usr/bin/swift-proxy-server");
  const directory = new TempDir("tidemark-swift-");
  const { path } = directory;
  Deno.mkdirSync(`${path}/srv/d1`, { recursive: true });
  Deno.writeTextFileSync(`${path}/launch.py`, LAUNCHER);
  Deno.writeTextFileSync(
    `${path}/swift.conf`,
    "[swift-hash]\nswift_hash_path_suffix = tests\n",
  );
  const [port, cachePort, ...ports] = freePorts(5);
  const cache = ServerProcess.start("memcached", [
    "-u",
    "root",
    "-l",
    "127.0.0.1",
    "-p",
    String(cachePort),
  ]);
  const processes: ServerProcess[] = [];
  const start = (kind: string, text: string) => {
    const file = `${path}/${kind}-server.conf`;
    Deno.writeTextFileSync(file, text);
    processes.push(ServerProcess.start("/usr/bin/python3", [
      `${path}/launch.py`,
      `${path}/swift.conf`,
      `/usr/bin/swift-${kind}-server`,
      file,
    ]));
  };
  for (const [index, kind] of KINDS.entries()) {
    await makeRing(path, kind, ports[index]);
    start(kind, partConfig(path, kind, ports[index]));
  }
  start("proxy", proxyConfig(path, port, cachePort));
  for (const [index, process] of processes.entries()) {
    const at = index < ports.length ? ports[index] : port;
    await process.waitReady(() => answers(`http://127.0.0.1:${at}/`));
  }
  return {
    name: "Swift",
    port,
    pids: processes.map(({ pid }) => pid),
    makeBucket: (name) => makeS3Bucket(port, name, KEYS),
    connection: (bucket, options = {}) =>
      s3Connection(bucket, {
        port,
        ...options,
        keys: KEYS,
        extra: `conditional_put=false;checksum_algorithm=md5;${options.extra ?? ""}`,
      }),
    async [Symbol.asyncDispose]() {
      for (const process of [...processes, cache]) await process[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}
