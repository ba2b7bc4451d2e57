/**
 * Rewrites the property table of `docs/configuration.md` from the one in `src/config/property_table.ts`.
 *
 * @module
 */
import { PROPERTIES, propertyTableMarkdown } from "../src/config/mod.ts";

const PAGE = new URL("../docs/configuration.md", import.meta.url);
const START = "<!-- properties -->\n";
const END = "<!-- end -->";

if (import.meta.main) {
  const text = Deno.readTextFileSync(PAGE);
  const [before, rest] = text.split(START);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`Cannot find the markers in ${PAGE.pathname}`);
  Deno.writeTextFileSync(PAGE, before + START + propertyTableMarkdown(PROPERTIES) + END + after);
}
