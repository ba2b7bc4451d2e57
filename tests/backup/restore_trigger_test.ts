/** `_backup_restore` names the store, or leaves it to the configuration. */
import { backupTasks, restoreIfTriggered, type RestoreSummary } from "../../src/backup/mod.ts";
import { PartitionBy, RestoreError } from "../../src/common/mod.ts";
import { RealFileSystem, SILENT_LOG } from "../../src/platform/mod.ts";
import { InlineTaskRunner } from "../../src/wasm/mod.ts";
import { assert, assertEquals, assertRejects } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import { core } from "../storage/table_fixture.ts";
import {
  backUp,
  openStore,
  PRODUCT_VERSION,
  random,
  restoredRows,
  serviceOf,
  TestDatabase,
} from "./test_database.ts";

const fs = new RealFileSystem();
const SECRET = "s3cr3t-v4lue";

/** Restores as a start does, through a store that the connection string opens. */
function start(
  installRoot: string,
  lines: readonly string[],
  configuredStore: string | null,
): Promise<RestoreSummary | null> {
  Deno.mkdirSync(installRoot, { recursive: true });
  Deno.writeTextFileSync(`${installRoot}/_backup_restore`, lines.join("\n"));
  return restoreIfTriggered({
    installRoot,
    dbRoot: `${installRoot}/db`,
    fs,
    random,
    tasks: new InlineTaskRunner({ core, fs }, backupTasks),
    core,
    log: SILENT_LOG,
    configuredStore,
    productVersion: PRODUCT_VERSION,
  });
}

Deno.test("the store is the trigger's, else the configured one, else there is none", async () => {
  using directory = new TempDir();
  using database = new TestDatabase(`${directory.path}/root`);
  database.create("a", PartitionBy.DAY);
  database.insert("a", [{
    ts: 1_704_067_200_000_000n,
    ok: true,
    i: 1,
    l: 2n,
    d: 3,
    sym: "s",
    text: "text",
  }]);
  await backUp(serviceOf(database, openStore(directory.path)));
  const { path } = directory;
  const store = `fs::root=${path}/store;atomic_write_dir=${path}/store-tmp;`;
  const empty = `fs::root=${path}/empty;atomic_write_dir=${path}/empty-tmp;`;

  await start(`${path}/by-trigger`, [`backup.object.store=${store}`], empty);
  assertEquals(restoredRows(`${path}/by-trigger`), database.rows());
  await start(`${path}/by-configuration`, ["# nothing but a comment"], store);
  assertEquals(restoredRows(`${path}/by-configuration`), database.rows());
  await assertRejects(
    () => start(`${path}/none`, [], null),
    RestoreError,
    "no object store, set backup.object.store in the restore file",
  );
  await assertRejects(
    () => start(`${path}/empty-store`, [`backup.object.store=${empty}`], store),
    RestoreError,
    "no backups found in the object store",
  );
  const bad = await assertRejects(
    () => start(`${path}/bad`, [`backup.object.store=s3::secret_access_key=${SECRET};x`], null),
    Error,
    "InvalidObjectStoreConfigurationException",
  );
  assert(!bad.message.includes(SECRET), bad.message);
  for (const name of ["none", "empty-store", "bad"]) {
    assert(fs.stat(`${path}/${name}/_backup_restore`) !== null, "the trigger stays");
    assert(fs.stat(`${path}/${name}/db/.data_id`) === null);
  }
});
