// Lines as uPlot wants them: options, and columns without a copy.
import uPlot from "uplot";
import { colour } from "../../look/theme";
import type { Course, Line } from "./lines";
import { thinned } from "./lines";
import { draw, type Overlay, shade } from "./overlay";

export const AXIS_WIDTH = 58;
export const RATIO = () => uPlot.pxRatio;

/** What one line occupies among the series: itself, then its envelope's two sides. */
export interface Place {
  line: number;
  envelope: boolean;
}

const enveloped = (line: Line, course: Course) => Boolean(line.low && line.high && !line.place) && thinned(course);

/** Which series belong to which line. */
export function placesOf(lines: readonly Line[], course: Course): Place[] {
  let next = 1;
  return lines.map((line) => {
    const envelope = enveloped(line, course);
    const place = { line: next, envelope };
    next += envelope ? 3 : 1;
    return place;
  });
}

/** The columns: those of the engine themselves, put in a row. */
export function dataOf(course: Course, lines: readonly Line[]): uPlot.AlignedData {
  const columns: unknown[] = [course.time];
  for (const line of lines) {
    columns.push(line.place ?? line.values);
    if (enveloped(line, course)) columns.push(line.low, line.high);
  }
  return columns as uPlot.AlignedData;
}

/** `rgb(…)` with an opacity. */
export function faded(rgb: string, alpha: number): string {
  const parts = rgb.match(/[\d.]+/g)?.slice(0, 3) ?? ["128", "128", "128"];
  return `rgba(${parts.join(", ")}, ${alpha})`;
}

export function seriesOf(
  lines: readonly Line[],
  course: Course,
  shown: (label: string) => boolean,
): { series: uPlot.Series[]; bands: uPlot.Band[] } {
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  for (const line of lines) {
    const ink = colour(line.ink);
    const show = shown(line.label);
    const points = { show: course.time.length < 2 };
    series.push({
      label: line.label,
      show,
      stroke: ink,
      width: line.place ? 1 : 1.6,
      points,
      spanGaps: false,
      ...(line.dashed ? { dash: [5, 4] } : {}),
      ...(line.area ? { fill: line.place ? mixed(ink) : faded(ink, 0.13) } : {}),
    });
    if (enveloped(line, course)) {
      const at = series.length;
      const side: uPlot.Series = { show, width: 0, points: { show: false } };
      series.push(side, { ...side });
      bands.push({ series: [at + 1, at], fill: faded(ink, 0.16) });
    }
  }
  return { series, bands };
}

/** Stacked areas cover each other, so their fill is opaque: the ink mixed with what is behind it. */
function mixed(ink: string): string {
  const [under, over] = [colour("--surface"), ink].map((rgb) => (rgb.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number));
  const parts = [0, 1, 2].map((at) => Math.round((under?.[at] ?? 128) * 0.62 + (over?.[at] ?? 128) * 0.38));
  return `rgb(${parts.join(", ")})`;
}

/** Time along the foot: hours and minutes, seconds when the stretch is short, the day when it is long. */
export function timeLabels(_: uPlot, splits: number[]): string[] {
  const [first = 0, second = 0] = splits;
  const step = second - first;
  let day = "";
  return splits.map((at) => {
    const when = new Date(at * 1000);
    const two = (n: number) => String(n).padStart(2, "0");
    const hours = `${two(when.getHours())}:${two(when.getMinutes())}`;
    if (step < 60) return `${hours}:${two(when.getSeconds())}`;
    const today = `${when.getMonth() + 1}-${when.getDate()}`;
    const changed = day !== "" && today !== day;
    day = today;
    return changed || step >= 86_400
      ? `${when.toLocaleString("en-GB", { month: "short", day: "numeric" })}\n${hours}`
      : hours;
  });
}

export function axes(text: (value: number) => string, splits?: (from: number, to: number) => number[]): uPlot.Axis[] {
  const shared = {
    stroke: colour("--c-axis"),
    font: "11px system-ui, sans-serif",
    ticks: { show: false },
  };
  const grid = { stroke: colour("--c-grid"), width: 1 };
  return [
    { ...shared, values: timeLabels, space: 64, size: 28, gap: 6, grid: { show: false } },
    {
      ...shared,
      values: (_, marks) => marks.map(text),
      // A logarithmic axis would leave out labels of its own choice.
      ...(splits ? { filter: (_u, marks) => marks } : {}),
      size: AXIS_WIDTH,
      gap: 6,
      space: 34,
      grid: splits ? { show: false } : grid,
      ...(splits ? { splits: (_u, _axis, from, to) => splits(from, to) } : {}),
    },
  ];
}

export interface Painting {
  overlay: () => Overlay;
  /** Drawn below the lines. */
  under?: (plot: uPlot) => void;
}

export function hooks({ overlay, under }: Painting): uPlot.Hooks.Arrays {
  return {
    drawClear: [
      (plot) => {
        shade(plot, overlay().suspect);
        under?.(plot);
      },
    ],
    draw: [(plot) => draw(plot, overlay(), RATIO())],
  };
}

/** From zero to a little above the largest value. */
export function fromZero(_: uPlot, _least: number | null, most: number | null): uPlot.Range.MinMax {
  return [0, most && most > 0 ? most * 1.06 : 1];
}

/** Whole decades' parts around the values, for times on a logarithmic scale. */
export function aroundLog(_: uPlot, least: number | null, most: number | null): uPlot.Range.MinMax {
  const low = Math.max(least && least > 0 ? least : 1, 1e-3);
  return [low / 1.3, Math.max(most ?? 10, low * 2) * 1.3];
}

/** 1, 2, 5, 10, 20, 50, … between two values. */
export function logSplits(from: number, to: number): number[] {
  const found: number[] = [];
  const all = to / Math.max(from, 1e-9) > 2000 ? [1] : to / Math.max(from, 1e-9) > 300 ? [1, 3] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(Math.max(from, 1e-9))); power <= Math.ceil(Math.log10(to)); power += 1)
    for (const digit of all) {
      const value = Number((digit * 10 ** power).toPrecision(1));
      if (value >= from && value <= to) found.push(value);
    }
  return found;
}
