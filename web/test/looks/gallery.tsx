// Every figure on one page, for looking at: `npm run look`. `?record=` picks the run, `?theme=` the theme.
import { useSignal } from "@preact/signals";
import { render } from "preact";
import { useEffect } from "preact/hooks";
import type { Row } from "../../src/api/types";
import {
  Charts,
  Exceptions,
  Failures,
  Groups,
  HealthPanel,
  Journeys,
  Metrics,
  RowDetails,
  Samples,
  StatsTable,
} from "../../src/figures";
import "../../src/look";
import { theme } from "../../src/look";
import { dayRecord, emptyRecord, largeRecord, smallRecord, suspectRecord } from "../fixtures/make";

const records = {
  small: smallRecord,
  suspect: suspectRecord,
  large: largeRecord,
  day: dayRecord,
  empty: emptyRecord,
  live: smallRecord,
};
const asked = new URLSearchParams(location.search);
theme.value = asked.get("theme") === "dark" ? "dark" : "light";
const record = records[(asked.get("record") ?? "small") as keyof typeof records]();
const first = record.row_histories[0];
const row = record.rows[0] as Row | undefined;

/** `?record=live`: a run that goes on at ten seconds a second and begins anew, to see that nothing grows but the lines. */
function Growing() {
  const { history, marks, health } = record;
  const points = useSignal(5);
  useEffect(() => {
    const timer = setInterval(() => {
      points.value = points.value < history.time.length ? points.value + 1 : 5;
    }, 100);
    return () => clearInterval(timer);
  }, [points, history]);
  const cut = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.slice(0, points.value);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, cut(one)]));
  };
  const shown = cut(history) as typeof history;
  const now = shown.time.at(-1) ?? 0;
  return <Charts history={shown} marks={marks.filter(({ at }) => at <= now)} health={health} />;
}

const root = document.getElementById("root");
if (root)
  render(
    <main style={{ display: "grid", gap: "24px", padding: "16px", minWidth: 0, gridTemplateColumns: "minmax(0, 1fr)" }}>
      <h1>Figures</h1>
      {asked.get("record") === "live" && <Growing />}
      <StatsTable rows={record.rows} total={record.total} funnels={record.funnels} onOpen={() => {}} />
      <Charts history={record.history} marks={record.marks} health={record.health} />
      {row && (
        <RowDetails
          row={row}
          history={first ?? null}
          exemplars={record.exemplars}
          traceUrl={record.trace_url ?? null}
          marks={record.marks}
        />
      )}
      <Journeys funnels={record.funnels} />
      <Groups rows={record.rows} total={record.total} />
      <Samples exemplars={record.exemplars} traceUrl={record.trace_url ?? null} />
      <Failures errors={record.errors} folded={record.folded} />
      <Exceptions exceptions={record.exceptions} />
      <Metrics metrics={record.metrics ?? []} />
      <HealthPanel health={record.health} />
    </main>,
    root,
  );
