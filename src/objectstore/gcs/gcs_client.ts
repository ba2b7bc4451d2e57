/**
 * Requests to the JSON interface of Google Cloud Storage.
 *
 * Google's client provides the tokens: accounts, workload identity, instances. The requests themselves are made here, because
 * that client cannot be cancelled, waits for ever for a body that breaks off, ends the process by an exception nobody can
 * catch when it repeats a read, and knows no private certificate authority (`docs/internals/objectstore.md`).
 *
 * @module
 */
import type { ObjectStoreError } from "../../common/mod.ts";
import { headerOf, type HttpAnswer, type HttpRequest, sendHttp } from "../remote/http_client.ts";
import { remoteCall, type RemoteContext } from "../remote/remote_call.ts";
import type { Agents } from "../remote/tls.ts";
import { judgeFailure, ObjectStoreRequestError, parseRetryAfter } from "../request_error.ts";
import type { GcsOptions } from "./gcs_options.ts";

const SCOPE = "https://www.googleapis.com/auth/devstorage.read_write";
/** Longest answer that is not an object. */
const ANSWER_BYTES_MAX = 16_777_216;

/** Hands out access tokens. */
export interface TokenSource {
  /** @param isRefused true if the last token was refused: a new one is needed. @returns `null` for none. */
  token(isRefused: boolean): Promise<string | null>;
}

/** Makes the source of tokens; loads Google's client only if one has to be fetched. */
export function makeTokenSource(options: GcsOptions): TokenSource {
  const { token, isAnonymous, credential } = options;
  if (isAnonymous && token === undefined) return { token: () => Promise.resolve(null) };
  if (token !== undefined) return { token: () => Promise.resolve(token) };
  let client: Promise<FetchingClient> | null = null;
  return {
    async token(isRefused) {
      if (isRefused) client = null; // with it goes the token that it keeps
      client ??= makeFetchingClient(credential);
      const value = await (await client).getAccessToken();
      if (!value) throw new Error("no access token could be obtained");
      return value;
    },
  };
}

interface FetchingClient {
  getAccessToken(): Promise<string | null | undefined>;
}

async function makeFetchingClient(credential: GcsOptions["credential"]): Promise<FetchingClient> {
  const { Storage } = await import("@google-cloud/storage");
  const storage = new Storage({
    ...credential === undefined ? {} : { credentials: { ...credential } },
    projectId: "unused", // no request names a project
    scopes: SCOPE,
  });
  return storage.authClient as unknown as FetchingClient;
}

/** A request to the service. */
export type GcsRequest =
  & Pick<HttpRequest, "method" | "body" | "operation" | "key" | "signal">
  & {
    /** Path and query below the endpoint, or a whole address that the service gave. */
    readonly path: string | URL;
    readonly headers?: Readonly<Record<string, string>>;
    /** Longest answer; 16 MiB if left out. */
    readonly bytesMax?: number;
    /** Statuses that are answers, besides 2xx. */
    readonly accepted?: readonly number[];
  };

/** Requests with tokens. */
export class GcsClient {
  readonly options: GcsOptions;
  readonly context: RemoteContext;
  readonly #agents: Agents;
  readonly #tokens: TokenSource;

  constructor(
    parts: {
      readonly options: GcsOptions;
      readonly context: RemoteContext;
      readonly agents: Agents;
      readonly tokens: TokenSource;
    },
  ) {
    this.options = parts.options;
    this.context = parts.context;
    this.#agents = parts.agents;
    this.#tokens = parts.tokens;
  }

  /** Makes a request; with a new token once if the old one is refused. @throws {ObjectStoreRequestError} */
  async send(request: GcsRequest): Promise<HttpAnswer> {
    const first = await this.#sendOnce(request, false);
    const canRenew = this.options.token === undefined && !this.options.isAnonymous;
    const answer = first.status === 401 && canRenew ? await this.#sendOnce(request, true) : first;
    if (answer.status < 300 || request.accepted?.includes(answer.status)) return answer;
    throw this.#refusal(request, answer);
  }

  /** Closes the connections. */
  close(): void {
    this.#agents[Symbol.dispose]();
  }

  async #sendOnce(request: GcsRequest, isRefused: boolean): Promise<HttpAnswer> {
    const token = await remoteCall(
      { ...this.context, describeError: describeTokenError },
      { ...request, operation: `${request.operation}: token` },
      () => this.#tokens.token(isRefused),
    );
    if (token !== null) this.context.secrets.learn(token);
    const { path } = request;
    const endpoint = this.options.endpoint.href.replace(/\/$/, "");
    return await sendHttp(this.context, {
      ...request,
      bytesMax: request.bytesMax ?? ANSWER_BYTES_MAX,
      agents: this.#agents,
      url: path instanceof URL ? path : new URL(endpoint + path),
      headers: {
        ...request.headers,
        ...token === null ? {} : { authorization: `Bearer ${token}` },
      },
    });
  }

  #refusal(request: GcsRequest, answer: HttpAnswer): ObjectStoreError {
    const { reason, code } = describeAnswer(answer);
    const failure = judgeFailure({
      reason: this.context.secrets.redact(reason),
      code,
      status: answer.status,
      retryAfterMillis: parseRetryAfter(
        headerOf(answer.headers, "retry-after"),
        Date.parse(headerOf(answer.headers, "date") ?? ""),
      ),
    });
    const { operation, key } = request;
    return new ObjectStoreRequestError(failure, {
      store: this.context.description,
      operation,
      key,
    });
  }
}

/** Status and words of a refusal: JSON, or text. */
function describeAnswer({ status, body }: HttpAnswer): { reason: string; code?: string } {
  const text = new TextDecoder().decode(body).trim();
  const plain = { reason: text.slice(0, 200) || `status ${status}` };
  if (!text.startsWith("{")) return plain;
  let error;
  try {
    ({ error } = JSON.parse(text));
  } catch {
    return plain; // the answer is no JSON after all
  }
  const reason = typeof error?.message === "string" ? error.message : plain.reason;
  const code = error?.errors?.[0]?.reason;
  return typeof code === "string" ? { reason, code } : { reason };
}

/** Failures of connections: there is no answer. */
export function describeGcsError(error: unknown) {
  const { message, code } = error as { message?: string; code?: string };
  return { reason: message || String(error), code };
}

function describeTokenError(error: unknown) {
  const { message, status, code } = error as { message?: string; status?: number; code?: string };
  const isNetwork = /^(E[A-Z]+|ERR_\w+)$/.test(String(code ?? "")) || (status ?? 0) >= 500;
  return {
    reason: (message ?? String(error)).split("\n")[0],
    ...isNetwork ? { status } : { status: 401, code: "CredentialsProviderError" },
  };
}
