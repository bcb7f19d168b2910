// A run as a document: what it came to in a sentence, then everything behind it.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { Record_, Row, Tasks, Worker } from "../api/types";
import {
  Charts,
  Exceptions,
  Failures,
  Groups,
  HealthPanel,
  Journeys,
  Metrics,
  nameOf,
  Ratios,
  RowDetails,
  rowKey,
  Samples,
  StatsTable,
} from "../figures";
import type { Column } from "../figures/columns";
import { Few } from "../figures/Few";
import { bytes, count, moment, percent, percentileName, plural, time, timeOfDay, words } from "../figures/format";
import { percentileOf } from "../figures/statsColumns";
import { Table } from "../figures/Table";
import { Dialog } from "../look";
import { Page, Pairs, Section } from "./Page";
import { keyFigures, type Piece, verdict } from "./verdict";

interface Part {
  id: string;
  title: string;
  body: ComponentChildren;
}

export function Report({ record, tasks }: { record: Record_; tasks?: Tasks | undefined }) {
  const opened = useSignal<Row | null>(null);
  const parts = useMemo(
    () =>
      partsOf(record, tasks, (row) => {
        opened.value = row;
      }),
    [record, tasks, opened],
  );
  return (
    <Page kind="report">
      <main>
        <First record={record} />
        <nav class="rp-contents" aria-label="Contents">
          {parts.map(({ id, title }) => (
            <a key={id} href={`#${id}`}>
              {title}
            </a>
          ))}
        </nav>
        {parts.map(({ id, title, body }) => (
          <Section key={id} id={id} title={title}>
            {body}
          </Section>
        ))}
      </main>
      {opened.value && (
        <RowDialog
          record={record}
          row={opened.value}
          onClose={() => {
            opened.value = null;
          }}
        />
      )}
    </Page>
  );
}

