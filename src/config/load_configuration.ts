/**
 * Turns raw values into a validated, typed configuration.
 *
 * - A value that cannot be used throws: the server must not start on a guess.
 * - An unknown key is reported together with the key that was probably meant; with `config.validation.strict` it throws.
 * - A key of QuestDB that this server does not use is accepted and reported once.
 * - No message holds a secret.
 *
 * @module
 */
import { ConfigError } from "../common/mod.ts";
import type { FileSystem } from "../platform/mod.ts";
import { QUESTDB_KEYS } from "./known_keys.ts";
import { nearestKey } from "./nearest_key.ts";
import type { Host, Property } from "./property.ts";
import type { ConfigurationOf, PropertyTable } from "./property_table.ts";
import {
  type ConfigurationNote,
  confPath,
  environmentVariable,
  type RawValue,
  type RawValues,
  readConf,
  readEnvironment,
  readSecretFile,
  readSettings,
  type ValueSource,
} from "./sources.ts";

/** What a configuration is made from. */
export interface LoadOptions {
  /** Absolute path of the install root. */
  readonly installRoot: string;
  readonly fs: FileSystem;
  /** The process environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** `key=value` settings of the command line. */
  readonly settings: readonly string[];
  readonly cpuCount: number;
}

/** A property with the value that counts. */
export interface ResolvedProperty {
  // deno-lint-ignore no-explicit-any
  readonly property: Property<any>;
  readonly value: unknown;
  readonly source: ValueSource;
  /** The text it was read from; `null` for a default. */
  readonly text: string | null;
}

/** The outcome of {@linkcode loadConfiguration}. */
export interface LoadedConfiguration<T> {
  readonly configuration: ConfigurationOf<T>;
  readonly resolved: ReadonlyMap<string, ResolvedProperty>;
  /** Everything an operator should know; holds no secrets. */
  readonly notes: readonly ConfigurationNote[];
  /** True if there is a `server.conf`. */
  readonly hasConf: boolean;
}

/** Values of all sources, strongest first. */
type Sources = readonly { readonly values: RawValues; nameOf(key: string): string }[];

/**
 * Loads the configuration of a root.
 *
 * @throws {ConfigError} naming the place, the key, the value unless it is secret, and what was expected.
 */
export function loadConfiguration<T extends PropertyTable>(
  table: T,
  options: LoadOptions,
): LoadedConfiguration<T> {
  const notes: ConfigurationNote[] = [];
  const conf = readConf(options.fs, confPath(options.installRoot), notes);
  const sources: Sources = [
    { values: readSettings(options.settings), nameOf: (key) => key },
    { values: readEnvironment(options.environment), nameOf: environmentVariable },
    { values: conf ?? new Map(), nameOf: (key) => key },
  ];
  const host: Host = { installRoot: options.installRoot, cpuCount: options.cpuCount };
  const resolved = new Map<string, ResolvedProperty>();
  const configuration: Record<string, Record<string, unknown>> = {};
  for (const [section, properties] of Object.entries(table)) {
    configuration[section] = {};
    for (const [name, property] of Object.entries(properties)) {
      const entry = resolve(property, { sources, host, fs: options.fs, notes });
      resolved.set(property.key, entry);
      configuration[section][name] = entry.value;
    }
  }
  const isStrict = resolved.get("config.validation.strict")?.value === true;
  reportUnusedKeys(table, { sources, notes, isStrict });
  return {
    configuration: configuration as ConfigurationOf<T>,
    resolved,
    notes,
    hasConf: conf !== null,
  };
}

interface ResolveContext {
  readonly sources: Sources;
  readonly host: Host;
  readonly fs: FileSystem;
  readonly notes: ConfigurationNote[];
}

function resolve<T>(property: Property<T>, context: ResolveContext): ResolvedProperty {
  const raw = findRaw(property, context);
  if (raw === null) {
    const value = property.defaultValue(context.host);
    return { property, value, source: "default", text: null };
  }
  // White space around a value is a slip of the pen everywhere but in a password.
  const text = property.kind === "text" ? raw.text : raw.text.trim();
  const value = property.parse(text);
  if (value === undefined) throw badValue(property, text, raw);
  return { property, value, source: raw.source, text };
}

function findRaw<T>(property: Property<T>, context: ResolveContext): RawValue | null {
  const direct = find(context.sources, [property.key, ...property.aliases]);
  if (!property.isSecret || direct?.source === "cli") return direct;
  const file = findSecretFile(property.key, context.sources);
  if (file === null) return direct;
  const secret = readSecretFile(context.fs, property.key, file);
  if (secret.text === "") {
    context.notes.push({
      level: "advisory",
      message: "secret file is empty",
      context: { key: property.key, ...secret.place },
    });
  }
  return secret;
}

function find(sources: Sources, keys: readonly string[]): RawValue | null {
  for (const { values, nameOf } of sources) {
    for (const key of keys) {
      const raw = values.get(nameOf(key));
      if (raw !== undefined) return raw;
    }
  }
  return null;
}

function findSecretFile(key: string, sources: Sources): RawValue | null {
  return find(sources, [`${key}.file`]);
}

function badValue<T>(property: Property<T>, text: string, raw: RawValue): ConfigError {
  const hasComment = /\s#/.test(text) && property.parse(text.replace(/\s+#.*$/, "")) !== undefined;
  const hint = hasComment ? ": a comment needs a line of its own" : "";
  return new ConfigError(`Cannot use a configuration value, expected ${property.expected}${hint}`, {
    ...raw.place,
    key: property.key,
    value: property.isSecret ? "****" : text.length > 200 ? `${text.slice(0, 200)}...` : text,
  });
}

function reportUnusedKeys(
  table: PropertyTable,
  context: { sources: Sources; notes: ConfigurationNote[]; isStrict: boolean },
): void {
  const used = new Set<string>();
  for (const property of propertiesOf(table)) {
    for (const key of [property.key, ...property.aliases]) used.add(key);
    if (property.isSecret) used.add(`${property.key}.file`);
  }
  const unused: string[] = [];
  for (const { values, nameOf } of context.sources) {
    const usedNames = new Set([...used].map(nameOf));
    const knownNames = new Set([...QUESTDB_KEYS].map(nameOf));
    for (const [name, raw] of values) {
      if (usedNames.has(name)) continue;
      if (knownNames.has(name.replace(/(\.file|_FILE)$/, ""))) unused.push(name);
      else reportUnknown(name, raw, { candidates: [...usedNames, ...knownNames], ...context });
    }
  }
  if (unused.length > 0) {
    context.notes.push({
      level: "info",
      message: "configuration keys of QuestDB that this version does not use",
      context: { keys: unused.sort().join(", ") },
    });
  }
}

function reportUnknown(
  name: string,
  raw: RawValue,
  context: { candidates: string[]; notes: ConfigurationNote[]; isStrict: boolean },
): void {
  const nearest = nearestKey(name, context.candidates);
  const message = nearest === null
    ? "unknown configuration key"
    : `unknown configuration key, did you mean ${nearest}?`;
  const facts = { ...raw.place, key: name };
  if (context.isStrict) throw new ConfigError(message, facts);
  context.notes.push({ level: "advisory", message, context: facts });
}

/** All properties of a table, in order. */
// deno-lint-ignore no-explicit-any
export function propertiesOf(table: PropertyTable): Property<any>[] {
  return Object.values(table).flatMap((section) => Object.values(section));
}
