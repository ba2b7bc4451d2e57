/**
 * From a `gcs::` connection string to a store.
 *
 * @module
 */
import type { ObjectStoreConnection } from "../connection_string.ts";
import type { ObjectStore } from "../object_store.ts";
import type { RemoteContext } from "../remote/remote_call.ts";
import { Secrets } from "../remote/secrets.ts";
import { makeAgents } from "../remote/tls.ts";
import { type RemoteEnvironment, wrapRemote } from "../remote/wrap_remote.ts";
import { describeGcsError, GcsClient, makeTokenSource } from "./gcs_client.ts";
import { GcsObjectStore } from "./gcs_object_store.ts";
import { readGcsOptions } from "./gcs_options.ts";

const BOUNDARY_BYTES = 16;

/** Opens the store. Google's client is loaded with the first request that needs a token from it. */
export function openGcs(
  connection: ObjectStoreConnection,
  environment: RemoteEnvironment,
): Promise<ObjectStore> {
  const options = readGcsOptions(connection, environment.fs);
  const { bucket, prefix, endpoint, token, credential, tuning } = options;
  const context: RemoteContext = {
    ...environment,
    description: `gcs [bucket=${bucket}, root=/${
      prefix.replace(/\/$/, "")
    }, endpoint=${endpoint.host}]`,
    timeouts: tuning.timeouts,
    secrets: new Secrets([
      token,
      ...["private_key", "client_secret", "refresh_token"].map((name) => {
        const value = credential?.[name];
        return typeof value === "string" ? value : undefined;
      }),
    ]),
    describeError: describeGcsError,
  };
  const client = new GcsClient({
    options,
    context,
    agents: makeAgents(options.authorities),
    tokens: makeTokenSource(options),
  });
  const random = environment.random.fill(new Uint8Array(BOUNDARY_BYTES));
  const boundary = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return Promise.resolve(
    wrapRemote(new GcsObjectStore(client, `tidemark-${boundary}`), { environment, tuning }),
  );
}
