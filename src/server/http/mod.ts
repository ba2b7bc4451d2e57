/** The HTTP interface: SQL in JSON and CSV, CSV import, health. @module */
export { HttpServer, type HttpServerOptions } from "./http_server.ts";
export { HealthServer } from "./health_server.ts";
