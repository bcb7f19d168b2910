// Which tasks make up a user's time, as Locust's ratios.
import type { TaskNode, Tasks } from "../api/types";
import { percent } from "./format";

export function Ratios({ tasks }: { tasks: Tasks }) {
  return (
    <div class="fg-ratios">
      <Tree title="Per class" nodes={tasks.per_class} />
      <Tree title="Total" nodes={tasks.total} />
    </div>
  );
}

function Tree({ title, nodes }: { title: string; nodes: Record<string, TaskNode> }) {
  if (Object.keys(nodes).length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <Branch nodes={nodes} />
    </section>
  );
}

function Branch({ nodes }: { nodes: Record<string, TaskNode> }) {
  return (
    <ul>
      {Object.entries(nodes).map(([name, { ratio, tasks }]) => (
        <li key={name}>
          <span class="fg-ratio">
            <b>{percent(ratio)}</b>
            <i aria-hidden="true">
              <i style={{ width: `${Math.min(1, ratio) * 100}%` }} />
            </i>
            {name}
          </span>
          {tasks && <Branch nodes={tasks} />}
        </li>
      ))}
    </ul>
  );
}
