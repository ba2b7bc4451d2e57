/** Object stores: one interface, connection strings, and the store over a directory. @module */
export * from "./object_store.ts";
export * from "./connection_string.ts";
export * from "./open_object_store.ts";
export { FsObjectStore, type FsObjectStoreOptions } from "./fs_object_store.ts";
