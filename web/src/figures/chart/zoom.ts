// Which stretch of time the charts of one group show.
import { type Signal, signal } from "@preact/signals";

/** A brushed stretch, or the newest seconds of a run; null shows everything. */
export type Zoom = { from: number; to: number } | { last: number } | null;

export interface ChartGroup {
  /** Charts of one key share their cursor. */
  key: string;
  zoom: Signal<Zoom>;
}

let groups = 0;

/** Charts that are given the same group show the same stretch, and point at the same moment. */
export function chartGroup(): ChartGroup {
  groups += 1;
  return { key: `figures-${groups}`, zoom: signal<Zoom>(null) };
}

/** First and last moment to show of points that stand for `span` seconds each. */
export function timeRange(zoom: Zoom, time: readonly number[], span: readonly number[]): [number, number] {
  const first = time[0] ?? 0;
  const last = (time.at(-1) ?? first) + (span.at(-1) ?? 1);
  // A chart of one second would have no width.
  const end = Math.max(last, first + 10);
  if (zoom === null) return [first, end];
  if ("last" in zoom) return [Math.max(first, end - zoom.last), end];
  return [zoom.from, zoom.to];
}

/** Half or double the stretch around its middle; null when it holds everything again. */
export function scaled(range: readonly [number, number], factor: number, all: readonly [number, number]): Zoom {
  const middle = (range[0] + range[1]) / 2;
  const half = Math.max(((range[1] - range[0]) / 2) * factor, 2);
  const from = Math.max(all[0], middle - half);
  const to = Math.min(all[1], middle + half);
  return from <= all[0] && to >= all[1] ? null : { from, to };
}

/** The point that stands for a moment; -1 before the first. Points are in order. */
export function pointAt(time: readonly number[], at: number): number {
  let low = 0;
  let high = time.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((time[middle] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
