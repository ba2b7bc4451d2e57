/**
 * Writes DATE, TIMESTAMP and TIMESTAMP_NS values as `"2024-01-05T10:00:00.000000Z"` without making strings of them. The
 * date of the last row is kept: neighbouring rows share it most of the time.
 *
 * @module
 */
import { ColumnType, formatYear, INT_NULL, typeTag } from "../../common/mod.ts";
import type { Vector, WasmMemory } from "../../wasm/mod.ts";
import type { ByteWriter } from "./byte_writer.ts";
import type { ValueOutput, ValueWriter } from "./value_writer.ts";

const TWO_32 = 4_294_967_296;
const EXACT_HIGH = 0x200000;
const SECONDS_PER_DAY = 86_400;
const DAYS_TO_EPOCH = 719_468;
const DAYS_PER_ERA = 146_097;
const QUOTE = 34;
const COLON = 58;

/** Makes the writer of a vector of times. */
export function timestampWriter(
  memory: WasmMemory,
  vector: Vector,
  { buffer, format }: ValueOutput,
): ValueWriter {
  const places = placesOf(vector.type);
  const unit = 10 ** places, bigUnit = BigInt(unit);
  const unitsPerDay = bigUnit * BigInt(SECONDS_PER_DAY);
  const words = vector.data >> 2;
  let day = NaN, prefix = new Uint8Array(0);
  return (row) => {
    const low = memory.u32[words + 2 * row], high = memory.i32[words + 2 * row + 1];
    if (low === 0 && high === INT_NULL) return buffer.ascii(format.nullText);
    let rowDay: number, secondOfDay: number, fraction: number;
    if (high >= -EXACT_HIGH && high < EXACT_HIGH) {
      const value = high * TWO_32 + low;
      const seconds = Math.floor(value / unit);
      fraction = value - seconds * unit;
      rowDay = Math.floor(seconds / SECONDS_PER_DAY);
      secondOfDay = seconds - rowDay * SECONDS_PER_DAY;
    } else { // nanoseconds, or years beyond 2255
      const value = memory.i64[(vector.data >> 3) + row];
      const inDay = ((value % unitsPerDay) + unitsPerDay) % unitsPerDay;
      rowDay = Number((value - inDay) / unitsPerDay);
      secondOfDay = Number(inDay / bigUnit);
      fraction = Number(inDay % bigUnit);
    }
    if (rowDay !== day) {
      day = rowDay;
      prefix = new TextEncoder().encode(`"${dateText(day)}T`);
    }
    buffer.bytes(prefix);
    writeTime(buffer, { secondOfDay, fraction, places });
  };
}

function placesOf(type: number): number {
  if (typeTag(type) === ColumnType.DATE) return 3;
  return type === ColumnType.TIMESTAMP_NS ? 9 : 6;
}

function writeTime(
  buffer: ByteWriter,
  time: { readonly secondOfDay: number; readonly fraction: number; readonly places: number },
): void {
  const minutes = Math.floor(time.secondOfDay / 60);
  const hour = Math.floor(minutes / 60);
  buffer.padded(hour, 2);
  buffer.byte(COLON);
  buffer.padded(minutes - hour * 60, 2);
  buffer.byte(COLON);
  buffer.padded(time.secondOfDay - minutes * 60, 2);
  buffer.ascii(".");
  buffer.padded(time.fraction, time.places);
  buffer.ascii("Z");
  buffer.byte(QUOTE);
}

/** Date of a day since 1970-01-01 in the proleptic Gregorian calendar; years take at least four digits. */
function dateText(day: number): string {
  const shifted = day + DAYS_TO_EPOCH;
  const era = Math.floor(shifted / DAYS_PER_ERA);
  const dayOfEra = shifted - era * DAYS_PER_ERA;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra -
    (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const dayOfMonth = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const two = (value: number) => String(value).padStart(2, "0");
  const yearText = formatYear(year);
  return `${yearText}-${two(month)}-${two(dayOfMonth)}`;
}
