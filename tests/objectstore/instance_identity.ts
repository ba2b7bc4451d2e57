/**
 * Servers that hand out the identity of an instance as those of the providers do, and clients that find them by their
 * environment alone.
 *
 * @module
 */
import { assert, assertEquals } from "../support/assert.ts";
import {
  type PlayedAnswer,
  type RecordedRequest,
  RecordingServer,
} from "../support/recording_server.ts";
import { TempDir } from "../support/temp_dir.ts";

/** What a client of the tests said of an action. */
export interface ActionOutcome {
  readonly count?: number;
  readonly kind?: string;
  readonly words?: string;
}

/** Keys of S3 that an instance is given. */
export interface InstanceKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** Where an instance has its identity from. */
export interface Instance extends AsyncDisposable {
  readonly server: RecordingServer;
  readonly env: Readonly<Record<string, string>>;
}

const EXPIRATION = "2099-01-01T00:00:00Z";
const REFUSED: PlayedAnswer = { status: 403, body: "no" };
const CLIENT = new URL("identity_client.ts", import.meta.url).pathname;

/** Runs a client that knows nothing but `env`. */
export async function runIdentityClient(
  env: Readonly<Record<string, string>>,
  connection: string,
  actions: readonly ("list" | "whole")[],
): Promise<ActionOutcome[]> {
  using directory = new TempDir();
  const kept = ["PATH", "HOME", "DENO_DIR", "TMPDIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", CLIENT, connection, ...actions],
    clearEnv: true,
    env: {
      ...Object.fromEntries(kept),
      // Whoever runs the tests may be somebody at a provider.
      AWS_CONFIG_FILE: `${directory.path}/none`,
      AWS_SHARED_CREDENTIALS_FILE: `${directory.path}/none`,
      CLOUDSDK_CONFIG: directory.path,
      AZURE_CONFIG_DIR: directory.path,
      ...env,
    },
    stderr: "inherit",
  }).output();
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
}

