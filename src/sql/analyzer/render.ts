/**
 * Expressions as text, in the form in which QuestDB names columns: `x + 1`, `concat(a, b)`, `not(x in (1, 2))`.
 *
 * @module
 */
import { ColumnType, typeFromName } from "../../common/mod.ts";
import type { Between, Call, Case, Cast, Expression, InExpression, Literal } from "../ast/mod.ts";
import { ARRAY_ACCESS, ARRAY_LITERAL, ARRAY_SLICE } from "../parser/mod.ts";

/** Precedence levels of the binary operators; lower binds tighter. */
const LEVELS: Readonly<Record<string, number>> = {
  "*": 4,
  "/": 4,
  "%": 4,
  "+": 5,
  "-": 5,
  "<<": 6,
  ">>": 6,
  "<<=": 6,
  ">>=": 6,
  "||": 7,
  "&": 8,
  "^": 9,
  "|": 10,
  "<": 12,
  "<=": 12,
  ">": 12,
  ">=": 12,
  "=": 13,
  "!=": 13,
  "~": 13,
  "!~": 13,
  like: 13,
  ilike: 13,
  and: 15,
  or: 16,
};

/** Renders an expression. `source` is the statement's text: it keeps the spelling of literals and NULL. */
export function renderExpression(expression: Expression, source: string): string {
  const render = (inner: Expression) => renderExpression(inner, source);
  switch (expression.kind) {
    case "literal":
      return renderLiteral(expression, source);
    case "column":
      return expression.table === null ? expression.name : `${expression.table}.${expression.name}`;
    case "star":
      return expression.table === null ? "*" : `${expression.table}.*`;
    case "bind":
      return expression.index === null ? `:${expression.name}` : `$${expression.index}`;
    case "unary":
      return `${expression.operator}(${render(expression.operand)})`;
    case "binary":
      return renderBinary(expression, source);
    case "in":
      return renderIn(expression, render);
    case "between":
      return renderBetween(expression, render);
    case "isNull": {
      const written = /^is\s+(?:not\s+)?(null)/i.exec(source.slice(expression.position));
      const operator = expression.isNegated ? "!=" : "=";
      return `${render(expression.operand)} ${operator} ${written?.[1] ?? "null"}`;
    }
    case "cast":
      return renderCast(expression, source);
    case "case":
      return renderCase(expression, render);
    case "call":
      return renderCall(expression, source);
  }
}

function renderLiteral(literal: Literal, source: string): string {
  if (literal.literal === "string") return `'${literal.text.replaceAll("'", "''")}'`;
  const written = source.slice(literal.position, literal.position + literal.text.length);
  return written.toLowerCase() === literal.text.toLowerCase() ? written : literal.text;
}

function renderBinary(expression: Expression & { kind: "binary" }, source: string): string {
  const { operator, left, right, position } = expression;
  if (operator === "||") {
    return `concat(${
      concatParts(expression).map((part) => renderExpression(part, source)).join(", ")
    })`;
  }
  const level = LEVELS[operator];
  const side = (inner: Expression, isRight: boolean) => {
    const text = renderExpression(inner, source);
    if (inner.kind !== "binary" || inner.operator === "||") return text;
    const innerLevel = LEVELS[inner.operator];
    return innerLevel > level || (isRight && innerLevel === level) ? `(${text})` : text;
  };
  const written = source.startsWith("<>", position) ? "<>" : operator;
  return `${side(left, false)} ${written} ${side(right, true)}`;
}

/** QuestDB joins `a || b || c` and `concat(a, b) || c` into one call. */
export function concatParts(expression: Expression): Expression[] {
  if (expression.kind === "binary" && expression.operator === "||") {
    return [...concatParts(expression.left), ...concatParts(expression.right)];
  }
  if (expression.kind === "call" && expression.name === "concat") return [...expression.args];
  return [expression];
}

function renderIn(expression: InExpression, render: (inner: Expression) => string): string {
  const list = expression.list ?? [];
  const items = list.map(render).join(", ");
  const test = `${render(expression.operand)} in ${list.length === 1 ? items : `(${items})`}`;
  return expression.isNegated ? `not(${test})` : test;
}

function renderBetween(expression: Between, render: (inner: Expression) => string): string {
  const { operand, low, high, isNegated } = expression;
  const test = `${render(operand)} between (${render(low)}, ${render(high)})`;
  return isNegated ? `not(${test})` : test;
}

/** Types that `json_extract` reads itself: a cast to one of them becomes its third argument. */
const JSON_TYPES = new Set(
  ["boolean", "short", "int", "long", "date", "timestamp", "float", "double", "ipv4"],
);

function jsonCast(expression: Cast, source: string): string | null {
  const { operand } = expression;
  if (operand.kind !== "call" || operand.name !== "json_extract") return null;
  const text = renderExpression(operand, source);
  const type = expression.type.toLowerCase();
  if (type === "varchar") return text;
  if (!JSON_TYPES.has(type)) return null;
  const code = isShortFloat(expression, source) ? ColumnType.DOUBLE : typeFromName(type);
  return `${text.slice(0, -1)}, ${code})`;
}

