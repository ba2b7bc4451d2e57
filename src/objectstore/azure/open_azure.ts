/**
 * From an `azblob::` connection string to a store.
 *
 * @module
 */
import type { ContainerClient, StoragePipelineOptions } from "@azure/storage-blob";
import type { ObjectStoreConnection } from "../connection_string.ts";
import type { ObjectStore } from "../object_store.ts";
import type { RemoteContext } from "../remote/remote_call.ts";
import { Secrets } from "../remote/secrets.ts";
import { type Agents, makeAgents } from "../remote/tls.ts";
import { type RemoteEnvironment, wrapRemote } from "../remote/wrap_remote.ts";
import { parseRetryAfter, type RawFailure } from "../request_error.ts";
import { AzureObjectStore } from "./azure_object_store.ts";
import { type AzureOptions, readAzureOptions } from "./azure_options.ts";

/** Opens the store. Loads the client, and the one for identities if no key is given. */
export async function openAzure(
  connection: ObjectStoreConnection,
  environment: RemoteEnvironment,
): Promise<ObjectStore> {
  const options = readAzureOptions(connection, environment.fs);
  const agents = makeAgents(options.authorities);
  const { container, prefix, endpoint, tuning, accountKey, sasToken } = options;
  const context: RemoteContext = {
    ...environment,
    description: `azblob [container=${container}, root=/${
      prefix.replace(/\/$/, "")
    }, endpoint=${endpoint.host}]`,
    timeouts: tuning.timeouts,
    secrets: new Secrets([accountKey, sasToken]),
    describeError: describeAzureError,
  };
  const client = await makeContainerClient(options, { agents, secrets: context.secrets });
  return wrapRemote(new AzureObjectStore({ client, options, context, agents }), {
    environment,
    tuning,
  });
}

async function makeContainerClient(
  options: AzureOptions,
  { agents, secrets }: { readonly agents: Agents; readonly secrets: Secrets },
): Promise<ContainerClient> {
  const sdk = await import("@azure/storage-blob");
  const url = new URL(options.endpoint);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${options.container}`;
  if (options.sasToken !== undefined) url.search = options.sasToken;
  const agent = url.protocol === "https:" ? agents.https : agents.http;
  const pipeline: StoragePipelineOptions = {
    retryOptions: { maxTries: 1 },
    ...{ agent },
    keepAliveOptions: { enable: true },
  };
  const { accountName, accountKey, sasToken, isAnonymous } = options;
  if (accountKey !== undefined) {
    const credential = new sdk.StorageSharedKeyCredential(accountName!, accountKey);
    return new sdk.ContainerClient(url.href, credential, pipeline);
  }
  if (sasToken !== undefined || isAnonymous) {
    return new sdk.ContainerClient(url.href, new sdk.AnonymousCredential(), pipeline);
  }
  const { DefaultAzureCredential } = await import("@azure/identity");
  const identity = new DefaultAzureCredential();
  const credential = {
    async getToken(...parameters: Parameters<typeof identity.getToken>) {
      const token = await identity.getToken(...parameters);
      secrets.learn(token.token);
      return token;
    },
  };
  return new sdk.ContainerClient(url.href, credential, pipeline);
}

/** Status, code and words of what the client throws. */
export function describeAzureError(error: unknown): RawFailure {
  const { name, message, code, statusCode, response } = error as {
    name?: string;
    message?: string;
    code?: string;
    statusCode?: number;
    response?: { headers?: { get(name: string): string | undefined } };
  };
  const date = response?.headers?.get("date");
  return {
    // The first line is the reason; the others repeat the request.
    reason: (message || name || String(error)).split("\n")[0],
    status: statusCode,
    code: response?.headers?.get("x-ms-error-code") ?? code ??
      (name?.endsWith("AuthenticationError") || name === "CredentialUnavailableError"
        ? "CredentialUnavailableError"
        : undefined),
    retryAfterMillis: parseRetryAfter(
      response?.headers?.get("retry-after"),
      Date.parse(date ?? ""),
    ),
  };
}
