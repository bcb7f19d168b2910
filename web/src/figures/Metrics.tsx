// The workload's own metrics.
import type { MetricRow } from "../api/types";
import type { Column } from "./columns";
import { tooFew } from "./enough";
import { count, type Maybe, millis, rate } from "./format";
import { Table } from "./Table";

function figure(row: MetricRow, name: string): Maybe {
  const value: unknown = (row as Record<string, unknown>)[name];
  return typeof value === "number" ? value : null;
}

/** Levels have no unit of ours: as they are, to four digits. */
function plain(value: Maybe): string {
  if (value === null || value === undefined) return "";
  return Number.isInteger(value) ? count(value) : String(Number(value.toPrecision(4)));
}

function text(row: MetricRow, name: string): string {
  const value = figure(row, name);
  if (value === null) return "";
  if (row.type === "timing" && name !== "samples") return millis(value);
  return name === "per_second" ? rate(value) : plain(value);
}

const FIGURES: readonly [string, string, string?][] = [
  ["total", "Total"],
  ["per_second", "Per second", "Over the whole run"],
  ["last", "Last"],
  ["samples", "Samples"],
  ["min", "Min"],
  ["mean", "Average"],
  ["median", "Median"],
  ["p95", "95%ile"],
  ["p99", "99%ile"],
  ["max", "Max"],
];

const SHARES: Record<string, number> = { median: 0.5, p95: 0.95, p99: 0.99 };

function fewSamples(row: MetricRow, name: string): string | undefined {
  const [p, samples] = [SHARES[name], figure(row, "samples")];
  return p === undefined || !samples || figure(row, name) === null ? undefined : tooFew(samples, p, "sample");
}

export function Metrics({ metrics }: { metrics: readonly MetricRow[] }) {
  // Columns that no metric has are left out.
  const figures = FIGURES.filter(([name]) => metrics.some((row) => figure(row, name) !== null));
  const columns: Column<MetricRow>[] = [
    { id: "name", label: "Name", kind: "wide", value: (row) => row.name, text: (row) => row.name },
    {
      id: "type",
      label: "Type",
      kind: "text",
      value: (row) => row.type,
      text: typeOf,
      tone: () => "quiet",
      width: 14,
      beforeName: true,
    },
    ...figures.map(
      ([name, label, help]): Column<MetricRow> => ({
        id: name,
        label,
        kind: "number",
        value: (row) => figure(row, name),
        text: (row) => text(row, name),
        few: (row) => fewSamples(row, name),
        ...(help ? { help } : {}),
      }),
    ),
  ];
  return (
    <Table
      name="metrics"
      label="Metrics of the workload"
      columns={columns}
      rows={metrics}
      keyOf={(row) => `${row.type} ${row.name}`}
      empty="The workload keeps no metrics of its own."
    />
  );
}

function typeOf(row: MetricRow): string {
  return row.type === "timing" ? "timing (ms)" : row.type;
}
