// Journeys: for each task how far runs come, how long each step takes, and how runs end.
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import type { Funnel, Times } from "../api/types";
import { tooFew } from "./enough";
import { Few, FewNote } from "./Few";
import { count, percent, plural, time } from "./format";
import { type End, ends, type Stage, stages } from "./journeys";
import { isText, kept } from "./settings";
import { Choices, Select } from "./Tools";

export interface JourneysProps {
  funnels: readonly Funnel[];
}

const MANY = 4;

export function Journeys({ funnels }: JourneysProps) {
  const wanted = kept("journeys.class", "", isText);
  const classes = useMemo(() => [...new Set(funnels.map(({ scenario }) => scenario))], [funnels]);
  if (funnels.length === 0) return <p class="fg-empty">No journey has ended yet.</p>;
  const chosen = classes.includes(wanted.value) ? wanted.value : "";
  const choices = [{ value: "", label: "All classes" }, ...classes.map((name) => ({ value: name, label: name }))];
  const onChange = (value: string) => {
    wanted.value = value;
  };
  const shown = chosen ? funnels.filter(({ scenario }) => scenario === chosen) : funnels;
  return (
    <div class="fg-figure">
      {classes.length > 1 && (
        <div class="fg-tools">
          {classes.length <= MANY ? (
            <Choices label="User class" choices={choices} value={chosen} onChange={onChange} />
          ) : (
            <Select label="User class" choices={choices} value={chosen} onChange={onChange} />
          )}
        </div>
      )}
      <div class="fg-journeys">
        {shown.map((funnel) => (
          <FunnelCard key={`${funnel.scenario} ${funnel.task}`} funnel={funnel} />
        ))}
      </div>
      {shown.some(hasFew) && <FewNote />}
    </div>
  );
}

/** A p95 is the highest percentile that is shown: the first that too few do not tell. */
function hasFew({ duration, steps }: Funnel): boolean {
  return [duration, ...steps.map(({ time }) => time)].some(({ count }) => tooFew(count, 0.95) !== undefined);
}

function FunnelCard({ funnel }: { funnel: Funnel }) {
  const { task, scenario, runs, duration, between } = funnel;
  return (
    <article class="card fg-funnel" aria-label={`Journey ${task} of ${scenario}`}>
      <header>
        <h3>{task}</h3>
        <span class="muted">{scenario}</span>
        <dl class="fg-facts spread">
          <Fact label="runs">{count(runs)}</Fact>
          <Fact label="p50">
            <Few why={tooFew(duration.count, 0.5, "run")}>{time(duration.p50)}</Few>
          </Fact>
          <Fact label="p95">
            <Few why={tooFew(duration.count, 0.95, "run")}>{time(duration.p95)}</Few>
          </Fact>
          <Fact label="mean">{time(duration.mean)}</Fact>
          <Fact label="of it pauses">{time(between.mean)}</Fact>
        </dl>
      </header>
      <EndsBar funnel={funnel} />
      <Steps task={task} all={stages(funnel)} />
    </article>
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

function EndsBar({ funnel }: { funnel: Funnel }) {
  const all = ends(funnel);
  if (all.length === 0) return null;
  const ink = (end: End) => `fg-end fg-end-${end.tone}${end.tone === "other" ? `-${end.ink}` : ""}`;
  return (
    <div class="fg-ends">
      <div class="fg-ends-bar" aria-hidden="true">
        {all.map((end) => (
          <i key={end.outcome} class={ink(end)} style={{ flexGrow: end.runs }} />
        ))}
      </div>
      <ul aria-label="How runs ended">
        {all.map((end) => (
          <li key={end.outcome}>
            <i class={ink(end)} aria-hidden="true" />
            {end.outcome} <b>{count(end.runs)}</b> <span class="muted">{percent(end.share)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Steps({ task, all }: { task: string; all: readonly Stage[] }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of figures is no fieldset
    <div
      class="fg-scroll"
      aria-label={`Steps of ${task}`}
      role="group"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
      tabIndex={0}
    >
      <table class="fg-table fg-steps">
        <caption class="unseen">Steps of {task}</caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col" class="fg-reach">
              Runs that came to it
            </th>
            <th scope="col" class="fg-number" title="Runs whose last request it was">
              Ended here
            </th>
            <th scope="col" class="fg-number" title="Median response time">
              p50
            </th>
            <th scope="col" class="fg-number" title="95th percentile of response times">
              p95
            </th>
            <th scope="col" class="fg-number">
              Mean
            </th>
            <th scope="col" class="fg-number" title="Mean pause between the request before and this one">
              Think time before
            </th>
            <th scope="col" class="fg-number">
              Failures
            </th>
          </tr>
        </thead>
        <tbody>
          {all.map((stage) => (
            <StepRow key={`${stage.step.method} ${stage.step.name}`} stage={stage} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function StepRow({ stage: { step, reached, lost } }: { stage: Stage }) {
  const again = step.runs > 0 ? step.requests / step.runs : 1;
  return (
    <tr>
      <th scope="row" class="fg-wide" title={`${step.method} ${step.name}`}>
        {step.name} <span class="muted fg-method">{step.method}</span>
      </th>
      <td class="fg-reach">
        <span class="fg-reach-bar" aria-hidden="true">
          <i style={{ width: `${reached * 100}%` }} />
        </span>
        <span>
          {count(step.runs)} <span class="muted">{percent(reached)}</span>
          {again >= 1.05 && (
            <span class="muted" title={plural(step.requests, "request")}>
              {" "}
              × {again.toFixed(again < 10 ? 1 : 0)}
            </span>
          )}
        </span>
      </td>
      <td class={lost !== null && lost > 0 ? "fg-number" : "fg-number fg-quiet"} data-label="Ended here">
        {count(step.ended_here)}
        {lost !== null && lost > 0 && <span class="muted"> {percent(lost)}</span>}
      </td>
      <Duration label="p50" times={step.time} value={step.time.p50} p={0.5} />
      <Duration label="p95" times={step.time} value={step.time.p95} p={0.95} />
      <Duration label="Mean" times={step.time} value={step.time.mean} />
      <Duration label="Think time before" times={step.before} value={step.before.mean} />
      <td class={step.failures > 0 ? "fg-number fg-bad" : "fg-number fg-quiet"} data-label="Failures">
        {count(step.failures)}
      </td>
    </tr>
  );
}

function Duration({ label, times, value, p = 1 }: { label: string; times: Times; value: number; p?: number }) {
  return (
    <td class="fg-number" data-label={label}>
      <Few why={tooFew(times.count, p)}>{time(times.count > 0 ? value : null)}</Few>
    </td>
  );
}
