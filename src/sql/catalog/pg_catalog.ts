/**
 * `pg_catalog`: what PostgreSQL clients ask to find their way about. Values are QuestDB's.
 *
 * @module
 */
import { ColumnType, typeTag } from "../../common/mod.ts";
import type { Engine } from "../../engine/mod.ts";
import { catalogColumns, type CatalogTable, type CatalogValue } from "./catalog_table.ts";
import { postgresType } from "./postgres_types.ts";

/** Ids of the schemas `pg_catalog` and `public`, of `pg_class`, and of the user who owns all. */
const CATALOG_SCHEMA = 11, PUBLIC_SCHEMA = 2200, PG_CLASS = 1259, OWNER = 1;

/** Tables that are always empty here: their columns. */
const EMPTY: Readonly<Record<string, string>> = {
  pg_description: "objoid INT, classoid INT, objsubid SHORT, description STRING",
  pg_shdescription: "objoid INT, classoid INT, description STRING",
  pg_index:
    "indexrelid INT, indrelid INT, indnatts SHORT, indnkeyatts SHORT, indisunique BOOLEAN, " +
    "indnullsnotdistinct BOOLEAN, indisprimary BOOLEAN, indisexclusion BOOLEAN, indimmediate BOOLEAN, " +
    "indisclustered BOOLEAN, indisvalid BOOLEAN, indcheckxmin BOOLEAN, indisready BOOLEAN, indislive BOOLEAN, " +
    "indisreplident BOOLEAN, indkey INT, indcollation INT, indclass INT, indoption INT, indexprs STRING, " +
    "indpred STRING",
  pg_inherits: "inhrelid INT, inhparent INT, inhseqno INT",
  pg_locks:
    "locktype STRING, database INT, relation INT, page INT, tuple SHORT, virtualxid STRING, " +
    "transactionid LONG, classid INT, objid INT, objsubid SHORT, virtualtransaction STRING, pid INT, mode STRING, " +
    "granted BOOLEAN, fastpath BOOLEAN, waitstart TIMESTAMP",
  pg_roles:
    "rolname STRING, rolsuper BOOLEAN, rolinherit BOOLEAN, rolcreaterole BOOLEAN, rolcreatedb BOOLEAN, " +
    "rolcanlogin BOOLEAN, rolreplication BOOLEAN, rolconnlimit INT, rolpassword STRING, rolvaliduntil TIMESTAMP, " +
    "rolbypassrls BOOLEAN, rolconfig STRING, oid INT",
};

/** The tables by name. */
export const PG_CATALOG: Readonly<Record<string, (engine: Engine) => CatalogTable>> = {
  pg_attrdef: attributeDefaults,
  pg_attribute: attributes,
  pg_class: classes,
  pg_database: databases,
  pg_extension: extensions,
  pg_namespace: namespaces,
  pg_type: types,
  ...Object.fromEntries(
    Object.entries(EMPTY).map(([name, columns]) => [
      name,
      () => ({ columns: catalogColumns(columns), rows: [] }),
    ]),
  ),
};

function attributes(engine: Engine): CatalogTable {
  const columns = catalogColumns(
    "attrelid INT, attname STRING, attnum SHORT, atttypid INT, attnotnull BOOLEAN, atttypmod INT, attlen SHORT, " +
      "attidentity CHAR, attisdropped BOOLEAN, atthasdef BOOLEAN",
  );
  const rows = engine.tables().flatMap((token) =>
    engine.metadata(token).liveColumns.map(({ name, type }, index): CatalogValue[] => {
      const { oid, length } = postgresType(type);
      const modifier = typeTag(type) === ColumnType.CHAR ? 5 : -1; // bpchar(1) and its header
      return [token.id, name, index + 1, oid, false, modifier, length, null, false, true];
    })
  );
  return { columns, rows };
}

function attributeDefaults(engine: Engine): CatalogTable {
  const rows = engine.tables().flatMap((token) =>
    engine.metadata(token).liveColumns.map((_, index) => [token.id, index + 1, ""])
  );
  return { columns: catalogColumns("adrelid INT, adnum SHORT, adbin STRING"), rows };
}

