/** Numbers and times as text: the functions of `src/common` that this folder uses. @module */
export {
  formatDateMillis,
  formatDouble,
  formatFloat,
  parseDouble,
  parseInteger,
} from "../../common/mod.ts";
