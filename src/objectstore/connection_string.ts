/**
 * Connection strings of object stores: `scheme::key1=value1;key2=value2;`. There is no escape: a value ends at the next
 * `;`. Everything after the first `=` of a part belongs to the value. A string that is not exactly that is refused when it
 * is read, not when it is used; no value is ever part of a message.
 *
 * @module
 */
import { ConfigError, type ErrorContext } from "../common/mod.ts";

/** A store's connection string that cannot be used. The text starts with the name that QuestDB's documentation uses. */
export class InvalidObjectStoreConfigurationError extends ConfigError {
  constructor(reason: string, context: ErrorContext = {}, options?: ErrorOptions) {
    super(`InvalidObjectStoreConfigurationException: ${reason}`, context, options);
  }
}

/** A parsed connection string. */
export interface ObjectStoreConnection {
  /** Scheme in lower case, e.g. `fs`. */
  readonly scheme: string;
  /** Values by key, in order. */
  readonly values: ReadonlyMap<string, string>;
}

const SCHEME = /^([a-z][a-z0-9]*)::/;
const KEY = /^[a-z][a-z0-9_]*$/;

/** Longest connection string in characters: a service account in base64 has about 3 000. */
export const CONNECTION_STRING_CHARS_MAX = 65_536;

/**
 * Parses a connection string. Which keys a scheme knows is checked by {@linkcode requireKeys}.
 *
 * @throws {InvalidObjectStoreConfigurationError}
 */
export function parseConnectionString(text: string): ObjectStoreConnection {
  if (text.length > CONNECTION_STRING_CHARS_MAX) {
    throw new InvalidObjectStoreConfigurationError("connection string is too long", {
      length: text.length,
      limit: CONNECTION_STRING_CHARS_MAX,
    });
  }
  const trimmed = text.trim();
  const match = SCHEME.exec(trimmed);
  if (match === null) {
    throw new InvalidObjectStoreConfigurationError(
      "connection string must start with a scheme, as in fs::root=/backups;atomic_write_dir=/backups/atomic;",
    );
  }
  const scheme = match[1];
  const rest = trimmed.slice(match[0].length);
  const parts = rest.split(";");
  if (parts.at(-1)!.trim() === "") parts.pop();
  const values = new Map<string, string>();
  parts.forEach((part, index) => {
    const context = { scheme, part: index + 1 };
    const equals = part.indexOf("=");
    if (equals < 0) {
      throw new InvalidObjectStoreConfigurationError("part has no '='", context);
    }
    const key = part.slice(0, equals).trim();
    if (!KEY.test(key)) {
      throw new InvalidObjectStoreConfigurationError("part has no valid key", context);
    }
    if (values.has(key)) {
      throw new InvalidObjectStoreConfigurationError("key is given twice", { scheme, key });
    }
    values.set(key, part.slice(equals + 1));
  });
  return { scheme, values };
}

/**
 * Checks the keys of a connection against what its scheme knows.
 *
 * @throws {InvalidObjectStoreConfigurationError} naming the key that is unknown, missing or empty.
 */
export function requireKeys(
  connection: ObjectStoreConnection,
  known: { readonly required: readonly string[]; readonly optional: readonly string[] },
): void {
  const { scheme, values } = connection;
  const all = [...known.required, ...known.optional];
  for (const key of values.keys()) {
    if (!all.includes(key)) {
      throw new InvalidObjectStoreConfigurationError("unknown key", {
        scheme,
        key,
        known: all.join("|"),
      });
    }
  }
  for (const key of known.required) {
    const value = values.get(key);
    if (value === undefined) {
      throw new InvalidObjectStoreConfigurationError("key is missing", { scheme, key });
    }
    if (value.trim() === "") {
      throw new InvalidObjectStoreConfigurationError("value is empty", { scheme, key });
    }
  }
}

/**
 * Reads a value that is `true` or `false`.
 *
 * @returns `undefined` if it is not given.
 * @throws {InvalidObjectStoreConfigurationError} naming the key.
 */
export function readBoolean(connection: ObjectStoreConnection, key: string): boolean | undefined {
  const value = connection.values.get(key)?.trim().toLowerCase();
  if (value === undefined) return undefined;
  if (value !== "true" && value !== "false") {
    throw new InvalidObjectStoreConfigurationError("value must be true or false", {
      scheme: connection.scheme,
      key,
    });
  }
  return value === "true";
}

/**
 * Reads a whole number.
 *
 * @returns `undefined` if it is not given.
 * @throws {InvalidObjectStoreConfigurationError} naming the key and its bounds.
 */
export function readInteger(
  connection: ObjectStoreConnection,
  key: string,
  bounds: { readonly min: number; readonly max: number },
): number | undefined {
  const text = connection.values.get(key)?.trim();
  if (text === undefined) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (!(value >= bounds.min && value <= bounds.max)) {
    throw new InvalidObjectStoreConfigurationError("value must be a whole number in bounds", {
      scheme: connection.scheme,
      key,
      ...bounds,
    });
  }
  return value;
}

/**
 * Reads the address of a server; `https://` is put before one without a scheme.
 *
 * @throws {InvalidObjectStoreConfigurationError} if it is no address, or holds credentials, a query or a fragment.
 */
export function readEndpoint(connection: ObjectStoreConnection): URL | undefined {
  const text = connection.values.get("endpoint")?.trim();
  if (text === undefined) return undefined;
  const fail = (reason: string) =>
    new InvalidObjectStoreConfigurationError(reason, {
      scheme: connection.scheme,
      key: "endpoint",
    });
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(full)) throw fail("value is no address");
  const url = new URL(full);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw fail("address must begin with http:// or https://");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw fail("address must not hold credentials, a query or a fragment");
  }
  return url;
}

/**
 * Reads `root`: the prefix of every key of a store. Slashes around it do not count; `/` is no prefix.
 *
 * @returns the prefix with a `/` at its end, or an empty string.
 * @throws {InvalidObjectStoreConfigurationError} if it cannot be part of a key.
 */
export function readRootPrefix(connection: ObjectStoreConnection): string {
  const root = (connection.values.get("root") ?? "").trim().replace(/^\/+|\/+$/g, "");
  if (root === "") return "";
  const isClean = root.split("/").every((part) =>
    part !== "" && part !== "." && part !== ".." && /^[^\p{Cc}\\]{1,255}$/u.test(part)
  );
  if (!isClean) {
    throw new InvalidObjectStoreConfigurationError("value cannot be a prefix of keys", {
      scheme: connection.scheme,
      key: "root",
    });
  }
  return `${root}/`;
}
