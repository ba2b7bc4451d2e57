// Exports of the `sort` family; typed for TypeScript in src/wasm/kernels/sort.ts.
export { isSortedI64, isSortedPairs, joinPairs, lowerBoundI64, radixSortPairs, splitPairs, upperBoundI64 } from "./pairs";
export {
  gather1, gather16, gather2, gather32, gather4, gather8, maxKeyI32, mergeGather1, mergeGather16, mergeGather2,
  mergeGather32, mergeGather4, mergeGather8, mergeIndex, remapI32,
} from "./gather";
export { sortPairs } from "./late";
