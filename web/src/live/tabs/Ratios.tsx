// How often each task runs, as it was meant: within its class, and within the whole run.
import type { Tasks } from "../../api/types";
import { TaskTree } from "../../figures";
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
          <TaskTree nodes={tasks.per_class} />
        </div>
      </section>
      <section class="card">
        <header>
          <h2>Total ratio</h2>
        </header>
        <div class="body">
          {running ? <TaskTree nodes={tasks.total} /> : <p class="muted">Known as soon as users are running.</p>}
        </div>
      </section>
    </div>
  );
}
