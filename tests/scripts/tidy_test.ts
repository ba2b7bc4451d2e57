/** Each rule of the structure check: passes what is fine, fails on a planted violation. */
import { checkFile, checkProject, readProject } from "../../scripts/tidy.ts";
import { ALLOWANCES } from "../../scripts/tidy/allow_list.ts";
import { LAYERS } from "../../scripts/tidy/layers.ts";
import { applyAllowances } from "../../scripts/tidy/rule.ts";
import { FUNCTION_LINES_MAX } from "../../scripts/tidy/syntax_rules.ts";
import { FILE_LINES_HARD, FILE_LINES_SOFT } from "../../scripts/tidy/text_rules.ts";
import { assert, assertEquals } from "../support/assert.ts";

const HEADER = "/** A file for this test. @module */\n";

/** Rules that fail on the text as the given file, with the lines. */
function findings(path: string, text: string): string[] {
  return checkFile({ path, text: HEADER + text }).map(({ rule, line }) => `${rule}:${line}`);
}

function passes(path: string, ...texts: string[]): void {
  for (const text of texts) assertEquals(findings(path, text), [], text);
}

function fails(rule: string, path: string, ...texts: string[]): void {
  for (const text of texts) assertEquals(findings(path, text), [`${rule}:2`], text);
}

Deno.test("layer fails on an import against the order of folders", () => {
  fails("layer", "src/storage/a.ts", 'import { x } from "../wal/mod.ts";\n');
  fails("layer", "src/common/a.ts", 'export * from "../platform/mod.ts";\n');
  fails("layer", "src/objectstore/a.ts", 'import type { X } from "../wasm/mod.ts";\n');
  fails("layer", "src/sql/exec/a.ts", 'import { x } from "../../backup/mod.ts";\n');
  fails("layer", "src/backup/a.ts", 'const x = await import("../server/mod.ts");\n');
  fails("layer", "src/engine/a.ts", 'import { x } from "../../tests/support/assert.ts";\n');
  passes("src/wal/a.ts", 'import { x } from "../storage/mod.ts";\nimport { y } from "./b.ts";\n');
  passes("src/sql/exec/a.ts", 'import { x } from "../ast/mod.ts";\nimport y from "npm:y";\n');
  passes("src/main.ts", 'import { x } from "./cli/mod.ts";\n');
});

Deno.test("layer fails on a folder without a place in the order", () => {
  assertEquals(findings("src/misc/a.ts", "const x = 1;\n"), ["layer:2"]);
});

Deno.test("door fails on an import past mod.ts", () => {
  fails("door", "src/wal/a.ts", 'import { x } from "../storage/table_writer.ts";\n');
  passes("src/cli/a.ts", 'import { x } from "../server/http/mod.ts";\n');
  passes("tests/wal/a.ts", 'import { x } from "../../src/storage/table_writer.ts";\n');
});

Deno.test("LAYERS has no cycles and names only folders it knows", () => {
  for (const [folder, allowed] of Object.entries(LAYERS)) {
    for (const other of allowed) {
      assert(other in LAYERS, other);
      assert(!LAYERS[other].includes(folder), `${folder} and ${other} import each other`);
    }
  }
});

Deno.test("file-size advises over the soft limit and fails over the hard one", () => {
  const text = (lines: number) => "// line\n".repeat(lines - 1);
  const check = (lines: number) =>
    checkFile({ path: "src/sql/a.ts", text: HEADER + text(lines) })
      .map(({ rule, isAdvice }) => [rule, isAdvice]);
  assertEquals(check(FILE_LINES_SOFT), []);
  assertEquals(check(FILE_LINES_SOFT + 1), [["file-size", true]]);
  assertEquals(check(FILE_LINES_HARD), [["file-size", true]]);
  assertEquals(check(FILE_LINES_HARD + 1), [["file-size", false]]);
});

