/**
 * What a configuration property is, and one constructor per kind of value. A property knows its key, its default, how its
 * text is read and shown, and what to tell the operator about it.
 *
 * @module
 */
import { Cron } from "croner";

/** Facts about the machine and the root that some defaults depend on. */
export interface Host {
  /** Absolute path of the install root. */
  readonly installRoot: string;
  /** Logical processors. */
  readonly cpuCount: number;
}

/** One configuration property with values of type `T`. */
export interface Property<T> {
  /** Key as in `server.conf`, spelled as QuestDB spells it. */
  readonly key: string;
  /** Other keys for the same value, which the main key overrides. */
  readonly aliases: readonly string[];
  /** Name of the kind of value, for documentation. */
  readonly kind: string;
  /** What a good value looks like, for error messages: "expected …". */
  readonly expected: string;
  /** One or two sentences for operators. */
  readonly doc: string;
  /** The default as an operator reads it. */
  readonly defaultText: string;
  /** True if `reload_config()` takes up a changed value. */
  readonly isReloadable: boolean;
  /** True if the value must never be shown, and may come from a file (`QDB_…_FILE`). */
  readonly isSecret: boolean;
  /** The default on a given machine. */
  defaultValue(host: Host): T;
  /** Reads a value; `undefined` if the text is not acceptable. */
  parse(text: string): T | undefined;
  /** Shows a value, as `SHOW PARAMETERS` does. */
  format(value: T): string;
}

/** What every constructor takes. */
export interface PropertyOptions<T> {
  readonly default: T | ((host: Host) => T);
  /** The default as an operator reads it; needed when it depends on the host. */
  readonly defaultText?: string;
  readonly doc: string;
  readonly aliases?: readonly string[];
  readonly isReloadable?: boolean;
  readonly isSecret?: boolean;
}

interface Kind<T> {
  readonly kind: string;
  readonly expected: string;
  parse(text: string): T | undefined;
  format(value: T): string;
}

function property<T>(key: string, options: PropertyOptions<T>, kind: Kind<T>): Property<T> {
  const { default: fallback } = options;
  const defaultValue = typeof fallback === "function"
    ? fallback as (host: Host) => T
    : () => fallback;
  return {
    key,
    aliases: options.aliases ?? [],
    ...kind,
    doc: options.doc,
    defaultText: options.defaultText ?? kind.format(fallback as T),
    isReloadable: options.isReloadable ?? false,
    isSecret: options.isSecret ?? false,
    defaultValue,
  };
}

/** A `true` or `false`. */
export function boolean(key: string, options: PropertyOptions<boolean>): Property<boolean> {
  return property(key, options, {
    kind: "boolean",
    expected: "true or false",
    parse: (text) => /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined,
    format: String,
  });
}

/** A whole number from `min` to `max`, both included. */
export function integer(
  key: string,
  options: PropertyOptions<number> & { readonly min: number; readonly max: number },
): Property<number> {
  const { min, max } = options;
  return property(key, options, {
    kind: "integer",
    expected: `a whole number from ${min} to ${max}`,
    parse: (text) => /^-?\d{1,15}$/.test(text) ? within(Number(text), min, max) : undefined,
    format: String,
  });
}

/** A number above 0, with or without decimals. */
export function positiveNumber(key: string, options: PropertyOptions<number>): Property<number> {
  return property(key, options, {
    kind: "number",
    expected: "a number above 0, such as 0.8",
    parse(text) {
      const value = /^(\d{1,15}|\d{0,15}\.\d{1,15})$/.test(text) ? Number(text) : 0;
      return value > 0 ? value : undefined;
    },
    format: String,
  });
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
};

/** A number of bytes: `1048576`, `64k`, `1M`, `2g`, `64kb`. */
export function size(
  key: string,
  options: PropertyOptions<number> & { readonly min: number; readonly max: number },
): Property<number> {
  const { min, max } = options;
  return property(key, options, {
    kind: "size",
    expected: `a size from ${min} to ${max} bytes, such as 64k, 1M or 2g`,
    parse(text) {
      const match = /^(\d{1,15})(?:([kmg])b?)?$/i.exec(text);
      if (match === null) return undefined;
      return within(Number(match[1]) * SIZE_UNITS[match[2]?.toLowerCase() ?? ""], min, max);
    },
    format: String,
  });
}

