// Workers of a distributed run.
import type { Worker } from "../../api/types";
import { type Column, Table } from "../../figures";
import { Empty, format } from "../../look";

const KINDS: Record<string, string> = { running: "good", spawning: "accent", missing: "bad", stopping: "warn" };
/** Percent of a core from which a worker delays its own measurements. */
const BUSY = 90;

/** The line below all workers; a worker's own name is never empty. */
const SUM = "";

const COLUMNS: readonly Column<Worker>[] = [
  { id: "id", label: "Worker", kind: "wide", value: ({ id }) => id, text: nameOf },
  {
    id: "state",
    label: "State",
    kind: "text",
    value: ({ state }) => state,
    text: ({ state }) => state,
    cell: ({ id, state }) => id !== SUM && <span class={`chip ${KINDS[state] ?? ""}`}>{state}</span>,
    width: 14,
  },
  {
    id: "users",
    label: "# users",
    kind: "number",
    value: ({ users }) => users,
    text: ({ users }) => format.count(users),
  },
  {
    id: "cpu",
    label: "CPU usage",
    kind: "number",
    value: ({ cpu }) => cpu,
    text: ({ id, cpu }) => (id === SUM ? "" : format.percent(cpu / 100)),
    tone: ({ cpu }) => (cpu > BUSY ? "bad" : undefined),
  },
  {
    id: "memory",
    label: "Memory usage",
    kind: "number",
    value: ({ memory }) => (memory > 0 ? memory : null),
    text: ({ id, memory }) => (id === SUM ? "" : memory > 0 ? format.bytes(memory) : format.NONE),
  },
];

function nameOf({ id, state }: Worker): string {
  return id === SUM ? state : id;
}

export function Workers({ workers, expected }: { workers: Worker[]; expected: number }) {
  if (workers.length === 0) {
    return (
      <div class="card">
        <Empty title="No worker is connected">
          {expected > 1 ? `The run waits for ${expected} workers. ` : ""}
          Start one with --worker and the address of this master.
        </Empty>
      </div>
    );
  }
  const users = workers.reduce((sum, worker) => sum + worker.users, 0);
  const sum = { id: SUM, state: format.plural(workers.length, "worker"), users, cpu: 0, memory: 0 };
  return (
    <section class="card figure">
      <Table
        name="workers"
        label="Workers"
        columns={COLUMNS}
        rows={workers}
        keyOf={({ id }) => id}
        pinned={sum}
        empty="No worker is connected."
      />
    </section>
  );
}
