// The one chart over time: drawn by uPlot, with our legend, tooltip, keyboard and table.
import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import uPlot from "uplot";
import { colour, dark } from "../../look/theme";
import type { Column } from "../columns";
import { stretch, timeOfDay } from "../format";
import { PAPER_WIDTH, printing } from "../print";
import { isTexts, kept } from "../settings";
import { Table } from "../Table";
import type { Course, Line } from "./lines";
import { marksNear, type Overlay, STRIP, suspectAt } from "./overlay";
import { AXIS_WIDTH, aroundLog, axes, dataOf, faded, fromZero, hooks, logSplits, placesOf, seriesOf } from "./plot";
import { type ChartGroup, pointAt, scaled, timeRange } from "./zoom";
import "uplot/dist/uPlot.min.css";

export interface Reading {
  /** What is read at the cursor, beside or instead of the lines' values. */
  text: string;
}

export interface ChartProps {
  /** Under which hidden lines are kept. */
  name: string;
  title: string;
  /** The chart in a sentence: shown below the title, and what a screen reader hears. */
  summary: string;
  course: Course;
  lines: readonly Line[];
  overlay: Overlay;
  group: ChartGroup;
  /** Values on the y axis. */
  axis: (value: number) => string;
  height?: number;
  log?: boolean;
  /** A fixed y range and its drawing below the lines. */
  heat?: { range: readonly [number, number]; paint: (plot: uPlot) => void };
  /** Says what is under the cursor: a moment and a value of y. */
  read?: (at: number, y: number) => string | null;
  /** Beside the title. */
  tools?: ComponentChildren;
  /** Below the plot, beside the legend. */
  foot?: ComponentChildren;
  hidden?: Signal<string[]>;
}

interface Hover {
  index: number;
  left: number;
  top: number;
  /** The moment and value under the pointer. */
  at: number;
  y: number;
  /** The pointer is over this chart, not over another of its group. */
  here: boolean;
}

const HEIGHT = 220;
/** On paper a page holds four. */
const PAPER_HEIGHT = 150;

/** The labels of lines that the reader switched off; lines that are spare are off at first. */
export function useHidden(name: string, lines: readonly Line[]): Signal<string[]> {
  const spare = lines.filter((line) => line.spare).map((line) => line.label);
  return kept(`chart.${name}.hidden`, spare, isTexts);
}

export function Chart(props: ChartProps) {
  const { course, lines, group, title } = props;
  const own = useHidden(props.name, lines);
  const hidden = props.hidden ?? own;
  const hover = useSignal<Hover | null>(null);
  const asTable = useSignal(false);
  const id = useId();
  const { box, plot } = usePlot(props, hidden, hover);
  const all = timeRange(null, course.time, course.span);
  const range = timeRange(group.zoom.value, course.time, course.span);

  const toggle = (label: string) => {
    const now = hidden.value;
    hidden.value = now.includes(label) ? now.filter((other) => other !== label) : [...now, label];
  };
  const point = (index: number) => {
    const at = course.time[Math.max(0, Math.min(index, course.time.length - 1))];
    if (plot.current && at !== undefined)
      plot.current.setCursor({ left: plot.current.valToPos(at, "x"), top: plot.current.over.clientHeight / 2 });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const now = hover.value?.index ?? course.time.length;
    const step = event.shiftKey ? 10 : 1;
    const act: Record<string, () => void> = {
      ArrowLeft: () => point(now - step),
      ArrowRight: () => point(now + step),
      Home: () => point(pointAt(course.time, range[0])),
      End: () => point(pointAt(course.time, range[1])),
      "+": () => {
        group.zoom.value = scaled(range, 0.5, all);
      },
      "-": () => {
        group.zoom.value = scaled(range, 2, all);
      },
      Escape: () => {
        hover.value = null;
        group.zoom.value = null;
      },
    };
    const action = act[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };
  const said = hover.value?.here ? says(hover.value, props, hidden.value) : "";

  return (
    <figure class="fg-chart card" aria-labelledby={`${id}-title`}>
      <header>
        <h3 id={`${id}-title`}>{title}</h3>
        <span class="fg-chart-tools spread">
          {props.tools}
          <button
            type="button"
            class="button quiet small"
            aria-pressed={asTable.value}
            onClick={() => {
              asTable.value = !asTable.value;
            }}
          >
            Table<span class="unseen"> of {title}</span>
          </button>
        </span>
      </header>
      <figcaption class="muted small" id={`${id}-summary`}>
        {props.summary}
      </figcaption>
      {/* biome-ignore lint/a11y/useSemanticElements: a plot that is read by arrow keys is no fieldset */}
      <div
        class="fg-plot"
        ref={box}
        role="group"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys read the points
        tabIndex={0}
        aria-label={`${title}: arrow keys read points, plus and minus zoom`}
        aria-describedby={`${id}-summary`}
        style={{ minHeight: `${printing.value ? PAPER_HEIGHT : (props.height ?? HEIGHT)}px` }}
        onKeyDown={onKeyDown}
        onBlur={() => {
          hover.value = null;
        }}
      >
        {hover.value?.here && <Tooltip hover={hover.value} chart={props} hidden={hidden.value} />}
      </div>
      <span class="unseen" aria-live="polite">
        {said}
      </span>
      <footer>
        <Legend lines={lines} hidden={hidden.value} at={hover.value?.index ?? null} onToggle={toggle} />
        {props.foot}
      </footer>
      {asTable.value && <Points title={title} course={course} lines={lines} />}
    </figure>
  );
}

/** Keeps a uPlot beside the component: made anew when its shape or its theme changes, fed when only data do. */
function usePlot(props: ChartProps, hidden: Signal<string[]>, hover: Signal<Hover | null>) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const places = placesOf(props.lines, props.course);
  const shape = JSON.stringify([
    props.lines.map((line) => [line.label, line.ink, Boolean(line.place)]),
    places,
    props.log,
    props.height,
    props.heat !== undefined,
    props.course.time.length < 2,
    props.overlay.marks.length > 0,
    dark.value,
    printing.value,
  ]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !canDraw()) return;
    const made = make(element, latest, hidden, hover);
    plot.current = made;
    const watcher = new ResizeObserver(() => {
      const width = element.clientWidth;
      if (!printing.peek() && width > 0 && width !== made.width) made.setSize({ width, height: made.height });
    });
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      made.destroy();
      plot.current = null;
    };
    // `shape` tells of everything that needs a new plot.
  }, [shape]);

  const { zoom } = props.group;
  const zoomed = zoom.value;
  const off = hidden.value;
  useLayoutEffect(() => {
    const u = plot.current;
    if (!u) return;
    const { course, lines } = latest.current;
    u.batch(() => {
      lines.forEach((line, index) => {
        const place = places[index];
        if (!place) return;
        const show = !off.includes(line.label);
        for (let at = place.line; at <= place.line + (place.envelope ? 2 : 0); at += 1)
          if (u.series[at]?.show !== show) u.setSeries(at, { show });
      });
      u.setData(dataOf(course, lines), false);
      const [min, max] = timeRange(zoomed, course.time, course.span);
      u.setScale("x", { min, max });
    });
  });
  return { box, plot };
}