const DURATION_MILLIS: Readonly<Record<string, number>> = {
  "": 1,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration in milliseconds: `500`, `500ms`, `30s`, `10m`, `1h`, `2d`. */
export function duration(
  key: string,
  options: PropertyOptions<number> & { readonly minMillis: number; readonly maxMillis: number },
): Property<number> {
  const { minMillis, maxMillis } = options;
  return property(key, options, {
    kind: "duration",
    expected:
      `a duration from ${minMillis} to ${maxMillis} milliseconds, such as 500ms, 30s, 10m or 1h`,
    parse(text) {
      const match = /^(\d{1,15})(ms|s|m|h|d)?$/i.exec(text);
      if (match === null) return undefined;
      const millis = Number(match[1]) * DURATION_MILLIS[match[2]?.toLowerCase() ?? ""];
      return within(millis, minMillis, maxMillis);
    },
    format: String,
  });
}

/** An address to listen on. */
export interface BindAddress {
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** A host and port: `127.0.0.1:9000`, `[::1]:9000`, `localhost:9000`. */
export function address(key: string, options: PropertyOptions<BindAddress>): Property<BindAddress> {
  return property(key, options, {
    kind: "address",
    expected: "HOST:PORT, such as 127.0.0.1:9000 or [::1]:9000",
    parse(text) {
      const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+)):(\d{1,5})$/i.exec(text);
      if (match === null) return undefined;
      const port = within(Number(match[3]), 0, 65_535);
      return port === undefined ? undefined : { hostname: match[1] ?? match[2], port };
    },
    format: ({ hostname, port }) =>
      `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`,
  });
}

/** One of a few words. */
export function choice<const T extends string>(
  key: string,
  options: PropertyOptions<NoInfer<T>> & { readonly values: readonly T[] },
): Property<T> {
  const { values } = options;
  return property<T>(key, options, {
    kind: "word",
    expected: `one of ${values.join(", ")}`,
    parse: (text) => values.find((value) => value.toLowerCase() === text.toLowerCase()),
    format: (value) => value,
  });
}

const TEXT_CHARS_MAX = 65_536;

/** Any text on one line; may be empty. */
export function text(key: string, options: PropertyOptions<string>): Property<string> {
  return property(key, options, {
    kind: "text",
    expected: `one line of at most ${TEXT_CHARS_MAX} characters`,
    parse: (value) => value.length > TEXT_CHARS_MAX || /\p{Cc}/u.test(value) ? undefined : value,
    format: (value) => value,
  });
}

/** A cron expression of five fields; empty means never. */
export function cron(key: string, options: PropertyOptions<string>): Property<string> {
  return property(key, options, {
    kind: "cron",
    expected: "a cron expression of five fields: minute hour day-of-month month day-of-week",
    parse: (value) => value === "" || isCron(value) ? value : undefined,
    format: (value) => value,
  });
}

function isCron(text: string): boolean {
  try {
    new Cron(text, { paused: true, mode: "5-part" }).nextRun();
    return true;
  } catch {
    return false; // the message of a bad value tells what was expected
  }
}

/** An IANA time zone. */
export function timeZone(key: string, options: PropertyOptions<string>): Property<string> {
  return property(key, options, {
    kind: "time zone",
    expected: "UTC or an IANA time zone, for example Europe/Prague",
    parse: (value) => isTimeZone(value) ? value : undefined,
    format: (value) => value,
  });
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false; // the message of a bad value tells what was expected
  }
}

/** A directory or file: absolute, or relative to the install root; empty only where that is the default. */
export function path(key: string, options: PropertyOptions<string>): Property<string> {
  return property(key, options, {
    kind: "path",
    expected: "a path, absolute or relative to the install root, without ..",
    parse(value) {
      if (value === "") return options.default === "" ? value : undefined;
      if (value.length > 4096 || /\p{Cc}/u.test(value)) return undefined;
      return value.split("/").includes("..") ? undefined : value;
    },
    format: (value) => value,
  });
}

/** An object store's connection string, `scheme::key=value;…`; empty means none. Its secrets make it secret. */
export function connectionString(key: string, options: PropertyOptions<string>): Property<string> {
  return property(key, { ...options, isSecret: true }, {
    kind: "connection string",
    expected:
      "SCHEME::KEY=VALUE;KEY=VALUE; such as fs::root=/backup/store;atomic_write_dir=/backup/tmp;",
    parse(value) {
      if (value === "") return value;
      const match = /^[a-z][a-z0-9]*::(.*)$/s.exec(value);
      if (match === null || value.length > TEXT_CHARS_MAX) return undefined;
      const parts = match[1].split(";").filter((part) => part.trim() !== "");
      return parts.every((part) => part.indexOf("=") > 0) ? value : undefined;
    },
    format: (value) => value,
  });
}

function within(value: number, min: number, max: number): number | undefined {
  return value >= min && value <= max ? value : undefined;
}
