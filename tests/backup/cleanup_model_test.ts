/** Every order in which lease, backup and cleanup can happen, within bounds. docs/internals/cleanup.md maps the model to the code. */
import { assert, assertEquals } from "../support/assert.ts";
import { type ModelOptions, RULES, searchModel } from "./cleanup_model.ts";

const ALONE = { attempts: 3, crashes: 1, stale: 1, lost: 1, clones: 0 };
const CLONED = { keepCount: 1, attempts: 2, crashes: 0, stale: 0, lost: 0, clones: 1 };
const BOUNDS: readonly ModelOptions[] = [
  { ...ALONE, keepCount: 1 },
  { ...ALONE, keepCount: 2 },
  { ...CLONED, lost: 1 },
  { ...CLONED, stale: 1 },
  { ...CLONED, crashes: 1 },
];

for (const options of BOUNDS) {
  Deno.test(`no order of steps breaks a promise: ${JSON.stringify(options)}`, () => {
    const { states, completeBackups, deletedObjects, violation } = searchModel(options);
    assertEquals(violation?.path.join("\n"), undefined, violation?.reason);
    assert(completeBackups >= 2 && deletedObjects > 0, "backups complete and objects go");
    assert(states > 5000, `${states} states`);
  });
}

for (const without of RULES) {
  Deno.test(`the search finds what goes wrong without a rule: ${without}`, () => {
    const isFound = BOUNDS.slice(0, 3).some((options) =>
      searchModel({ ...options, without }).violation !== null
    );
    assert(isFound, "without it all is well");
  });
}
