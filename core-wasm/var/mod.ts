// Exports of the `var` family; typed for TypeScript in src/wasm/kernels/var.ts.
export {
  varcharCopy, varcharEnd, varcharGather, varcharGatherBytes, varcharHeapBytes, varcharMerge, varcharMergeBytes,
  varcharNulls, varcharOffset, varcharPut, varcharRebase, varcharValidate,
} from "./varchar";
export { storedDataBytes, storedDecode, storedEncode, storedHeapBytes } from "./stored";
