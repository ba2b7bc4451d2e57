/**
 * Makes buckets on S3 servers of tests.
 *
 * @module
 */
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";

/** Keys of every S3 server that tests start. */
export const S3_TEST_KEYS = {
  accessKeyId: "TIDEMARKTESTKEY",
  secretAccessKey: "tidemark-test-secret-0123",
};

/** Makes a bucket. */
export async function makeS3Bucket(
  port: number,
  name: string,
  keys: { accessKeyId: string; secretAccessKey: string } = S3_TEST_KEYS,
): Promise<void> {
  const client = new S3Client({
    region: "us-east-1",
    endpoint: `http://127.0.0.1:${port}`,
    forcePathStyle: true,
    credentials: keys,
  });
  try {
    await client.send(new CreateBucketCommand({ Bucket: name }));
  } finally {
    client.destroy();
  }
}

/** The connection string of a bucket on a server of tests. */
export function s3Connection(
  bucket: string,
  facts: {
    readonly port: number;
    readonly root?: string | undefined;
    readonly extra?: string | undefined;
    readonly keys?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  },
): string {
  const { accessKeyId, secretAccessKey } = facts.keys ?? S3_TEST_KEYS;
  return `s3::bucket=${bucket};root=${facts.root ?? "tests/db"};region=us-east-1;` +
    `endpoint=http://127.0.0.1:${facts.port};access_key_id=${accessKeyId};` +
    `secret_access_key=${secretAccessKey};${facts.extra ?? ""}`;
}
