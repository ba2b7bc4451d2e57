// Exports of the `scan` family; typed for TypeScript in src/wasm/kernels/scan.ts.
export {
  countF64, countI32, countI64, maxF64, maxI32, maxI64, minF64, minI32, minI64, sumF64, sumI32, sumI64,
} from "./numbers";
export { firstF64, firstI32, firstI64, lastF64, lastI32, lastI64 } from "./places";
