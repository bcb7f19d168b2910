// What everybody wants to know at a glance, and the buttons that change it.
import type { ComponentChildren } from "preact";
import type { Now } from "../api/store";
import { type Mark, PERCENTILES, type RunState } from "../api/types";
import { format } from "../look";
import { Actions } from "./Actions";
import { stateInWords } from "./announce";
import { useStore } from "./context";
import { HealthLight } from "./HealthLight";
import { PageTools } from "./PageTools";
import { Sparkline } from "./Sparkline";

const P95 = PERCENTILES.indexOf(0.95);

const KINDS: Partial<Record<RunState, string>> = {
  spawning: "accent",
  running: "good",
  cleanup: "warn",
  stopping: "warn",
  missing: "bad",
};

export function TopBar({ onNew, starting }: { onNew: () => void; starting: boolean }) {
  const store = useStore();
  const now = store.now.value;
  const boot = store.boot.value;
  return (
    <header class="top">
      <div class="top-name">
        <span aria-hidden="true" class="logo" />
        <div>
          <p class="top-workload">{boot?.workload ?? "swarmer"}</p>
          <p class="top-host" title={now?.host ?? undefined}>
            {now?.host || "no host"}
          </p>
        </div>
        {now && (
          <span class={`chip ${KINDS[now.state] ?? ""}`} title={stateInWords(now.state)}>
            <span class={`dot${now.state === "spawning" || now.state === "stopping" ? " beats" : ""}`} />
            {now.state}
          </span>
        )}
      </div>
      {now && now.state !== "ready" && !store.beginning.value && <Glance />}
      <Actions onNew={onNew} starting={starting} />
      <PageTools />
    </header>
  );
}

function Glance() {
  const store = useStore();
  const now = store.now.value;
  const boot = store.boot.value;
  const history = store.history.value;
  if (!now) return null;
  const { total, users, target_users: target } = now;
  const ratio = total.requests > 0 ? total.failures / total.requests : null;
  const ended = now.state === "stopped";
  const rate = ended ? total.requests_per_second : total.current.requests_per_second;
  const p95 = ended ? total.percentiles[P95] : total.current.percentiles[P95];
  return (
    <dl class={`glance${store.old.value ? " is-old" : ""}`}>
      <Figure label="Users" short="Users">
        {format.count(users)}
        {target !== null && target !== users && !ended && <span class="of"> / {format.count(target)}</span>}
      </Figure>
      {boot?.is_distributed && <Figure label="Workers">{format.count(now.worker_count)}</Figure>}
      <Figure label={ended ? "RPS (whole run)" : "RPS"} short="RPS" trend={<Sparkline values={history.rate.mean} />}>
        {format.rate(rate)}
      </Figure>
      <Figure kind={ratio ? "bad" : undefined} label="Failures">
        {format.percent(ratio)}
      </Figure>
      <Figure label={ended ? "p95 (whole run)" : "p95"} short="p95" trend={<Sparkline values={history.p95.mean} />}>
        {format.time(p95)}
      </Figure>
      <RunTime />
      <HealthLight health={now.health} />
    </dl>
  );
}

/** Seconds that a run has taken; a stopped one takes no longer. */
export function elapsed({ at, started, state, total }: Now, marks: readonly Mark[]): number | null {
  if (started === null) return null;
  if (state !== "stopped") return at - started;
  const stop = marks.findLast((mark) => mark.kind === "stop" && mark.at >= started)?.at;
  return (stop ?? total.last_request ?? at) - started;
}

function RunTime() {
  const store = useStore();
  const now = store.now.value;
  const taken = now && elapsed(now, store.marks.value);
  if (!now || taken === null) return null;
  const left = now.ends && now.state !== "stopped" ? Math.max(0, now.ends - now.at) : null;
  return (
    <Figure label="Elapsed">
      {format.clock(taken)}
      {left !== null && <span class="of"> −{format.clock(left)}</span>}
    </Figure>
  );
}

interface FigureProps {
  label: string;
  short?: string;
  kind?: string;
  trend?: ComponentChildren;
  children: ComponentChildren;
}

function Figure({ label, kind, trend, children }: FigureProps) {
  return (
    <div class="glance-figure">
      <dt>{label}</dt>
      <dd>
        <span class={kind}>{children}</span>
        {trend}
      </dd>
    </div>
  );
}
