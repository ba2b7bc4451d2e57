/** What the database tells about itself: table functions, SHOW statements, scalar functions of the engine. @module */
export { resolveBareNames } from "./bare_names.ts";
export { catalogColumns, catalogCursor, type CatalogTable } from "./catalog_table.ts";
export { requireTable } from "./lookup.ts";
export { scalarFunctions } from "./scalar_functions.ts";
export { showCursor } from "./show.ts";
export { createTableText } from "./show_create_table.ts";
export { type RunningStatement } from "./activity.ts";
export { tableFunctions } from "./table_functions.ts";
