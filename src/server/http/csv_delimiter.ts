/**
 * Finds a document's delimiter as QuestDB does: the character whose number per line varies least.
 *
 * @module
 */
import { QuestError } from "../../common/mod.ts";

/** Candidates; of two that vary equally little the first one wins. */
const CANDIDATES = [",", "\t", "|", ":", ";", " ", "~", "^"].map((char) => char.charCodeAt(0));
/** `http.text.max.required.delimiter.stddev`. */
const DELIMITER_DEVIATION_MAX = 0.1222;
/** `http.text.max.required.line.length.stddev`. */
const LENGTH_DEVIATION_MAX = 0.8;
const COMMA = 44;
const QUOTE = 34;
const LF = 10;
const CR = 13;

/**
 * Returns the delimiter's code. A document without any candidate is one column.
 *
 * @throws {QuestError} QuestDB's `min deviation is too high` if the lines do not agree on any.
 */
export function detectDelimiter(sample: Uint8Array, lineLimit: number): number {
  const { lengths, counts } = countPerLine(sample, lineLimit);
  let best = COMMA, bestDeviation = Infinity;
  for (const [index, candidate] of CANDIDATES.entries()) {
    const perLine = counts.map((line) => line[index]);
    if (perLine.every((count) => count === 0)) continue;
    const deviation = standardDeviation(perLine);
    if (deviation < bestDeviation) {
      best = candidate;
      bestDeviation = deviation;
    }
  }
  const lengthDeviation = standardDeviation(lengths);
  if (
    bestDeviation !== Infinity && bestDeviation >= DELIMITER_DEVIATION_MAX &&
    lengthDeviation >= LENGTH_DEVIATION_MAX
  ) {
    throw new QuestError("min deviation is too high", {
      delimiterStdDev: bestDeviation,
      delimiterMaxStdDev: DELIMITER_DEVIATION_MAX,
      lineLengthStdDev: lengthDeviation,
      lineLengthMaxStdDev: LENGTH_DEVIATION_MAX,
      lineCountLimit: lineLimit,
      lineCount: lengths.length,
    });
  }
  return best;
}

/** Length of each line and how often each candidate stands in it outside quotes; an unfinished last line does not count. */
function countPerLine(
  sample: Uint8Array,
  lineLimit: number,
): { lengths: number[]; counts: number[][] } {
  const lengths: number[] = [], counts: number[][] = [];
  let current = CANDIDATES.map(() => 0), length = 0, isQuoted = false;
  for (const byte of sample) {
    if (byte === QUOTE) isQuoted = !isQuoted;
    if (!isQuoted && (byte === LF || byte === CR)) {
      if (length === 0) continue; // an empty line, or the second half of CRLF
      lengths.push(length);
      counts.push(current);
      if (lengths.length === lineLimit) break;
      current = CANDIDATES.map(() => 0);
      length = 0;
      continue;
    }
    length++;
    const index = isQuoted ? -1 : CANDIDATES.indexOf(byte);
    if (index >= 0) current[index]++;
  }
  if (lengths.length === 0 && length > 0) return { lengths: [length], counts: [current] };
  return { lengths, counts };
}

function standardDeviation(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(
    values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length,
  );
}