function First({ record }: { record: Record_ }) {
  const about = [
    record.workload,
    record.profile,
    `${moment(record.start)} – ${timeOfDay(record.at)}`,
    record.seed === null ? null : `seed ${record.seed}`,
  ];
  return (
    <header class="rp-first">
      <p class="muted">{about.filter(Boolean).join(" · ")}</p>
      <h1 class="rp-verdict">
        {verdict(record).map((piece, index) => (
          <Words key={index} piece={piece} />
        ))}
      </h1>
      <dl class="rp-key">
        {keyFigures(record).map(({ label, value, bad, interval, few }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd class={bad ? "bad" : ""}>
              <Few why={few}>{value}</Few>
            </dd>
            {interval && (
              <dd class="rp-interval" title="Where the true value lies with 95 % confidence">
                {interval}
              </dd>
            )}
          </div>
        ))}
      </dl>
      {record.notes.length > 0 && (
        <ul class="rp-notes">
          {record.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </header>
  );
}

function Words({ piece }: { piece: Piece }) {
  return typeof piece === "string" ? <span>{piece}</span> : <strong class={piece.tone ?? ""}>{piece.strong}</strong>;
}

/** What the record has something to say about, in the order of interest. */
function partsOf(record: Record_, tasks: Tasks | undefined, onOpen: (row: Row) => void): Part[] {
  const traceUrl = record.trace_url ?? null;
  const hasGroups = record.total.segments.length > 1;
  const parts: (Part | false)[] = [
    {
      id: "charts",
      title: "Course",
      body: <Charts history={record.history} marks={record.marks} health={record.health} finished />,
    },
    {
      id: "statistics",
      title: "Statistics",
      body: <StatsTable rows={record.rows} total={record.total} funnels={record.funnels} finished onOpen={onOpen} />,
    },
    record.classes.length > 1 && {
      id: "classes",
      title: "User classes",
      body: (
        <StatsTable
          name="classes"
          label="Statistics of user classes"
          rows={record.classes}
          total={record.total}
          finished
          onOpen={onOpen}
        />
      ),
    },
    record.funnels.length > 0 && {
      id: "journeys",
      title: "Journeys",
      body: <Journeys funnels={record.funnels} />,
    },
    hasGroups && { id: "groups", title: "Groups", body: <Groups rows={record.rows} total={record.total} /> },
    {
      id: "failures",
      title: "Failures",
      body: <Failures errors={record.errors} folded={record.folded} />,
    },
    record.exemplars.length > 0 && {
      id: "samples",
      title: "Slowest and failed requests",
      body: <Samples exemplars={record.exemplars} traceUrl={traceUrl} />,
    },
    record.exceptions.length > 0 && {
      id: "exceptions",
      title: "Exceptions",
      body: <Exceptions exceptions={record.exceptions} folded={record.folded} />,
    },
    (record.metrics ?? []).length > 0 && {
      id: "metrics",
      title: "Metrics of the workload",
      body: <Metrics metrics={record.metrics ?? []} />,
    },
    { id: "health", title: "The generator", body: <Generator record={record} /> },
    record.marks.length > 0 && { id: "events", title: "What happened when", body: <Events record={record} /> },
    tasks !== undefined && { id: "ratios", title: "Task ratios", body: <Ratios tasks={tasks} /> },
    { id: "settings", title: "Settings and versions", body: <Settings record={record} /> },
  ];
  return parts.filter((part) => part !== false);
}

function RowDialog({ record, row, onClose }: { record: Record_; row: Row; onClose: () => void }) {
  const isClass = record.classes.includes(row);
  const wanted = rowKey(isClass ? { kind: "class", method: "", name: row.name } : row);
  const history = record.row_histories.find((one) => rowKey(one) === wanted) ?? null;
  return (
    <Dialog title={[row.kind === "journey" ? "" : row.method, nameOf(row)].join(" ").trim()} wide onClose={onClose}>
      <div class="body">
        <RowDetails
          row={row}
          history={history}
          exemplars={record.exemplars}
          traceUrl={record.trace_url ?? null}
          marks={record.marks}
          health={record.health}
          finished
          without="This file holds no course of this row."
        />
      </div>
    </Dialog>
  );
}

const WORKERS: readonly Column<Worker>[] = [
  { id: "id", label: "Worker", kind: "wide", value: ({ id }) => id, text: ({ id }) => id },
  { id: "state", label: "State", kind: "text", value: ({ state }) => state, text: ({ state }) => state },
  { id: "users", label: "# users", kind: "number", value: ({ users }) => users, text: ({ users }) => count(users) },
  { id: "cpu", label: "CPU usage", kind: "number", value: ({ cpu }) => cpu, text: ({ cpu }) => percent(cpu / 100) },
  {
    id: "memory",
    label: "Memory usage",
    kind: "number",
    value: ({ memory }) => memory,
    text: ({ memory }) => (memory > 0 ? bytes(memory) : "–"),
  },
];

function Generator({ record }: { record: Record_ }) {
  const { schedule, aborted, setup_requests, workers, folded } = record;
  const late = schedule?.late_starts;
  const facts: (readonly [string, ComponentChildren] | false)[] = [
    aborted > 0 && ["Cut off at the end", `${plural(aborted, "request")}, part of no other figure`],
    setup_requests > 0 && ["Sent before the first user", `${plural(setup_requests, "request")}, part of no figure`],
    folded.names > 0 && ["Counted as (other)", `${plural(folded.names, "request")}: too many different names`],
    schedule !== undefined && ["Started when due", `${count(schedule.started)}, dropped ${count(schedule.dropped)}`],
    late !== undefined &&
      late.count > 0 && [
        "Starts were late by",
        [0.5, 0.95, 0.99, 1].map((p) => `${percentileName(p)} ${time(percentileOf(late, p))}`).join(", "),
      ],
  ];
  return (
    <div class="rp-generator">
      <HealthPanel health={record.health} />
      <Pairs pairs={facts.filter((fact) => fact !== false)} />
      {workers.length > 0 && (
        <Table name="workers" label="Workers" columns={WORKERS} rows={workers} keyOf={({ id }) => id} empty="" />
      )}
    </div>
  );
}

function Events({ record }: { record: Record_ }) {
  return (
    <ol class="rp-events">
      {record.marks.map((mark) => (
        <li key={`${mark.at} ${mark.text}`}>
          <time title={moment(mark.at)}>{timeOfDay(mark.at)}</time>
          <span class="chip">{mark.kind}</span>
          {mark.text}
        </li>
      ))}
    </ol>
  );
}

function Settings({ record }: { record: Record_ }) {
  const facts: (readonly [string, ComponentChildren])[] = [
    ["Target", record.host ?? "none"],
    ["Started", moment(record.start)],
    ["Ended", moment(record.at)],
    ["Duration", words(record.at - record.start)],
    ["Workload", record.workload || "–"],
    ["Engine", record.engine || "–"],
    ["Seed", record.seed === null ? "none" : String(record.seed)],
    ["Profile", record.profile ?? "none"],
    [
      "Percentiles",
      record.percentile_source === "fine" ? "within 0.1 % of the true value" : "rounded as Locust rounds them",
    ],
    ...(record.total.intervals
      ? ([["Ranges above", "where the true percentile lies with 95 % confidence"]] as const)
      : []),
  ];
  const given = Object.entries(record.settings);
  return (
    <>
      <Pairs pairs={facts} />
      {given.length > 0 && (
        <>
          <h3 class="rp-given">Options given</h3>
          <Pairs
            pairs={given.map(([name, value]) => [
              name,
              value === "" ? <i class="muted">not told</i> : <code>{value}</code>,
            ])}
          />
        </>
      )}
    </>
  );
}
