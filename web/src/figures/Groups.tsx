// Groups of users side by side: who is served worse?
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Row, SegmentRow } from "../api/types";
import type { Column } from "./columns";
import { rowTooFew } from "./enough";
import { count, type Maybe, millis, percent, signed } from "./format";
import { difference, failuresOf, type Pair, pair, pairs, relative, segmentNames, timeOf } from "./groups";
import { matching, rowKey } from "./order";
import { isText, kept } from "./settings";
import { nameOf } from "./statsColumns";
import { Table } from "./Table";
import { Search, Select } from "./Tools";

export interface GroupsProps {
  rows: readonly Row[];
  total: Row;
}

export function Groups({ rows, total }: GroupsProps) {
  const names = useMemo(() => segmentNames([...rows, total]), [rows, total]);
  const first = kept("groups.a", "", isText);
  const second = kept("groups.b", "", isText);
  const search = useSignal("");
  const a = names.includes(first.value) ? first.value : (names[0] ?? "");
  const b =
    names.includes(second.value) && second.value !== a ? second.value : (names.find((name) => name !== a) ?? "");
  const columns = useMemo(() => columnsOf(a, b), [a, b]);
  const shown = useMemo(
    () => matching(pairs(rows, a, b), search.value, ({ row }) => `${row.method} ${row.name}`),
    [rows, a, b, search.value],
  );
  if (names.length < 2)
    return (
      <p class="fg-empty">
        {names.length === 0
          ? "Users belong to no group. A workload names one with its users' segment."
          : `All users belong to the group ${names[0]}: there is nothing to compare.`}
      </p>
    );
  const choices = names.map((name) => ({ value: name, label: name }));
  return (
    <div class="fg-figure">
      <div class="fg-tools">
        <Search value={search} label="Search names" found={`${count(shown.length)} of ${count(rows.length)}`} />
        {names.length > 2 && (
          <>
            <Select
              label="First"
              choices={choices.filter(({ value }) => value !== b)}
              value={a}
              onChange={(value) => {
                first.value = value;
              }}
            />
            <Select
              label="Second"
              choices={choices.filter(({ value }) => value !== a)}
              value={b}
              onChange={(value) => {
                second.value = value;
              }}
            />
          </>
        )}
        <span class="fg-note muted small">
          Differences are of <b>{b}</b> against <b>{a}</b>; times in milliseconds.
        </span>
      </div>
      <Table
        name="groups"
        label={`Groups ${a} and ${b}`}
        columns={columns}
        rows={shown}
        keyOf={({ row }) => rowKey(row)}
        pinned={pair(total, a, b)}
        abreast={4}
        empty="No requests of these groups."
      />
    </div>
  );
}

function columnsOf(a: string, b: string): Column<Pair>[] {
  const side = (
    id: string,
    label: string,
    value: (segment: SegmentRow | null) => number | null,
    text: (value: Maybe) => string,
  ): Column<Pair>[] => [
    number(`${id}.a`, `${label} ${a}`, (one) => value(one.a), text),
    number(`${id}.b`, `${label} ${b}`, (one) => value(one.b), text),
  ];
  const times = (p: number, label: string): Column<Pair>[] => {
    const of = (one: Pair) => [timeOf(one.a, p), timeOf(one.b, p)] as const;
    const few = (segment: SegmentRow | null, { row }: Pair) =>
      segment ? rowTooFew({ kind: row.kind, requests: segment.requests, untimed: segment.untimed }, p) : undefined;
    const [ofA, ofB] = side(label, label, (segment) => timeOf(segment, p), millis);
    return [
      { ...(ofA as Column<Pair>), few: (one) => few(one.a, one) },
      { ...(ofB as Column<Pair>), few: (one) => few(one.b, one) },
      {
        ...number(
          `${label}.relative`,
          `${label} difference`,
          (one) => relative(...of(one)),
          (value) => signed(value, percent),
        ),
        brief: "difference",
        cell: (one) => (
          <span title={`${signed(difference(...of(one)), millis)} ms`}>
            <Lean share={relative(...of(one))} />
          </span>
        ),
        width: 13.5,
      },
    ];
  };
  return [
    {
      id: "type",
      label: "Type",
      kind: "text",
      value: ({ row }) => (row.kind === "journey" ? "journey" : row.method),
      text: ({ row }) => (row.kind === "journey" ? "journey" : row.method),
      tone: () => "quiet",
      beforeName: true,
    },
    { id: "name", label: "Name", kind: "wide", value: ({ row }) => row.name, text: ({ row }) => nameOf(row) },
    ...side("requests", "#", (segment) => segment?.requests ?? null, count),
    ...side("failures", "Failures", failuresOf, percent).map((column) => ({ ...column, width: 9.5 })),
    ...times(0.5, "p50"),
    ...times(0.95, "p95"),
  ];
}

function number(
  id: string,
  label: string,
  value: (one: Pair) => number | null,
  text: (value: Maybe) => string,
): Column<Pair> {
  return { id, label, kind: "number", value, text: (one) => text(value(one)) };
}

/** Slower to the right, faster to the left; the bar is full at ±50 %. */
export function Lean({ share }: { share: number | null }) {
  const width = `${Math.min(0.5, Math.abs(share ?? 0)) * 100}%`;
  return (
    <span class="fg-lean">
      <span class="fg-lean-bar" aria-hidden="true">
        {share !== null && share !== 0 && <i class={share > 0 ? "fg-more" : "fg-less"} style={{ width }} />}
      </span>
      {signed(share, percent)}
    </span>
  );
}
