// The course of a run on this side of the wire: points are added each second, holes are filled, and old points are united
// so that a day at one point a second stays small. Pure.
import type { GaugeColumns, History } from "./types";

/** More points than this are thinned … */
export const MOST_POINTS = 2500;
/** … to about this many. */
const ENOUGH_POINTS = 2000;
/** The newest minutes keep every second. */
const UNTOUCHED = 600;

const GAUGES = ["rate", "failure_rate", "users", "planned", "p50", "p90", "p95", "p99", "max", "mean"] as const;
const COUNTS = ["requests", "failures"] as const;

const noGauge = (): GaugeColumns => ({ min: [], mean: [], max: [] });

/** A history without a point. */
export function emptyHistory(): History {
  return {
    time: [],
    span: [],
    requests: [],
    failures: [],
    rate: noGauge(),
    failure_rate: noGauge(),
    users: noGauge(),
    planned: noGauge(),
    class_users: {},
    p50: noGauge(),
    p90: noGauge(),
    p95: noGauge(),
    p99: noGauge(),
    max: noGauge(),
    mean: noGauge(),
    heat: [],
  };
}

/** One point of a history: where it stands. */
interface Place {
  from: History;
  index: number;
}

/**
 * The points of `held` with those of `more`. A newer point replaces the one of the same time, and whatever united points
 * cover. Neither argument is changed, but for the usual case, points after the newest, the columns of `held` are handed
 * on and grow.
 */
export function joined(held: History, more: History): History {
  const first = more.time[0];
  if (first === undefined) return held;
  const newest = held.time.at(-1);
  if (newest === undefined) return copied(more);
  if (first > newest) return appended(held, more, 0);
  if (first === newest) return appended(withoutLast(held), more, 0);
  return picked(merged(held, more));
}

/** Seconds that are missing between what is held and what comes, from when; null when it follows on. */
export function hole(held: History, more: History): number | null {
  const newest = held.time.at(-1);
  const first = more.time[0];
  if (newest === undefined || first === undefined) return null;
  const end = newest + (held.span.at(-1) ?? 1);
  return first > end + 0.5 ? newest : null;
}

function copied(history: History): History {
  return picked(history.time.map((_, index) => ({ from: history, index })));
}

function withoutLast(history: History): History {
  const last = history.time.length - 1;
  for (const column of columns(history)) column.length = Math.min(column.length, last);
  return history;
}

function appended(held: History, more: History, from: number): History {
  align(held, more);
  for (let index = from; index < more.time.length; index += 1) push(held, { from: more, index });
  // A new object over the same columns: who compares references sees that something changed.
  return { ...held };
}

/** Gives `held` the user classes that only `more` knows. */
function align(held: History, more: History): void {
  for (const name of Object.keys(more.class_users)) {
    held.class_users[name] ??= new Array(held.time.length).fill(null);
  }
}

function merged(held: History, more: History): Place[] {
  const covered = more.time.map((from, index) => ({ from, to: from + (more.span[index] ?? 1) }));
  const places: Place[] = more.time.map((_, index) => ({ from: more, index }));
  let at = 0;
  held.time.forEach((time, index) => {
    while (at < covered.length && (covered[at]?.to ?? 0) <= time) at += 1;
    const over = covered[at];
    if (over && time >= over.from && time < over.to) return;
    places.push({ from: held, index });
  });
  return places.sort((a, b) => timeOf(a) - timeOf(b));
}

const timeOf = ({ from, index }: Place): number => from.time[index] ?? 0;

function picked(places: Place[]): History {
  const result = emptyHistory();
  for (const place of places) {
    if (place.from !== result) align(result, place.from);
    push(result, place);
  }
  return result;
}

