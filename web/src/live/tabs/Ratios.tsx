// How often each task runs, as it was meant: within its class, and within the whole run.
import type { TaskNode, Tasks } from "../../api/types";
import { Empty } from "../../look";

export function Ratios({ tasks }: { tasks: Tasks }) {
  const running = Object.values(tasks.total).some(({ ratio }) => ratio > 0);
  if (Object.keys(tasks.per_class).length === 0) {
    return (
      <div class="card">
        <Empty title="No tasks">No user class has told its tasks yet.</Empty>
      </div>
    );
  }
  return (
    <div class="halves">
      <section class="card">
        <header>
          <h2>Ratio per user class</h2>
        </header>
        <div class="body">
          <Tree nodes={tasks.per_class} />
        </div>
      </section>
      <section class="card">
        <header>
          <h2>Total ratio</h2>
        </header>
        <div class="body">
          {running ? <Tree nodes={tasks.total} /> : <p class="muted">Known as soon as users are running.</p>}
        </div>
      </section>
    </div>
  );
}

function Tree({ nodes }: { nodes: Record<string, TaskNode> }) {
  return (
    <ul class="tree">
      {Object.entries(nodes).map(([name, { ratio, tasks }]) => (
        <li key={name}>
          <div class="tree-line">
            <span class="tree-ratio">{(ratio * 100).toFixed(1)}&#8239;%</span>
            <span class="tree-name">{name}</span>
            <span aria-hidden="true" class="tree-bar">
              <span style={{ width: `${Math.min(100, Math.max(0, ratio * 100))}%` }} />
            </span>
          </div>
          {tasks && Object.keys(tasks).length > 0 && <Tree nodes={tasks} />}
        </li>
      ))}
    </ul>
  );
}
