/**
 * From an `s3::` connection string to a store.
 *
 * @module
 */
import type { ObjectStoreConnection } from "../connection_string.ts";
import type { ObjectStore } from "../object_store.ts";
import { wrapRemote } from "../remote/wrap_remote.ts";
import type { RemoteContext } from "../remote/remote_call.ts";
import { Secrets } from "../remote/secrets.ts";
import { makeAgents } from "../remote/tls.ts";
import type { RemoteEnvironment } from "../remote/wrap_remote.ts";
import { describeS3Error, loadS3Sdk, makeS3Client, regionFinder } from "./s3_client.ts";
import { S3ObjectStore } from "./s3_object_store.ts";
import { readS3Options } from "./s3_options.ts";

/** Opens the store. Loads the client; the server is asked for its region, if none is known, with the first request. */
export async function openS3(
  connection: ObjectStoreConnection,
  environment: RemoteEnvironment,
): Promise<ObjectStore> {
  const options = readS3Options(connection, environment.fs);
  const sdk = await loadS3Sdk();
  const agents = makeAgents(options.authorities);
  const { bucket, prefix, endpoint, credentials, tuning } = options;
  const place = endpoint === undefined ? "" : `, endpoint=${endpoint.host}`;
  const context: RemoteContext = {
    ...environment,
    description: `s3 [bucket=${bucket}, root=/${prefix.replace(/\/$/, "")}${place}]`,
    timeouts: tuning.timeouts,
    secrets: new Secrets([credentials?.secretAccessKey, credentials?.sessionToken]),
    describeError: describeS3Error,
  };
  const region = options.region ?? regionFinder(sdk, options, { agents, context });
  const client = makeS3Client(sdk, options, { agents, region, secrets: context.secrets });
  return wrapRemote(new S3ObjectStore({ sdk, client, options, context, agents }), {
    environment,
    tuning,
  });
}