function push(to: History, { from, index }: Place): void {
  to.time.push(from.time[index] ?? 0);
  to.span.push(from.span[index] ?? 1);
  for (const name of COUNTS) to[name].push(from[name][index] ?? 0);
  for (const name of GAUGES) {
    to[name].min.push(from[name].min[index] ?? null);
    to[name].mean.push(from[name].mean[index] ?? null);
    to[name].max.push(from[name].max[index] ?? null);
  }
  for (const [name, values] of Object.entries(to.class_users)) values.push(from.class_users[name]?.[index] ?? null);
  to.heat.push(from.heat[index] ?? []);
}

function columns(history: History): unknown[][] {
  return [
    history.time,
    history.span,
    ...COUNTS.map((name) => history[name]),
    ...GAUGES.flatMap((name) => [history[name].min, history[name].mean, history[name].max]),
    ...Object.values(history.class_users),
    history.heat,
  ];
}

/**
 * Not more than about 2,000 points, when there are more than 2,500. Neighbours of the finest span are united first, then
 * those of the next, so that the older part of a run has one even grain; the newest ten minutes are left alone. Counts
 * add up, minimum and maximum stay what they were: no peak is lost.
 */
export function thinned(history: History): History {
  let result = history;
  for (let level = finest(result); result.time.length > ENOUGH_POINTS; level *= 2) {
    if (result === history && history.time.length <= MOST_POINTS) return history;
    if (!Number.isFinite(level) || level > 1e9) return result;
    result = united(result, level);
  }
  return result;
}

function finest(history: History): number {
  return history.span.reduce((least, span) => Math.min(least, span), Number.POSITIVE_INFINITY);
}

/** Unites neighbours of one span that follow on and together fill a whole stretch of twice that span. */
function united(history: History, span: number): History {
  const result = emptyHistory();
  align(result, history);
  const until = history.time.length - UNTOUCHED;
  let index = 0;
  while (index < history.time.length) {
    const time = history.time[index] ?? 0;
    const next = history.time[index + 1];
    const pair =
      index + 1 < until &&
      next !== undefined &&
      history.span[index] === span &&
      history.span[index + 1] === span &&
      Math.abs(next - time - span) < 0.5 &&
      Math.round(time / span) % 2 === 0;
    push(result, { from: history, index });
    if (pair) unite(result, history, index + 1);
    index += pair ? 2 : 1;
  }
  return result;
}

/** Adds one point to the last one of `to`. */
function unite(to: History, from: History, index: number): void {
  const last = to.time.length - 1;
  const [mine, other] = [to.span[last] ?? 1, from.span[index] ?? 1];
  const mean = (a: number | null, b: number | null): number | null =>
    a === null ? b : b === null ? a : (a * mine + b * other) / (mine + other);
  const pick = (choose: (a: number, b: number) => number, a: number | null, b: number | null): number | null =>
    a === null ? b : b === null ? a : choose(a, b);
  for (const name of COUNTS) to[name][last] = (to[name][last] ?? 0) + (from[name][index] ?? 0);
  for (const name of GAUGES) {
    const [a, b] = [to[name], from[name]];
    a.min[last] = pick(Math.min, a.min[last] ?? null, b.min[index] ?? null);
    a.mean[last] = mean(a.mean[last] ?? null, b.mean[index] ?? null);
    a.max[last] = pick(Math.max, a.max[last] ?? null, b.max[index] ?? null);
  }
  for (const [name, values] of Object.entries(to.class_users)) {
    values[last] = mean(values[last] ?? null, from.class_users[name]?.[index] ?? null);
  }
  to.heat[last] = heatOfBoth(to.heat[last] ?? [], from.heat[index] ?? []);
  to.span[last] = mine + other;
}

/** Adds up two flat lists [band, count, …]; each is sorted by band. */
function heatOfBoth(a: number[], b: number[]): number[] {
  const counts = new Map<number, number>();
  for (const list of [a, b]) {
    for (let at = 0; at + 1 < list.length; at += 2) {
      const band = list[at] ?? 0;
      counts.set(band, (counts.get(band) ?? 0) + (list[at + 1] ?? 0));
    }
  }
  return [...counts].sort(([x], [y]) => x - y).flat();
}
