// Workers of a distributed run, sortable.
import { useMemo, useState } from "preact/hooks";
import type { Worker } from "../../api/types";
import { Empty, format, Icon } from "../../look";

type Column = "id" | "state" | "users" | "cpu" | "memory";
type Order = { column: Column; down: boolean } | null;

const COLUMNS: { id: Column; label: string; number: boolean }[] = [
  { id: "id", label: "Worker", number: false },
  { id: "state", label: "State", number: false },
  { id: "users", label: "# users", number: true },
  { id: "cpu", label: "CPU usage", number: true },
  { id: "memory", label: "Memory usage", number: true },
];

const KINDS: Record<string, string> = { running: "good", spawning: "accent", missing: "bad", stopping: "warn" };
/** Percent of a core from which a worker delays its own measurements. */
const BUSY = 90;

// Made once: making a collator costs more than hundreds of comparisons.
const collator = new Intl.Collator(undefined, { numeric: true });

export function sorted(workers: Worker[], order: Order): Worker[] {
  if (!order) return workers;
  const { column, down } = order;
  const sign = down ? -1 : 1;
  return [...workers].sort((a, b) => {
    const [x, y] = [a[column], b[column]];
    if (typeof x === "number" && typeof y === "number") return sign * (x - y);
    return sign * collator.compare(String(x), String(y));
  });
}

export function Workers({ workers, expected }: { workers: Worker[]; expected: number }) {
  const [order, setOrder] = useState<Order>(null);
  const rows = useMemo(() => sorted(workers, order), [workers, order]);
  // Sorting moves the lines of hundreds of workers and does not make them anew.
  const lines = useMemo(
    () => new Map(workers.map((worker) => [worker.id, <Line key={worker.id} {...worker} />])),
    [workers],
  );
  const click = (column: Column) => {
    // Up, down, and as it was.
    if (order?.column !== column) setOrder({ column, down: false });
    else setOrder(order.down ? null : { column, down: true });
  };

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
  return (
    <div class="card scroll workers">
      <table class="table">
        <caption class="unseen">Workers</caption>
        <thead>
          <tr>
            {COLUMNS.map(({ id, label, number }) => {
              const mine = order?.column === id ? order : null;
              return (
                <th
                  aria-sort={mine ? (mine.down ? "descending" : "ascending") : undefined}
                  class={number ? "number" : ""}
                  key={id}
                  scope="col"
                >
                  <button class="sort" onClick={() => click(id)} type="button">
                    {label}
                    {mine && <Icon name={mine.down ? "down" : "up"} size={12} />}
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{rows.map(({ id }) => lines.get(id))}</tbody>
        <tfoot>
          <tr>
            <th scope="row">{format.plural(workers.length, "worker")}</th>
            <td />
            <td class="number">{format.count(users)}</td>
            <td />
            <td />
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

function Line({ id, state, users, cpu, memory }: Worker) {
  return (
    <tr>
      <th class="mono" scope="row">
        {id}
      </th>
      <td>
        <span class={`chip ${KINDS[state] ?? ""}`}>{state}</span>
      </td>
      <td class="number">{format.count(users)}</td>
      <td class={`number${cpu > BUSY ? " bad" : ""}`}>{format.percent(cpu / 100)}</td>
      <td class="number">{memory > 0 ? format.bytes(memory) : format.NONE}</td>
    </tr>
  );
}
