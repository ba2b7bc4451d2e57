/**
 * From syntax to compiled expressions: resolves names, picks operator and function variants, folds constants. Errors carry
 * QuestDB's text and the position it points at.
 *
 * @module
 */
import {
  ColumnType,
  isGeohash,
  isTimestamp,
  SqlError,
  typeName,
  typeTag,
} from "../../common/mod.ts";
import type { Call, Case, Cast, Expression, InExpression, SelectQuery } from "../ast/mod.ts";
import {
  addressComplement,
  arithmeticExpression,
  arrayAccess,
  type ArrayIndex,
  arrayLiteral,
  betweenExpression,
  castExpression,
  choiceExpression,
  coerce,
  columnExpression,
  comparisonExpression,
  compileCall,
  type CompileContext,
  concatExpression,
  connective,
  constantExpression,
  findFunction,
  inExpression,
  isArithmetic,
  isCastTarget,
  isComparison,
  isNullExpression,
  isPatternOperator,
  isSubnetOperator,
  isText,
  lowBits,
  negation,
  noMatchingOperator,
  notExpression,
  patternExpression,
  type PlacedExpression,
  refusesNull,
  specialNegation,
  subnetExpression,
  unaryExpression,
  unknownFunction,
  type VectorExpression,
} from "../functions/mod.ts";
import { ARRAY_ACCESS, ARRAY_LITERAL, ARRAY_SLICE, resolveTypeName } from "../parser/mod.ts";
import { childrenOf, isAggregateCall } from "./aggregate_names.ts";
import { intervalTest } from "./interval_filter.ts";
import { parseIntervals } from "./interval_text.ts";
import { typedLiteral } from "./literal.ts";
import { oppositeOf } from "./negation.ts";
import { concatParts, isShortFloat } from "./render.ts";
import type { Scope } from "./scope.ts";

/** What a binder asks of the plan it works for. */
export interface BinderOptions {
  readonly context: CompileContext;
  /** `null` if the expression may name no column. */
  readonly scope: Scope | null;
  /** Statement text. */
  readonly source: string;
  /** Nodes that stand for columns of an earlier step: aggregates and grouping keys. */
  readonly replacements?: ReadonlyMap<Expression, VectorExpression>;
  /** Aliases of earlier select items, by lower-case name. */
  readonly aliases?: ReadonlyMap<string, VectorExpression>;
  /** Functions that the engine answers; `null` for an unknown name. */
  readonly engineScalar?: (call: Call) => VectorExpression | null;
  /** `operand IN (SELECT …)`. */
  readonly inQuery?: (operand: PlacedExpression, query: SelectQuery) => VectorExpression;
}

/** Compiles expressions of one scope. */
export class Binder {
  readonly #options: BinderOptions;
  readonly #context: CompileContext;

  constructor(options: BinderOptions) {
    this.#options = options;
    this.#context = options.context;
  }

