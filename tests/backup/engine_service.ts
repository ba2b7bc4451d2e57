/**
 * A backup service over a real engine, with tasks inline.
 *
 * @module
 */
import {
  type BackupConfig,
  backupTasks,
  createBackupService,
  type RunnableBackupService,
} from "../../src/backup/mod.ts";
import type { Engine } from "../../src/engine/mod.ts";
import type { ObjectStore } from "../../src/objectstore/mod.ts";
import { RealFileSystem, SILENT_LOG } from "../../src/platform/mod.ts";
import { InlineTaskRunner } from "../../src/wasm/mod.ts";
import { clock, PRODUCT_VERSION, random, TEST_BACKUP_CONFIG } from "./test_database.ts";

/** Creates the service; without a store it uses the one of its configuration. */
export function engineService(
  engine: Engine,
  root: string,
  store: ObjectStore | null,
  config: Partial<BackupConfig> = {},
): RunnableBackupService {
  const fs = new RealFileSystem();
  return createBackupService({
    engine,
    tasks: new InlineTaskRunner({ core: engine.core, fs }, backupTasks),
    fs,
    clock,
    random,
    log: SILENT_LOG,
    config: { ...TEST_BACKUP_CONFIG, ...config },
    dbRoot: `${root}/db`,
    productVersion: PRODUCT_VERSION,
    ...store === null ? {} : { openStore: () => Promise.resolve(store) },
  });
}
