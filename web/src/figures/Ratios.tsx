// Which tasks make up a user's time, as Locust's ratios.
import type { TaskNode, Tasks } from "../api/types";

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
      <TaskTree nodes={nodes} />
    </section>
  );
}

/** Tasks within task sets, each with its share; one decimal, as Locust has it. */
export function TaskTree({ nodes }: { nodes: Record<string, TaskNode> }) {
  return (
    <ul class="fg-tree">
      {Object.entries(nodes).map(([name, { ratio, tasks }]) => (
        <li key={name}>
          <div class="fg-tree-line">
            <span class="fg-tree-ratio">{(ratio * 100).toFixed(1)}&#8239;%</span>
            <span class="fg-tree-name">{name}</span>
            <span aria-hidden="true" class="fg-tree-bar">
              <span style={{ width: `${Math.min(100, Math.max(0, ratio * 100))}%` }} />
            </span>
          </div>
          {tasks && Object.keys(tasks).length > 0 && <TaskTree nodes={tasks} />}
        </li>
      ))}
    </ul>
  );
}
