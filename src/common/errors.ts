/**
 * The error taxonomy. One base class, one subclass per concern; the text a client sees follows QuestDB's wording
 * (lower case, `[key=value]`), the text an operator sees is a sentence with a hint.
 *
 * @module
 */

/** Values that may stand in an error's context record. */
export type ErrorContext = Readonly<Record<string, string | number | bigint | boolean | null>>;

/** Formats a context record in QuestDB's style: ` [key=value, key=value]`, or an empty string. */
export function formatContext(context: ErrorContext | undefined): string {
  const entries = Object.entries(context ?? {});
  if (entries.length === 0) return "";
  return ` [${entries.map(([key, value]) => `${key}=${value}`).join(", ")}]`;
}

/** Base of every error that this project throws on purpose. */
export class QuestError extends Error {
  /** Machine-readable facts about the failure; never holds a secret. */
  readonly context: ErrorContext;

  /**
   * @param message What went wrong, without the context.
   * @param context Facts appended to the message as `[key=value]`.
   * @param options `cause`: the underlying error.
   */
  constructor(message: string, context: ErrorContext = {}, options?: ErrorOptions) {
    super(message + formatContext(context), options);
    this.name = new.target.name;
    this.context = context;
  }
}

/** A statement that cannot be parsed, planned or run; `position` is the 0-based character offset of the offender. */
export class SqlError extends QuestError {
  /** 0-based offset, in UTF-16 units, into the statement text. */
  readonly position: number;

  constructor(position: number, message: string, options?: ErrorOptions) {
    super(message, {}, options);
    this.position = position;
  }
}

/** An on-disk file or directory that is missing, torn, or not what its format says. `file` is always named. */
export class StorageError extends QuestError {
  /** Path of the offending file or directory. */
  readonly file: string;

  constructor(file: string, message: string, context: ErrorContext = {}, options?: ErrorOptions) {
    super(message, { file, ...context }, options);
    this.file = file;
  }
}

/** A table that does not exist, already exists, or cannot take the operation. */
export class TableError extends QuestError {
  /** QuestDB's text for a missing table. */
  static doesNotExist(name: string): TableError {
    return new TableError("table does not exist", { table: name });
  }
  /** QuestDB's text for a name that is taken. */
  static alreadyExists(name: string): TableError {
    return new TableError("table already exists", { table: name });
  }
}

/** A WAL segment or sequencer log that cannot be written, read or applied. */
export class WalError extends QuestError {}

/** A backup that cannot be started or finished. */
export class BackupError extends QuestError {}

/** A restore that cannot be started or finished; the process must not open the root afterwards. */
export class RestoreError extends QuestError {}

/** An object store that refused or failed an operation. */
export class ObjectStoreError extends QuestError {
  /** True if the same call may succeed later. */
  readonly isRetryable: boolean;

  constructor(
    message: string,
    context: ErrorContext = {},
    options?: ErrorOptions & { isRetryable?: boolean },
  ) {
    super(message, context, options);
    this.isRetryable = options?.isRetryable ?? false;
  }
}

/** A configuration value that cannot be used; names the source, line and key. The process must not start. */
export class ConfigError extends QuestError {}

/** Work stopped because its client went away or asked for it. */
export class CancelledError extends QuestError {}

/** A named limit was exceeded. */
export class LimitError extends QuestError {}

/**
 * Asserts an invariant. For programmer errors only, never for bad input; stays on in release builds.
 *
 * @throws {Error} when `condition` is false.
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`);
}