Deno.test("function-size fails on a function over the limit, of any form", () => {
  const body = (lines: number) => `{\n${"  x();\n".repeat(lines - 2)}}`;
  for (const prefix of ["function f() ", "const f = () => ", "const o = { f() "]) {
    const suffix = prefix.includes("{") ? " };\n" : ";\n";
    passes("src/sql/a.ts", prefix + body(FUNCTION_LINES_MAX) + suffix);
    fails("function-size", "src/sql/a.ts", prefix + body(FUNCTION_LINES_MAX + 1) + suffix);
  }
  assertEquals(
    findings("src/sql/a.ts", `class A {\n  constructor() ${body(FUNCTION_LINES_MAX + 1)}\n}\n`),
    ["function-size:3"],
  );
});

Deno.test("parameters fails on a fourth positional parameter, but not in a kernel, a type or a test", () => {
  fails("parameters", "src/sql/a.ts", "function f(a: A, b: B, c: C, d: D) {}\n");
  passes("src/sql/a.ts", "function f(a: A, b: B, { c, d }: O) {}\n");
  passes("src/sql/a.ts", "interface F { f(a: A, b: B, c: C, d: D): void }\n");
  passes("tests/sql/a.ts", "function f(a: A, b: B, c: C, d: D) {}\n");
  passes("core-wasm/scan/a.ts", "function f(a: i32, b: i32, c: i32, d: i32): void {}\n");
});

Deno.test("default-export fails on every form of it", () => {
  fails(
    "default-export",
    "src/sql/a.ts",
    "export default 1;\n",
    "/** A. */ export default class A {}\n",
    "export { a as default };\n",
    "const a = 1; export = a;\n",
  );
  passes("src/sql/a.ts", "export { a };\n", 'import a from "a";\n');
});

Deno.test("undocumented fails on an export without a description", () => {
  fails(
    "undocumented",
    "src/sql/a.ts",
    "export const a = 1;\n",
    "export function f() {}\n",
    "export class A {}\n",
    "export interface A {}\n",
    "export type A = 1;\n",
    "export enum A {}\n",
    "/* plain */ export type A = 1;\n",
  );
  passes(
    "src/sql/a.ts",
    "/** Says what it is. */\nexport const a = 1;\n",
    "const a = 1;\n",
    'export * from "./b.ts";\n',
    "/** Adds. */\nexport function f(a: A): A;\nexport function f(a: B): B;\n",
  );
});

Deno.test("header fails on a file that does not say what it is for", () => {
  const rules = (path: string, text: string) => checkFile({ path, text }).map(({ rule }) => rule);
  assertEquals(rules("src/sql/a.ts", "const a = 1;\n"), ["header"]);
  assertEquals(rules("src/sql/a.ts", "/** @module */\nconst a = 1;\n"), ["header"]);
  assertEquals(rules("src/sql/a.ts", "/** Adds numbers. @module */\nconst a = 1;\n"), []);
  assertEquals(rules("src/sql/a.ts", "// deno-lint-ignore-file no-explicit-any\nf();\n"), [
    "header",
  ]);
  assertEquals(rules("core-wasm/scan/a.ts", "// Sums of numbers.\nf();\n"), []);
  assertEquals(rules("scripts/a.ts", "#!/usr/bin/env deno\n/** Adds numbers. */\nf();\n"), []);
  assertEquals(rules("tests/sql/a_test.ts", "const a = 1;\n"), []);
});

Deno.test("machine-path fails on a path of some machine, in any text file", () => {
  for (const folder of ["work", "root", "home"]) {
    for (const path of ["docs/a.md", "src/sql/a.ts", ".ci/run"]) {
      fails("machine-path", path, `// see /${folder}/x\n`, `//"/${folder}/x"\n`);
    }
  }
  passes("docs/a.md", "${dir}/root/ $HOME/home/ ../root/x\n");
});

Deno.test("registry-host fails on the name of a package registry", () => {
  fails("registry-host", "docs/a.md", `https://registry.${"npmjs"}.org/x\n`, `jsr.${"io"}\n`);
  passes("docs/a.md", "the npm registry\n");
});