function classes(engine: Engine): CatalogTable {
  const columns = catalogColumns(
    "oid INT, relname STRING, relnamespace INT, reltype INT, reloftype INT, relowner INT, relam INT, " +
      "relfilenode INT, reltablespace INT, relpages BOOLEAN, reltuples FLOAT, relallvisible INT, reltoastrelid INT, " +
      "relhasindex BOOLEAN, relisshared BOOLEAN, relpersistence CHAR, relkind CHAR, relnatts SHORT, relchecks SHORT, " +
      "relhasrules BOOLEAN, relhastriggers BOOLEAN, relhassubclass BOOLEAN, relrowsecurity BOOLEAN, " +
      "relforcerowsecurity BOOLEAN, relispopulated BOOLEAN, relreplident CHAR, relispartition BOOLEAN, relrewrite INT, " +
      "relfrozenxid LONG, relminmxid LONG, relacl STRING, reloptions STRING, relpartbound STRING, relhasoids BOOLEAN, " +
      "xmin LONG",
  );
  const fixed: Record<string, CatalogValue> = {
    relpages: false,
    reltuples: -1,
    relkind: "r",
    relreplident: "d",
    relacl: null,
    reloptions: null,
    relpartbound: null,
  };
  const row = (own: Record<string, CatalogValue>) =>
    columns.map(({ name, type }) => {
      const value = own[name] ?? fixed[name];
      if (value !== undefined) return value;
      return type === ColumnType.BOOLEAN ? false : 0;
    });
  const self = { oid: PG_CLASS, relname: "pg_class", relnamespace: CATALOG_SCHEMA };
  return {
    columns,
    rows: [
      row({ ...self, relpersistence: "u", relispopulated: false }),
      ...engine.tables().map((token) =>
        row({
          oid: token.id,
          relname: token.name,
          relnamespace: PUBLIC_SCHEMA,
          relpersistence: "p",
          relispopulated: true,
        })
      ),
    ],
  };
}

function databases(): CatalogTable {
  const columns = catalogColumns(
    "oid INT, datname STRING, datdba INT, encoding INT, datcollate STRING, datctype STRING, datistemplate BOOLEAN, " +
      "datallowconn BOOLEAN, datconnlimit INT, datlastsysoid INT, datfrozenxid LONG, datminmxid LONG, " +
      "dattablespace INT, datacl STRING",
  );
  const collation = "en_US.UTF-8";
  const row = [1, "qdb", 2, 0, collation, collation, false, true, -1, 1, -1, 0, 3, ""];
  return { columns, rows: [row] };
}

function extensions(): CatalogTable {
  const columns = catalogColumns(
    "oid STRING, extname STRING, extowner STRING, extnamespace STRING, extrelocatable BOOLEAN, extversion STRING, " +
      "extconfig STRING, extcondition STRING",
  );
  return { columns, rows: [["1", "questdb", "1", "1", false, "9.3.5", null, null]] };
}

function namespaces(): CatalogTable {
  return {
    columns: catalogColumns("nspname STRING, oid INT, xmin LONG, nspowner INT"),
    rows: [["pg_catalog", CATALOG_SCHEMA, 0, OWNER], ["public", PUBLIC_SCHEMA, 0, OWNER]],
  };
}

/** Types: id, name, category, length, default; then id of the array type, of the element type, and the kind. */
const PG_TYPES: readonly (readonly [
  number,
  string,
  string,
  number,
  string | null,
  { array?: number; element?: number }?,
])[] = [
  [1043, "varchar", "S", -1, null, { array: 1015 }],
  [1114, "timestamp", "D", 8, null, { array: 1115 }],
  [701, "float8", "N", 8, null, { array: 1022 }],
  [700, "float4", "N", 4, null, { array: 1021 }],
  [23, "int4", "N", 4, null, { array: 1007 }],
  [21, "int2", "N", 2, "0", { array: 1005 }],
  [1042, "bpchar", "Z", 2, "0"],
  [20, "int8", "N", 8, null, { array: 1016 }],
  [16, "bool", "B", 1, "false", { array: 1000 }],
  [17, "binary", "U", -1, null],
  [1082, "date", "D", 8, null],
  [2950, "uuid", "U", 16, null],
  [2281, "internal", "P", 8, null],
  [26, "oid", "N", 4, null],
  [1022, "_float8", "A", -1, null, { element: 701 }],
  [1700, "numeric", "N", -1, null],
  [1015, "_varchar", "A", -1, null, { element: 1043 }],
];

function types(): CatalogTable {
  const columns = catalogColumns(
    "oid INT, typname STRING, typbasetype INT, typarray INT, typnamespace INT, typnotnull BOOLEAN, typtypmod INT, " +
      "typtype CHAR, typcategory CHAR, typrelid INT, typelem INT, typreceive INT, typdelim INT, typinput INT, " +
      "typowner INT, typlen SHORT, typbyval BOOLEAN, typispreferred BOOLEAN, typisdefined BOOLEAN, typalign CHAR, " +
      "typstorage CHAR, typndims INT, typcollation INT, typdefault STRING",
  );
  const rows = PG_TYPES.map(([oid, name, category, length, byDefault, of = {}]): CatalogValue[] => [
    ...[oid, name, 0, of.array ?? 0, CATALOG_SCHEMA, false, 0, "b", category, null],
    ...[of.element ?? 0, 0, 0, 0, 0, length, false, false, true, "c", "p", 0, 0, byDefault],
  ]);
  return { columns, rows };
}