function canDraw(): boolean {
  return typeof ResizeObserver !== "undefined" && document.createElement("canvas").getContext?.("2d") !== null;
}

function make(
  element: HTMLElement,
  latest: { current: ChartProps },
  hidden: Signal<string[]>,
  hover: Signal<Hover | null>,
): uPlot {
  const props = latest.current;
  const { group, course, lines } = props;
  const height = printing.peek() ? PAPER_HEIGHT : (props.height ?? HEIGHT);
  const { series, bands } = seriesOf(lines, course, (label) => !hidden.peek().includes(label));
  const paint = props.heat;
  const logarithmic = Boolean(props.log || paint);
  let inside = false;
  const painted = hooks({
    overlay: () => latest.current.overlay,
    ...(paint ? { under: (plot: uPlot) => latest.current.heat?.paint(plot) } : {}),
  });
  const made = new uPlot(
    {
      width: printing.peek() ? PAPER_WIDTH : element.clientWidth || 600,
      height,
      padding: [props.overlay.marks.length > 0 ? STRIP : 8, 26, 0, 0],
      legend: { show: false },
      series,
      bands,
      scales: {
        x: { time: true, auto: false },
        y: {
          distr: logarithmic ? 3 : 1,
          range: paint ? () => [...(latest.current.heat?.range ?? [1, 10])] : logarithmic ? aroundLog : fromZero,
        },
      },
      axes: axes((value) => latest.current.axis(value), logarithmic ? logSplits : undefined),
      cursor: {
        y: Boolean(paint),
        sync: { key: group.key, filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } },
        drag: { x: true, y: false, setScale: false },
        points: { size: 6, width: 1.5, fill: colour("--surface") },
        bind: {
          dblclick: () => () => {
            group.zoom.value = null;
            return null;
          },
          mouseenter: (_u, _target, handler) => (event) => {
            inside = true;
            return handler(event);
          },
          mouseleave: (_u, _target, handler) => (event) => {
            inside = false;
            return handler(event);
          },
        },
      },
      select: { show: true, left: 0, top: 0, width: 0, height: 0 },
      hooks: {
        ...painted,
        setSelect: [
          (u) => {
            if (u.select.width < 4) return;
            const from = u.posToVal(u.select.left, "x");
            const to = u.posToVal(u.select.left + u.select.width, "x");
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            group.zoom.value = { from, to: Math.max(to, from + 2) };
          },
        ],
        setCursor: [
          (u) => {
            const { left = -1, top = -1, idx } = u.cursor;
            const at = left < 0 ? 0 : u.posToVal(left, "x");
            // A point stands for the time after it, so the one before the pointer is meant, not the nearest.
            const index = left < 0 ? -1 : pointAt(latest.current.course.time, at);
            if (index < 0 || idx === null || idx === undefined) {
              hover.value = null;
              return;
            }
            const here = inside || element === document.activeElement;
            hover.value = { index, left, top, at, y: u.posToVal(top, "y"), here };
          },
        ],
      },
    },
    dataOf(course, lines),
    element,
  );
  made.root.style.setProperty("--fg-select", faded(colour("--accent"), 0.16));
  return made;
}

