/**
 * Rows for people.
 *
 * @module
 */

/** Lays rows out in columns; numbers are right-aligned. @param rows the first one has the headings. */
export function formatTable(rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) => row.map(String));
  const widths = texts[0].map((_, column) => Math.max(...texts.map((row) => row[column].length)));
  const isNumber = widths.map((_, column) =>
    rows.slice(1).every((row) => typeof row[column] === "number") && rows.length > 1
  );
  return texts.map((row) =>
    row.map((text, column) =>
      isNumber[column] ? text.padStart(widths[column]) : text.padEnd(widths[column])
    ).join("  ").trimEnd() + "\n"
  ).join("");
}
