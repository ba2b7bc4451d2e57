/**
 * The configuration of a running server: an immutable snapshot that `reload_config()` replaces.
 *
 * Only reloadable properties take new values; what else changed in the file waits for the next start and is logged. A reload
 * that meets a bad value changes nothing.
 *
 * @module
 */
import { ConfigError } from "../common/mod.ts";
import type { Log } from "../platform/mod.ts";
import {
  loadConfiguration,
  type LoadedConfiguration,
  type LoadOptions,
  type ResolvedProperty,
} from "./load_configuration.ts";
import type { ConfigurationOf, PropertyTable } from "./property_table.ts";
import { type ConfigurationNote, environmentVariable, type ValueSource } from "./sources.ts";

const COMPONENT = "config";
/** What stands for the value of a secret. */
export const HIDDEN_VALUE = "****";

/** One row of `SHOW PARAMETERS`. */
export interface ConfigurationParameter {
  readonly propertyPath: string;
  readonly envVarName: string;
  readonly value: string;
  readonly valueSource: ValueSource;
  readonly isSensitive: boolean;
  readonly isReloadable: boolean;
}

/** The configuration of a running server. */
export class LiveConfiguration<T extends PropertyTable> {
  readonly #table: T;
  readonly #options: LoadOptions;
  readonly #log: Log;
  #loaded: LoadedConfiguration<T>;
  /** What the sources said at the last load; decides whether there is anything to reload. */
  #seen: string;

  constructor(table: T, options: LoadOptions & { readonly log: Log }) {
    this.#table = table;
    this.#options = options;
    this.#log = options.log;
    this.#loaded = loadConfiguration(table, options);
    this.#seen = fingerprint(this.#loaded.resolved);
  }

  /** The values that count now. */
  get current(): ConfigurationOf<T> {
    return this.#loaded.configuration;
  }
  /** What an operator should know about the sources; holds no secrets. */
  get notes(): readonly ConfigurationNote[] {
    return this.#loaded.notes;
  }
  /** True if there was a `server.conf` at the start. */
  get hasConf(): boolean {
    return this.#loaded.hasConf;
  }

  /** Rows of `SHOW PARAMETERS`, in key order; secrets are hidden. */
  parameters(): ConfigurationParameter[] {
    return [...this.#loaded.resolved.values()]
      .map(({ property, value, source }) => ({
        propertyPath: property.key,
        envVarName: environmentVariable(property.key),
        value: property.isSecret ? HIDDEN_VALUE : property.format(value),
        valueSource: source,
        isSensitive: property.isSecret,
        isReloadable: property.isReloadable,
      }))
      .sort((a, b) => a.propertyPath < b.propertyPath ? -1 : 1);
  }

  /**
   * Reads the sources again and takes up changed values of reloadable properties.
   *
   * @returns `true` if the sources changed and were taken up; `false` if nothing changed, reloading is off, or a value is bad.
   */
  reload(): Promise<boolean> {
    return Promise.resolve(this.#reload());
  }

  #reload(): boolean {
    if (this.#loaded.resolved.get("config.reload.enabled")?.value === false) return false;
    let next: LoadedConfiguration<T>;
    try {
      next = loadConfiguration(this.#table, this.#options);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#log.error(COMPONENT, `configuration was not reloaded: ${error.message}`);
      return false;
    }
    const seen = fingerprint(next.resolved);
    if (seen === this.#seen) return false;
    this.#seen = seen;
    this.#loaded = this.#merge(next);
    return true;
  }

  #merge(next: LoadedConfiguration<T>): LoadedConfiguration<T> {
    const resolved = new Map<string, ResolvedProperty>();
    const configuration: Record<string, Record<string, unknown>> = {};
    for (const [section, properties] of Object.entries(this.#table)) {
      configuration[section] = {};
      for (const [name, { key }] of Object.entries(properties)) {
        const entry = this.#choose(this.#loaded.resolved.get(key)!, next.resolved.get(key)!);
        resolved.set(key, entry);
        configuration[section][name] = entry.value;
      }
    }
    return { ...next, resolved, configuration: configuration as ConfigurationOf<T> };
  }

  #choose(old: ResolvedProperty, next: ResolvedProperty): ResolvedProperty {
    const { key, isReloadable } = next.property;
    const show = ({ property, value }: ResolvedProperty) =>
      property.isSecret ? HIDDEN_VALUE : property.format(value);
    if (old.property.format(old.value) === next.property.format(next.value)) {
      return isReloadable ? next : old;
    }
    if (!isReloadable) {
      this.#log.info(COMPONENT, "changed configuration option needs a restart", { key });
      return old;
    }
    this.#log.info(COMPONENT, "reloaded config option", {
      key,
      old: show(old),
      new: show(next),
    });
    return next;
  }
}

function fingerprint(resolved: ReadonlyMap<string, ResolvedProperty>): string {
  return JSON.stringify([...resolved].map(([key, { source, text }]) => [key, source, text]));
}