function renderCast(expression: Expression & { kind: "cast" }, source: string): string {
  const { operand, type } = expression;
  const json = jsonCast(expression, source);
  if (json !== null) return json;
  const text = renderExpression(operand, source);
  const isWrapped = operand.kind === "unary" || operand.kind === "isNull" ||
    operand.kind === "between" || (operand.kind === "in" && operand.isNegated) ||
    (operand.kind === "case" && text.startsWith("case ")) ||
    (operand.kind === "binary" && operand.operator !== "||");
  if (isShortFloat(expression, source) || /^float\[/i.test(type)) {
    return `${isWrapped ? `(${text})` : text}::DOUBLE${type.slice("float".length)}`;
  }
  // Geohashes lose their parentheses, decimals get underscores for them.
  const plain = /^geohash\(/i.test(type)
    ? type.replace(/[()]/g, "")
    : type.replace(/[(),]+/g, "_").replace(/_$/, "");
  return `${isWrapped ? `(${text})` : text}::${plain}`;
}

/** `x::float` is a DOUBLE, as PostgreSQL clients expect; `cast(x AS float)` is a FLOAT. */
export function isShortFloat(expression: Cast, source: string): boolean {
  return expression.type.toLowerCase() === "float" &&
    /::\s*$/.test(source.slice(0, expression.typePosition));
}

/** CASE over equality tests of one operand is a `switch`. */
function renderCase(expression: Case, render: (inner: Expression) => string): string {
  const { branches, otherwise } = expression;
  const subject = switchSubject(expression, render);
  if (subject !== null) {
    const pairs = branches.map(({ when, then }) =>
      `${render(subject.keyOf(when))}, ${render(then)}`
    );
    const last = otherwise !== null
      ? [render(otherwise)]
      : expression.operand === null
      ? ["null"]
      : [];
    return `switch(${[render(subject.operand), ...pairs, ...last].join(", ")})`;
  }
  const whens = branches.map(({ when, then }) => `when ${render(when)} then ${render(then)}`);
  const rest = otherwise === null ? "" : ` else ${render(otherwise)}`;
  return `case ${whens.join(" ")}${rest} end`;
}

function switchSubject(
  expression: Case,
  render: (inner: Expression) => string,
): { operand: Expression; keyOf: (when: Expression) => Expression } | null {
  if (expression.operand !== null) return { operand: expression.operand, keyOf: (when) => when };
  let operand: Expression | null = null;
  for (const { when } of expression.branches) {
    const sides = equalitySides(when);
    if (sides === null || (operand !== null && render(sides.operand) !== render(operand))) {
      return null;
    }
    operand = sides.operand;
  }
  return operand === null ? null : { operand, keyOf: (when) => equalitySides(when)!.key };
}

function equalitySides(when: Expression): { operand: Expression; key: Expression } | null {
  if (when.kind !== "binary" || when.operator !== "=") return null;
  if (when.left.kind === "column" && when.right.kind === "literal") {
    return { operand: when.left, key: when.right };
  }
  if (when.right.kind === "column" && when.left.kind === "literal") {
    return { operand: when.right, key: when.left };
  }
  return null;
}

function renderCall(expression: Expression & { kind: "call" }, source: string): string {
  const { name, text, args } = expression;
  if (name === "within") {
    const [operand, ...list] = args.map((arg) => renderExpression(arg, source));
    return `${operand} within ${list.length === 1 ? list[0] : `(${list.join(", ")})`}`;
  }
  if (name === ARRAY_LITERAL || name === ARRAY_ACCESS) return renderArray(expression, source);
  if (name === "concat") {
    const parts = args.flatMap((arg) => concatParts(arg));
    return `${text}(${parts.map((part) => renderExpression(part, source)).join(", ")})`;
  }
  const rendered = args.map((arg, i) => {
    if (arg.kind === "star") return "";
    const isPart = name === "extract" && i === 0 && arg.kind === "literal";
    return isPart ? arg.text : renderExpression(arg, source);
  });
  return `${text}(${rendered.join(", ")})`;
}

/** `ARRAY[1, 2]`, `a[1]`, and with several indexes `[](a, 1, 2)`, as QuestDB prints them. */
function renderArray(expression: Call, source: string): string {
  const render = (arg: Expression) => renderIndex(arg, source);
  if (expression.name === ARRAY_LITERAL) {
    const { args } = expression;
    return args.length === 0 ? "ARRAY" : `ARRAY[${args.map(render).join(", ")}]`;
  }
  const [array, ...indexes] = expression.args;
  if (indexes.length === 1) return `${renderExpression(array, source)}[${render(indexes[0])}]`;
  return `[](${[array, ...indexes].map(render).join(", ")})`;
}

function renderIndex(expression: Expression, source: string): string {
  if (expression.kind !== "call" || expression.name !== ARRAY_SLICE) {
    return renderExpression(expression, source);
  }
  const [low, high] = expression.args.map((arg) => renderExpression(arg, source));
  return high === undefined ? `:(${low})` : `${low} : ${high}`;
}
