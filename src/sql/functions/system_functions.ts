/**
 * Functions about the server and about values as such.
 *
 * @module
 */
import { ColumnType, isDecimal, isGeohash, SqlError, typeName, typeTag } from "../../common/mod.ts";
import { choiceExpression } from "./choice.ts";
import { comparisonExpression, isNullExpression, notExpression } from "./comparison.ts";
import { ANY, type CallSite, type Overload } from "./overloads.ts";
import { constantExpression, type VectorExpression } from "./vector_expression.ts";

const { BOOLEAN, LONG, NULL, STRING, VARCHAR } = ColumnType;

type Registry = Readonly<Record<string, readonly Overload[]>>;

/** What PostgreSQL clients are told; QuestDB's text, as they compare it. */
const VERSION_TEXT = "PostgreSQL 12.3, compiled by Visual C++ build 1914, 64-bit, QuestDB";
/** The QuestDB release whose behaviour and format this server follows. */
const BUILD_TEXT = "Build Information: Tidemark, compatible with QuestDB 9.3.5";

function textConstant(text: string): readonly Overload[] {
  return [{ parameters: [], compile: (_args, site) => constantExpression(site, STRING, text) }];
}

function typeOf([value]: readonly VectorExpression[], site: CallSite): VectorExpression {
  const type = typeTag(value.type) === VARCHAR ? VARCHAR : STRING;
  if (isDecimal(value.type) || typeTag(value.type) === ColumnType.ARRAY) {
    throw new SqlError(site.position, "bad function factory (NULL), check log"); // as QuestDB
  }
  return constantExpression(site, type, typeName(value.type));
}

function coalesce(args: readonly VectorExpression[], site: CallSite): VectorExpression {
  for (const [i, { type }] of args.entries()) {
    const tag = typeTag(type), name = typeName(type);
    if (tag === ColumnType.BINARY || tag === ColumnType.ARRAY) {
      throw new SqlError(site.position, `coalesce cannot be used with ${name} data type`);
    }
    if (isGeohash(type) && i > 0) {
      throw new SqlError(
        site.positions[i],
        `inconvertible types: ${name} -> ${name} [from=${name}, to=${name}]`,
      );
    }
  }
  const branches = args.map((value, i) => ({
    value,
    condition: i === args.length - 1 ? null : notExpression(site, isNullExpression(site, value)),
    position: site.positions[i],
  }));
  return choiceExpression(site, branches.filter((branch) => typeTag(branch.value.type) !== NULL));
}

function nullIf([a, b]: readonly VectorExpression[], site: CallSite): VectorExpression {
  const isEqual = comparisonExpression(site, {
    operator: "=",
    left: a,
    right: b,
    position: site.position,
    leftPosition: site.positions[0],
    rightPosition: site.positions[1],
  });
  return choiceExpression(site, [
    { condition: notExpression(site, isEqual), value: a, position: site.positions[0] },
  ]);
}

/** Functions about the server and choices between values, by name. */
export const SYSTEM_FUNCTIONS: Registry = {
  version: textConstant(VERSION_TEXT),
  build: textConstant(BUILD_TEXT),
  current_user: textConstant("admin"),
  session_user: textConstant("admin"),
  current_database: textConstant("qdb"),
  current_schema: textConstant("public"),
  current_schemas: [{
    parameters: [ColumnType.BOOLEAN],
    compile: ([withImplicit]) => {
      const column = `current_schemas(${withImplicit.constant?.value ?? null})`;
      throw new SqlError(0, `column type not supported [column=${column}, type=text[]]`);
    },
  }],
  txid_current: [{
    parameters: [],
    compile: (_args, site) => constantExpression(site, LONG, 0n),
  }],
  pg_is_in_recovery: [{
    parameters: [],
    compile: (_args, site) => constantExpression(site, BOOLEAN, false),
  }],
  typeof: [{ parameters: [ANY], compile: typeOf }],
  coalesce: [{
    parameters: [],
    isVariadic: true,
    compile(args, site) {
      if (args.length < 2) {
        throw new SqlError(site.position, "coalesce can be used with 2 or more arguments");
      }
      return coalesce(args, site);
    },
  }],
  // Several variants, so that a wrong number of arguments is told apart from a wrong type as in QuestDB.
  nullif: [
    { parameters: [ANY, ANY], compile: nullIf },
    { parameters: [LONG, LONG], compile: nullIf },
  ],
};
