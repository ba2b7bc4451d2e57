/**
 * Aggregates over several numbers of a row: covariance, weighted and time-weighted averages, distances; and `mode`.
 *
 * @module
 */
import { ColumnType } from "../../common/mod.ts";
import type { ScalarValue } from "../functions/mod.ts";
import type { ValueFold } from "./value_aggregator.ts";

const { DOUBLE } = ColumnType;
/** Kilometres. */
const EARTH_RADIUS = 6371.088;

/** Running moments of two numbers. */
interface PairMoments {
  readonly count: number;
  readonly meanX: number;
  readonly meanY: number;
  readonly squaresX: number;
  readonly squaresY: number;
  readonly products: number;
}

function addPair(state: PairMoments | undefined, x: number, y: number): PairMoments {
  const { count, meanX, meanY, squaresX, squaresY, products } = state ??
    { count: 0, meanX: 0, meanY: 0, squaresX: 0, squaresY: 0, products: 0 };
  const n = count + 1;
  const dx = x - meanX, dy = y - meanY;
  const nextX = meanX + dx / n, nextY = meanY + dy / n;
  return {
    count: n,
    meanX: nextX,
    meanY: nextY,
    squaresX: squaresX + dx * (x - nextX),
    squaresY: squaresY + dy * (y - nextY),
    products: products + dx * (y - nextY),
  };
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function pairFold(finish: (moments: PairMoments) => number): ValueFold<PairMoments> {
  return {
    type: DOUBLE,
    accumulate: (state, x, [y]) =>
      x === null || y === null ? state : addPair(state, Number(x), Number(y)),
    finish: (state) => state === undefined ? null : finite(finish(state)),
  };
}

/** `corr`, `covar_pop`, `covar_samp` by name; `undefined` for other names. */
export function covarianceFold(name: string): ValueFold<PairMoments> | undefined {
  switch (name) {
    case "corr":
      return pairFold(({ products, squaresX, squaresY }) =>
        products / Math.sqrt(squaresX * squaresY)
      );
    case "covar_pop":
      return pairFold(({ products, count }) => products / count);
    case "covar_samp":
      return pairFold(({ products, count }) => count < 2 ? NaN : products / (count - 1));
    default:
      return undefined;
  }
}

/** `vwap` and `weighted_avg`: the average of values by their weights. */
export const WEIGHTED_FOLD: ValueFold<{ sum: number; weight: number }> = {
  type: DOUBLE,
  accumulate(state, value, [weight]) {
    if (value === null || weight === null) return state;
    const { sum, weight: total } = state ?? { sum: 0, weight: 0 };
    return { sum: sum + Number(value) * Number(weight), weight: total + Number(weight) };
  },
  finish: (state) => state === undefined ? null : finite(state.sum / state.weight),
};

/** A value that holds since a moment. */
interface TimedSum {
  readonly first: number;
  readonly last: number;
  readonly value: number;
  readonly area: number;
}

/** `twap`: each value counts as long as it held; of the last one, no time has passed. */
export const TIME_WEIGHTED_FOLD: ValueFold<TimedSum> = {
  type: DOUBLE,
  accumulate(state, value, [time]) {
    if (value === null || time === null) return state;
    const number = Number(value), moment = Number(time);
    if (state === undefined) return { first: moment, last: moment, value: number, area: 0 };
    const area = state.area + state.value * (moment - state.last);
    return { first: state.first, last: moment, value: number, area };
  },
  finish(state) {
    if (state === undefined) return null;
    const length = state.last - state.first;
    return length === 0 ? state.value : state.area / length;
  },
};

interface Path {
  readonly latitude: number;
  readonly longitude: number;
  readonly distance: number;
}

function haversine(from: Path, latitude: number, longitude: number): number {
  const radians = Math.PI / 180;
  const half = (degrees: number) => Math.sin(degrees * radians / 2) ** 2;
  const a = half(latitude - from.latitude) +
    half(longitude - from.longitude) * Math.cos(from.latitude * radians) *
      Math.cos(latitude * radians);
  return 2 * EARTH_RADIUS * Math.asin(Math.sqrt(a));
}

/** `haversine_dist_deg(latitude, longitude, time)`: kilometres along the points. */
export const DISTANCE_FOLD: ValueFold<Path> = {
  type: DOUBLE,
  accumulate(state, value, [other]) {
    if (value === null || other === null) return state;
    const latitude = Number(value), longitude = Number(other);
    const distance = state === undefined
      ? 0
      : state.distance + haversine(state, latitude, longitude);
    return { latitude, longitude, distance };
  },
  finish: (state) => state?.distance ?? 0,
};

/** Values that `mode` counts in one group, at most. */
export const MODE_VALUES_MAX = 1_048_576;

/** `mode`: the most frequent value, the first of several. */
export function modeFold(type: number): ValueFold<Map<ScalarValue, number>> {
  return {
    type,
    accumulate(state, value) {
      if (value === null) return state;
      const counts = state ?? new Map<ScalarValue, number>();
      if (counts.size < MODE_VALUES_MAX || counts.has(value)) {
        counts.set(value, (counts.get(value) ?? 0) + 1);
      }
      return counts;
    },
    finish(state) {
      let best: ScalarValue = null, most = 0;
      for (const [value, count] of state ?? []) {
        if (count > most) [best, most] = [value, count];
      }
      return best;
    },
  };
}
