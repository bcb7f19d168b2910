// What charts draw, from what the engine tells: pure.
import type { GaugeColumns, History, RowHistory } from "../../api/types";
import { count, type Maybe, rate, time } from "../format";

export type Values = readonly (number | null)[];

export interface Line {
  label: string;
  /** A colour token of the look, such as `--c-p95`. */
  ink: string;
  values: Values;
  /** Where it is drawn, when that is not at its value (stacked areas). */
  place?: Values;
  /** Smallest and largest single second behind each point. */
  low?: Values;
  high?: Values;
  text: (value: Maybe) => string;
  /** Filled down to zero. */
  area?: boolean;
  dashed?: boolean;
  /** Not drawn until the reader asks for it. */
  spare?: boolean;
}

/** A course in points of time: what every chart is made of. */
export interface Course {
  time: readonly number[];
  /** Seconds that each point stands for. */
  span: readonly number[];
}

/** True when a point stands for more than a second, so that it hides smaller and larger ones. */
export function thinned(course: Course): boolean {
  // The oldest points are the longest.
  return (course.span[0] ?? 1) > 1;
}

function gauge(label: string, ink: string, columns: GaugeColumns, text: Line["text"], rest: Partial<Line> = {}): Line {
  return { label, ink, values: columns.mean, low: columns.min, high: columns.max, text, ...rest };
}

export function throughputLines(history: History): Line[] {
  return [
    gauge("Requests/s", "--c-requests", history.rate, rate, { area: true }),
    gauge("Failures/s", "--c-failures", history.failure_rate, rate, { area: true }),
  ];
}

export function percentileLines(history: History): Line[] {
  return [
    gauge("p50", "--c-p50", history.p50, time),
    gauge("p90", "--c-p90", history.p90, time),
    gauge("p95", "--c-p95", history.p95, time),
    gauge("p99", "--c-p99", history.p99, time),
    // The peak of a stretch is what counts of it, not the mean of its peaks.
    { label: "max", ink: "--c-max", values: history.max.max, text: time, spare: true },
    gauge("mean", "--c-8", history.mean, time, { spare: true, dashed: true }),
  ];
}

const CLASSES = 7;

/**
 * Users by class, stacked from the last class up to the first, and the plan. Classes beyond the seventh are one area.
 * Of hidden classes the areas close up. `buffers` are reused from one second to the next.
 */
export function userLines(history: History, hidden: ReadonlySet<string>, buffers: (number | null)[][]): Line[] {
  const plan = gauge("Planned", "--c-plan", history.planned, count, { dashed: true });
  const classes = folded(history);
  if (classes.length < 2) return [gauge("Users", "--c-users", history.users, count, { area: true }), plan];
  const shown = classes.filter(({ label }) => !hidden.has(label));
  const places = stacked(
    shown.map(({ values }) => values),
    history.time.length,
    buffers,
  );
  const lines = classes.map(({ label, values }, index): Line => {
    const place = places[shown.findIndex((other) => other.label === label)];
    return { label, ink: `--c-${index + 1}`, values, text: count, area: true, ...(place ? { place } : {}) };
  });
  return [...lines, plan];
}

function folded(history: History): { label: string; values: Values }[] {
  const classes = Object.entries(history.class_users).map(([label, values]) => ({ label, values }));
  if (classes.length <= CLASSES + 1) return classes;
  const rest = classes.slice(CLASSES);
  const values = history.time.map((_, at) => {
    const known = rest.map((one) => one.values[at] ?? null).filter((value) => value !== null);
    return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) : null;
  });
  return [...classes.slice(0, CLASSES), { label: `${rest.length} further classes`, values }];
}

/** For each of `all` its sum with those after it, point by point. */
export function stacked(all: readonly Values[], length: number, buffers: (number | null)[][]): Values[] {
  while (buffers.length < all.length) buffers.push([]);
  for (let which = all.length - 1; which >= 0; which -= 1) {
    const buffer = buffers[which] ?? [];
    const below = buffers[which + 1];
    buffer.length = length;
    for (let at = 0; at < length; at += 1) {
      const own = all[which]?.[at] ?? null;
      const under = which + 1 < all.length ? (below?.[at] ?? null) : null;
      buffer[at] = own === null && under === null ? null : (own ?? 0) + (under ?? 0);
    }
  }
  return buffers.slice(0, all.length);
}

export function rowThroughputLines(history: RowHistory): Line[] {
  const perSecond = (counts: readonly number[]) => counts.map((value, at) => value / (history.span[at] || 1));
  return [
    { label: "Requests/s", ink: "--c-requests", values: perSecond(history.requests), text: rate, area: true },
    { label: "Failures/s", ink: "--c-failures", values: perSecond(history.failures), text: rate, area: true },
  ];
}

export function rowPercentileLines(history: RowHistory): Line[] {
  return [
    { label: "p50", ink: "--c-p50", values: history.p50, text: time },
    { label: "p95", ink: "--c-p95", values: history.p95, text: time },
    { label: "p99", ink: "--c-p99", values: history.p99, text: time },
    { label: "max", ink: "--c-max", values: history.max, text: time, spare: true },
  ];
}

export interface Extent {
  mean: number;
  peak: number;
  /** The point of the peak. */
  at: number;
  last: number | null;
}

/** Mean over time (long points weigh more), and the peak of single seconds. Null without a value. */
export function extent(line: Line, course: Course): Extent | null {
  let sum = 0;
  let seconds = 0;
  let peak = Number.NEGATIVE_INFINITY;
  let at = -1;
  let last: number | null = null;
  for (let index = 0; index < course.time.length; index += 1) {
    const value = line.values[index] ?? null;
    if (value === null) continue;
    const span = course.span[index] ?? 1;
    sum += value * span;
    seconds += span;
    last = value;
    const most = Math.max(value, line.high?.[index] ?? value);
    if (most > peak) {
      peak = most;
      at = index;
    }
  }
  return at < 0 ? null : { mean: sum / seconds, peak, at, last };
}
