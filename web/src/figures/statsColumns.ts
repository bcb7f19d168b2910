// The columns of the statistics: Locust's first, then what we know besides.
import { PERCENTILES, type Row } from "../api/types";
import type { Column } from "./columns";
import { rowTooFew, tooFew } from "./enough";
import { bytes, count, type Maybe, millis, percent, percentileLabel, percentileName, rate } from "./format";

export const failureRatio = (row: { requests: number; failures: number }): number | null =>
  row.requests > 0 ? row.failures / row.requests : row.failures > 0 ? 1 : null;

export const meanBytes = (row: { requests: number; bytes: number }): number =>
  row.requests > 0 ? row.bytes / row.requests : 0;

/** A percentile by its fraction; the place is that of PERCENTILES. */
export function percentileOf(figures: { percentiles: readonly (number | null)[] }, p: number): number | null {
  const place = PERCENTILES.indexOf(p as (typeof PERCENTILES)[number]);
  return figures.percentiles[place] ?? null;
}

/** No times were measured: 0 would be a lie. */
const timed = (row: Row, value: number): number | null => (row.requests > row.untimed ? value : null);

function number(
  id: string,
  label: string,
  value: (row: Row) => Maybe,
  format: (value: Maybe) => string,
  help?: string,
): Column<Row> {
  return { id, label, kind: "number", value, text: (row) => format(value(row)), ...(help ? { help } : {}) };
}

const time = (id: string, label: string, value: (row: Row) => Maybe, help?: string) =>
  number(id, label, value, millis, help ?? "Response time in milliseconds");

function percentile(p: number): Column<Row> {
  const label = percentileLabel(p);
  const column = time(
    percentileName(p),
    label,
    (row) => percentileOf(row, p),
    `${label}: response time in milliseconds that so many requests did not exceed`,
  );
  return { ...column, few: (row) => rowTooFew(row, p) };
}

const LAST = "Over the last ten seconds";

function current(id: string, label: string, p: number): Column<Row> {
  const column = time(id, label, (row) => percentileOf(row.current, p), LAST);
  return { ...column, few: ({ current }) => currentTooFew(current, p) };
}

function due(id: string, label: string, p: number, help: string): Column<Row> {
  const column = time(id, label, (row) => row.from_due && percentileOf(row.from_due, p), help);
  return { ...column, few: (row) => row.from_due && tooFew(row.from_due.count, p) };
}

/** Of the last ten seconds only the rate is known. */
export function currentTooFew({ requests_per_second }: Row["current"], p: number): string | undefined {
  return tooFew(Math.round(requests_per_second * 10), p);
}

const bad = (column: Column<Row>): Column<Row> => ({
  ...column,
  tone: (row) => (Number(column.value(row)) > 0 ? "bad" : undefined),
});

const DUE = "from the moment the request was due, where something is due (arrival rates, schedules)";

/** All there are, in the order in which they stand. */
export const STATS_COLUMNS: readonly Column<Row>[] = [
  {
    id: "type",
    label: "Type",
    kind: "text",
    value: (row) => (row.kind === "journey" ? "journey" : row.method),
    text: (row) => (row.kind === "journey" ? "journey" : row.method),
    tone: () => "quiet",
  },
  { id: "name", label: "Name", kind: "wide", value: (row) => row.name, text: nameOf },
  number("requests", "# Requests", (row) => row.requests, count, "Finished ones, failed ones included"),
  bad(number("failures", "# Fails", (row) => row.failures, count)),
  bad(number("failure_ratio", "Failures %", failureRatio, percent)),
  {
    ...time("median", "Median", (row) => timed(row, row.median), "Median response time in milliseconds"),
    few: (row) => rowTooFew(row, 0.5),
  },
  ...[0.66, 0.75, 0.8, 0.9].map(percentile),
  percentile(0.95),
  percentile(0.98),
  percentile(0.99),
  ...[0.999, 0.9999].map(percentile),
  time("average", "Average", (row) => timed(row, row.mean), "Mean response time in milliseconds"),
  time("min", "Min", (row) => timed(row, row.min)),
  time("max", "Max", (row) => timed(row, row.max)),
  number("size", "Average size (bytes)", meanBytes, count, "Mean size of a reply's body"),
  number("bytes", "Bytes", (row) => row.bytes, bytes, "Bytes of all bodies"),
  number("current_rps", "Current RPS", (row) => row.current.requests_per_second, rate, LAST),
  bad(number("current_fps", "Current Failures/s", (row) => row.current.failures_per_second, rate, LAST)),
  current("current_p50", "Current Median", 0.5),
  current("current_p95", "Current 95%ile", 0.95),
  number("rps", "RPS", (row) => row.requests_per_second, rate, "Over the whole run"),
  bad(number("fps", "Failures/s", (row) => row.failures_per_second, rate, "Over the whole run")),
  due("due_median", "Median from due", 0.5, `Median ${DUE}`),
  due("due_p95", "95%ile from due", 0.95, `95 % ${DUE}`),
  due("due_p99", "99%ile from due", 0.99, `99 % ${DUE}`),
  time("due_max", "Max from due", (row) => row.from_due?.max, `Longest ${DUE}`),
];

/** On a phone the type stands before the name instead of in a column of its own. */
export const TYPED_NAME: Column<Row> = {
  id: "name",
  label: "Name",
  kind: "wide",
  value: (row) => row.name,
  text: (row) => (row.kind === "request" && row.method ? `${row.method} ${row.name}` : nameOf(row)),
};

/** What Locust shows. */
export const LOCUST_COLUMNS: readonly string[] = [
  "type",
  "name",
  "requests",
  "failures",
  "median",
  "p95",
  "p99",
  "average",
  "min",
  "max",
  "size",
  "current_rps",
  "current_fps",
];

/** What a phone shows: the name above, the rest in one line below it. */
export const PHONE_COLUMNS: readonly string[] = ["name", "requests", "failures", "median", "p95", "current_rps"];

/** After a run nothing is current: whole-run rates stand in. */
export const REPORT_COLUMNS: readonly string[] = [
  ...LOCUST_COLUMNS.filter((id) => !id.startsWith("current_")),
  "rps",
  "fps",
];

/** The columns of a table before somebody chooses others. */
export function usualColumns(finished: boolean, phone: boolean): readonly string[] {
  if (!phone) return finished ? REPORT_COLUMNS : LOCUST_COLUMNS;
  return finished ? PHONE_COLUMNS.map((id) => id.replace("current_", "")) : PHONE_COLUMNS;
}

/** A journey's name tells its user class, since two classes may have a task of one name. */
export function nameOf(row: Row): string {
  return row.kind === "journey" ? `${row.name} · ${row.method}` : row.name;
}
