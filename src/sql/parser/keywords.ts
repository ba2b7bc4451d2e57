/**
 * Reserved words and the rules for names. The list is what QuestDB 9.3 refuses as an unquoted table or column name.
 *
 * @module
 */

const RESERVED = new Set(
  ("add all alter and as asc batch between bypass cancel case cast column create desc detach distinct drop enable end " +
    "except exists explain false from in insert intersect into join like limit lock nan not null on or order outer over " +
    "partition rename resume sample select set table to true union update upsert values where with within")
    .split(" "),
);

/** Tells whether an unquoted word may not be a table, column or alias name. */
export function isReserved(word: string): boolean {
  return RESERVED.has(word.toLowerCase());
}

/** Words that may follow a table in FROM and so cannot be its alias without AS. */
export const TABLE_ALIAS_STOP: ReadonlySet<string> = new Set(
  ("where latest join inner left right full outer asof splice lt cross lateral sample order on timestamp limit group " +
    "partition to from fill align union except intersect pivot window horizon unnest").split(" "),
);

/** Words that may follow an item of a select list and so cannot be its alias without AS. */
export const COLUMN_ALIAS_STOP: ReadonlySet<string> = new Set(
  ["from", "over", "union", "except", "intersect", "within", "ignore", "respect"],
);

/** Words that start a join. */
export const JOIN_WORDS: ReadonlySet<string> = new Set(
  "join inner left right full outer asof splice lt cross lateral window horizon".split(" "),
);
