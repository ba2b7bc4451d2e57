/**
 * Rules on the syntax tree of TypeScript and AssemblyScript sources.
 *
 * @module
 */
import ts from "typescript";
import { layerOf, LAYERS } from "./layers.ts";
import type { SourceText, Violation } from "./rule.ts";

/** Longest function, in lines. */
export const FUNCTION_LINES_MAX = 70;
/** Most positional parameters; more belong in an options object. */
export const PARAMETERS_MAX = 3;

/** A parsed source file. */
export interface ParsedSource extends SourceText {
  readonly tree: ts.SourceFile;
}

/** Parses a source. */
export function parseSource(source: SourceText): ParsedSource {
  const tree = ts.createSourceFile(source.path, source.text, ts.ScriptTarget.Latest, true);
  return { ...source, tree };
}

function violation(
  source: ParsedSource,
  rule: string,
  place: { node: ts.Node; message: string },
): Violation {
  const { line } = source.tree.getLineAndCharacterOfPosition(place.node.getStart(source.tree));
  return { rule, file: source.path, line: line + 1, message: place.message };
}

/** Visits every node and collects what the visitor finds. */
function collect(
  source: ParsedSource,
  visit: (node: ts.Node) => Violation | null,
): Violation[] {
  const found: Violation[] = [];
  const walk = (node: ts.Node) => {
    const result = visit(node);
    if (result !== null) found.push(result);
    ts.forEachChild(node, walk);
  };
  walk(source.tree);
  return found;
}

/** The text of every `import … from` and `export … from`, and of `import("…")`. */
function importsOf(source: ParsedSource): { node: ts.Node; target: string }[] {
  const imports: { node: ts.Node; target: string }[] = [];
  const walk = (node: ts.Node) => {
    const specifier = ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
      ? node.moduleSpecifier
      : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
      ? node.arguments[0]
      : undefined;
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) {
      imports.push({ node, target: specifier.text });
    }
    ts.forEachChild(node, walk);
  };
  walk(source.tree);
  return imports;
}

function resolve(from: string, target: string): string {
  return new URL(target, `file:///${from}`).pathname.slice(1);
}

/** Folders import only what lies below them, and only through the door `mod.ts`. */
export function checkLayers(source: ParsedSource): Violation[] {
  const layer = layerOf(source.path);
  if (layer === null) return [];
  const allowed = LAYERS[layer];
  if (allowed === undefined) {
    const message = `the folder src/${layer} has no place in scripts/tidy/layers.ts`;
    return [violation(source, "layer", { node: source.tree, message })];
  }
  const found: Violation[] = [];
  for (const { node, target } of importsOf(source)) {
    if (!target.startsWith(".")) continue;
    const path = resolve(source.path, target);
    const other = layerOf(path);
    if (other === layer || path.startsWith("build/")) continue;
    if (other === null || !allowed.includes(other)) {
      const message = `src/${layer} must not import "${path}"`;
      found.push(violation(source, "layer", { node, message }));
    } else if (!path.endsWith("/mod.ts")) {
      const message = `"${path}" is imported past the door of its folder`;
      found.push(violation(source, "door", { node, message }));
    }
  }
  return found;
}

type FunctionNode =
  | ts.FunctionDeclaration
  | ts.FunctionExpression
  | ts.ArrowFunction
  | ts.MethodDeclaration
  | ts.ConstructorDeclaration
  | ts.AccessorDeclaration;

function isFunctionWithBody(node: ts.Node): node is FunctionNode {
  return (ts.isFunctionDeclaration(node) || ts.isFunctionExpression(node) ||
    ts.isArrowFunction(node) || ts.isMethodDeclaration(node) ||
    ts.isConstructorDeclaration(node) || ts.isAccessor(node)) && node.body !== undefined;
}

function nameOf(node: FunctionNode): string {
  if (ts.isConstructorDeclaration(node)) return "constructor";
  if (node.name !== undefined) return node.name.getText();
  const { parent } = node;
  return ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)
    ? parent.name.getText()
    : "a function";
}

/** Functions fit on a screen. */
export function checkFunctionSize(source: ParsedSource): Violation[] {
  return collect(source, (node) => {
    if (!isFunctionWithBody(node)) return null;
    const lineOf = (position: number) => source.tree.getLineAndCharacterOfPosition(position).line;
    const count = lineOf(node.getEnd()) - lineOf(node.getStart(source.tree)) + 1;
    if (count <= FUNCTION_LINES_MAX) return null;
    const message = `${nameOf(node)} has ${count} lines, limit ${FUNCTION_LINES_MAX}`;
    return violation(source, "function-size", { node, message });
  });
}

/** Calls say what they pass. */
export function checkParameters(source: ParsedSource): Violation[] {
  return collect(source, (node) => {
    if (!isFunctionWithBody(node) || node.parameters.length <= PARAMETERS_MAX) return null;
    const count = node.parameters.length;
    const message = `${nameOf(node)} has ${count} parameters, limit ${PARAMETERS_MAX}`;
    return violation(source, "parameters", { node, message });
  });
}