async function makeInstance(
  answer: (request: RecordedRequest) => PlayedAnswer,
  env: (address: string, directory: string) => Record<string, string>,
): Promise<Instance> {
  await using resources = new AsyncDisposableStack();
  const directory = resources.use(new TempDir());
  const server = resources.use(await RecordingServer.start(answer));
  const moved = resources.move();
  return {
    server,
    env: env(`127.0.0.1:${server.port}`, directory.path),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

function json(value: unknown, headers: Record<string, string> = {}): PlayedAnswer {
  return {
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(value),
  };
}

/** The kinds of instances that S3's client knows. */
export const S3_INSTANCES: Readonly<Record<string, (keys: InstanceKeys) => Promise<Instance>>> = {
  "a container (ECS)": (keys) =>
    makeInstance(
      ({ url, headers }) =>
        url === "/credentials" && headers.authorization === "container-secret"
          ? json({
            AccessKeyId: keys.accessKeyId,
            SecretAccessKey: keys.secretAccessKey,
            Token: keys.sessionToken,
            Expiration: EXPIRATION,
          })
          : REFUSED,
      (address) => ({
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://${address}/credentials`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: "container-secret",
      }),
    ),
  "a machine (IMDSv2)": (keys) =>
    makeInstance(
      ({ method, url, headers }) => {
        if (method === "PUT" && url === "/latest/api/token") {
          const isAsked = headers["x-aws-ec2-metadata-token-ttl-seconds"] !== undefined;
          return isAsked ? { body: "metadata-session" } : REFUSED;
        }
        if (headers["x-aws-ec2-metadata-token"] !== "metadata-session") return { status: 401 };
        const path = "/latest/meta-data/iam/security-credentials/";
        if (url === path) return { body: "the-role" };
        if (url !== `${path}the-role`) return { status: 404 };
        return json({
          Code: "Success",
          Type: "AWS-HMAC",
          AccessKeyId: keys.accessKeyId,
          SecretAccessKey: keys.secretAccessKey,
          Token: keys.sessionToken,
          Expiration: EXPIRATION,
          LastUpdated: "2020-01-01T00:00:00Z",
        });
      },
      (address) => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://${address}` }),
    ),
  "a service account (IRSA)": (keys) =>
    makeInstance(
      ({ method, body }) => {
        const form = new URLSearchParams(body);
        const isRight = method === "POST" &&
          form.get("Action") === "AssumeRoleWithWebIdentity" &&
          form.get("RoleArn") === "arn:aws:iam::123456789012:role/tidemark" &&
          form.get("WebIdentityToken") === "a-web-identity-token";
        if (!isRight) return REFUSED;
        return {
          headers: { "content-type": "text/xml" },
          body:
            '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">' +
            "<AssumeRoleWithWebIdentityResult><Credentials>" +
            `<AccessKeyId>${keys.accessKeyId}</AccessKeyId>` +
            `<SecretAccessKey>${keys.secretAccessKey}</SecretAccessKey>` +
            `<SessionToken>${keys.sessionToken}</SessionToken>` +
            `<Expiration>${EXPIRATION}</Expiration>` +
            "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
        };
      },
      (address, directory) => {
        Deno.writeTextFileSync(`${directory}/token`, "a-web-identity-token");
        return {
          AWS_WEB_IDENTITY_TOKEN_FILE: `${directory}/token`,
          AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/tidemark",
          AWS_REGION: "us-east-1",
          AWS_ENDPOINT_URL_STS: `http://${address}`,
        };
      },
    ),
};

/** An instance of Azure with a managed identity. */
export function azureInstance(token: string): Promise<Instance> {
  return makeInstance(
    ({ url, headers }) => {
      const resource = new URL(url, "http://instance").searchParams.get("resource");
      const isRight = headers["x-identity-header"] === "identity-secret" &&
        resource?.replace(/\/$/, "") === "https://storage.azure.com";
      return isRight
        ? json({
          access_token: token,
          expires_on: String(Date.parse(EXPIRATION) / 1000),
          resource,
          token_type: "Bearer",
        })
        : REFUSED;
    },
    (address) => ({
      IDENTITY_ENDPOINT: `http://${address}/identity`,
      IDENTITY_HEADER: "identity-secret",
    }),
  );
}

/** An instance of Google's with a default service account. */
export function gcsInstance(token: string): Promise<Instance> {
  const flavor = { "metadata-flavor": "Google" };
  return makeInstance(
    ({ url, headers }) => {
      if (headers["metadata-flavor"] !== "Google") return REFUSED;
      const { pathname } = new URL(url, "http://instance");
      if (pathname === "/computeMetadata/v1/instance/service-accounts/default/token") {
        return json({ access_token: token, expires_in: 3600, token_type: "Bearer" }, flavor);
      }
      if (pathname === "/computeMetadata/v1/instance") return { headers: flavor, body: "id/" };
      if (pathname === "/computeMetadata/v1/universe/universe-domain") {
        return { headers: flavor, body: "googleapis.com" };
      }
      return { status: 404, headers: flavor };
    },
    (address) => ({ GCE_METADATA_HOST: address }),
  );
}

/** Checks that no text of the outcomes holds one of the secrets. */
export function assertNoSecret(
  outcomes: readonly ActionOutcome[],
  secrets: readonly string[],
): void {
  for (const { words = "" } of outcomes) {
    for (const secret of secrets) assert(!words.includes(secret), `${secret} is in: ${words}`);
  }
}

/** What a store says that lists nothing, and then refuses, repeating every secret that it was sent. */
export function listThenRefuse(
  emptyList: string,
  describe: (words: string) => PlayedAnswer,
): (request: RecordedRequest) => PlayedAnswer {
  let count = 0;
  return ({ headers }) => {
    if (count++ === 0) return { headers: { "content-type": "application/xml" }, body: emptyList };
    const sent = [headers.authorization, headers["x-amz-security-token"]].join(" and ");
    const bare = /^Bearer (.*)$/.exec(headers.authorization ?? "")?.[1] ?? "";
    return { ...describe(`I do not like ${sent} (${bare})`), status: 403 };
  };
}

/** The first lists, the second is refused without a word too much. */
export function assertListedThenRefused(
  outcomes: readonly ActionOutcome[],
  secrets: readonly string[],
): void {
  assertEquals(outcomes[0], { count: 0 });
  assertEquals([outcomes.length, outcomes[1].kind], [2, "credentials"]);
  assert(outcomes[1].words!.includes("I do not like"), "the store's words are told");
  assertNoSecret(outcomes, secrets);
}
