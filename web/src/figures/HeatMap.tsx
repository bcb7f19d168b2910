// Latency over time, cell by cell: where all requests are, not only their percentiles.
import { useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { bandStart, type History } from "../api/types";
import { dark } from "../look/theme";
import { Chart } from "./chart/Chart";
import { type Line, percentileLines } from "./chart/lines";
import type { Overlay } from "./chart/overlay";
import { RATIO } from "./chart/plot";
import type { ChartGroup } from "./chart/zoom";
import { axisTime, count, shortCount, time, timeOfDay } from "./format";
import { heatColour } from "./heat/colours";
import { bandRange, cellAt, cellText, type Grid, heatGrid, strength } from "./heat/grid";
import { printing } from "./print";

/** Pixels of a column at least. */
const COLUMN = 5;

export interface HeatMapProps {
  history: History;
  overlay: Overlay;
  group: ChartGroup;
  height?: number;
}

export function HeatMap({ history, overlay, group, height = 280 }: HeatMapProps) {
  const grid = useRef<Grid | null>(null);
  const most = useSignal<number | null>(null);
  const bands = bandRange(history.heat);
  const lines = useMemo(() => {
    const wanted: Record<string, Partial<Line>> = { p50: {}, p95: { spare: true }, p99: {} };
    return percentileLines(history)
      .filter(({ label }) => label in wanted)
      .map(({ low: _low, high: _high, ...line }): Line => ({ ...line, ...wanted[line.label], ink: "--text" }))
      .map((line) => (line.label === "p50" ? line : { ...line, dashed: true }));
  }, [history]);
  const paint = (plot: uPlot) => {
    const columns = Math.floor(plot.bbox.width / RATIO() / COLUMN);
    grid.current = heatGrid(history, plot.scales.x?.min ?? 0, plot.scales.x?.max ?? 0, columns);
    most.value = grid.current?.most ?? null;
    if (grid.current) fill(plot, grid.current, dark.peek() && !printing.peek());
  };
  if (!bands) return null;
  return (
    <Chart
      name="heat"
      title="Latency heat map"
      summary={summary(history)}
      course={history}
      lines={lines}
      overlay={overlay}
      group={group}
      axis={axisTime}
      height={height}
      heat={{ range: [bandStart(bands[0]), bandStart(bands[1] + 1)], paint }}
      read={(at, latency) => {
        const cell = grid.current && cellAt(grid.current, at, latency);
        return cell ? cellText(cell) : null;
      }}
      foot={<Scale most={most.value} />}
    />
  );
}

function fill(plot: uPlot, grid: Grid, onDark: boolean): void {
  const { ctx, bbox } = plot;
  const x = (column: number) => plot.valToPos(grid.from + column * grid.step, "x", true);
  const y = (band: number) => plot.valToPos(bandStart(band), "y", true);
  const heights = Array.from({ length: grid.bands + 1 }, (_, at) => Math.round(y(grid.band + at)));
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (let column = 0; column < grid.columns; column += 1) {
    const left = Math.round(x(column));
    // Half a pixel more would show seams, a pixel less too.
    const width = Math.round(x(column + 1)) - left;
    for (let band = 0; band < grid.bands; band += 1) {
      const value = grid.counts[column * grid.bands + band] ?? 0;
      if (value <= 0) continue;
      ctx.fillStyle = heatColour(strength(value, grid.most), onDark);
      const [foot = 0, top = 0] = [heights[band], heights[band + 1]];
      ctx.fillRect(left, top, width, foot - top);
    }
  }
  ctx.restore();
}

function summary(history: History): string {
  let all = 0;
  const byBand = new Map<number, number>();
  for (const point of history.heat)
    for (let at = 0; at + 1 < point.length; at += 2) {
      const [band = 0, number = 0] = [point[at], point[at + 1]];
      byBand.set(band, (byBand.get(band) ?? 0) + number);
      all += number;
    }
  const fullest = [...byBand].reduce((best, one) => (one[1] > best[1] ? one : best), [0, 0] as [number, number]);
  const slowest = [...byBand.keys()].reduce((a, b) => Math.max(a, b), 0);
  const when = history.heat.findIndex((point) => point.some((value, at) => at % 2 === 0 && value === slowest));
  return (
    `${count(all)} requests; most between ${time(bandStart(fullest[0]))} and ${time(bandStart(fullest[0] + 1))}, ` +
    `the slowest above ${time(bandStart(slowest))} at ${timeOfDay(history.time[when])}. Colour: logarithm of the count.`
  );
}

/** What the colours mean. */
function Scale({ most }: { most: number | null }) {
  const stops = Array.from({ length: 9 }, (_, at) => heatColour(at / 8, dark.value && !printing.value));
  return (
    <span class="fg-scale small muted">
      few
      <span class="fg-ramp" style={{ background: `linear-gradient(90deg, ${stops.join(", ")})` }} aria-hidden="true" />
      {most ? `${shortCount(most)} per cell` : "many"}
    </span>
  );
}
