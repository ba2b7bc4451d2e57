/**
 * Every fuzz test by name. `deno task fuzz -- NAME SEED [ITERATIONS]` runs one, `smoke` runs each briefly.
 *
 * @module
 */
import { fuzzBackup } from "./backup_fuzz.ts";
import { fuzzCsv } from "./csv_fuzz.ts";
import { fuzzMultipart } from "./multipart_fuzz.ts";
import { fuzzSql } from "./sql_fuzz.ts";
import { fuzzSqlChange } from "./sql_change_fuzz.ts";
import { fuzzSqlRun } from "./sql_run_fuzz.ts";
import { fuzzValues } from "./value_fuzz.ts";

/** Runs `iterations` random cases from a seed; throws an error that names seed and case when one fails. */
export type Fuzz = (seed: number, iterations: number) => unknown;

/** What a registered fuzz test is. */
export interface FuzzEntry {
  readonly run: Fuzz;
  /** Iterations of a full run. */
  readonly iterations: number;
  /** Iterations of the smoke run that is part of the tests. */
  readonly smokeIterations: number;
}

/** The fuzz tests. */
export const FUZZERS: Readonly<Record<string, FuzzEntry>> = {
  backup: { run: fuzzBackup, iterations: 5_000, smokeIterations: 150 },
  csv: { run: fuzzCsv, iterations: 100_000, smokeIterations: 500 },
  multipart: { run: fuzzMultipart, iterations: 100_000, smokeIterations: 500 },
  sql: { run: fuzzSql, iterations: 200_000, smokeIterations: 3_000 },
  sql_change: { run: fuzzSqlChange, iterations: 100_000, smokeIterations: 600 },
  sql_run: { run: fuzzSqlRun, iterations: 100_000, smokeIterations: 1_000 },
  values: { run: fuzzValues, iterations: 1_000_000, smokeIterations: 20_000 },
  canary: { run: canary, iterations: 1, smokeIterations: 0 },
};

/** Always fails: shows that a failure is reported and gives a non-zero exit code. */
function canary(seed: number): never {
  throw new Error(`seed=${seed} iteration=0: the canary always fails`);
}
