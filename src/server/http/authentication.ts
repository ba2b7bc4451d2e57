/**
 * HTTP basic authentication with the one user of the configuration.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";

/** Compares credentials by digest, so that neither their length nor a common beginning shows in the time taken. */
export class BasicAuthentication {
  /** Digest of the expected header value; `null` lets everybody in. */
  readonly #expected: Uint8Array | null;

  /** @param user Everybody is let in if it is empty. */
  constructor(user: string, password: string) {
    const bytes = new TextEncoder().encode(`${user}:${password}`);
    this.#expected = user === "" ? null : digest(bytes);
  }

  /** Tells whether the request carries the right user and password. */
  isAllowed(request: Request): boolean {
    if (this.#expected === null) return true;
    const match = /^Basic +([A-Za-z0-9+/]*={0,2})$/i.exec(
      request.headers.get("authorization") ?? "",
    );
    const given = decodeBase64(match?.[1] ?? "");
    return timingSafeEqual(digest(given), this.#expected);
  }
}

function digest(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

function decodeBase64(text: string): Uint8Array {
  return text.length % 4 === 0
    ? Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
    : new Uint8Array(0);
}
