// The generator's own health: whether the figures can be trusted, and what to do when not.
import type { Health, PERCENTILES } from "../api/types";
import type { Column } from "./columns";
import { count, percent, percentileName, stretch, time } from "./format";
import { percentileOf } from "./statsColumns";
import { Table } from "./Table";

const SHOWN = [0.5, 0.95, 0.99, 0.999, 1] as const satisfies readonly (typeof PERCENTILES)[number][];

type Driver = Health["drivers"][number];

const DRIVERS: readonly Column<Driver>[] = [
  { id: "driver", label: "Driver", kind: "wide", value: (one) => one.driver, text: (one) => one.driver },
  {
    id: "cpu",
    label: "CPU",
    kind: "number",
    width: 24,
    help: "Share of one core over the last ten seconds",
    value: (one) => one.cpu,
    text: (one) => percent(one.cpu),
    cell: (one) => (
      <span class="fg-meter">
        <span aria-hidden="true">
          <i class={one.cpu > 0.9 ? "fg-full" : ""} style={{ width: `${Math.min(1, one.cpu) * 100}%` }} />
        </span>
        {percent(one.cpu)}
      </span>
    ),
    tone: (one) => (one.cpu > 0.9 ? "bad" : undefined),
  },
  {
    id: "lag",
    label: "Lag p99.9",
    kind: "number",
    width: 14,
    help: "How late timers and ready sockets were served during the last ten seconds",
    value: (one) => one.lag,
    text: (one) => time(one.lag),
  },
];

export function HealthPanel({ health }: { health: Health }) {
  const { lag, suspect, drivers } = health;
  return (
    <div class="fg-health">
      <p class={health.sound ? "fg-verdict good" : "fg-verdict bad"}>
        <span class="dot" aria-hidden="true" />
        {health.text || (health.sound ? "The generator is healthy." : "The generator is not healthy.")}
      </p>
      {suspect.length > 0 && (
        <ol class="fg-suspect" aria-label="When figures were not to be trusted">
          {suspect.map((one) => (
            <li key={`${one.from} ${one.reason}`}>
              <b>{stretch(one.from, one.to)}</b> {one.reason}
              {one.advice && <span class="muted">. What helps: {one.advice}</span>}
            </li>
          ))}
        </ol>
      )}
      {lag.count > 0 && (
        <dl class="fg-facts" aria-label="How late the generator served timers and ready sockets">
          <div>
            <dt>wake-ups</dt>
            <dd>{count(lag.count)}</dd>
          </div>
          {SHOWN.map((p) => (
            <div key={p}>
              <dt>lag {percentileName(p)}</dt>
              <dd>{time(percentileOf(lag, p))}</dd>
            </div>
          ))}
        </dl>
      )}
      {drivers.length > 0 && (
        <Table name="drivers" label="Drivers" columns={DRIVERS} rows={drivers} keyOf={(one) => one.driver} empty="" />
      )}
    </div>
  );
}
