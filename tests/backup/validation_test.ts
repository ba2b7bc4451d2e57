/** VALIDATE BACKUP finds what is damaged, at the level that looks at it, and names it. */
import { BackupError, PartitionBy } from "../../src/common/mod.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../support/assert.ts";
import { TempDir } from "../support/temp_dir.ts";
import type { Row } from "../storage/table_fixture.ts";
import { allTypesTable, commitRows, openEngine, testCore } from "../support/engine_fixture.ts";
import type { Row as TableRow } from "../support/table_rows.ts";
import { backupTasks, validateBackup } from "../../src/backup/mod.ts";
import { SimulatedFileSystem } from "../../src/platform/mod.ts";
import { InlineTaskRunner } from "../../src/wasm/mod.ts";
import { engineService } from "./engine_service.ts";
import { type AnyJson, Forger } from "./forgery.ts";
import { MemoryStore } from "./memory_store.ts";
import {
  backUp,
  openStore,
  PRODUCT_VERSION,
  restore,
  serviceOf,
  TestDatabase,
} from "./test_database.ts";

const START = 1_704_067_200_000_000n;
const LEVELS = ["manifest", "objects", "hashes", "decode"];

function rows(first: number, count: number): Row[] {
  return Array.from({ length: count }, (_, i) => ({
    ts: START + BigInt(first + i) * 3_600_000_000n,
    ok: true,
    i,
    l: BigInt(first + i),
    d: (first + i) / 4,
    sym: `s${i % 5}`,
    text: `row ${first + i} with a longer text`,
  }));
}

const signal = new AbortController().signal;

async function withBackup(
  work: (bench: {
    service: ReturnType<typeof serviceOf>;
    store: ReturnType<typeof openStore>;
    timestamp: bigint;
    keys: string[];
  }) => Promise<void>,
): Promise<void> {
  using dir = new TempDir();
  using database = new TestDatabase(`${dir.path}/root`);
  const store = openStore(dir.path);
  const service = serviceOf(database, store);
  await assertRejects(
    () => service.validate({ timestamp: null, level: "hashes", signal }),
    BackupError,
    "no backup of this database yet",
  );
  database.create("a", PartitionBy.DAY);
  database.create("b", PartitionBy.MONTH);
  database.insert("a", rows(0, 200));
  database.insert("b", rows(0, 50));
  const timestamp = await backUp(service);
  const keys: string[] = [];
  for await (const page of store.list("backup/")) keys.push(...page.map(({ key }) => key));
  await work({ service, store, timestamp, keys });
}

