// What lies over every chart: marked moments as labelled lines, stretches that are not to be trusted as shade.
import type uPlot from "uplot";
import type { Mark } from "../../api/types";
import { colour } from "../../look/theme";

export interface Suspect {
  from: number;
  to: number;
  reason: string;
  advice: string;
}

export interface Overlay {
  marks: readonly Mark[];
  suspect: readonly Suspect[];
}

const ROWS = 2;
const LINE_HEIGHT = 13;
/** Pixels that the labels need above a plot. */
export const STRIP = ROWS * LINE_HEIGHT + 4;
const LONGEST = 30;

/** Colours that mean something are used for what went wrong only. */
function inkOf(mark: Mark): string {
  return mark.kind === "target" || mark.kind === "health" ? "--bad" : "--c-mark";
}

export function shade(plot: uPlot, suspect: readonly Suspect[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colour("--warn-soft");
  for (const { from, to } of suspect) {
    const left = Math.max(bbox.left, plot.valToPos(from, "x", true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, "x", true));
    if (right >= left) ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
  }
  ctx.restore();
}

/** A bar along the top tells of suspect stretches where areas hide the shade, and to eyes that do not see it. */
function bars(plot: uPlot, suspect: readonly Suspect[], ratio: number): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colour("--warn");
  for (const { from, to } of suspect) {
    const left = Math.max(bbox.left, plot.valToPos(from, "x", true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, "x", true));
    if (right >= left) ctx.fillRect(left, bbox.top, Math.max(2, right - left), 3 * ratio);
  }
  ctx.restore();
}

export function draw(plot: uPlot, { marks, suspect }: Overlay, ratio: number): void {
  bars(plot, suspect, ratio);
  strokes(plot, marks, ratio);
}

function strokes(plot: uPlot, marks: readonly Mark[], ratio: number): void {
  const { ctx, bbox } = plot;
  const [from, to] = [plot.scales.x?.min ?? 0, plot.scales.x?.max ?? 0];
  // The right end of the last label in each row: labels that would touch go a row down, and then are left to the tooltip.
  const labelled: { text: string; left: number; top: number; width: number; ink: string }[] = [];
  const ends = new Array<number>(ROWS).fill(Number.NEGATIVE_INFINITY);
  ctx.save();
  ctx.beginPath();
  // Labels stand above the plot, where they cover nothing.
  ctx.rect(bbox.left - ratio, bbox.top - STRIP * ratio, bbox.width + 2 * ratio, bbox.height + STRIP * ratio);
  ctx.clip();
  ctx.font = `${10.5 * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  for (const mark of marks) {
    if (mark.at < from || mark.at > to) continue;
    const x = Math.round(plot.valToPos(mark.at, "x", true));
    const ink = colour(inkOf(mark));
    ctx.strokeStyle = ink;
    ctx.lineWidth = ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const text = mark.text.length > LONGEST ? `${mark.text.slice(0, LONGEST - 1)}…` : mark.text;
    const width = ctx.measureText(text).width + 8 * ratio;
    // Near the right edge the text stands left of its line.
    const left = x + width > bbox.left + bbox.width ? x - width : x;
    const row = ends.findIndex((end) => left > end);
    if (row < 0) continue;
    ends[row] = Math.max(left + width, x);
    // The first row stands nearest to its lines.
    // The first row stands nearest to its lines.
    const top = bbox.top - (row + 1) * LINE_HEIGHT * ratio;
    ctx.setLineDash([]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, top);
    ctx.stroke();
    labelled.push({ text, left, top, width, ink });
  }
  // Last, so that no stem strikes a text through.
  for (const { text, left, top, width, ink } of labelled) {
    ctx.fillStyle = colour("--surface");
    ctx.fillRect(left + 2 * ratio, top, width - 4 * ratio, (LINE_HEIGHT - 1) * ratio);
    ctx.fillStyle = ink;
    ctx.fillText(text, left + 4 * ratio, top);
  }
  ctx.restore();
}

/** What is marked between two moments. */
export function marksNear(marks: readonly Mark[], from: number, to: number): Mark[] {
  return marks.filter(({ at }) => at >= from && at <= to);
}

export function suspectAt(suspect: readonly Suspect[], at: number): Suspect | undefined {
  return suspect.find(({ from, to }) => at >= from && at <= to);
}
