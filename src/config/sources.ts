/**
 * Where values come from, before anybody knows what they mean.
 *
 * ```
 * default  <  conf/server.conf  <  QDB_… environment  <  secret file  <  --set on the command line
 * ```
 * A secret file is named by `QDB_<KEY>_FILE`, or by `<key>.file` in any other source, and holds the value of a secret.
 *
 * @module
 */
import { Properties, type PropertyNode } from "properties-file/parser";
import { ConfigError, type ErrorContext } from "../common/mod.ts";
import { type FileSystem, joinPath, readFile } from "../platform/mod.ts";

/** Longest `server.conf`. */
const CONF_BYTES_MAX = 1_048_576;
/** Longest secret file. */
const SECRET_BYTES_MAX = 65_536;
/** A line, but no comment, with a Unicode escape that is not one. */
const BAD_ESCAPE = /^(?!\s*[#!])(?:[^\\]|\\[^u]|\\u[0-9a-fA-F]{4})*\\u(?![0-9a-fA-F]{4})/;
const SECRET_PATHS_REFUSED = ["/dev/", "/proc/", "/sys/"];
/** Environment variables with QuestDB's prefix that are no configuration keys. */
const OTHER_VARIABLES = /^QDB_(LOG_.*|DEBUG|PACKAGE|OS|ROOT|CLIENT_CONF)$/;

/** What `SHOW PARAMETERS` calls the origin of a value. */
export type ValueSource = "default" | "conf" | "env" | "file" | "cli";

/** A value as it was found. */
export interface RawValue {
  readonly text: string;
  readonly source: Exclude<ValueSource, "default">;
  /** Where it stands, for messages: file and line, variable, or option. */
  readonly place: ErrorContext;
}

/** All values of one source, by key. */
export type RawValues = ReadonlyMap<string, RawValue>;

/** Something about the configuration that an operator should know. */
export interface ConfigurationNote {
  readonly level: "info" | "advisory";
  readonly message: string;
  readonly context: ErrorContext;
}

/** The environment variable of a key. */
export function environmentVariable(key: string): string {
  return `QDB_${key.toUpperCase().replaceAll(".", "_")}`;
}

/** Path of `server.conf` below an install root. */
export function confPath(installRoot: string): string {
  return joinPath(installRoot, "conf", "server.conf");
}

/**
 * Reads `server.conf`. Of a key that stands there twice the last line counts, as in Java.
 *
 * @returns its values, or `null` if there is no such file.
 * @throws {ConfigError} if it is too long, not UTF-8, or has a bad escape.
 */
export function readConf(
  fs: FileSystem,
  file: string,
  notes: ConfigurationNote[],
): RawValues | null {
  if (fs.stat(file) === null) return null;
  const values = new Map<string, RawValue>();
  const properties = parseProperties(file, readUtf8(fs, file, CONF_BYTES_MAX));
  for (const { key, value, startingLineNumber: line } of properties) {
    const earlier = values.get(key);
    if (earlier !== undefined) {
      notes.push({
        level: "advisory",
        message: "configuration key stands twice, the last line counts",
        context: { key, file, lines: `${earlier.place.line}, ${line}` },
      });
    }
    values.set(key, { text: value, source: "conf", place: { file, line } });
  }
  return values;
}

function parseProperties(file: string, text: string): PropertyNode[] {
  try {
    return new Properties(text).getProperties();
  } catch (error) {
    // The only thing that can be wrong with a properties file; the library does not tell where.
    const index = text.split(/\r\n|\r|\n/).findIndex((line) => BAD_ESCAPE.test(line));
    throw new ConfigError(
      "Cannot read the configuration: \\u needs four hexadecimal digits",
      { file, ...index < 0 ? {} : { line: index + 1 } },
      { cause: error },
    );
  }
}

/** Picks the variables with QuestDB's prefix; the keys are still variable names. */
export function readEnvironment(environment: Readonly<Record<string, string>>): RawValues {
  const values = new Map<string, RawValue>();
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith("QDB_") || OTHER_VARIABLES.test(variable)) continue;
    values.set(variable, { text, source: "env", place: { variable } });
  }
  return values;
}

/** Reads `key=value` settings of the command line; of a key given twice the last one counts. @throws {ConfigError} */
export function readSettings(settings: readonly string[]): RawValues {
  const values = new Map<string, RawValue>();
  for (const setting of settings) {
    const index = setting.indexOf("=");
    const key = setting.slice(0, Math.max(0, index)).trim();
    if (key === "") {
      // The text is not shown: it may be a secret that was meant to follow "=".
      throw new ConfigError("Cannot read a setting of the command line: expected --set KEY=VALUE");
    }
    values.set(key, {
      text: setting.slice(index + 1),
      source: "cli",
      place: { option: `--set ${key}` },
    });
  }
  return values;
}

/**
 * Reads the value of a secret from a file, without surrounding white space.
 *
 * @param reference Where the file is named; its text is the path.
 * @throws {ConfigError} if the path is refused, or the file is missing, a directory, too long or not UTF-8.
 */
export function readSecretFile(fs: FileSystem, key: string, reference: RawValue): RawValue {
  const file = reference.text.trim();
  const refuse = (reason: string, cause?: unknown) =>
    new ConfigError(
      `Cannot read the secret file: ${reason}`,
      { key, file, ...(reference.place.file === file ? {} : prefixed(reference.place)) },
      { cause },
    );
  if (!file.startsWith("/")) throw refuse("its path has to be absolute");
  if (file.split("/").includes("..")) throw refuse('its path must not contain ".."');
  if (SECRET_PATHS_REFUSED.some((prefix) => `${file}/`.startsWith(prefix))) {
    throw refuse("it must not be below /dev, /proc or /sys");
  }
  const info = fs.stat(file);
  if (info === null) throw refuse("there is no such file");
  if (info.isDirectory) throw refuse("it is a directory");
  if (info.size > SECRET_BYTES_MAX) throw refuse(`it is over ${SECRET_BYTES_MAX} bytes`);
  let text: string;
  try {
    text = readUtf8(fs, file, SECRET_BYTES_MAX);
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error), error);
  }
  return { text: text.trim(), source: "file", place: { file } };
}

function prefixed(place: ErrorContext): ErrorContext {
  return Object.fromEntries(
    Object.entries(place).map(([name, value]) => [name === "file" ? "namedIn" : name, value]),
  );
}

function readUtf8(fs: FileSystem, file: string, bytesMax: number): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFile(fs, file, bytesMax));
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    const reason = error instanceof RangeError ? `it is over ${bytesMax} bytes` : "it is not UTF-8";
    throw new ConfigError(`Cannot read the configuration: ${reason}`, { file }, { cause: error });
  }
}
