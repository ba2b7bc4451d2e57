/**
 * Local time of named zones and fixed offsets, through the runtime's zone data.
 *
 * @module
 */
import { SqlError } from "../../common/mod.ts";

const OFFSET = /^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?$/i;
/** Abbreviations QuestDB takes for the zone that is in daylight time. */
const ALIASES: Readonly<Record<string, string>> = {
  EST: "America/New_York",
  PST: "America/Los_Angeles",
  CST: "America/Chicago",
  MST: "America/Denver",
};
const formats = new Map<string, Intl.DateTimeFormat>();

function fixedOffset(zone: string): bigint | null {
  const match = OFFSET.exec(zone);
  if (match === null) return null;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return BigInt(match[1] === "-" ? -minutes : minutes) * 60_000_000n;
}

function formatOf(zone: string, position: number): Intl.DateTimeFormat {
  const name = ALIASES[zone.toUpperCase()] ?? zone;
  let format = formats.get(name);
  if (format !== undefined) return format;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
      era: "short",
    });
  } catch (cause) {
    throw new SqlError(position, `invalid timezone: ${zone}`, { cause });
  }
  formats.set(name, format);
  return format;
}

/** Microseconds to add to UTC for the zone's local time at that moment. */
export function offsetAt(micros: bigint, zone: string, position: number): bigint {
  const fixed = fixedOffset(zone);
  if (fixed !== null) return fixed;
  const seconds = micros >= 0n ? micros / 1_000_000n : -((-micros + 999_999n) / 1_000_000n);
  const parts: Record<string, string> = {};
  for (const part of formatOf(zone, position).formatToParts(Number(seconds) * 1000)) {
    parts[part.type] = part.value;
  }
  const date = new Date(0);
  date.setUTCFullYear(Number(parts.year), Number(parts.month) - 1, Number(parts.day));
  date.setUTCHours(Number(parts.hour), Number(parts.minute), Number(parts.second));
  return BigInt(date.getTime()) * 1000n - seconds * 1_000_000n;
}

/** Local time of a UTC time. @throws {SqlError} `invalid timezone: …`. */
export function toTimezone(micros: bigint, zone: string, position: number): bigint {
  return micros + offsetAt(micros, zone, position);
}

/** UTC of a local time. In a gap or overlap the offset before it counts. */
export function toUtc(micros: bigint, zone: string, position: number): bigint {
  const guess = micros - offsetAt(micros, zone, position);
  return micros - offsetAt(guess, zone, position);
}
