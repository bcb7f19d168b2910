// Single requests that were kept: the slowest and the failed ones.
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Exemplar } from "../api/types";
import type { Column } from "./columns";
import { count, moment, NONE, time, timeOfDay } from "./format";
import { traceLink } from "./links";
import { matching } from "./order";
import { kept } from "./settings";
import { Table } from "./Table";
import { Choices, Search } from "./Tools";

export interface SamplesProps {
  exemplars: readonly Exemplar[];
  traceUrl?: string | null;
  /** All are of one row, so that its name need not be told. */
  single?: boolean;
}

type Which = "all" | "slow" | "failed";
const isWhich = (value: unknown): value is Which => value === "all" || value === "slow" || value === "failed";

export function Samples({ exemplars, traceUrl = null, single = false }: SamplesProps) {
  const name = single ? "row-samples" : "samples";
  const which = kept<Which>(`${name}.which`, "all", isWhich);
  const search = useSignal("");
  const shown = useMemo(() => {
    const wanted = which.value === "all" ? exemplars : exemplars.filter(({ why }) => why === which.value);
    return matching(wanted, search.value, textOf);
  }, [exemplars, which.value, search.value]);
  const failed = shown.some(({ error }) => error !== null);
  const columns = useMemo(
    () => columnsOf(traceUrl, exemplars, single).filter(({ id }) => id !== "error" || failed),
    [traceUrl, exemplars, single, failed],
  );
  const amount = (why: Exemplar["why"]) => exemplars.filter((one) => one.why === why).length;
  return (
    <div class="fg-figure">
      <div class="fg-tools">
        <Choices
          label="Which requests"
          choices={[
            { value: "all", label: "All" },
            { value: "slow", label: `Slowest ${count(amount("slow"))}` },
            { value: "failed", label: `Failed ${count(amount("failed"))}` },
          ]}
          value={which.value}
          onChange={(value) => {
            if (isWhich(value)) which.value = value;
          }}
        />
        <Search value={search} label="Search samples" found={`${count(shown.length)} of ${count(exemplars.length)}`} />
      </div>
      <Table
        name={name}
        label="Slowest and failed requests"
        columns={columns}
        rows={shown}
        keyOf={keyOf}
        detail={detail}
        abreast={4}
        start={{ column: "time", direction: "descending" }}
        empty={exemplars.length === 0 ? "No samples yet." : "No sample matches."}
      />
    </div>
  );
}

function textOf(one: Exemplar): string {
  return [one.method, one.name, one.scenario, one.segment, one.status, one.trace, one.error, `user ${one.user}`].join(
    " ",
  );
}

function keyOf(one: Exemplar): string {
  return JSON.stringify([one.why, one.at, one.user, one.trace, one.method, one.name]);
}

function columnsOf(traceUrl: string | null, exemplars: readonly Exemplar[], single: boolean): Column<Exemplar>[] {
  const grouped = exemplars.some(({ segment }) => segment !== null);
  const traced = exemplars.some(({ trace }) => trace !== "");
  const columns: (Column<Exemplar> | false)[] = [
    {
      id: "why",
      label: "Kept as",
      kind: "text",
      value: ({ why }) => why,
      text: ({ why }) => why,
      cell: ({ why }) => <span class={why === "failed" ? "chip bad" : "chip"}>{why}</span>,
      width: 10,
    },
    {
      id: "at",
      label: "Ended",
      kind: "text",
      value: ({ at }) => at,
      text: ({ at }) => timeOfDay(at),
      cell: ({ at }) => <time title={moment(at)}>{timeOfDay(at)}</time>,
      width: 11,
    },
    !single && {
      id: "type",
      label: "Type",
      kind: "text",
      value: ({ method }) => method,
      text: ({ method }) => method,
      tone: () => "quiet",
      beforeName: true,
    },
    !single && { id: "name", label: "Name", kind: "wide", value: ({ name }) => name, text: ({ name }) => name },
    {
      id: "time",
      label: "Response time",
      kind: "number",
      value: (one) => one.time,
      text: (one) => time(one.time),
      width: 10,
    },
    {
      id: "status",
      label: "Status",
      kind: "number",
      value: ({ status }) => status,
      text: ({ status }) => (status === 0 ? "no reply" : String(status)),
      tone: ({ status }) => (status === 0 || status >= 400 ? "bad" : undefined),
      width: 10,
    },
    {
      id: "user",
      label: "User",
      kind: "text",
      value: ({ scenario, user }) => `${scenario} ${user}`,
      text: ({ scenario, user }) => `${scenario} ${user}`,
    },
    grouped && {
      id: "segment",
      label: "Group",
      kind: "text",
      value: ({ segment }) => segment,
      text: ({ segment }) => segment ?? NONE,
    },
    traced && {
      id: "trace",
      label: "Trace",
      kind: "text",
      value: ({ trace }) => trace,
      text: ({ trace }) => trace || NONE,
      cell: ({ trace }) => <Trace url={traceLink(traceUrl, trace)} trace={trace} />,
      width: 13,
    },
    {
      id: "error",
      label: "Error",
      kind: "wide",
      value: ({ error }) => error,
      text: ({ error }) => error ?? "",
      tone: () => "bad",
    },
  ];
  return columns.filter((column) => column !== false);
}

/** The id's beginning; a link where the run says where traces are. The reader of a report may copy the whole. */
function Trace({ url, trace }: { url: string | null; trace: string }) {
  if (!trace) return <>{NONE}</>;
  const short = <code>{trace.slice(0, 8)}</code>;
  if (!url) return <span title={trace}>{short}</span>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer" title={`Trace ${trace}`}>
      {short}
    </a>
  );
}

function detail(one: Exemplar) {
  if (!one.excerpt && !one.error && !one.trace) return null;
  return (
    <dl class="fg-sample">
      {one.trace && (
        <>
          <dt>Trace</dt>
          <dd>
            <code>{one.trace}</code>
          </dd>
        </>
      )}
      {one.error && (
        <>
          <dt>Error</dt>
          <dd>{one.error}</dd>
        </>
      )}
      {one.excerpt && (
        <>
          <dt>Body</dt>
          <dd>
            <pre>{one.excerpt}</pre>
          </dd>
        </>
      )}
    </dl>
  );
}
