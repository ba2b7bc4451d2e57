/**
 * Checks the structure of the project, which compiler and linter cannot know: layers, doors, sizes, documentation, leftovers.
 * Part of `deno task ok`. Exceptions stand in `scripts/tidy/allow_list.ts`, each with its reason.
 *
 * @module
 */
import { ALLOWANCES } from "./tidy/allow_list.ts";
import { type Allowance, applyAllowances, type SourceText, type Violation } from "./tidy/rule.ts";
import {
  checkDefaultExports,
  checkDocumentation,
  checkEmptyCatch,
  checkFunctionSize,
  checkHeader,
  checkLayers,
  checkParameters,
  checkSeam,
  checkSkippedTests,
  parseSource,
} from "./tidy/syntax_rules.ts";
import {
  checkFileSize,
  checkLeftovers,
  checkMachinePaths,
  checkRegistryHosts,
} from "./tidy/text_rules.ts";

const PROJECT = new URL("..", import.meta.url).pathname;
const SKIPPED_FOLDERS = ["node_modules", "build", ".git", ".cache"];
const SKIPPED_FILES = [".git", "deno.lock", "LICENSE"];
/** Larger files are data. */
const FILE_BYTES_MAX = 1_048_576;

/** Runs every rule that concerns a file. */
export function checkFile(source: SourceText): Violation[] {
  const found = [
    ...checkMachinePaths(source),
    ...checkRegistryHosts(source),
    ...checkLeftovers(source),
  ];
  if (!source.path.endsWith(".ts")) return found;
  const parsed = parseSource(source);
  found.push(
    ...checkFileSize(source),
    ...checkDefaultExports(parsed),
    ...checkDocumentation(parsed),
    ...checkEmptyCatch(parsed),
    ...checkFunctionSize(parsed),
    ...checkLayers(parsed),
    ...checkSeam(parsed),
    ...checkSkippedTests(parsed),
  );
  const isTest = source.path.startsWith("tests/");
  // A kernel takes pointers and lengths, one by one: there are no objects in it.
  const isKernel = source.path.startsWith("core-wasm/");
  if (!isTest && !isKernel) found.push(...checkParameters(parsed));
  if (!isTest) found.push(...checkHeader(parsed));
  return found;
}

/** Checks files against the rules and the allow-list. @returns findings by file and line. */
export function checkProject(
  sources: readonly SourceText[],
  allowances: readonly Allowance[],
): Violation[] {
  return applyAllowances(sources.flatMap(checkFile), allowances)
    .sort((a, b) => a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line);
}

/** Reads the text files of the project. */
export function readProject(root: string): SourceText[] {
  const sources: SourceText[] = [];
  const visit = (folder: string) => {
    for (const entry of Deno.readDirSync(root + folder)) {
      const path = folder + entry.name;
      if (entry.isDirectory) {
        if (!SKIPPED_FOLDERS.includes(entry.name)) visit(`${path}/`);
        continue;
      }
      if (SKIPPED_FILES.includes(path) || Deno.statSync(root + path).size > FILE_BYTES_MAX) {
        continue;
      }
      const bytes = Deno.readFileSync(root + path);
      if (!bytes.includes(0)) sources.push({ path, text: new TextDecoder().decode(bytes) });
    }
  };
  visit("");
  return sources;
}

if (import.meta.main) {
  const sources = readProject(PROJECT);
  const violations = checkProject(sources, ALLOWANCES);
  for (const { rule, file, line, message, isAdvice } of violations) {
    console.log(`${file}:${line} ${isAdvice ? "advice" : "error"} ${rule}: ${message}`);
  }
  const errorCount = violations.filter(({ isAdvice }) => !isAdvice).length;
  console.log(`tidy: ${sources.length} files, ${errorCount} violations`);
  if (errorCount > 0) Deno.exit(1);
}
