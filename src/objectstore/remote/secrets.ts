/**
 * Keeps secrets out of messages, whoever wrote them.
 *
 * @module
 */

const HIDDEN = "****";
/** Shorter values would blot out ordinary words. */
const SECRET_CHARS_MIN = 6;
/** What looks like a secret even if it is not one of ours: signatures in addresses, authorization headers. */
const PATTERNS: readonly RegExp[] = [
  /\b(sig|Signature|X-Amz-Signature|X-Amz-Security-Token|X-Goog-Signature|upload_id|AccountKey|SharedAccessSignature)=[^\s&;"']+/gi,
  /\b(Bearer|SharedKey|AWS4-HMAC-SHA256) [^\s"']+/g,
];

/** Secrets of a connection that were learned and are kept; a token lives for an hour or so. */
const LEARNED_MAX = 8;

/** The secrets of a connection: those that it was given, and the newest of those that it was handed out since. */
export class Secrets {
  readonly #values: readonly string[];
  readonly #learned: string[] = [];

  constructor(values: readonly (string | undefined)[]) {
    this.#values = values
      .filter((value): value is string => value !== undefined && value.length >= SECRET_CHARS_MIN)
      .sort((a, b) => b.length - a.length);
  }

  /** Notes a secret that somebody else gave: a token of an instance's identity. */
  learn(value: string): void {
    if (value.length < SECRET_CHARS_MIN || this.#learned.includes(value)) return;
    this.#learned.push(value);
    if (this.#learned.length > LEARNED_MAX) this.#learned.shift();
  }

  /** Replaces every secret in a text. */
  redact(text: string): string {
    let result = text;
    for (const value of [...this.#values, ...this.#learned]) {
      result = result.replaceAll(value, HIDDEN);
    }
    for (const pattern of PATTERNS) {
      result = result.replace(pattern, (match) => `${match.split(/[= ]/)[0]}=${HIDDEN}`);
    }
    return result;
  }
}
