// Two runs side by side, and which of their differences matter.
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Change, ComparedRow, ComparedRun, Comparison } from "../api/types";
import type { Column } from "../figures/columns";
import { count, type Maybe, millis, moment, percent, rate, signed, words } from "../figures/format";
import { matching, rowKey } from "../figures/order";
import { Table } from "../figures/Table";
import { Search, Switch } from "../figures/Tools";
import { matters, settingsThatDiffer, tally } from "./compare";
import { Page, Pairs, Section } from "./Page";

export function ComparisonPage({ comparison }: { comparison: Comparison }) {
  const { a, b } = comparison;
  const differing = settingsThatDiffer(a, b);
  return (
    <Page kind="comparison">
      <main>
        <header class="rp-first">
          <p class="muted">
            A: {a.label} · B: {b.label}
          </p>
          <h1 class="rp-verdict">{comparison.verdict}</h1>
          <Tally comparison={comparison} />
          {comparison.notes.length > 0 && (
            <ul class="rp-notes">
              {comparison.notes.map((note) => (
                <li key={note}>{note}</li>
              ))}
            </ul>
          )}
        </header>
        <Section id="rows" title="Row by row">
          <Rows comparison={comparison} />
        </Section>
        <Section id="runs" title="The two runs">
          <div class="rp-sides">
            <Side name="A" run={a} />
            <Side name="B" run={b} />
          </div>
          {differing.length > 0 && (
            <>
              <h3 class="rp-given">Options that differ</h3>
              <Pairs
                pairs={differing.map(({ name, a, b }) => [
                  name,
                  <>
                    <code>{a ?? "not given"}</code> → <code>{b ?? "not given"}</code>
                  </>,
                ])}
              />
            </>
          )}
        </Section>
      </main>
    </Page>
  );
}

function Tally({ comparison }: { comparison: Comparison }) {
  const { worse, better, same, only } = tally(comparison.rows);
  const figures: [string, number, string][] = [
    ["rows worse in B", worse, worse > 0 ? "bad" : ""],
    ["rows better in B", better, better > 0 ? "good" : ""],
    ["without a difference that matters", same, ""],
    ...(only > 0 ? ([["in one run only", only, ""]] as [string, number, string][]) : []),
  ];
  return (
    <dl class="rp-key">
      {figures.map(([label, value, tone]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd class={tone}>{count(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Rows({ comparison }: { comparison: Comparison }) {
  const search = useSignal("");
  const only = useSignal(false);
  const columns = useMemo(() => columnsOf(comparison.confidence), [comparison.confidence]);
  const shown = useMemo(() => {
    const wanted = only.value ? comparison.rows.filter(matters) : comparison.rows;
    return matching(wanted, search.value, ({ key }) => `${key.method} ${key.name}`);
  }, [comparison.rows, only.value, search.value]);
  return (
    <div class="fg-figure">
      <div class="fg-tools">
        <Search
          value={search}
          label="Search names"
          found={`${count(shown.length)} of ${count(comparison.rows.length)}`}
        />
        <Switch
          on={only.value}
          onChange={(on) => {
            only.value = on;
          }}
        >
          Only what matters
        </Switch>
        <span class="muted small">
          Times in milliseconds. Behind ± stands where the difference lies with {percent(comparison.confidence)}{" "}
          confidence; ▲ worse and ▼ better mark what is no accident.
        </span>
      </div>
      <Table
        name="comparison"
        label="Differences row by row"
        columns={columns}
        rows={shown}
        keyOf={({ key }) => rowKey(key)}
        pinned={comparison.total}
        empty="No row differs in a way that matters."
      />
    </div>
  );
}

function columnsOf(confidence: number): Column<ComparedRow>[] {
  const name: Column<ComparedRow>[] = [
    {
      id: "type",
      label: "Type",
      kind: "text",
      value: ({ key }) => key.method,
      text: ({ key }) => (key.kind === "request" ? key.method : key.kind),
      tone: () => "quiet",
    },
    { id: "name", label: "Name", kind: "wide", value: ({ key }) => key.name, text: ({ key }) => key.name },
  ];
  const plainNumber = (
    id: string,
    label: string,
    value: (row: ComparedRow) => Maybe,
    text: (value: Maybe) => string,
  ): Column<ComparedRow> => ({ id, label, kind: "number", value, text: (row) => text(value(row)) });
  const change = (
    id: string,
    label: string,
    of: (row: ComparedRow) => Change,
    text: (value: Maybe) => string,
  ): Column<ComparedRow>[] => [
    plainNumber(`${id}.a`, `${label} A`, (row) => of(row).a, text),
    plainNumber(`${id}.b`, `${label} B`, (row) => of(row).b, text),
    {
      id: `${id}.diff`,
      label: `${label} difference`,
      help: `B against A, and where the difference lies with ${percent(confidence)} confidence`,
      kind: "number",
      width: 24,
      value: (row) => of(row).diff,
      text: (row) => signed(of(row).diff, text),
      cell: (row) => <Difference change={of(row)} text={text} />,
    },
  ];
  return [
    ...name,
    plainNumber("requests.a", "# A", ({ a }) => a?.requests, count),
    plainNumber("requests.b", "# B", ({ b }) => b?.requests, count),
    plainNumber("rate.a", "RPS A", ({ a }) => a?.requests_per_second, rate),
    plainNumber("rate.b", "RPS B", ({ b }) => b?.requests_per_second, rate),
    ...change("p50", "p50", (row) => row.p50, millis),
    ...change("p95", "p95", (row) => row.p95, millis),
    ...change("failures", "Failures", (row) => row.failure_ratio, percent),
  ];
}

function Difference({ change, text }: { change: Change; text: (value: Maybe) => string }) {
  const { diff, low, high } = change;
  if (diff === null) return <>–</>;
  const sign = diff > 0 ? "▲" : "▼";
  return (
    <span class={change.matters ? `rp-matters ${diff > 0 ? "bad" : "good"}` : "muted"}>
      {change.matters && <span title={diff > 0 ? "worse" : "better"}>{sign} </span>}
      {signed(diff, text)}
      {low !== null && high !== null && (
        <span class="rp-interval">
          {" "}
          {signed(low, text)} … {signed(high, text)}
        </span>
      )}
    </span>
  );
}

function Side({ name, run }: { name: string; run: ComparedRun }) {
  return (
    <article class="card rp-side">
      <h3>
        {name}: {run.label}
      </h3>
      <Pairs
        pairs={[
          ["Target", run.host ?? "none"],
          ["Started", moment(run.start)],
          ["Duration", words(run.seconds)],
          ["Workload", run.workload || "–"],
          ["Engine", run.engine || "–"],
          ["Seed", run.seed === null ? "none" : String(run.seed)],
          ["Profile", run.profile ?? "none"],
          ["Generator", <span class={run.health.sound ? "good" : "bad"}>{run.health.text || "–"}</span>],
        ]}
      />
    </article>
  );
}