  /** Compiles an expression. @throws {SqlError} if a name or type does not fit. */
  bind(expression: Expression): VectorExpression {
    const replacement = this.#options.replacements?.get(expression);
    if (replacement !== undefined) return replacement;
    switch (expression.kind) {
      case "literal": {
        const { type, value } = typedLiteral(expression);
        return constantExpression(this.#context, type, value);
      }
      case "column":
        return this.#column(expression);
      case "star":
        throw new SqlError(expression.position, "'*' is not allowed here");
      case "bind":
        throw new SqlError(0, "bind variable service is not provided");
      case "unary":
        return this.#unary(expression);
      case "binary":
        return this.#binary(expression);
      case "in":
        return this.#in(expression);
      case "between":
        return this.#between(expression);
      case "isNull": {
        const operand = this.bind(expression.operand);
        const missing = constantExpression(this.#context, ColumnType.NULL, null);
        if (refusesNull(operand.type, missing.type)) {
          const { position } = expression;
          throw noMatchingOperator({ operator: "=", left: operand, right: missing, position });
        }
        const test = isNullExpression(this.#context, operand);
        return expression.isNegated ? notExpression(this.#context, test) : test;
      }
      case "cast":
        return this.#cast(expression);
      case "case":
        return this.#case(expression);
      case "call":
        return this.#call(expression);
    }
  }

  /** Compiles an expression and keeps its position. */
  place(expression: Expression): PlacedExpression {
    return { expression: this.bind(expression), position: positionOf(expression) };
  }

  #column(expression: Expression & { kind: "column" }): VectorExpression {
    const { scope, aliases } = this.#options;
    const alias = expression.table === null
      ? aliases?.get(expression.name.toLowerCase())
      : undefined;
    const isOwn = scope !== null && (expression.table !== null || scope.find(expression.name) >= 0);
    if (!isOwn && alias !== undefined) return alias;
    if (scope === null) {
      const name = expression.table === null
        ? expression.name
        : `${expression.table}.${expression.name}`;
      throw new SqlError(expression.position, `Invalid column: ${name}`);
    }
    const { index, type } = scope.resolve(expression);
    return columnExpression(index, type);
  }

  #unary(expression: Expression & { kind: "unary" }): VectorExpression {
    if (expression.operator === "not") {
      const isReplaced = this.#options.replacements?.has(expression.operand) === true;
      const opposite = isReplaced ? null : oppositeOf(expression.operand);
      if (opposite !== null) return this.bind(opposite);
      return negation(this.#context, this.place(expression.operand));
    }
    const operand = this.place(expression.operand);
    if (isText(operand.expression.type) && expression.operator === "-") {
      const number = coerce(this.#context, operand.expression, { type: ColumnType.DOUBLE });
      return unaryExpression(this.#context, 0, number);
    }
    const special = this.#specialUnary(expression.operator, operand.expression);
    if (special !== null) return special;
    const tag = typeTag(operand.expression.type);
    const isReal = tag === ColumnType.DOUBLE || tag === ColumnType.FLOAT;
    const numeric: readonly number[] = [
      ColumnType.BYTE,
      ColumnType.SHORT,
      ColumnType.INT,
      ColumnType.LONG,
      ColumnType.TIMESTAMP,
      ColumnType.DATE,
    ];
    if (!numeric.includes(tag) && !(isReal && expression.operator === "-")) {
      throw unknownOperator(expression.operator, operand.expression, expression.position);
    }
    return unaryExpression(this.#context, expression.operator === "-" ? 0 : 2, operand.expression);
  }

  /** Minus and complement of the types without kernels. */
  #specialUnary(operator: "-" | "~", operand: VectorExpression): VectorExpression | null {
    const tag = typeTag(operand.type);
    if (operator === "~" && tag === ColumnType.IPV4) {
      return addressComplement(this.#context, operand);
    }
    if (tag === ColumnType.LONG256) {
      return unaryExpression(
        this.#context,
        operator === "-" ? 0 : 2,
        lowBits(this.#context, operand),
      );
    }
    return operator === "-" ? specialNegation(this.#context, operand) : null;
  }

  #binary(expression: Expression & { kind: "binary" }): VectorExpression {
    const { operator, position } = expression;
    if (operator === "||") {
      return this.#concat(expression);
    }
    const left = this.place(expression.left), right = this.place(expression.right);
    if (operator === "and" || operator === "or") {
      return connective(this.#context, operator === "or", [left, right]);
    }
    const operation = { operator, left: left.expression, right: right.expression, position };
    if (isArithmetic(operator)) return arithmeticExpression(this.#context, operation);
    if (isSubnetOperator(operator)) {
      return subnetExpression(this.#context, {
        ...operation,
        leftPosition: left.position,
        rightPosition: right.position,
      });
    }
    if (isComparison(operator)) {
      return comparisonExpression(this.#context, {
        ...operation,
        leftPosition: left.position,
        rightPosition: right.position,
      });
    }
    if (!isPatternOperator(operator)) throw noMatchingOperator(operation);
    return patternExpression(this.#context, {
      operator,
      text: left.expression,
      pattern: right.expression,
      patternPosition: right.position,
    });
  }

  #concat(expression: Expression): VectorExpression {
    const parts = concatParts(expression).map((part) => this.place(part));
    for (const { expression: { type }, position } of parts) {
      const isUnknown = isGeohash(type) || typeTag(type) === ColumnType.ARRAY;
      if (isUnknown) throw new SqlError(position, `unsupported type: ${typeName(type)}`);
    }
    return concatExpression(this.#context, parts.map((part) => part.expression));
  }

  #in(expression: InExpression): VectorExpression {
    const operand = this.place(expression.operand);
    const test = this.#inTest(expression, operand);
    return expression.isNegated ? notExpression(this.#context, test) : test;
  }

  #inTest(expression: InExpression, operand: PlacedExpression): VectorExpression {
    if (expression.query !== null) {
      const { inQuery } = this.#options;
      if (inQuery === undefined) {
        throw new SqlError(expression.position, "sub-query is not allowed here");
      }
      return inQuery(operand, expression.query);
    }
    const list = expression.list ?? [];
    const [only] = list;
    if (list.length === 1 && isTimestamp(operand.expression.type)) {
      const interval = this.intervalsOf(only);
      if (interval !== null) return intervalTest(this.#context, operand.expression, interval);
    }
    return inExpression(
      this.#context,
      { ...operand, operatorPosition: expression.position },
      list.map((item) => this.place(item)),
    );
  }

  /** Intervals that `ts IN item` stands for, or `null` if the item is no interval. */
  intervalsOf(item: Expression): ReturnType<typeof parseIntervals> | null {
    if (item.kind === "literal" && item.literal === "string") {
      return parseIntervals(item.text, item.position);
    }
    const days: Readonly<Record<string, bigint>> = { today: 0n, yesterday: -1n, tomorrow: 1n };
    if (item.kind !== "call" || item.args.length > 0 || days[item.name] === undefined) return null;
    const day = 86_400_000_000n;
    const low = (this.#context.now / day + days[item.name]) * day;
    return [{ low, high: low + day - 1n }];
  }

  #between(expression: Expression & { kind: "between" }): VectorExpression {
    const test = betweenExpression(this.#context, {
      operand: this.place(expression.operand),
      low: this.place(expression.low),
      high: this.place(expression.high),
      position: expression.position,
    });
    return expression.isNegated ? notExpression(this.#context, test) : test;
  }

  #cast(expression: Cast): VectorExpression {
    const operand = this.place(expression.operand);
    return castExpression(this.#context, operand.expression, {
      type: this.#castType(expression, operand.expression),
      position: expression.position,
      operandPosition: operand.position,
    });
  }

  #castType(expression: Cast, operand: VectorExpression): number {
    const { source } = this.#options;
    if (isShortFloat(expression, source)) return ColumnType.DOUBLE;
    const { typePosition } = expression;
    const resolved = resolveTypeName(expression.type.replace(/^float(?=\[)/i, "double"));
    const isOperator = /::\s*$/.test(source.slice(0, typePosition));
    if (resolved.error === null) {
      if (isCastTarget(resolved.type, operand, isOperator)) return resolved.type;
      throw new SqlError(typePosition, "unsupported cast");
    }
    if (/^geohash\(/i.test(expression.type)) {
      throw new SqlError(typePosition + resolved.offset + 1, resolved.error);
    }
    if (/^decimal\(/i.test(expression.type)) throw new SqlError(typePosition, resolved.error);
    throw new SqlError(
      typePosition,
      isOperator ? `invalid constant: ${expression.type}` : "unsupported cast",
    );
  }

  #case(expression: Case): VectorExpression {
    const subject = expression.operand === null ? null : this.place(expression.operand);
    const branches = expression.branches.map(({ when, then }) => {
      const value = this.place(then);
      return {
        condition: this.#caseCondition(subject, this.place(when)),
        value: value.expression,
        position: value.position,
      };
    });
    if (expression.otherwise === null) return choiceExpression(this.#context, branches);
    const otherwise = this.place(expression.otherwise);
    const { expression: value, position } = otherwise;
    return choiceExpression(this.#context, [...branches, { condition: null, value, position }]);
  }

  #caseCondition(subject: PlacedExpression | null, when: PlacedExpression): VectorExpression {
    if (subject !== null) {
      return comparisonExpression(this.#context, {
        operator: "=",
        left: subject.expression,
        right: when.expression,
        position: when.position,
        leftPosition: subject.position,
        rightPosition: when.position,
      });
    }
    if (typeTag(when.expression.type) === ColumnType.BOOLEAN) return when.expression;
    throw new SqlError(when.position, "boolean expression expected");
  }

  #call(expression: Call): VectorExpression {
    if (isAggregateCall(expression)) {
      throw new SqlError(expression.position, "Aggregate function cannot be passed as an argument");
    }
    switch (expression.name) {
      case "switch":
        return this.#switch(expression);
      case ARRAY_LITERAL:
        return arrayLiteral(this.#context, expression.args.map((arg) => this.place(arg)));
      case ARRAY_ACCESS:
        return this.#arrayAccess(expression);
    }
    if (expression.name === "concat") {
      return this.#concat(expression);
    }
    const scalar = this.#options.engineScalar?.(expression) ?? null;
    if (scalar !== null) return scalar;
    const call = {
      name: expression.text,
      position: expression.position,
      args: expression.args.map((arg) => this.place(arg)),
    };
    const overloads = findFunction(expression.name);
    if (overloads === undefined) throw unknownFunction(call);
    return compileCall(this.#context, call, overloads);
  }

  #arrayAccess(expression: Call): VectorExpression {
    const [array, ...rest] = expression.args;
    const indexes = rest.map((argument): ArrayIndex => {
      if (argument.kind !== "call" || argument.name !== ARRAY_SLICE) {
        return { kind: "index", at: this.place(argument) };
      }
      const [low, high] = argument.args;
      return {
        kind: "range",
        low: this.place(low),
        high: high === undefined ? null : this.place(high),
      };
    });
    const { position } = expression;
    return arrayAccess(this.#context, { array: this.place(array), indexes, position });
  }

  /** `switch(subject, key, value, …, otherwise)`. */
  #switch(expression: Call): VectorExpression {
    const [subject, ...rest] = expression.args;
    if (rest.length < 2) throw new SqlError(expression.position, "too few arguments for 'switch'");
    const branches = [];
    for (let i = 0; i + 1 < rest.length; i += 2) {
      branches.push({ when: rest[i], then: rest[i + 1] });
    }
    const otherwise = rest.length % 2 === 1 ? rest[rest.length - 1] : null;
    const { position } = expression;
    return this.#case({ kind: "case", position, operand: subject, branches, otherwise });
  }
}

function unknownOperator(operator: string, operand: VectorExpression, position: number): SqlError {
  const type = typeName(operand.type);
  return new SqlError(
    position,
    `there is no matching operator \`${operator}\` with the argument type: ${type}`,
  );
}

/** The place an error about the expression as a whole points at. */
export function positionOf(expression: Expression): number {
  return expression.position;
}

/** Compiles a WHERE clause's conjunct. @throws {SqlError} for aggregates and for anything but a condition. */
export function bindCondition(binder: Binder, expression: Expression): VectorExpression {
  const aggregate = findAggregate(expression);
  if (aggregate !== null) {
    throw new SqlError(aggregate.position, "Aggregate function cannot be passed as an argument");
  }
  const { expression: condition, position } = binder.place(expression);
  if (typeTag(condition.type) !== ColumnType.BOOLEAN) {
    throw new SqlError(position, "boolean expression expected");
  }
  return condition;
}

function findAggregate(expression: Expression): Expression | null {
  if (isAggregateCall(expression)) return expression;
  for (const child of childrenOf(expression)) {
    const found = findAggregate(child);
    if (found !== null) return found;
  }
  return null;
}
