// Exports of the `group` family; typed for TypeScript in src/wasm/kernels/group.ts.
export {
  countBy, countNewBy, countNotNullBy, keepBy, markBy, maxF64By, maxI64By, minF64By, minI64By, momentsF64By, sumF64By,
  sumI64By,
} from "./accumulate";
export {
  doubleKeys, internI64, internVarchar, pairIds, rehashI64, rehashVarchar, symbolIds, unpairIds,
} from "./intern";
export { orderKeysF64, orderPairsI64, pairRows, rekeyPairs, selectWithin } from "./order";
export { maxF64Range, maxI64Range, minF64Range, minI64Range, sumF64Range, sumI64Range } from "./range";
