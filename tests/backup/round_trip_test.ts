/** Round trips through a directory; through other stores: `testRemoteBackup`. */
import { RealFileSystem } from "../../src/platform/mod.ts";
import { assert, assertEquals } from "../support/assert.ts";
import { runSeed } from "../support/seeded_random.ts";
import { TempDir } from "../support/temp_dir.ts";
import { checkRoundTrips, filesOf, restoreTo, RoundTrip } from "./round_trip.ts";
import { backUp, openStore } from "./test_database.ts";

const HISTORIES = 6;

Deno.test("every retained point of a random history comes back from a directory", async () => {
  using directory = new TempDir();
  const first = runSeed();
  const seeds = Array.from({ length: HISTORIES }, (_, i) => first + i);
  await checkRoundTrips(
    seeds,
    (seed) => () => Promise.resolve(openStore(`${directory.path}/${seed}`)),
  );
});

Deno.test("a root restored from incremental backups is, byte by byte, the one restored from a full backup", async () => {
  const first = runSeed();
  for (let seed = first; seed < first + HISTORIES; seed++) {
    using directory = new TempDir();
    const open = (name: string) => () => Promise.resolve(openStore(`${directory.path}/${name}`));
    await using trip = await RoundTrip.start(seed);
    await using incremental = trip.service(open("incremental"), 100);
    await trip.run(incremental);
    await using full = trip.service(open("full"), 100);
    const roots = [
      { name: "incremental", timestamp: await backUp(incremental) },
      { name: "full", timestamp: await backUp(full) },
    ];
    const files = [];
    for (const { name, timestamp } of roots) {
      const root = `${directory.path}/restored-${name}`;
      await restoreTo(root, open(name), timestamp);
      files.push(filesOf(new RealFileSystem(), `${root}/db`));
    }
    const [some, all] = files;
    assertEquals([...some.keys()].sort(), [...all.keys()].sort(), `SEED=${seed}`);
    assert(some.size > 3, "there are files");
    for (const [path, bytes] of some) {
      const other = all.get(path)!;
      const isEqual = bytes.length === other.length && bytes.every((byte, i) => byte === other[i]);
      assert(isEqual, `SEED=${seed}: ${path}`);
    }
  }
});
