// The latency heat map's cells: how many requests of which latency in which stretch of time. Pure.
import { bandStart, type History } from "../../api/types";
import { percent, plural, stretch, time } from "../format";

export interface Grid {
  /** Start of the first column, and seconds of each. */
  from: number;
  step: number;
  columns: number;
  /** Lowest band, and how many. */
  band: number;
  bands: number;
  /** Requests: column by column, from the lowest band up. */
  counts: Float64Array;
  /** The fullest cell. */
  most: number;
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];

/** Seconds of a column so that there are at most `columns` of them: steps that a clock knows. */
export function stepFor(seconds: number, columns: number): number {
  const least = seconds / Math.max(1, columns);
  return STEPS.find((step) => step >= least) ?? Math.ceil(least / 86_400) * 86_400;
}

/** Lowest and highest occupied band of a whole course, one to spare on either side; null when there is none. */
export function bandRange(heat: History["heat"]): [number, number] | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const point of heat)
    for (let at = 0; at < point.length; at += 2) {
      const band = point[at] ?? 0;
      if (band < low) low = band;
      if (band > high) high = band;
    }
  return high < low ? null : [Math.max(0, low - 1), high + 1];
}

/**
 * Cells between two moments, at most `columns` wide. A point that is longer than a column, or lies across two, gives each
 * its share by time, so that nothing is counted twice and nothing is lost.
 */
export function heatGrid(history: History, from: number, to: number, columns: number): Grid | null {
  const range = bandRange(history.heat);
  if (!range || to <= from) return null;
  const step = stepFor(to - from, columns);
  const start = Math.floor(from / step) * step;
  const wide = Math.ceil((to - start) / step);
  const [band, top] = range;
  const bands = top - band + 1;
  const counts = new Float64Array(wide * bands);
  for (let index = 0; index < history.time.length; index += 1) {
    const begin = history.time[index] ?? 0;
    const span = history.span[index] ?? 1;
    const point = history.heat[index];
    if (!point || begin + span <= start || begin >= start + wide * step) continue;
    const firstColumn = Math.max(0, Math.floor((begin - start) / step));
    const lastColumn = Math.min(wide - 1, Math.ceil((begin + span - start) / step) - 1);
    for (let column = firstColumn; column <= lastColumn; column += 1) {
      const left = Math.max(begin, start + column * step);
      const right = Math.min(begin + span, start + (column + 1) * step);
      const share = (right - left) / span;
      for (let at = 0; at + 1 < point.length; at += 2) {
        const cell = column * bands + (point[at] ?? 0) - band;
        counts[cell] = (counts[cell] ?? 0) + (point[at + 1] ?? 0) * share;
      }
    }
  }
  let most = 0;
  for (const value of counts) if (value > most) most = value;
  return { from: start, step, columns: wide, band, bands, counts, most };
}

/** How strongly a cell is coloured, 0 to 1: by the logarithm of its count, since a single slow request must be seen. */
export function strength(count: number, most: number): number {
  if (count <= 0) return 0;
  return Math.log1p(count) / Math.log1p(Math.max(most, 1));
}

export interface Cell {
  from: number;
  to: number;
  low: number;
  high: number;
  count: number;
  /** Of all requests in the column. */
  share: number;
}

/** The cell at a moment and a latency (milliseconds); null outside. */
export function cellAt(grid: Grid, at: number, latency: number): Cell | null {
  const column = Math.floor((at - grid.from) / grid.step);
  if (column < 0 || column >= grid.columns) return null;
  let band = grid.band;
  while (band < grid.band + grid.bands && bandStart(band + 1) <= latency) band += 1;
  if (band >= grid.band + grid.bands || latency < bandStart(grid.band)) return null;
  const first = column * grid.bands;
  let all = 0;
  for (let cell = first; cell < first + grid.bands; cell += 1) all += grid.counts[cell] ?? 0;
  const count = grid.counts[first + band - grid.band] ?? 0;
  const from = grid.from + column * grid.step;
  return {
    from,
    to: from + grid.step,
    low: bandStart(band),
    high: bandStart(band + 1),
    count,
    share: all > 0 ? count / all : 0,
  };
}

/** `12:03:10–12:03:20, 40–48 ms: 1 203 requests (3 %)`. */
export function cellText({ from, to, low, high, count, share }: Cell): string {
  const number = Math.round(count);
  // Shares of long points need not be whole.
  const about = Math.abs(count - number) > 1e-6 ? "about " : "";
  const requests = count > 0 && number === 0 ? "less than one request" : `${about}${plural(number, "request")}`;
  const share_ = count > 0 ? ` (${percent(share)})` : "";
  return `${stretch(from, to)}, ${between(low, high)}: ${requests}${share_}`;
}

/** `40–48 ms`, `0.9–1.1 s`: one unit where both have it. */
function between(low: number, high: number): string {
  const [a, b] = [time(low), time(high)];
  const unit = a.replace(/^[\d.\s\u202f]+/, "");
  return b.endsWith(unit) && !/\d.*[a-z].*\d/.test(a)
    ? `${a.slice(0, a.length - unit.length).trim()}–${b}`
    : `${a} – ${b}`;
}
