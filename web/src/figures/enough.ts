// Percentiles that so few requests cannot tell: pure.
import { count, plural } from "./format";

/** How often an interval misses what is true at one of its ends: intervals hold it in 95 % of cases. */
const MISS = 0.025;

/**
 * The least number of times from which a percentile (a fraction below 1) has an upper bound with 95 % confidence: with fewer
 * all of them are too often below the true one. The greatest time is what it is, whatever their number.
 */
export function needed(p: number): number {
  return p >= 1 ? 1 : Math.ceil(Math.log(MISS) / Math.log(p));
}

/** Why `n` times tell too little of a percentile; nothing when they tell enough, or when there are none. */
export function tooFew(n: number, p: number, what = "request"): string | undefined {
  const least = needed(p);
  if (n <= 0 || n >= least) return undefined;
  const which = p === 0.5 ? "median" : `${Number((p * 100).toFixed(4))}th percentile`;
  return `${plural(n, what)} ${n === 1 ? "is" : "are"} too few for the ${which} (${count(least)} are needed)`;
}

/** The same of a row: only requests whose time was taken tell of times. */
export function rowTooFew(row: { kind?: string; requests: number; untimed: number }, p: number): string | undefined {
  return tooFew(row.requests - row.untimed, p, row.kind === "journey" ? "run" : "request");
}
