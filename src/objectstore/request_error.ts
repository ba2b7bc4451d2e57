/**
 * Why a request to a store failed, in the same words for every provider, and whether trying again can help.
 *
 * @module
 */
import { type ErrorContext, ObjectStoreError } from "../common/mod.ts";

/**
 * Kinds of failure: `credentials` refused or expired · `throttled` asked to slow down · `timeout` · `unavailable` broken
 * connection or server error · `refused` for any other reason · `damaged` bytes that are not what was stored.
 */
export type RequestFailureKind =
  | "credentials"
  | "throttled"
  | "timeout"
  | "unavailable"
  | "refused"
  | "damaged";

const MESSAGES: Readonly<Record<RequestFailureKind, string>> = {
  credentials: "object store refused the credentials",
  throttled: "object store asked to slow down",
  timeout: "object store did not answer in time",
  unavailable: "object store is not available",
  refused: "object store refused the request",
  damaged: "object is damaged",
};

/** What is known of a failure. */
export interface RequestFailure {
  readonly kind: RequestFailureKind;
  /** The provider's or the system's words, without secrets. */
  readonly reason: string;
  readonly isRetryable: boolean;
  /** HTTP status, where there was an answer. */
  readonly status?: number | undefined;
  /** The provider's code, e.g. `SlowDown`. */
  readonly code?: string | undefined;
  /** How long the server asked to wait, milliseconds. */
  readonly retryAfterMillis?: number | undefined;
}

/** A request to a store that failed. */
export class ObjectStoreRequestError extends ObjectStoreError {
  readonly failure: RequestFailure;

  constructor(failure: RequestFailure, context: ErrorContext, options?: ErrorOptions) {
    super(
      `${MESSAGES[failure.kind]}: ${failure.reason}`,
      {
        ...context,
        ...failure.status === undefined ? {} : { status: failure.status },
        ...failure.code === undefined ? {} : { code: failure.code },
      },
      { ...options, isRetryable: failure.isRetryable },
    );
    this.failure = failure;
  }
}

const RETRYABLE_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);
const THROTTLE_CODES =
  /^(SlowDown|SlowDownRead|SlowDownWrite|RequestLimitExceeded|Throttling\w*|TooManyRequests\w*|ServerBusy|rateLimitExceeded|BandwidthLimitExceeded)$/;
const RETRYABLE_CODES =
  /^(RequestTimeout|InternalError|OperationTimedOut|ConditionalRequestConflict|BadDigest|XAmzContentSHA256Mismatch|Md5Mismatch|Crc64Mismatch)$/;
const CREDENTIAL_CODES =
  /^(ExpiredToken|InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|AuthenticationFailed|AuthorizationFailure|InvalidToken|TokenRefreshRequired|CredentialsProviderError|CredentialUnavailableError|AggregateAuthenticationError)$/;
const CERTIFICATE = /certificate|CERT_|UNABLE_TO_(GET|VERIFY)|SELF_SIGNED|ERR_TLS|UnknownIssuer/i;

/** Facts of a failure before they are judged. */
export interface RawFailure {
  readonly reason: string;
  readonly status?: number | undefined;
  readonly code?: string | undefined;
  readonly retryAfterMillis?: number | undefined;
}

/** Judges a failure by its status and code; one without an answer is a broken connection. */
export function judgeFailure(raw: RawFailure): RequestFailure {
  const { status, code = "" } = raw;
  if (THROTTLE_CODES.test(code) || status === 429) {
    return { ...raw, kind: "throttled", isRetryable: true };
  }
  if (CREDENTIAL_CODES.test(code) || status === 401 || status === 403) {
    return { ...raw, kind: "credentials", isRetryable: false };
  }
  if (RETRYABLE_CODES.test(code)) return { ...raw, kind: "unavailable", isRetryable: true };
  if (status === undefined || status < 300) {
    const isCertificate = CERTIFICATE.test(`${code} ${raw.reason}`);
    return { ...raw, kind: "unavailable", isRetryable: !isCertificate };
  }
  if (RETRYABLE_STATUS.has(status)) return { ...raw, kind: "unavailable", isRetryable: true };
  return { ...raw, kind: "refused", isRetryable: false };
}

/** Milliseconds of a Retry-After header, seconds or a date; `undefined` if there is none or it makes no sense. */
export function parseRetryAfter(
  header: string | undefined,
  nowMillis: number,
): number | undefined {
  if (header === undefined) return undefined;
  const seconds = /^\s*\d+\s*$/.test(header) ? Number(header) : NaN;
  const millis = Number.isNaN(seconds) ? Date.parse(header) - nowMillis : seconds * 1000;
  return Number.isFinite(millis) && millis >= 0 ? millis : undefined;
}
