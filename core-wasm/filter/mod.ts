// Exports of the `filter` family; typed for TypeScript in src/wasm/kernels/filter.ts.
export { decimalToWords, decodeInts, decodeWords, encodeInts, encodeWords, wordsToDecimal } from "./words";
