/**
 * Errors across threads: class name, message and context survive; what arrives is again an instance of its class.
 *
 * @module
 */
import * as common from "../common/mod.ts";

/** An error as plain data. */
export interface ErrorData {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly context: common.ErrorContext;
  /** Extra own fields, such as `file` of a StorageError. */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

const CLASSES: Readonly<Record<string, { readonly prototype: Error }>> = {
  QuestError: common.QuestError,
  SqlError: common.SqlError,
  ConfigError: common.ConfigError,
  StorageError: common.StorageError,
  TableError: common.TableError,
  WalError: common.WalError,
  BackupError: common.BackupError,
  RestoreError: common.RestoreError,
  LimitError: common.LimitError,
  CancelledError: common.CancelledError,
  UnsupportedTypeError: common.UnsupportedTypeError,
  ObjectStoreError: common.ObjectStoreError,
};

/** Turns anything thrown into plain data. */
export function toErrorData(error: unknown): ErrorData {
  if (!(error instanceof Error)) {
    return { name: "Error", message: String(error), stack: "", context: {}, fields: {} };
  }
  const fields: Record<string, string | number | boolean> = {};
  for (const key of ["file", "isRetryable", "position"]) {
    const value = (error as unknown as Record<string, unknown>)[key];
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      fields[key] = value;
    }
  }
  const context = error instanceof common.QuestError ? error.context : {};
  return { name: error.name, message: error.message, stack: error.stack ?? "", context, fields };
}

/** Makes an error of the class that the data names; its message is not composed again. */
export function fromErrorData(data: ErrorData): Error {
  const prototype = CLASSES[data.name]?.prototype ?? Error.prototype;
  const error = Object.create(prototype) as Error;
  const describe = (value: unknown) => ({
    value,
    enumerable: false,
    writable: true,
    configurable: true,
  });
  Object.defineProperties(error, {
    name: describe(data.name),
    message: describe(data.message),
    stack: describe(data.stack),
    context: describe(data.context),
  });
  for (const [key, value] of Object.entries(data.fields)) {
    Object.defineProperty(error, key, describe(value));
  }
  return error;
}
