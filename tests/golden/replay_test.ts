/**
 * The recorded answers of the storage and WAL groups, over HTTP on the real process.
 */
import { assert, assertEquals } from "../support/assert.ts";
import { countByGroup, replayOnNewRoot, STORAGE_GROUPS } from "./replay.ts";

/** Equal answers of all groups together, at least. */
const SHARE_MIN = 0.95;
/** Cases of `differences.md`: the first column of its table. */
const LISTED = /^\| (\d+) \|/gm;

Deno.test("the recorded answers of every storage group are given again, differences listed", async () => {
  const cases = await replayOnNewRoot(STORAGE_GROUPS);
  const counts = countByGroup(cases);
  assertEquals([...counts.keys()].sort(), [...STORAGE_GROUPS].sort());
  const different = cases.filter(({ isEqual }) => !isEqual);
  const text = Deno.readTextFileSync(new URL("./differences.md", import.meta.url));
  const listed = [...text.matchAll(LISTED)].map((match) => Number(match[1]));
  const found = different.map(({ request }) => request.number);
  const report = [...counts].map(([group, { equal, total }]) => `${group} ${equal}/${total}`);
  console.log(report.join(", "));
  assertEquals(found, listed, `differences and differences.md\n${report.join("\n")}`);
  assert(cases.length - different.length >= SHARE_MIN * cases.length, report.join("\n"));
});
