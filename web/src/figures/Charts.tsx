// The charts of a run, and those of one request, journey or user class.
import { useMemo, useRef } from "preact/hooks";
import type { Health, History, Mark, RowHistory, RowKey } from "../api/types";
import { Chart, useHidden } from "./chart/Chart";
import {
  type Course,
  extent,
  type Line,
  percentileLines,
  rowPercentileLines,
  rowThroughputLines,
  throughputLines,
  userLines,
} from "./chart/lines";
import type { Overlay } from "./chart/overlay";
import { type ChartGroup, chartGroup, type Zoom } from "./chart/zoom";
import { axisTime, count, rate, shortCount, time, timeOfDay } from "./format";
import { HeatMap } from "./HeatMap";
import { rowKey } from "./order";
import { isFlag, kept } from "./settings";
import { Choices, Select, Switch } from "./Tools";

interface Shared {
  marks?: readonly Mark[];
  health?: Health | null;
}

export interface ChartsProps extends Shared {
  history: History;
  /** A finished run has no newest minutes to follow. */
  finished?: boolean;
  /** Rows whose own charts can be asked for, in this order. */
  choices?: readonly RowKey[];
  picked?: RowKey | null;
  /** The course of what is picked; null while it is on its way. */
  pickedHistory?: RowHistory | null;
  onPick?: (key: RowKey | null) => void;
}

function overlayOf({ marks = [], health }: Shared): Overlay {
  return { marks, suspect: health?.suspect ?? [] };
}

function useGroup(): ChartGroup {
  return useMemo(chartGroup, []);
}

export function Charts(props: ChartsProps) {
  const { history, picked = null } = props;
  const group = useGroup();
  const overlay = overlayOf(props);
  return (
    <div class="fg-charts">
      <div class="fg-tools">
        {props.choices && props.onPick && <Picker {...props} />}
        <ZoomTools group={group} finished={props.finished ?? false} />
      </div>
      {picked === null ? (
        <RunCharts history={history} overlay={overlay} group={group} />
      ) : props.pickedHistory ? (
        <RowPlots history={props.pickedHistory} overlay={overlay} group={group} />
      ) : (
        <p class="fg-empty">Nothing recorded of it yet.</p>
      )}
    </div>
  );
}

function RunCharts({ history, overlay, group }: { history: History; overlay: Overlay; group: ChartGroup }) {
  if (history.time.length === 0) return <p class="fg-empty">Charts begin with the first second of a run.</p>;
  const shared = { course: history, overlay, group };
  return (
    <div class="fg-chart-grid">
      <Throughput {...shared} lines={throughputLines(history)} />
      <Users {...shared} history={history} />
      <div class="fg-full">
        <Percentiles {...shared} lines={percentileLines(history)} />
      </div>
      <div class="fg-full">
        <HeatMap history={history} overlay={overlay} group={group} />
      </div>
    </div>
  );
}

/** The charts of one row on their own. */
export function RowCharts({ history, ...shared }: Shared & { history: RowHistory; finished?: boolean }) {
  const group = useGroup();
  return (
    <div class="fg-charts">
      <div class="fg-tools">
        <ZoomTools group={group} finished={shared.finished ?? false} />
      </div>
      <RowPlots history={history} overlay={overlayOf(shared)} group={group} />
    </div>
  );
}

function RowPlots({ history, overlay, group }: { history: RowHistory; overlay: Overlay; group: ChartGroup }) {
  if (history.time.length === 0) return <p class="fg-empty">Nothing recorded of it yet.</p>;
  const shared = { course: history, overlay, group };
  return (
    <div class="fg-chart-grid">
      <Throughput {...shared} lines={rowThroughputLines(history)} />
      <Percentiles {...shared} lines={rowPercentileLines(history)} />
    </div>
  );
}

interface PlotProps {
  course: Course;
  overlay: Overlay;
  group: ChartGroup;
}

