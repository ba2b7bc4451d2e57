/**
 * The client of S3 as this project uses it: no retries of its own, no chunked framing of bodies, checksums as headers.
 *
 * - A body is always one buffer with its length, so the client never frames it as `aws-chunked`, which many servers refuse.
 * - Over TLS the payload is not hashed for the signature: TLS protects it, and the checksum header proves it. Over plain HTTP
 *   it is.
 * - `DeleteObjects` carries Content-MD5, which every server knows, in place of a newer checksum.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import type { Agents } from "../remote/tls.ts";
import { headerOf, sendHttp } from "../remote/http_client.ts";
import type { RemoteContext } from "../remote/remote_call.ts";
import type { Secrets } from "../remote/secrets.ts";
import {
  judgeFailure,
  ObjectStoreRequestError,
  parseRetryAfter,
  type RawFailure,
} from "../request_error.ts";
import type { S3Options } from "./s3_options.ts";

/** The client's module, which is loaded when the first S3 store is opened. */
export type S3Sdk = typeof import("@aws-sdk/client-s3");

const DEFAULT_REGION = "us-east-1";
const REGION_HEADER = "x-amz-bucket-region";
/** Credentials of requests that nobody signs: without any the client would look for an instance's. */
const NOBODY = { accessKeyId: "", secretAccessKey: "" };
const CONNECT_TIMEOUT_MILLIS = 10_000;

/** Loads the client. */
export async function loadS3Sdk(): Promise<S3Sdk> {
  return await import("@aws-sdk/client-s3");
}

/** Makes a client. */
export function makeS3Client(
  sdk: S3Sdk,
  options: S3Options,
  connection: {
    readonly agents: Agents;
    readonly region: string | (() => Promise<string>);
    readonly secrets: Secrets;
  },
): S3Client {
  const config: S3ClientConfig = {
    region: connection.region,
    ...options.endpoint === undefined ? {} : { endpoint: options.endpoint.href },
    ...options.isAnonymous
      ? { credentials: NOBODY, signer: { sign: (request) => Promise.resolve(request) } }
      : options.credentials === undefined
      ? {}
      : { credentials: options.credentials },
    forcePathStyle: options.isPathStyle,
    maxAttempts: 1,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    expectContinueHeader: false,
    requestHandler: {
      httpAgent: connection.agents.http,
      httpsAgent: connection.agents.https,
      connectionTimeout: CONNECT_TIMEOUT_MILLIS,
      // Every request has a deadline of its own: warnings about busy sockets would only be noise.
      socketAcquisitionWarningTimeout: 3_600_000,
    },
  };
  const client = new sdk.S3Client(config);
  addHeaders(client);
  learnSessions(client, connection.secrets);
  return client;
}

/** Notes the session tokens that requests carry, wherever they come from: servers repeat them in their refusals. */
function learnSessions(client: S3Client, secrets: Secrets): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      const token = headers["x-amz-security-token"];
      if (token !== undefined) secrets.learn(token);
      return await next(args);
    },
    { step: "deserialize", priority: "low", name: "tidemarkSessions" },
  );
}

/** Headers that the client leaves out, or sets otherwise than the servers of other makers want. */
function addHeaders(client: S3Client): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const request = args.request as {
        headers: Record<string, string>;
        body?: unknown;
        protocol: string;
      };
      if (context.commandName === "GetObjectCommand") {
        request.headers["x-amz-checksum-mode"] = "ENABLED";
      }
      if (context.commandName === "DeleteObjectsCommand") {
        for (const name of Object.keys(request.headers)) {
          if (/^x-amz-(sdk-)?checksum-/i.test(name)) delete request.headers[name];
        }
        request.headers["content-md5"] = createHash("md5")
          .update(request.body as string | Uint8Array).digest("base64");
      }
      if (request.protocol === "https:" && request.body instanceof Uint8Array) {
        request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD";
      }
      return await next(args);
    },
    { step: "build", priority: "low", name: "tidemarkHeaders" },
  );
}

/**
 * Finds the region of a bucket when it is first needed: the environment's or profile's, else what the server says of the
 * bucket, else `us-east-1`, which servers that have no regions accept. Without an answer the request that wants the region
 * fails, and its next try asks again.
 */
export function regionFinder(
  sdk: S3Sdk,
  options: S3Options,
  connection: { readonly agents: Agents; readonly context: RemoteContext },
): () => Promise<string> {
  let found: Promise<string> | null = null;
  return () => {
    found ??= discoverRegion(sdk, options, connection).catch((error) => {
      found = null;
      throw error;
    });
    return found;
  };
}

async function discoverRegion(
  sdk: S3Sdk,
  options: S3Options,
  connection: { readonly agents: Agents; readonly context: RemoteContext },
): Promise<string> {
  if (options.endpoint === undefined) {
    const region = await regionOfEnvironment(sdk);
    if (region !== null) return region;
  }
  const base = options.endpoint ?? new URL("https://s3.amazonaws.com");
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/$/, "")}/${options.bucket}`;
  // Unsigned: the answer is a refusal, but it names the region.
  const { status, headers } = await sendHttp(connection.context, {
    ...connection,
    method: "HEAD",
    url,
    operation: "head bucket",
    key: options.bucket,
    bytesMax: 0,
  });
  const region = headerOf(headers, REGION_HEADER);
  if (region === undefined && (status === 429 || status >= 500)) {
    const reason = "the server did not tell the region of the bucket";
    const failure = judgeFailure({ reason, status });
    throw new ObjectStoreRequestError(failure, {
      store: connection.context.description,
      operation: "head bucket",
    });
  }
  return region ?? DEFAULT_REGION;
}

async function regionOfEnvironment(sdk: S3Sdk): Promise<string | null> {
  const client = new sdk.S3Client({});
  try {
    return await client.config.region();
  } catch {
    return null; // none is configured
  } finally {
    client.destroy();
  }
}

/** Status, code and words of what the client throws. */
export function describeS3Error(error: unknown): RawFailure {
  const { name, message, code, $metadata, $response } = error as {
    name?: string;
    message?: string;
    code?: string;
    $metadata?: { httpStatusCode?: number };
    $response?: { headers?: Record<string, string> };
  };
  const status = $metadata?.httpStatusCode;
  // Whoever signs for another region is refused, and told the right one.
  const region = status === 301 || status === 307 || status === 400
    ? $response?.headers?.[REGION_HEADER]
    : undefined;
  const isAnswer = status !== undefined || name === "CredentialsProviderError";
  return {
    reason: (message || name || String(error)) +
      (region === undefined ? "" : ` (the bucket is in region ${region})`),
    status,
    // Names of errors without an answer are JavaScript's, not the server's.
    code: isAnswer ? name : code,
    retryAfterMillis: parseRetryAfter(
      $response?.headers?.["retry-after"],
      Date.parse($response?.headers?.date ?? ""),
    ),
  };
}
