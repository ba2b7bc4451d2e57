/**
 * Assertions for tests, with the names of `@std/assert` over `node:assert/strict`.
 *
 * @module
 */
import nodeAssert from "node:assert/strict";

/** Fails unless the value is truthy. */
export function assert(value: unknown, message?: string): asserts value {
  nodeAssert.ok(value, message);
}

/** Fails unless both values are deeply and strictly equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.deepStrictEqual(actual, expected, message);
}

/** Fails if both values are deeply and strictly equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.notDeepStrictEqual(actual, expected, message);
}

/** Fails unless the text contains the part. */
export function assertStringIncludes(actual: string, expected: string, message?: string): void {
  nodeAssert.ok(
    actual.includes(expected),
    message ?? `${JSON.stringify(actual)} does not include ${JSON.stringify(expected)}`,
  );
}

/** Fails unless the text matches. */
export function assertMatch(actual: string, expected: RegExp, message?: string): void {
  nodeAssert.match(actual, expected, message);
}

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

function check<E extends Error>(
  error: unknown,
  type: ErrorClass<E>,
  includes: string | undefined,
): E {
  if (!(error instanceof type)) {
    throw new nodeAssert.AssertionError({
      message: `Expected ${type.name}, got ${
        error instanceof Error ? `${error.name}: ${error.message}` : String(error)
      }`,
    });
  }
  if (includes !== undefined) assertStringIncludes(error.message, includes);
  return error;
}

/** Fails unless the function throws an error of the class whose message contains the text; returns the error. */
export function assertThrows<E extends Error>(
  run: () => unknown,
  type: ErrorClass<E>,
  includes?: string,
): E {
  try {
    run();
  } catch (error) {
    return check(error, type, includes);
  }
  throw new nodeAssert.AssertionError({ message: `Expected ${type.name}, but nothing was thrown` });
}

/** Fails unless the promise rejects with an error of the class whose message contains the text; returns the error. */
export async function assertRejects<E extends Error>(
  run: () => Promise<unknown>,
  type: ErrorClass<E>,
  includes?: string,
): Promise<E> {
  try {
    await run();
  } catch (error) {
    return check(error, type, includes);
  }
  throw new nodeAssert.AssertionError({
    message: `Expected ${type.name}, but nothing was rejected`,
  });
}
