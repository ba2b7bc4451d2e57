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
  /\b(sig|X-Amz-Signature|X-Amz-Security-Token|X-Goog-Signature|upload_id|AccountKey|SharedAccessSignature)=[^\s&;"']+/gi,
  /\b(Bearer|SharedKey|AWS4-HMAC-SHA256) [^\s"']+/g,
];

/** The secrets of a connection. */
export class Secrets {
  readonly #values: readonly string[];

  constructor(values: readonly (string | undefined)[]) {
    this.#values = values
      .filter((value): value is string => value !== undefined && value.length >= SECRET_CHARS_MIN)
      .sort((a, b) => b.length - a.length);
  }

  /** Replaces every secret in a text. */
  redact(text: string): string {
    let result = text;
    for (const value of this.#values) result = result.replaceAll(value, HIDDEN);
    for (const pattern of PATTERNS) {
      result = result.replace(pattern, (match) => `${match.split(/[= ]/)[0]}=${HIDDEN}`);
    }
    return result;
  }
}
