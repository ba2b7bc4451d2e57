/**
 * What a structural rule finds.
 *
 * @module
 */

/** One finding. */
export interface Violation {
  readonly rule: string;
  /** Path relative to the project. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly message: string;
  /** Reported, but does not fail the check. */
  readonly isAdvice?: boolean;
}

/** A file to look at. */
export interface SourceText {
  /** Path relative to the project, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** An exception to a rule. */
export interface Allowance {
  readonly rule: string;
  readonly file: string;
  /** Why the rule is wrong here, in a sentence. */
  readonly reason: string;
}

/** Splits findings by the allow-list. An allowance that nothing needs, or that gives no reason, is a violation itself. */
export function applyAllowances(
  violations: readonly Violation[],
  allowances: readonly Allowance[],
): Violation[] {
  const needed = new Set<Allowance>();
  const remaining = violations.filter((violation) => {
    const allowance = allowances.find(({ rule, file }) =>
      rule === violation.rule && file === violation.file
    );
    if (allowance !== undefined) needed.add(allowance);
    return allowance === undefined;
  });
  for (const allowance of allowances) {
    const message = !needed.has(allowance)
      ? `nothing in "${allowance.file}" needs the allowance for "${allowance.rule}" any more`
      : allowance.reason.trim().split(/\s+/).length < 3
      ? `the allowance for "${allowance.rule}" in "${allowance.file}" states no reason`
      : null;
    if (message !== null) {
      remaining.push({ rule: "allowance", file: "scripts/tidy/allow_list.ts", line: 1, message });
    }
  }
  return remaining;
}
