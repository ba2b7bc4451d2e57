/**
 * Texts as SYMBOL keys of dictionaries that live as long as a query.
 *
 * @module
 */
import { ColumnType } from "../../common/mod.ts";
import { fixedVector, type SymbolTable, type Vector } from "../../wasm/mod.ts";
import type { ConversionOptions } from "./convert.ts";
import { valueReader } from "./scalar_value.ts";

/** A dictionary that grows; the keys of one query's `::symbol`. */
export class GrowingSymbolTable implements SymbolTable {
  readonly #texts: string[] = [];
  readonly #keys = new Map<string, number>();

  get count(): number {
    return this.#texts.length;
  }
  text(key: number): string {
    return this.#texts[key];
  }
  find(text: string): number {
    return this.#keys.get(text) ?? -1;
  }
  /** Key of a text, new if need be. */
  intern(text: string): number {
    let key = this.#keys.get(text);
    if (key === undefined) {
      key = this.#texts.length;
      this.#texts.push(text);
      this.#keys.set(text, key);
    }
    return key;
  }
}

/** Turns texts into SYMBOL keys of a new dictionary, or of the one given. */
export function internSymbols(
  text: Vector,
  rowCount: number,
  options: ConversionOptions & { readonly symbols?: GrowingSymbolTable },
): Vector {
  const symbols = options.symbols ?? new GrowingSymbolTable();
  const { memory } = options.core;
  const read = valueReader(memory, text);
  const out = options.alloc(rowCount * 4);
  for (let row = 0; row < rowCount; row++) {
    const value = read(row) as string | null;
    memory.i32[(out >> 2) + row] = value === null ? -0x80000000 : symbols.intern(value);
  }
  return fixedVector(ColumnType.SYMBOL, out, symbols);
}
