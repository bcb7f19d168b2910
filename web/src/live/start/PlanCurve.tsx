// What would happen if the run began now: the planned number of users over time, drawn before the start.
import type { PlanReply } from "../../api/types";
import { format } from "../../look";

const WIDTH = 480;
const HEIGHT = 200;
const LEFT = 44;
const BOTTOM = 24;
const TOP = 10;
const RIGHT = 12;

/** A round number that is not below `value`: 1, 2, 5, 10, 20, 50, … */
export function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value - 1e-9) ?? 10) * power;
}

/** Short ramps are told to a tenth of a second. */
function length(seconds: number): string {
  return seconds < 10 && !Number.isInteger(seconds) ? `${seconds.toFixed(1)}\u202fs` : format.span(seconds);
}

/** The plan in one sentence. */
export function planInWords({ users, seconds, unit, duration }: PlanReply): string {
  const most = users.reduce((a, b) => Math.max(a, b), 0);
  const reached = seconds[users.indexOf(most)] ?? 0;
  const what = unit === "users" ? format.plural(most, "user") : `${format.rate(most)} ${unit}`;
  const end = duration === null ? "until it is stopped" : `ends after ${length(duration)}`;
  return reached > 0 ? `Reaches ${what} after ${length(reached)}, ${end}.` : `${what} at once, ${end}.`;
}

export function PlanCurve({ plan }: { plan: PlanReply }) {
  const end = Math.max(plan.duration ?? 0, plan.seconds.at(-1) ?? 0, 1);
  const most = roundUp(plan.users.reduce((a, b) => Math.max(a, b), 0));
  const x = (at: number) => LEFT + (at / end) * (WIDTH - LEFT - RIGHT);
  const y = (users: number) => HEIGHT - BOTTOM - (users / most) * (HEIGHT - BOTTOM - TOP);
  const points = plan.seconds.map((at, index) => [x(Math.min(at, end)), y(plan.users[index] ?? 0)] as const);
  const last = points.at(-1);
  if (last && last[0] < x(end)) points.push([x(end), last[1]]);
  const line = points.map(([a, b], index) => `${index ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
  const first = points[0] ?? [LEFT, HEIGHT - BOTTOM];
  const area = `${line}L${x(end).toFixed(1)} ${y(0)}L${first[0].toFixed(1)} ${y(0)}Z`;
  const grid = [0, 0.5, 1].map((share) => share * most);
  const moments = [0, 0.5, 1].map((share) => share * end);

  return (
    <figure class="plan">
      <svg aria-hidden="true" viewBox={`0 0 ${WIDTH} ${HEIGHT}`}>
        {grid.map((users) => (
          <g key={users}>
            <line class="grid" x1={LEFT} x2={WIDTH - RIGHT} y1={y(users)} y2={y(users)} />
            <text text-anchor="end" x={LEFT - 8} y={y(users) + 4}>
              {format.shortCount(users)}
            </text>
          </g>
        ))}
        {moments.map((at, index) => (
          <text key={at} text-anchor={(["start", "middle", "end"] as const)[index]} x={x(at)} y={HEIGHT - 6}>
            {length(at)}
          </text>
        ))}
        <path class="area" d={area} />
        <path class="line" d={line} />
        {plan.duration === null && <path class="onwards" d={`M${x(end) - 5} ${(last?.[1] ?? 0) - 4}l5 4l-5 4`} />}
      </svg>
      <figcaption>{planInWords(plan)}</figcaption>
    </figure>
  );
}
