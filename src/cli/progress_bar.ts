/**
 * A line on a terminal that shows how far something has come; nothing at all where there is no terminal.
 *
 * ```
 * restore  [############............]  50 %  1.2 GB of 2.4 GB
 * ```
 *
 * @module
 */
const WIDTH = 24;
const UNITS = ["B", "kB", "MB", "GB", "TB"];
const STEP = 1000;

/** Shows progress; disposing ends the line. */
export class ProgressBar implements Disposable {
  readonly #write: ((text: string) => void) | null;
  readonly #name: string;
  #shown = "";

  /** @param write Writes to the terminal; `null` if there is none. */
  constructor(name: string, write: ((text: string) => void) | null) {
    this.#name = name;
    this.#write = write;
  }

  /** Shows bytes that are done. */
  showBytes(done: number, total: number): void {
    const percent = total === 0 ? 100 : Math.floor(100 * done / total);
    this.showPercent(percent, `${formatBytes(done)} of ${formatBytes(total)}`);
  }

  /** Shows 0 to 100 percent. */
  showPercent(percent: number, detail = ""): void {
    if (this.#write === null) return;
    const done = Math.min(WIDTH, Math.max(0, Math.floor(percent * WIDTH / 100)));
    const bar = "#".repeat(done) + ".".repeat(WIDTH - done);
    const line = `${this.#name}  [${bar}]  ${String(percent).padStart(3)} %  ${detail}`;
    if (line === this.#shown) return;
    // What is left of a longer line before it is painted over.
    this.#write(`\r${line.padEnd(this.#shown.length)}`);
    this.#shown = line;
  }

  [Symbol.dispose](): void {
    if (this.#shown !== "") this.#write?.("\n");
    this.#shown = "";
  }
}

/** Formats a number of bytes for people: `1.2 GB`. */
export function formatBytes(bytes: number): string {
  let value = bytes, unit = 0;
  while (value >= STEP && unit < UNITS.length - 1) {
    value /= STEP;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}
