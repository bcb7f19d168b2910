// The statistics: one row for each request and journey, and their total.
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Funnel, Row } from "../api/types";
import type { Column } from "./columns";
import { count } from "./format";
import { narrow } from "./narrow";
import { byJourney, matching, rowKey } from "./order";
import { printing } from "./print";
import { isFlag, isTexts, kept } from "./settings";
import { STATS_COLUMNS, TYPED_NAME, usualColumns } from "./statsColumns";
import { Table } from "./Table";
import { Menu, Search, Switch } from "./Tools";

export interface StatsTableProps {
  /** Tables of one name share their settings. */
  name?: string;
  label?: string;
  rows: readonly Row[];
  total: Row;
  funnels?: readonly Funnel[];
  /** A finished run has whole-run rates instead of current ones. */
  finished?: boolean;
  /** A name becomes a button that opens the row's own charts. */
  onOpen?: (row: Row) => void;
}

export function StatsTable({
  name = "stats",
  label = "Request statistics",
  rows,
  total,
  funnels = [],
  finished = false,
  onOpen,
}: StatsTableProps) {
  const place = finished ? "report" : "live";
  const phone = narrow.value && !printing.value;
  const usual = usualColumns(finished, phone);
  const chosen = kept(`${name}.${place}.${phone ? "phone." : ""}columns`, [...usual], isTexts);
  const grouped = kept("stats.grouped", false, isFlag);
  const journeys = kept("stats.journeys", true, isFlag);
  const search = useSignal("");
  // User classes have no type.
  const typed = rows.length === 0 || rows.some(({ method }) => method !== "");
  const columns = useMemo(
    () =>
      STATS_COLUMNS.filter(({ id }) => chosen.value.includes(id) && ((typed && !phone) || id !== "type")).map(
        (column) => opening(phone && column.id === "name" ? TYPED_NAME : column, onOpen),
      ),
    [chosen.value, typed, phone, onOpen],
  );
  const hasJourneys = rows.some(({ kind }) => kind === "journey");
  const shown = useMemo(() => {
    const wanted = journeys.value || grouped.value ? rows : rows.filter(({ kind }) => kind !== "journey");
    return matching(wanted, search.value, (row) => `${row.method} ${row.name}`);
  }, [rows, search.value, journeys.value, grouped.value]);
  const groups = useMemo(
    () => (grouped.value && funnels.length > 0 ? byJourney(shown, funnels) : null),
    [shown, funnels, grouped.value],
  );
  return (
    <div class="fg-figure">
      <div class="fg-tools">
        <Search value={search} label="Search names" found={`${count(shown.length)} of ${count(rows.length)}`} />
        {hasJourneys && !grouped.value && (
          <Switch
            on={journeys.value}
            onChange={(on) => {
              journeys.value = on;
            }}
          >
            Journeys
          </Switch>
        )}
        {funnels.length > 0 && (
          <Switch
            on={grouped.value}
            onChange={(on) => {
              grouped.value = on;
            }}
          >
            Group by journey
          </Switch>
        )}
        <ColumnChooser
          chosen={chosen.value}
          usual={usual}
          onChange={(ids) => {
            chosen.value = ids;
          }}
        />
      </div>
      <Table
        name={`${name}.${place}`}
        label={label}
        columns={columns}
        rows={shown}
        groups={groups}
        keyOf={rowKey}
        pinned={total}
        empty="No requests yet."
      />
    </div>
  );
}

/** The name as a button, where there is something to open. */
function opening(column: Column<Row>, onOpen?: (row: Row) => void): Column<Row> {
  if (column.id !== "name" || !onOpen) return column;
  return {
    ...column,
    // The total's charts are those of the run.
    cell: (row) =>
      row.method === "" && row.name === "Aggregated" ? (
        column.text(row)
      ) : (
        <button type="button" class="fg-link" onClick={() => onOpen(row)}>
          {column.text(row)}
        </button>
      ),
  };
}

function ColumnChooser(props: {
  chosen: readonly string[];
  usual: readonly string[];
  onChange: (ids: string[]) => void;
}) {
  const toggle = (id: string, on: boolean) => {
    props.onChange(on ? [...props.chosen, id] : props.chosen.filter((other) => other !== id));
  };
  return (
    <Menu label="Columns">
      <div class="fg-columns">
        {STATS_COLUMNS.filter(({ id }) => id !== "name").map(({ id, label }) => (
          <Switch key={id} on={props.chosen.includes(id)} onChange={(on) => toggle(id, on)}>
            {label}
          </Switch>
        ))}
      </div>
      <button type="button" class="button small" onClick={() => props.onChange([...props.usual])}>
        As at first
      </button>
    </Menu>
  );
}
