// Everything about one request, journey or user class.
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import {
  type Exemplar,
  type Figures,
  type Health,
  type Mark,
  PERCENTILES,
  type Row,
  type RowHistory,
} from "../api/types";
import { RowCharts } from "./Charts";
import type { Column } from "./columns";
import { rowTooFew, tooFew } from "./enough";
import { bytes, count, type Maybe, millis, percent, percentileName, rate, time } from "./format";
import { Samples } from "./Samples";
import { currentTooFew, failureRatio, meanBytes, nameOf, percentileOf } from "./statsColumns";
import { Table } from "./Table";

export interface RowDetailsProps {
  row: Row;
  /** Null while it is on its way, or where none is kept. */
  history?: RowHistory | null;
  /** Those of all rows; the row's own are picked. */
  exemplars?: readonly Exemplar[];
  traceUrl?: string | null;
  marks?: readonly Mark[];
  health?: Health | null;
  finished?: boolean;
  /** What to say when there is no history. */
  without?: string;
}

export function RowDetails(props: RowDetailsProps) {
  const { row, history = null, exemplars = [] } = props;
  const own = useMemo(
    () => exemplars.filter(({ method, name }) => method === row.method && name === row.name),
    [exemplars, row.method, row.name],
  );
  return (
    <div class="fg-details">
      <dl class="fg-facts">
        <Fact label={row.kind === "journey" ? "runs" : "requests"}>{count(row.requests)}</Fact>
        <Fact label="failed">
          <span class={row.failures > 0 ? "bad" : ""}>
            {count(row.failures)} ({percent(failureRatio(row) ?? 0)})
          </span>
        </Fact>
        <Fact label="per second">{rate(row.requests_per_second)}</Fact>
        {!props.finished && <Fact label="per second now">{rate(row.current.requests_per_second)}</Fact>}
        <Fact label="mean">{time(row.requests > row.untimed ? row.mean : null)}</Fact>
        <Fact label="min">{time(row.requests > row.untimed ? row.min : null)}</Fact>
        <Fact label="max">{time(row.requests > row.untimed ? row.max : null)}</Fact>
        {row.bytes > 0 && <Fact label="mean size">{bytes(meanBytes(row))}</Fact>}
        {row.untimed > 0 && <Fact label="without a time">{count(row.untimed)}</Fact>}
      </dl>
      {history ? (
        <RowCharts
          history={history}
          marks={props.marks ?? []}
          health={props.health ?? null}
          finished={props.finished ?? false}
        />
      ) : (
        <p class="fg-empty">{props.without ?? "Its course is on its way …"}</p>
      )}
      <PercentileTable row={row} finished={props.finished ?? false} />
      {own.length > 0 && <Samples single exemplars={own} traceUrl={props.traceUrl ?? null} />}
    </div>
  );
}

function Fact({ label, children }: { label: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface Series {
  label: string;
  figures: { percentiles: readonly (number | null)[] };
  count: number | null;
  failures: number | null;
  few: (p: number) => string | undefined;
}

/** All percentiles: of the row, of its last ten seconds, from the moment due, and of each group. */
function PercentileTable({ row, finished }: { row: Row; finished: boolean }) {
  const all = useMemo((): Series[] => {
    const whole = (label: string, figures: Figures): Series => ({
      label,
      figures,
      count: figures.requests,
      failures: figures.failures,
      few: (p) => rowTooFew({ ...figures, kind: row.kind }, p),
    });
    const series: Series[] = [whole("All", row)];
    const other = { count: null, failures: null };
    if (!finished)
      series.push({
        ...other,
        label: "Last ten seconds",
        figures: row.current,
        few: (p) => currentTooFew(row.current, p),
      });
    const due = row.from_due;
    if (due)
      series.push({
        ...other,
        label: "From the moment due",
        figures: due,
        count: due.count,
        few: (p) => tooFew(due.count, p),
      });
    return [...series, ...row.segments.map((one) => whole(`Group ${one.segment}`, one))];
  }, [row, finished]);
  return (
    <Table
      name="row-percentiles"
      label={`Percentiles of ${nameOf(row)} in milliseconds`}
      columns={PERCENTILE_COLUMNS}
      rows={all}
      keyOf={({ label }) => label}
      empty=""
    />
  );
}

const number = (id: string, label: string, value: (one: Series) => Maybe, text = count): Column<Series> => ({
  id,
  label,
  kind: "number",
  value,
  text: (one) => text(value(one)),
});

const PERCENTILE_COLUMNS: readonly Column<Series>[] = [
  { id: "label", label: "Response times (ms)", kind: "wide", value: ({ label }) => label, text: ({ label }) => label },
  number("count", "#", (one) => one.count),
  number("failures", "# Fails", (one) => one.failures),
  ...PERCENTILES.map((p) => ({
    ...number(`p${p}`, percentileName(p), (one) => percentileOf(one.figures, p), millis),
    few: (one: Series) => one.few(p),
  })),
];
