/**
 * Finds what somebody who mistyped a key probably meant.
 *
 * @module
 */

/** Longest key that is compared; longer ones are nobody's typing mistake. */
const KEY_CHARS_MAX = 128;

/** Number of insertions, deletions, replacements and swaps of neighbours that turn one text into the other. */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      current[j] = Math.min(
        previous[j] + 1,
        current[j - 1] + 1,
        previous[j - 1] + (isSame ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        current[j] = Math.min(current[j], beforePrevious[j - 2] + 1);
      }
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length];
}

/** Returns the candidate that is closest to the key, or `null` if none is close (over a quarter of the key differs). */
export function nearestKey(key: string, candidates: Iterable<string>): string | null {
  if (key.length > KEY_CHARS_MAX) return null;
  let nearest: string | null = null;
  let smallest = Math.max(2, Math.floor(key.length / 4)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - key.length) >= smallest) continue;
    const distance = editDistance(key.toLowerCase(), candidate.toLowerCase());
    if (distance < smallest) {
      smallest = distance;
      nearest = candidate;
    }
  }
  return nearest;
}
