// Every figure on one page, for looking at: `npm run look`. `?record=` picks the run, `?theme=` the theme.
import { render } from "preact";
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

const records = { small: smallRecord, suspect: suspectRecord, large: largeRecord, day: dayRecord, empty: emptyRecord };
const asked = new URLSearchParams(location.search);
theme.value = asked.get("theme") === "dark" ? "dark" : "light";
const record = records[(asked.get("record") ?? "small") as keyof typeof records]();
const first = record.row_histories[0];
const row = record.rows[0] as Row | undefined;

const root = document.getElementById("root");
if (root)
  render(
    <main style={{ display: "grid", gap: "24px", padding: "16px", minWidth: 0, gridTemplateColumns: "minmax(0, 1fr)" }}>
      <h1>Figures</h1>
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
