/**
 * State of one query's plan: memory, readers to be closed, work to be done before the first row.
 *
 * @module
 */
import { CancelledError } from "../../common/mod.ts";
import { Arena, type Batch } from "../../wasm/mod.ts";
import type { Call } from "../ast/mod.ts";
import {
  type CompileContext,
  constantExpression,
  type ScalarValue,
  type VectorExpression,
} from "../functions/mod.ts";
import { QueryMemory } from "../exec/query_memory.ts";
import type { CursorColumn, ExecutionContext, RowCursor } from "../exec/row_cursor.ts";
import type { QueryEnvironment } from "./environment.ts";

/** See the module's description. */
export class Plan {
  readonly environment: QueryEnvironment;
  readonly memory: QueryMemory;
  readonly compile: CompileContext;
  readonly execution: ExecutionContext;
  readonly #arena: Arena;
  readonly #preparations: (() => Promise<void>)[] = [];
  readonly #open = new Set<{ close(): void }>();
  #randomPointer = 0;
  #seeds: readonly [bigint, bigint];
  #isClosed = false;

  constructor(environment: QueryEnvironment) {
    const { core, context } = environment;
    this.environment = environment;
    this.memory = new QueryMemory(core);
    this.#arena = new Arena(core.memory);
    // The reference seeds its generator from the clock as well.
    this.#seeds = [context.now ^ 0x5deece66dn, (context.now << 20n) ^ BigInt(this.#arena.alloc(8))];
    this.compile = {
      core,
      arena: this.#arena,
      now: context.now,
      random: { pointer: () => this.#random() },
    };
    this.execution = { ...context, signal: context.signal, yieldIfDue: () => this.#yield() };
  }

  /** Makes random values repeatable: `long_sequence(n, s0, s1)`. */
  seedRandom(s0: bigint, s1: bigint): void {
    this.#seeds = [s0, s1];
    this.#randomPointer = 0;
  }
  /** Takes over a cursor or reader that must be closed with the plan. */
  own<T extends { close(): void }>(resource: T): T {
    this.#open.add(resource);
    return resource;
  }
  /** Has work done before the first row. */
  prepare(work: () => Promise<void>): void {
    this.#preparations.push(work);
  }
  /** Does the work asked for with {@linkcode Plan.prepare}. */
  async runPreparations(): Promise<void> {
    for (const work of this.#preparations.splice(0)) await work();
  }
  /** Throws if the statement was cancelled. */
  checkCancelled(): void {
    if (this.execution.signal.aborted) throw new CancelledError("cancelled by user");
  }
  /** Closes everything; may be called again. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const resource of this.#open) resource.close();
    this.memory.close();
    this.#arena.release();
  }

  /** A scalar that the engine answers; its value is fetched once, before the first row. */
  engineScalar(call: Call): VectorExpression | null {
    const scalar = call.args.length === 0 ? this.environment.scalarFunctions(call.name) : null;
    if (scalar === null) return null;
    let value: ScalarValue = null;
    this.prepare(async () => {
      value = await scalar.value();
    });
    let constant: VectorExpression | null = null;
    return {
      type: scalar.type,
      isVolatile: true,
      evaluate: (batch) => {
        constant ??= constantExpression(this.compile, scalar.type, value);
        return constant.evaluate(batch);
      },
    };
  }

  #random(): number {
    if (this.#randomPointer === 0) {
      this.#randomPointer = this.#arena.alloc(16);
      const { i64 } = this.compile.core.memory;
      i64[this.#randomPointer >> 3] = BigInt.asIntN(64, this.#seeds[0]);
      i64[(this.#randomPointer >> 3) + 1] = BigInt.asIntN(64, this.#seeds[1]);
    }
    return this.#randomPointer;
  }
  async #yield(): Promise<void> {
    this.checkCancelled();
    await this.environment.context.yieldIfDue();
    this.checkCancelled();
  }
}

/** The outermost cursor of a plan: closes the plan with itself, at the end and on errors. */
export class PlanCursor implements RowCursor {
  readonly columns: readonly CursorColumn[];
  readonly timestampIndex: number;
  readonly #plan: Plan;
  readonly #source: RowCursor;
  #isDone = false;

  constructor(plan: Plan, source: RowCursor) {
    this.#plan = plan;
    this.#source = source;
    this.columns = source.columns;
    this.timestampIndex = source.timestampIndex;
  }
  async next(): Promise<Batch | null> {
    if (this.#isDone) return null;
    try {
      this.#plan.checkCancelled();
      await this.#plan.runPreparations();
      const batch = await this.#source.next();
      if (batch === null) this.close();
      return batch;
    } catch (error) {
      this.close();
      throw error;
    }
  }
  close(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#source.close();
    this.#plan.close();
  }
}