Deno.test("a whole backup is valid at every level, and what was looked at is counted", async () => {
  await withBackup(async ({ service, timestamp, keys }) => {
    for (const level of LEVELS) {
      const found = await service.validate({ timestamp: null, level, signal });
      assertEquals(found.map(({ table, error }) => [table, error]), [
        ["", null],
        ["a", null],
        ["b", null],
      ], level);
      assert(found.every((row) => row.backupTimestamp === timestamp && row.bytes > 0));
      const objects = found.reduce((sum, row) => sum + row.objects, 0);
      const stored = keys.filter((key) => /\/(packs|tables)\//.test(key)).length;
      assertEquals(objects, level === "manifest" ? 3 : stored);
    }
    await assertRejects(
      () => service.validate({ timestamp: null, level: "everything", signal }),
      BackupError,
      "no such level of validation",
    );
    await assertRejects(
      () => service.validate({ timestamp: timestamp - 1n, level: "hashes", signal }),
      Error,
      "No backup timestamp found that is <=",
    );
  });
});

// What is done to a pack of table a, and the first level that notices.
const DAMAGES: [
  string,
  string,
  (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | null,
][] = [
  ["removed", "objects", () => null],
  ["cut short", "objects", (bytes) => bytes.slice(0, -1)],
  ["a bit flipped", "hashes", (bytes) => {
    bytes[bytes.length >>> 2] ^= 4;
    return bytes;
  }],
];

for (const [what, level, damage] of DAMAGES) {
  Deno.test(`a pack that was ${what} is found by level ${level}, and named`, async () => {
    await withBackup(async ({ service, store, keys }) => {
      const key = keys.find((candidate) => candidate.includes("/packs/a~"))!;
      const damaged = damage(await store.get(key));
      await store.delete([key]);
      if (damaged !== null) await store.put(key, damaged);
      for (const tried of LEVELS) {
        const found = await service.validate({ timestamp: null, level: tried, signal });
        const isFound = LEVELS.indexOf(tried) >= LEVELS.indexOf(level);
        const [files, a, b] = found;
        assertEquals([files.error, b.error], [null, null]);
        assertEquals(a.error !== null, isFound, tried);
        if (isFound) assertStringIncludes(a.error!, key);
      }
    });
  });
}

Deno.test("a damaged table manifest is told with its table; a damaged root manifest ends the validation", async () => {
  await withBackup(async ({ service, store, keys }) => {
    const flip = async (key: string) => {
      const bytes = await store.get(key);
      bytes[bytes.length >>> 1] ^= 1;
      await store.put(key, bytes);
    };
    await flip(keys.find((key) => key.includes("/tables/b~"))!);
    const [, a, b] = await service.validate({ timestamp: null, level: "manifest", signal });
    assertEquals(a.error, null);
    assertStringIncludes(b.error!, "hash mismatch");
    await flip(keys.find((key) => key.includes("/manifests/"))!);
    await assertRejects(
      () => service.validate({ timestamp: null, level: "manifest", signal }),
      Error,
      "manifest",
    );
  });
});

Deno.test("a table with WAL is valid, and not when its log ends elsewhere than the backup says", async () => {
  using directory = new TempDir();
  const store = new MemoryStore();
  {
    await using engine = await openEngine(`${directory.path}/root`);
    const token = engine.createTable(allTypesTable("w", { partitionBy: PartitionBy.DAY }));
    const row = (day: number): TableRow => [
      START + BigInt(day) * 86_400_000_000n,
      true,
      day,
      1n,
      2,
      "s",
      "text",
    ];
    for (let day = 0; day < 3; day++) commitRows(engine, token, [row(day)]);
    await engine.waitApplied(token);
    await backUp(engineService(engine, `${directory.path}/root`, store));
  }
  const validate = async (changed: MemoryStore) => {
    const { tables } = await validateBackup({
      store: changed,
      core: testCore(),
      tasks: new InlineTaskRunner(
        { core: testCore(), fs: new SimulatedFileSystem() },
        backupTasks,
      ),
      productVersion: PRODUCT_VERSION,
      level: "hashes",
      instance: null,
      timestamp: null,
      signal,
    });
    return tables.flatMap(({ error }) => error ?? []).join();
  };
  assertEquals(await validate(store), "");
  const cases: [string, (json: AnyJson, root: AnyJson) => void][] = [
    ["field=last_txn, expected=4, actual=3", (_, root) => root.tables[0].last_txn++],
    ["path=txn_seq/_txnlog, expected=76", (json) => {
      json.names[json.names.indexOf("txn_seq/_txnlog")] = "txn_seq/other";
    }],
  ];
  for (const [text, change] of cases) {
    const forger = new Forger(new MemoryStore(store.objects));
    const json = forger.manifest(0);
    change(json, forger.root);
    forger.replace(0, json);
    forger.seal();
    assertStringIncludes(await validate(forger.store), text);
    await assertRejects(
      () => restore(`${directory.path}/${text.slice(0, 8)}`, forger.store, { lines: [""] }),
      Error,
      text,
    );
  }
});

Deno.test("symbol tables that were damaged before the backup are found by level decode, as the restore would", async () => {
  const cases: [file: string, change: (bytes: Uint8Array) => Uint8Array, text: string][] = [
    ["sym.c", (bytes) => bytes.fill(0xff, 8, 12), "symbol without a text [file=/sym.c, key=1"],
    ["sym.c", (bytes) => bytes.fill(9, 32, 33), "file is too short [file=/sym.c, symbols=4"],
    ["sym.o", (bytes) => bytes.fill(0, 0, 4), "invalid symbol capacity [file=/sym.o, capacity=0"],
  ];
  for (const [name, change, text] of cases) {
    using dir = new TempDir();
    using database = new TestDatabase(`${dir.path}/root`);
    const store = openStore(dir.path);
    const service = serviceOf(database, store);
    database.create("a", PartitionBy.DAY);
    database.insert("a", rows(0, 50)); // symbols s0 to s4, of 8 bytes each
    const path = `${database.tables.get("a")!.context.tableDir}/${name}`;
    Deno.writeFileSync(path, change(Deno.readFileSync(path)));
    await backUp(service);
    for (const level of LEVELS) {
      const [, { error }] = await service.validate({ timestamp: null, level, signal });
      if (level === "decode") assertStringIncludes(error!, text);
      else assertEquals(error, null, level);
    }
    const reason = text.slice(0, text.indexOf(" ["));
    const restoring = () => restore(`${dir.path}/restored`, store, { lines: [""] });
    await assertRejects(restoring, Error, reason);
  }
});
