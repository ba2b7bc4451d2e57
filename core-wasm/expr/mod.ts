// Exports of the `expr` family; typed for TypeScript in src/wasm/kernels/expr.ts.
export { arithF64, arithI32, arithI64, unaryF64, unaryI32, unaryI64 } from "./arithmetic";
export { compareF64, compareI32, compareI64, compareU8, mapKeysI32, mapKeysU8 } from "./compare";
export {
  blendRows, booleanAnd, booleanNot, booleanOr, countTrue, equalRows, fillRows, gatherRows, putWords, selectTrue,
  sequenceI32, sequenceI64, takeWords,
} from "./boolean";
export { convertFromReal, convertInteger, convertReal, convertToBoolean, convertToReal, isNullRows } from "./convert";
export { randomF32, randomF64, randomI32, randomI64 } from "./random";
export { addMonthsI64, floorI64, floorMonthsI64, timestampPart } from "./time";
export { compareVarchar, concatVarchar, concatVarcharBytes, formatI64, varcharLengths } from "./text";