/** The point under the cursor in words. */
function says(hover: Hover, { course, lines, overlay, read }: ChartProps, hidden: readonly string[]): string {
  const from = course.time[hover.index] ?? 0;
  const values = lines
    .filter(({ label }) => !hidden.includes(label))
    .map((line) => `${line.label} ${line.text(line.values[hover.index])}`);
  const marks = marksNear(overlay.marks, from, from + (course.span[hover.index] ?? 1)).map(({ text }) => text);
  const reading = read?.(hover.at, hover.y);
  return [moments(course, hover.index), ...(reading ? [reading] : []), ...values, ...marks].join(", ");
}

function moments(course: Course, index: number): string {
  const from = course.time[index] ?? 0;
  const span = course.span[index] ?? 1;
  return span > 1 ? stretch(from, from + span) : timeOfDay(from);
}

function Tooltip({ hover, chart, hidden }: { hover: Hover; chart: ChartProps; hidden: readonly string[] }) {
  const { course, lines, overlay } = chart;
  const { index, left } = hover;
  const from = course.time[index] ?? 0;
  const to = from + (course.span[index] ?? 1);
  const [first, last] = timeRange(chart.group.zoom.value, course.time, course.span);
  // What is within four pixels or so of the pointer.
  const near = (last - first) / 150;
  const marks = marksNear(overlay.marks, Math.min(from, hover.at - near), Math.max(to, hover.at + near)).slice(0, 4);
  const suspect = suspectAt(overlay.suspect, hover.at);
  const reading = chart.read?.(hover.at, hover.y);
  const right = hover.at > (first + last) / 2;
  const style = right ? { right: `calc(100% - ${AXIS_WIDTH + left - 14}px)` } : { left: `${AXIS_WIDTH + left + 14}px` };
  return (
    <div class="fg-tooltip" style={style} aria-hidden="true">
      {reading ? <p class="fg-reading">{reading}</p> : <p>{moments(course, index)}</p>}
      <dl>
        {lines
          .filter(({ label }) => !hidden.includes(label))
          .map((line) => (
            <div key={line.label}>
              <dt>
                <Swatch line={line} />
                {line.label}
              </dt>
              <dd>
                {line.text(line.values[index])}
                <Envelope line={line} index={index} span={to - from} />
              </dd>
            </div>
          ))}
      </dl>
      {marks.map((mark) => (
        <p key={`${mark.at} ${mark.text}`} class="fg-tooltip-mark">
          {timeOfDay(mark.at)} {mark.text}
        </p>
      ))}
      {suspect && <p class="fg-tooltip-suspect">Suspect: {suspect.reason}</p>}
    </div>
  );
}

/** Smallest and largest single second, where a point stands for several. */
function Envelope({ line, index, span }: { line: Line; index: number; span: number }) {
  if (span <= 1 || !line.low || !line.high) return null;
  return (
    <span class="muted">
      {" "}
      {line.text(line.low[index])} … {line.text(line.high[index])}
    </span>
  );
}

function Swatch({ line }: { line: Line }) {
  return (
    <span
      class={line.dashed ? "fg-swatch fg-dashed" : "fg-swatch"}
      style={{ borderColor: `var(${line.ink})` }}
      aria-hidden="true"
    />
  );
}

function Legend(props: {
  lines: readonly Line[];
  hidden: readonly string[];
  at: number | null;
  onToggle: (label: string) => void;
}) {
  return (
    <ul class="fg-legend" aria-label="Lines">
      {props.lines.map((line) => (
        <li key={line.label}>
          <button
            type="button"
            aria-pressed={!props.hidden.includes(line.label)}
            onClick={() => props.onToggle(line.label)}
          >
            <Swatch line={line} />
            {line.label}
            {props.at !== null && !props.hidden.includes(line.label) && (
              <span class="fg-legend-value">{line.text(line.values[props.at])}</span>
            )}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The chart's points as a table. */
function Points({ title, course, lines }: { title: string; course: Course; lines: readonly Line[] }) {
  const columns = useMemo(
    (): Column<number>[] => [
      {
        id: "time",
        label: "Time",
        kind: "text",
        width: 20,
        value: (index) => course.time[index],
        text: (index) => moments(course, index),
      },
      ...lines.map(
        (line): Column<number> => ({
          id: line.label,
          label: line.label,
          kind: "number",
          value: (index) => line.values[index],
          text: (index) => line.text(line.values[index]),
        }),
      ),
    ],
    [course, lines],
  );
  const rows = useMemo(() => course.time.map((_, index) => index), [course]);
  return (
    <Table
      name={`points.${title}`}
      label={`${title}, point by point`}
      columns={columns}
      rows={rows}
      keyOf={String}
      empty="No points yet."
    />
  );
}