Deno.test("leftover fails on a note to self", () => {
  for (const word of ["TO" + "DO", "FIX" + "ME", "X".repeat(3)]) {
    fails("leftover", "src/sql/a.ts", `// ${word}: later\n`);
    fails("leftover", "docs/a.md", `${word}\n`);
  }
  passes("src/sql/a.ts", "const methodOXXXO = 1;\n");
});

Deno.test("empty-catch fails on a swallowed error, with or without a comment", () => {
  fails(
    "empty-catch",
    "src/sql/a.ts",
    "try { f(); } catch {}\n",
    "try { f(); } catch (e) { /* whatever */ }\n",
    "p.catch(() => {});\n",
    "p.catch(function () {});\n",
  );
  passes("src/sql/a.ts", "try { f(); } catch (e) { g(e); }\n", "p.catch((e) => g(e));\n");
});

Deno.test("skipped-test fails on a test that is skipped or keeps others from running", () => {
  const name = "Deno." + "test";
  fails(
    "skipped-test",
    "tests/sql/a_test.ts",
    `${name}.ignore("x", () => {});\n`,
    `${name}.only("x", () => {});\n`,
    `${name}({ name: "x", ignore: true, fn() {} });\n`,
    `${name}("x", { only: true }, () => {});\n`,
    `t.step({ name: "x", ignore: true, fn() {} });\n`,
  );
  passes("tests/sql/a_test.ts", `${name}("x", () => {});\n`, `${name}({ name: "x", fn() {} });\n`);
});

Deno.test("seam fails on files, time and randomness past src/platform", () => {
  fails(
    "seam",
    "src/wal/a.ts",
    "const t = Date.now();\n",
    "const r = Math.random();\n",
    "setTimeout(f, 1);\n",
    "Deno.openSync(path);\n",
    "await Deno.readTextFile(path);\n",
    'import * as fs from "node:fs";\n',
    "crypto.getRandomValues(b);\n",
  );
  passes("src/platform/a.ts", "const t = Date.now();\n");
  passes("src/wal/a.ts", "clock.nowMicros();\nDeno.serve(f);\nnew Deno.errors.NotFound();\n");
  passes("tests/wal/a_test.ts", "const t = Date.now();\n");
});

Deno.test("applyAllowances lets named findings pass and fails on allowances that are stale or give no reason", () => {
  const violation = { rule: "file-size", file: "src/a.ts", line: 1, message: "too long" };
  const good = { rule: "file-size", file: "src/a.ts", reason: "One table that belongs together." };
  assertEquals(applyAllowances([violation], [good]), []);
  assertEquals(applyAllowances([violation], []), [violation]);
  const other = applyAllowances([violation], [{ ...good, rule: "header" }]);
  assertEquals(other.map(({ rule }) => rule), ["file-size", "allowance"]);
  const silent = applyAllowances([violation], [{ ...good, reason: " because " }]);
  assertEquals(silent.map(({ message }) => message), [
    'the allowance for "file-size" in "src/a.ts" states no reason',
  ]);
});

Deno.test("checkProject orders findings by file and line", () => {
  const sources = [
    { path: "docs/b.md", text: `TO${"DO"}\n` },
    { path: "docs/a.md", text: `\nFIX${"ME"}\nTO${"DO"}\n` },
  ];
  assertEquals(
    checkProject(sources, []).map(({ file, line }) => `${file}:${line}`),
    ["docs/a.md:2", "docs/a.md:3", "docs/b.md:1"],
  );
});

Deno.test("the structure check passes its own files", () => {
  const sources = readProject(new URL("../..", import.meta.url).pathname);
  assert(
    sources.length > 50 && sources.some(({ path }) => path === "README.md" || path === "deno.json"),
  );
  const own = sources.filter(({ path }) => /^(scripts\/tidy|tests\/scripts\/)/.test(path));
  assert(own.length >= 6);
  assertEquals(checkProject(own, []), []);
  assert(ALLOWANCES.every(({ reason }) => reason.endsWith(".")));
});
