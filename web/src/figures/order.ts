// Sorting, searching and grouping of rows: pure.
import type { Funnel, Row } from "../api/types";

export interface Order {
  column: string;
  direction: "ascending" | "descending";
}

/** What a click on a header does: ascending, descending, off. */
export function nextOrder(order: Order | null, column: string): Order | null {
  if (order?.column !== column) return { column, direction: "ascending" };
  return order.direction === "ascending" ? { column, direction: "descending" } : null;
}

export type Sortable = number | string | null | undefined;

const DIGITS = 15;
/** Texts whose keys are kept: figures change each second, names and messages hardly ever. */
const KEPT = 50_000;
const keys = new Map<string, string>();

/**
 * What texts are compared by: digits inside names count as numbers ("2. Get Quote" before "10. Bind"), case does not. Made
 * once per text: a collator, asked for each comparison, takes five times as long for a table of thousands.
 */
function comparable(text: string): string {
  let key = keys.get(text);
  if (key === undefined) {
    key = text.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(DIGITS, "0"));
    if (keys.size >= KEPT) keys.clear();
    keys.set(text, key);
  }
  return key;
}

/**
 * Sorts a copy. Rows without a value come last in either direction; equal ones keep their order. The values are read
 * once per row, not once per comparison.
 */
export function sorted<T>(rows: readonly T[], value: (row: T) => Sortable, direction: Order["direction"]): T[] {
  const sign = direction === "ascending" ? 1 : -1;
  const keyed = rows.map((row, index) => {
    const own = value(row);
    return { row, index, value: typeof own === "string" ? comparable(own) : own };
  });
  const absent = (value: Sortable): value is null | undefined =>
    value === null || value === undefined || Number.isNaN(value);
  keyed.sort((a, b) => {
    const [left, right] = [a.value, b.value];
    if (absent(left) || absent(right)) {
      if (absent(left) && absent(right)) return a.index - b.index;
      return absent(left) ? 1 : -1;
    }
    const compared = left < right ? -1 : left > right ? 1 : 0;
    return compared === 0 ? a.index - b.index : compared * sign;
  });
  return keyed.map(({ row }) => row);
}

/** Rows in whose text every word of the search occurs, in any order and any case. */
export function matching<T>(rows: readonly T[], search: string, text: (row: T) => string): readonly T[] {
  const wanted = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return rows;
  return rows.filter((row) => {
    const hay = text(row).toLowerCase();
    return wanted.every((word) => hay.includes(word));
  });
}

export interface Group<T> {
  key: string;
  label: string;
  /** The row that stands for the whole group, if there is one. */
  head: T | null;
  rows: T[];
}

/** The key under which a row is known. */
export function rowKey(row: { kind: string; method: string; name: string }): string {
  return JSON.stringify([row.kind, row.method, row.name]);
}

/**
 * Rows by journey: under each task its requests in the order of its steps, with the row of the journey itself at the
 * head. A request that several journeys send stands under each of them; what no journey sends comes last.
 */
export function byJourney(rows: readonly Row[], funnels: readonly Funnel[]): Group<Row>[] {
  const known = new Map(rows.map((row) => [rowKey(row), row]));
  const used = new Set<Row>();
  const groups = funnels.map((funnel): Group<Row> => {
    const head = known.get(rowKey({ kind: "journey", method: funnel.scenario, name: funnel.task })) ?? null;
    const steps = funnel.steps
      .map((step) => known.get(rowKey({ kind: "request", method: step.method, name: step.name })))
      .filter((row) => row !== undefined);
    for (const row of head ? [head, ...steps] : steps) used.add(row);
    return {
      key: JSON.stringify([funnel.scenario, funnel.task]),
      label: `${funnel.task} · ${funnel.scenario}`,
      head,
      rows: steps,
    };
  });
  const rest = rows.filter((row) => !used.has(row));
  if (rest.length > 0) groups.push({ key: "", label: "Outside of journeys", head: null, rows: rest });
  return groups.filter((group) => group.head !== null || group.rows.length > 0);
}
