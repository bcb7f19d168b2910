// The tabs with figures: data from the store, drawn by the components that the report uses too.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Row, RowKey, Summary } from "../../api/types";
import {
  Charts,
  Exceptions,
  Failures,
  Groups,
  Journeys,
  Metrics,
  RowDetails,
  Samples,
  StatsTable,
} from "../../figures";
import { Dialog, Empty } from "../../look";
import { useResource, useStore } from "../context";
import { openTab } from "../router";
import { Waiting } from "./Waiting";

const FINISHED = "stopped";

/** The key under which the course of a row is kept; null for the total, whose course is that of the run. */
function keyOf(row: Row, classes: Row[]): RowKey | null {
  if (classes.some(({ name }) => name === row.name && row.method === "")) {
    return { kind: "class", method: "", name: row.name };
  }
  return row.method === "" && row.name === "Aggregated" ? null : { kind: row.kind, method: row.method, name: row.name };
}

export function StatsTab() {
  const store = useStore();
  const loaded = useResource(store.summary);
  const [opened, setOpened] = useState<RowKey | null>(null);
  const classes = loaded.data?.classes ?? [];
  const open = useMemo(
    () => (row: Row) => {
      const key = keyOf(row, classes);
      // The course of the total is that of the run.
      if (key) setOpened(key);
      else openTab("charts");
    },
    [classes],
  );
  return (
    <Waiting of={loaded}>
      {(summary) => (
        <div class="stack">
          <section class="card figure">
            {summary.rows.length === 0 ? (
              <Empty title="No requests yet">Rows appear with the first answer of the target.</Empty>
            ) : (
              <StatsTable
                finished={store.state.value === FINISHED}
                funnels={summary.funnels}
                onOpen={open}
                rows={summary.rows}
                total={summary.total}
              />
            )}
          </section>
          {summary.metrics && summary.metrics.length > 0 && (
            <section class="card figure">
              <h2>Metrics of the workload</h2>
              <Metrics metrics={summary.metrics} />
            </section>
          )}
          {opened && <RowDialog onClose={() => setOpened(null)} row={opened} summary={summary} />}
        </div>
      )}
    </Waiting>
  );
}

function RowDialog({ row: key, summary, onClose }: { row: RowKey; summary: Summary; onClose: () => void }) {
  const store = useStore();
  const course = useResource(store.row(key));
  const rows = key.kind === "class" ? summary.classes : summary.rows;
  const row = rows.find(
    ({ method, name, kind }) =>
      method === key.method && name === key.name && (key.kind === "class" || kind === key.kind),
  );
  return (
    <Dialog onClose={onClose} title={[key.method, key.name].filter(Boolean).join(" ")} wide>
      <div class="body">
        {row ? (
          <RowDetails
            exemplars={summary.exemplars}
            finished={store.state.value === FINISHED}
            health={summary.health}
            history={course.data}
            marks={store.marks.value}
            row={row}
            traceUrl={summary.trace_url ?? store.boot.value?.trace_url ?? null}
            without={course.error ?? undefined}
          />
        ) : (
          <Empty title="This row is gone">Figures were set to zero, or another run began.</Empty>
        )}
      </div>
    </Dialog>
  );
}

export function ChartsTab() {
  const store = useStore();
  const { data } = useResource(store.summary);
  const [picked, setPicked] = useState<RowKey | null>(null);
  const choices = useMemo(
    () => [
      ...(data?.classes ?? []).map(({ name }): RowKey => ({ kind: "class", method: "", name })),
      ...(data?.rows ?? []).map(({ kind, method, name }): RowKey => ({ kind, method, name })),
    ],
    [data],
  );
  const history = store.history.value;
  if (history.time.length === 0) {
    return (
      <div class="card">
        <Empty title="Nothing to draw yet">Charts begin with the first second of a run.</Empty>
      </div>
    );
  }
  return (
    <>
      {picked && <Follow onGone={() => setPicked(null)} row={picked} />}
      <Charts
        choices={choices}
        finished={store.state.value === FINISHED}
        health={store.now.value?.health ?? null}
        history={history}
        marks={store.marks.value}
        onPick={setPicked}
        picked={picked}
        pickedHistory={picked ? store.row(picked).state.value.data : null}
      />
    </>
  );
}

/** Keeps the course of a row fresh while its charts are shown. */
function Follow({ row, onGone }: { row: RowKey; onGone: () => void }) {
  const store = useStore();
  const { error, data } = useResource(store.row(row));
  useEffect(() => {
    if (error && data === null) onGone();
  }, [error, data, onGone]);
  return null;
}

/** A tab that needs the summary and nothing else. */
function summaryTab(draw: (summary: Summary, traceUrl: string | null) => preact.ComponentChildren) {
  return function SummaryTab() {
    const store = useStore();
    return (
      <Waiting of={useResource(store.summary)}>
        {(summary) => (
          <section class="card figure">
            {draw(summary, summary.trace_url ?? store.boot.value?.trace_url ?? null)}
          </section>
        )}
      </Waiting>
    );
  };
}

export const JourneysTab = summaryTab(({ funnels }) =>
  funnels.length > 0 ? (
    <Journeys funnels={funnels} />
  ) : (
    <Empty title="No journey has ended yet">A journey is one run of a task, from its first request to its last.</Empty>
  ),
);

export const GroupsTab = summaryTab(({ rows, total }) =>
  total.segments.length > 0 ? (
    <Groups rows={rows} total={total} />
  ) : (
    <Empty title="No groups">
      Users of this workload carry no segment; with one, every row is compared side by side here.
    </Empty>
  ),
);

export const SamplesTab = summaryTab(({ exemplars }, traceUrl) =>
  exemplars.length > 0 ? (
    <Samples exemplars={exemplars} traceUrl={traceUrl} />
  ) : (
    <Empty title="No samples yet">
      The slowest and the failed requests of each row are kept here, with their trace ids.
    </Empty>
  ),
);

export const FailuresTab = summaryTab(({ errors, folded }) =>
  errors.length > 0 ? (
    <Failures errors={errors} folded={folded} />
  ) : (
    <Empty title="No failures">Every request so far did what it should.</Empty>
  ),
);

export const ExceptionsTab = summaryTab(({ exceptions, folded }) =>
  exceptions.length > 0 ? (
    <Exceptions exceptions={exceptions} folded={folded} />
  ) : (
    <Empty title="No exceptions">The workload's own code has raised no error.</Empty>
  ),
);