function isExported(node: ts.Node): boolean {
  return ts.canHaveModifiers(node) &&
    (ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false);
}

/** Names say what they are; a default export has none. */
export function checkDefaultExports(source: ParsedSource): Violation[] {
  return collect(source, (node) => {
    const isDefault = ts.isExportAssignment(node) ||
      (isExported(node) && ts.canHaveModifiers(node) &&
        ts.getModifiers(node)!.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)) ||
      (ts.isExportSpecifier(node) && node.name.text === "default");
    if (!isDefault) return null;
    return violation(source, "default-export", { node, message: "a default export" });
  });
}

/** Every export is documented. Overloads count once. */
export function checkDocumentation(source: ParsedSource): Violation[] {
  const found: Violation[] = [];
  const documented = new Set<string>();
  for (const node of source.tree.statements) {
    if (!isExported(node)) continue;
    const name = ts.isVariableStatement(node)
      ? node.declarationList.declarations.map((declaration) => declaration.name.getText()).join(
        ", ",
      )
      : (node as ts.DeclarationStatement).name?.getText() ?? "an export";
    // The header of the file, marked with @module, is not the description of what happens to follow it.
    const hasText = ts.getJSDocCommentsAndTags(node).some((doc) =>
      ts.isJSDoc(doc) && !doc.getText().includes("@module") && /\w/.test(doc.getText())
    );
    if (hasText) documented.add(name);
    else if (!documented.has(name)) {
      found.push(
        violation(source, "undocumented", { node, message: `${name} has no description` }),
      );
    }
  }
  return found;
}

/** A file says what it is for before anything else. */
export function checkHeader(source: ParsedSource): Violation[] {
  const header = /^(?:\s|#!.*\n|\/\/.*\n|\/\*[\s\S]*?\*\/)*/.exec(source.text)![0];
  const words = header.replace(/#!.*|deno-lint-ignore.*|@module|[\s*/]/g, "");
  if (words.length >= 10) return [];
  return [violation(source, "header", { node: source.tree, message: "no header comment" })];
}

/** Errors are handled, not swallowed. */
export function checkEmptyCatch(source: ParsedSource): Violation[] {
  return collect(source, (node) => {
    const body = ts.isCatchClause(node) ? node.block : handlerOf(node);
    if (body === null || body.statements.length > 0) return null;
    return violation(source, "empty-catch", { node, message: "an error is swallowed" });
  });
}

/** The block of the function that a promise's `.catch(…)` is given. */
function handlerOf(node: ts.Node): ts.Block | null {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return null;
  if (node.expression.name.text !== "catch") return null;
  const [handler] = node.arguments;
  if (handler === undefined) return null;
  if (!ts.isArrowFunction(handler) && !ts.isFunctionExpression(handler)) return null;
  return ts.isBlock(handler.body) ? handler.body : null;
}

/** Tests run: none is skipped, none keeps the others from running. */
export function checkSkippedTests(source: ParsedSource): Violation[] {
  return collect(source, (node) => {
    if (!ts.isCallExpression(node)) return null;
    const callee = node.expression.getText().replace(/\s/g, "");
    const isSkipping = /^Deno\.test\.(ignore|only)$/.test(callee) ||
      (/^Deno\.test$|\.step$/.test(callee) && node.arguments.some(hasSkippingOption));
    if (!isSkipping) return null;
    return violation(source, "skipped-test", {
      node,
      message: "a test is skipped or skips others",
    });
  });
}

function hasSkippingOption(argument: ts.Expression): boolean {
  return ts.isObjectLiteralExpression(argument) &&
    argument.properties.some((property) =>
      property.name !== undefined && ["ignore", "only"].includes(property.name.getText())
    );
}

const SEAM =
  /^(Date\.now|Math\.random|performance\.now|setTimeout|setInterval|crypto\.(randomUUID|getRandomValues))$/;
const SEAM_FILES =
  /^Deno\.(open|create|stat|lstat|readFile|readTextFile|readDir|readLink|writeFile|writeTextFile|remove|rename|mkdir|makeTempDir|makeTempFile|link|symlink|copyFile|truncate)(Sync)?$/;
/** Folders that are the seam to the machine, or the process itself. */
const SEAM_LAYERS = ["platform", "cli", "main"];

/** Files, time and randomness come from `src/platform`, so that tests can simulate them. */
export function checkSeam(source: ParsedSource): Violation[] {
  const layer = layerOf(source.path);
  if (layer === null || SEAM_LAYERS.includes(layer)) return [];
  return collect(source, (node) => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      if (!/^node:(fs|fs\/promises)$/.test(node.moduleSpecifier.text)) return null;
      return violation(source, "seam", { node, message: `${node.moduleSpecifier.text} is used` });
    }
    if (!ts.isCallExpression(node)) return null;
    const callee = node.expression.getText().replace(/\s|globalThis\./g, "");
    if (!SEAM.test(callee) && !SEAM_FILES.test(callee)) return null;
    return violation(source, "seam", { node, message: `${callee} is called past src/platform` });
  });
}
