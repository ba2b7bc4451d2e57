// Texts between UTF-16 units and UTF-8. A surrogate without its other half takes three bytes of its own (WTF-8), so that every
// sequence of units comes back as it was. Bytes that are no UTF-8 become U+FFFD, one by one.

const REPLACEMENT: u32 = 0xfffd;

/** Bytes that n units take. */
export function utf16Bytes(units: usize, n: i32): i32 {
  let at = units;
  const end = units + ((<usize>n) << 1);
  let bytes: i32 = 0;
  const high = i16x8.splat(<i16>0xff80);
  while (at < end) {
    while (at + 16 <= end && !v128.any_true(v128.and(v128.load(at), high))) {
      at += 16;
      bytes += 8;
    }
    while (at < end && load<u16>(at) < 0x80) {
      at += 2;
      bytes++;
    }
    if (at >= end) break;
    const unit = <u32>load<u16>(at);
    at += 2;
    if (unit < 0x80) bytes++;
    else if (unit < 0x800) bytes += 2;
    else if (isPair(unit, at, end)) {
      bytes += 4;
      at += 2;
    } else bytes += 3;
  }
  return bytes;
}

// @ts-ignore: decorator
@inline
function isPair(unit: u32, next: usize, end: usize): bool {
  return (unit & 0xfc00) == 0xd800 && next < end && (<u32>load<u16>(next) & 0xfc00) == 0xdc00;
}

/** Writes n units as UTF-8; returns the end of what was written. */
export function putUtf8(units: usize, n: i32, dst: usize): usize {
  let at = units;
  const end = units + ((<usize>n) << 1);
  const high = i16x8.splat(<i16>0xff80);
  while (at < end) {
    while (at + 16 <= end) {
      const block = v128.load(at);
      if (v128.any_true(v128.and(block, high))) break;
      v128.store64_lane(dst, v128.narrow<i16>(block, block), 0);
      at += 16;
      dst += 8;
    }
    while (at < end && load<u16>(at) < 0x80) {
      store<u8>(dst++, load<u8>(at));
      at += 2;
    }
    if (at >= end) break;
    const unit = <u32>load<u16>(at);
    at += 2;
    if (unit < 0x800) {
      store<u8>(dst, 0xc0 | (unit >> 6));
      store<u8>(dst, 0x80 | (unit & 63), 1);
      dst += 2;
    } else if (isPair(unit, at, end)) {
      const code = 0x10000 + ((unit & 0x3ff) << 10) + (<u32>load<u16>(at) & 0x3ff);
      at += 2;
      store<u8>(dst, 0xf0 | (code >> 18));
      store<u8>(dst, 0x80 | ((code >> 12) & 63), 1);
      store<u8>(dst, 0x80 | ((code >> 6) & 63), 2);
      store<u8>(dst, 0x80 | (code & 63), 3);
      dst += 4;
    } else {
      store<u8>(dst, 0xe0 | (unit >> 12));
      store<u8>(dst, 0x80 | ((unit >> 6) & 63), 1);
      store<u8>(dst, 0x80 | (unit & 63), 2);
      dst += 3;
    }
  }
  return dst;
}

// @ts-ignore: decorator
@inline
function isTail(at: usize): bool {
  return (load<u8>(at) & 0xc0) == 0x80;
}

/** Bytes of the character at `at`, or 0 if there is none. */
function characterBytes(at: usize, end: usize): i32 {
  const lead = <u32>load<u8>(at);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const left = <i32>(end - at);
  if (lead < 0xe0) return left >= 2 && isTail(at + 1) ? 2 : 0;
  if (lead < 0xf0) {
    if (left < 3 || !isTail(at + 1) || !isTail(at + 2)) return 0;
    return lead == 0xe0 && load<u8>(at + 1) < 0xa0 ? 0 : 3;
  }
  if (left < 4 || !isTail(at + 1) || !isTail(at + 2) || !isTail(at + 3)) return 0;
  const second = <u32>load<u8>(at + 1);
  return (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f) ? 0 : 4;
}

/** Units that n bytes of UTF-8 take. */
export function utf8Units(bytes: usize, n: i32): i32 {
  let at = bytes;
  const end = bytes + <usize>n;
  let units: i32 = 0;
  while (at < end) {
    while (at + 16 <= end && i8x16.bitmask(v128.load(at)) == 0) {
      at += 16;
      units += 16;
    }
    while (at < end && load<u8>(at) < 0x80) {
      at++;
      units++;
    }
    if (at >= end) break;
    const length = characterBytes(at, end);
    units += length == 4 ? 2 : 1;
    at += length == 0 ? 1 : <usize>length;
  }
  return units;
}

/** Writes n bytes of UTF-8 as UTF-16 units; returns the end of what was written. */
export function putUtf16(bytes: usize, n: i32, dst: usize): usize {
  let at = bytes;
  const end = bytes + <usize>n;
  while (at < end) {
    while (at + 16 <= end) {
      const block = v128.load(at);
      if (i8x16.bitmask(block) != 0) break;
      v128.store(dst, i16x8.extend_low_i8x16_u(block));
      v128.store(dst, i16x8.extend_high_i8x16_u(block), 16);
      at += 16;
      dst += 32;
    }
    if (at + 8 <= end && (load<u64>(at) & 0x8080808080808080) == 0) {
      v128.store(dst, i16x8.extend_low_i8x16_u(v128.load64_zero(at)));
      at += 8;
      dst += 16;
    }
    while (at < end && load<u8>(at) < 0x80) {
      store<u16>(dst, <u16>load<u8>(at++));
      dst += 2;
    }
    if (at >= end) break;
    const length = characterBytes(at, end);
    const code = length == 0 ? REPLACEMENT : codeAt(at, length);
    at += length == 0 ? 1 : <usize>length;
    if (code < 0x10000) {
      store<u16>(dst, code);
      dst += 2;
    } else {
      store<u16>(dst, 0xd800 | ((code - 0x10000) >> 10));
      store<u16>(dst, 0xdc00 | ((code - 0x10000) & 0x3ff), 2);
      dst += 4;
    }
  }
  return dst;
}

function codeAt(at: usize, length: i32): u32 {
  const lead = <u32>load<u8>(at);
  if (length == 1) return lead;
  const a = <u32>load<u8>(at, 1) & 63;
  if (length == 2) return ((lead & 31) << 6) | a;
  const b = <u32>load<u8>(at, 2) & 63;
  if (length == 3) return ((lead & 15) << 12) | (a << 6) | b;
  return ((lead & 7) << 18) | (a << 12) | (b << 6) | (<u32>load<u8>(at, 3) & 63);
}
