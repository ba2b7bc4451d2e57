/**
 * `functions()` and `keywords()`: what the server understands, for editors.
 *
 * @module
 */
import { ColumnType, isDecimal, isGeohash, isTimestamp, typeTag } from "../../common/mod.ts";
import { AGGREGATE_NAMES } from "../analyzer/mod.ts";
import {
  ANY,
  DECIMAL,
  findFunction,
  functionNames,
  type Overload,
  TEXT,
  TIME,
} from "../functions/mod.ts";
import { catalogColumns, type CatalogTable, type CatalogValue } from "./catalog_table.ts";

const FUNCTION_COLUMNS = catalogColumns(
  "name STRING, signature STRING, signature_translated STRING, runtime_constant BOOLEAN, type STRING",
);
const KEYWORD_COLUMNS = catalogColumns("keyword STRING");

/** The words that QuestDB's editors colour, in its order. */
const KEYWORDS =
  ("add all alter and as asc asof backup between by cache capacity case cast column columns copy create cross database " +
    "default delete desc distinct drop else end except exists fill foreign from grant group header if in index inner " +
    "insert intersect into isolation join key latest left level limit lock lt nan natural nocache none not null on only " +
    "or order outer over partition primary references rename repair right sample select show splice system table tables " +
    "then to transaction truncate type union unlock update values when where with writer window")
    .split(" ");

/** How a parameter's type is written: QuestDB's letter for it, and its name. */
type Parameter = readonly [letter: string, name: string];

const VAR_ARG: Parameter = ["V", "var_arg"];
const PARAMETERS: Readonly<Record<number, Parameter>> = {
  [ColumnType.BOOLEAN]: ["T", "boolean"],
  [ColumnType.BYTE]: ["B", "byte"],
  [ColumnType.SHORT]: ["E", "short"],
  [ColumnType.CHAR]: ["A", "char"],
  [ColumnType.INT]: ["I", "int"],
  [ColumnType.LONG]: ["L", "long"],
  [ColumnType.DATE]: ["M", "date"],
  [ColumnType.FLOAT]: ["F", "float"],
  [ColumnType.DOUBLE]: ["D", "double"],
  [ColumnType.STRING]: ["S", "string"],
  [ColumnType.SYMBOL]: ["K", "symbol"],
  [ColumnType.VARCHAR]: ["Ø", "varchar"],
  [ColumnType.LONG256]: ["H", "long256"],
  [ColumnType.BINARY]: ["U", "binary"],
  [ColumnType.UUID]: ["Z", "uuid"],
  [ColumnType.IPV4]: ["X", "ipv4"],
  [ColumnType.ARRAY]: ["D[]", "double[]"],
  [ColumnType.INTERVAL]: ["Δ", "interval"],
};

/** `keywords()`. */
export function keywordsTable(): CatalogTable {
  return { columns: KEYWORD_COLUMNS, rows: KEYWORDS.map((keyword) => [keyword]) };
}

/** `functions()`: every variant of a scalar function, and the aggregates. */
export function functionsTable(): CatalogTable {
  const scalars = functionNames().flatMap((name) =>
    (findFunction(name) ?? []).map((overload) => functionRow(name, parametersOf(overload)))
  );
  const aggregates = [...AGGREGATE_NAMES].map((name) => functionRow(name, [VAR_ARG], "GROUP_BY"));
  return { columns: FUNCTION_COLUMNS, rows: [...scalars, ...aggregates] };
}

function functionRow(
  name: string,
  parameters: readonly Parameter[],
  type = "STANDARD",
): CatalogValue[] {
  const letters = parameters.map(([letter]) => letter).join("");
  const names = parameters.map(([, text]) => text).join(", ");
  return [name, `${name}(${letters})`, `${name}(${names})`, false, type];
}

function parametersOf(overload: Overload): Parameter[] {
  const parameters = overload.parameters.map(parameterOf);
  return overload.isVariadic === true ? [...parameters, VAR_ARG] : parameters;
}

function parameterOf(type: number): Parameter {
  if (type === ANY) return VAR_ARG;
  if (type === TEXT) return ["S", "string"];
  if (type === DECIMAL || (type > 0 && isDecimal(type))) return ["Ξ", "decimal"];
  if (type === TIME || isTimestamp(type)) return ["N", "timestamp"];
  if (isGeohash(type)) return ["G", "geohash"];
  return PARAMETERS[typeTag(type)] ?? VAR_ARG;
}
