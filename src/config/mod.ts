/** `server.conf`, environment and command line as one typed configuration. @module */
export type { BindAddress, Property } from "./property.ts";
export {
  type ConfigurationOf,
  defaultBackupStore,
  PROPERTIES,
  type PropertyTable,
  type ServerConfiguration,
} from "./property_table.ts";
export {
  loadConfiguration,
  type LoadedConfiguration,
  type LoadOptions,
} from "./load_configuration.ts";
export { type ConfigurationParameter, LiveConfiguration } from "./live_configuration.ts";
export { propertyTableMarkdown, serverConfTemplate, writeServerConf } from "./template.ts";
export type { ConfigurationNote, ValueSource } from "./sources.ts";