function Throughput({ lines, ...shared }: PlotProps & { lines: readonly Line[] }) {
  const [requests, failures] = lines.map((line) => extent(line, shared.course));
  const summary = requests
    ? `${rate(requests.mean)} requests/s in the mean, at most ${rate(requests.peak)} at ${at(shared.course, requests.at)}; ` +
      (failures && failures.peak > 0
        ? `at most ${rate(failures.peak)} failures/s at ${at(shared.course, failures.at)}.`
        : "no failures.")
    : "No requests yet.";
  return <Chart name="throughput" title="Throughput" summary={summary} lines={lines} axis={shortCount} {...shared} />;
}

function Percentiles({ lines, ...shared }: PlotProps & { lines: readonly Line[] }) {
  const log = kept("percentiles.log", false, isFlag);
  const name = lines.length > 4 ? "percentiles" : "row-percentiles";
  const told = ["p50", "p95", "p99"].flatMap((label) => {
    const line = lines.find((one) => one.label === label);
    const found = line && extent(line, shared.course);
    return found ? [`${label} ${time(found.peak)} at ${at(shared.course, found.at)}`] : [];
  });
  return (
    <Chart
      name={name}
      title="Response times"
      summary={told.length > 0 ? `Highest over ten seconds: ${told.join(", ")}.` : "Nothing timed yet."}
      lines={lines}
      axis={axisTime}
      log={log.value}
      tools={
        <Switch
          on={log.value}
          onChange={(on) => {
            log.value = on;
          }}
        >
          Log scale
        </Switch>
      }
      {...shared}
    />
  );
}

function Users({ history, ...shared }: PlotProps & { history: History }) {
  const buffers = useRef<(number | null)[][]>([]);
  const hidden = useHidden("users", []);
  const lines = userLines(history, new Set(hidden.value), buffers.current);
  const users = extent(
    { label: "", ink: "", values: history.users.mean, high: history.users.max, text: count },
    history,
  );
  const summary = users
    ? `${count(users.last)} at the end, at most ${count(users.peak)} at ${at(history, users.at)}.`
    : "No users yet.";
  return (
    <Chart name="users" title="Users" summary={summary} lines={lines} axis={shortCount} hidden={hidden} {...shared} />
  );
}

function at(course: Course, index: number): string {
  return timeOfDay(course.time[index]);
}

const WINDOWS = [
  { value: "all", label: "Whole run" },
  { value: "900", label: "15 min" },
  { value: "300", label: "5 min" },
  { value: "60", label: "1 min" },
];

function windowOf(zoom: Zoom): string {
  if (zoom === null) return "all";
  return "last" in zoom ? String(zoom.last) : "";
}

function ZoomTools({ group, finished }: { group: ChartGroup; finished: boolean }) {
  const zoom = group.zoom.value;
  return (
    <span class="fg-zoom">
      {!finished && (
        <Choices
          label="Stretch of time"
          choices={WINDOWS}
          value={windowOf(zoom)}
          onChange={(value) => {
            group.zoom.value = value === "all" ? null : { last: Number(value) };
          }}
        />
      )}
      {zoom !== null && "from" in zoom ? (
        <button
          type="button"
          class="button small"
          onClick={() => {
            group.zoom.value = null;
          }}
        >
          Reset zoom
        </button>
      ) : (
        <span class="muted small fg-hint">Drag over a chart to zoom</span>
      )}
    </span>
  );
}

function Picker({ choices = [], picked, onPick }: ChartsProps) {
  const keys = new Map(choices.map((key) => [rowKey(key), key]));
  const options = [...keys].map(([value, key]) => ({ value, label: labelOf(key) }));
  return (
    <Select
      label="Charts of"
      choices={[{ value: "", label: "All requests" }, ...options]}
      value={picked ? rowKey(picked) : ""}
      onChange={(value) => onPick?.(keys.get(value) ?? null)}
    />
  );
}

function labelOf(key: RowKey): string {
  if (key.kind === "class") return `Class ${key.name}`;
  return key.kind === "journey" ? `Journey ${key.name} · ${key.method}` : `${key.method} ${key.name}`.trim();
}
