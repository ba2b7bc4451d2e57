/**
 * What this program calls itself.
 *
 * @module
 */

/** Release of this program, as in `deno.json`. */
export const VERSION = "0.1.0";
/** The QuestDB release whose SQL, protocols and files this one is compatible with. */
export const QUESTDB_VERSION = "9.3.5";
