// Two runs side by side, and which of their differences matter.
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { ComparedRow, ComparedRun, Comparison, Difference } from "../api/types";
import type { Column } from "../figures/columns";
import { tooFew } from "../figures/enough";
import { count, type Maybe, millis, moment, percent, signed, words } from "../figures/format";
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
            A: {a.title} · B: {b.title}
          </p>
          <h1 class="rp-verdict">{comparison.verdict}</h1>
          <Tally comparison={comparison} />
          {comparison.warnings.length > 0 && (
            <ul class="rp-notes">
              {comparison.warnings.map((note) => (
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
          {(a.notes.length > 0 || b.notes.length > 0) && (
            <ul class="rp-notes">
              {[...a.notes.map((note) => `A: ${note}`), ...b.notes.map((note) => `B: ${note}`)].map((note) => (
                <li key={note}>{note}</li>
              ))}
            </ul>
          )}
        </Section>
      </main>
    </Page>
  );
}

/** `99 %`. */
function sure(confidence: number): string {
  return `${Number((confidence * 100).toFixed(2))} %`;
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
    return matching(wanted, search.value, ({ method, name }) => `${method} ${name}`);
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
        <span class="fg-note muted small">
          Times in milliseconds. Small figures tell where the difference lies with {percent(comparison.confidence)}{" "}
          confidence; ▲ worse and ▼ better mark what is no accident.
        </span>
      </div>
      <Table
        name="comparison"
        label="Differences row by row"
        columns={columns}
        rows={shown}
        keyOf={rowKey}
        pinned={comparison.total}
        abreast={3}
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
      value: ({ method }) => method,
      text: ({ kind, method }) => (kind === "request" ? method : kind),
      tone: () => "quiet",
      beforeName: true,
    },
    { id: "name", label: "Name", kind: "wide", value: ({ name }) => name, text: ({ name }) => name },
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
    of: (row: ComparedRow) => Difference,
    text: (value: Maybe) => string,
    p = 1,
  ): Column<ComparedRow>[] => [
    {
      ...plainNumber(`${id}.a`, `${label} A`, (row) => of(row).a, text),
      beginsLine: true,
      few: (row) => tooFewOf(row, row.requests.a, p),
    },
    {
      ...plainNumber(`${id}.b`, `${label} B`, (row) => of(row).b, text),
      few: (row) => tooFewOf(row, row.requests.b, p),
    },
    {
      id: `${id}.diff`,
      label: `${label} difference`,
      help: `B against A, and where the difference lies with ${sure(confidence)} confidence`,
      kind: "number",
      width: 21,
      brief: "difference",
      tall: true,
      value: (row) => of(row).diff,
      text: (row) => signed(of(row).diff, text),
      cell: (row) => <Apart difference={of(row)} text={text} />,
    },
  ];
  return [
    ...name,
    plainNumber("requests.a", "# A", (row) => row.requests.a, count),
    plainNumber("requests.b", "# B", (row) => row.requests.b, count),
    ...change("p50", "p50", (row) => row.p50, millis, 0.5),
    ...change("p95", "p95", (row) => row.p95, millis, 0.95),
    ...change("failures", "Failures", (row) => row.failure_ratio, percent),
  ];
}

const tooFewOf = (row: ComparedRow, requests: number, p: number) =>
  tooFew(requests, p, row.kind === "journey" ? "run" : "request");

function Apart({ difference, text }: { difference: Difference; text: (value: Maybe) => string }) {
  const { diff, low, high, matters, better } = difference;
  if (diff === null) return <span>–</span>;
  return (
    <span class={matters ? `rp-matters ${better ? "good" : "bad"}` : "muted"}>
      {matters && (
        <span role="img" aria-label={better ? "better" : "worse"}>
          {better ? "▼ " : "▲ "}
        </span>
      )}
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
        {name}: {run.title}
      </h3>
      <Pairs
        pairs={[
          ["Target", run.host ?? "none"],
          ["Started", moment(run.start)],
          ["Duration", words(run.duration)],
          ["Workload", run.workload || "–"],
          ["Requests", `${count(run.requests)}, ${count(run.failures)} failed`],
          ["Profile", run.profile ?? "none"],
          ["Generator", <span class={run.sound ? "good" : "bad"}>{run.health || "–"}</span>],
        ]}
      />
    </article>
  );
}
