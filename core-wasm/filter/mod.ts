// Exports of the `filter` family; typed for TypeScript in src/wasm/kernels/filter.ts.
export { decimalToWords, wordsToDecimal } from "./decimal";
export { decodeInts, encodeInts } from "./ints";
export { decodeWords, encodeWords } from "./words";
