// The one table of all figures: sorted by its headers, searched, grouped, and long without being slow.
import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { type Column, leastWidth, widths } from "./columns";
import { type Compact, compactOf, nameColumn } from "./compact";
import { Few, FewNote } from "./Few";
import { plural } from "./format";
import { narrow } from "./narrow";
import type { Group, Order } from "./order";
import { nextOrder, sorted } from "./order";
import { PAPER_ROWS, printing } from "./print";
import { kept } from "./settings";
import { Select } from "./Tools";
import { type Extra, type Sight, sight } from "./virtual";

const ROW_HEIGHT = 30;
/** Shorter tables are rendered whole. */
const WHOLE = 80;
const SPARE = 8;
/** So few rows are read as they stand: nobody puts them in another order on a phone. */
const FEW = 3;

export interface TableProps<T> {
  /** Under which the order is kept. */
  name: string;
  /** What a screen reader calls it. */
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** Stands last, in sight, whatever the order. */
  pinned?: T | null;
  /** Instead of `rows`: sorted within each group. */
  groups?: readonly Group<T>[] | null;
  /** What unfolds below a row; null when there is nothing. */
  detail?: (row: T) => ComponentChildren | null;
  start?: Order | null;
  /** Most figures in a line on a phone. */
  abreast?: number;
  /** Said when there are no rows. */
  empty: ComponentChildren;
}

/** A line of the table; `within` is the key of the group in which a row stands, as one row may stand in several. */
type Item<T> = { row: T; within?: string; group?: undefined } | { group: Group<T>; row?: undefined };

const isOrder = (value: unknown): value is Order | null =>
  value === null ||
  (typeof value === "object" &&
    "column" in value &&
    "direction" in value &&
    (value.direction === "ascending" || value.direction === "descending"));

export function Table<T>(props: TableProps<T>) {
  const { columns, keyOf, pinned, detail } = props;
  const order = kept<Order | null>(`${props.name}.order`, props.start ?? null, isOrder);
  const unfolded = useSignal<ReadonlySet<string>>(new Set());
  const heights = useSignal<ReadonlyMap<string, number>>(new Map());

  const items = useMemo(
    () => itemsOf(props.rows, props.groups ?? null, columns, order.value),
    [props.rows, props.groups, columns, order.value],
  );
  const { found, few } = useMemo(() => {
    const some = props.groups ? props.groups.flatMap(({ head, rows }) => (head ? [head, ...rows] : rows)) : props.rows;
    const all = pinned ? [...some, pinned] : some;
    const marked = columns.filter((column) => column.few);
    return {
      found: widths(columns, all),
      few: all.some((row) => marked.some((column) => column.few?.(row) !== undefined)),
    };
  }, [props.rows, props.groups, columns, pinned]);
  const keyed = (item: Item<T>) => itemKey(item, keyOf);
  const extras = useMemo(
    () => extrasOf(items, (item) => itemKey(item, keyOf), unfolded.value, heights.value),
    [items, keyOf, unfolded.value, heights.value],
  );
  const phone = narrow.value && !printing.value;
  const compact = useMemo(
    () => (phone ? compactOf(columns, found, props.abreast) : null),
    [phone, columns, found, props.abreast],
  );
  const { box, view, whole } = useSight(items.length, compact?.height ?? ROW_HEIGHT, extras);

  const toggle = (key: string) => {
    const next = new Set(unfolded.value);
    if (!next.delete(key)) next.add(key);
    unfolded.value = next;
  };
  const measured = (key: string, height: number) => {
    if (heights.peek().get(key) !== height) heights.value = new Map(heights.peek()).set(key, height);
  };

  if (items.length === 0 && !pinned) return <p class="fg-empty">{props.empty}</p>;
  const span = columns.length + (detail ? 1 : 0);
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a group of figures is no fieldset */}
      <div
        class={whole ? "fg-scroll" : "fg-scroll fg-long"}
        ref={box}
        aria-label={props.label}
        role="group"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        tabIndex={0}
      >
        {compact?.labelled && items.length > FEW && <OrderChoice columns={columns} order={order} />}
        <table
          class={tableClass(compact, detail !== undefined)}
          aria-rowcount={items.length + 1 + (pinned ? 1 : 0)}
          style={
            compact
              ? { "--tracks": compact.tracks, "--row": whole ? "auto" : `${compact.height}px` }
              : { "--least": `${leastWidth(found) + (detail ? 3 : 0)}ch` }
          }
        >
          <caption class="unseen">{props.label}</caption>
          <colgroup>
            {detail && <col style={{ "--width": "3ch" }} />}
            {columns.map((column, index) => (
              <col key={column.id} style={found[index] ? { "--width": `${found[index]}ch` } : {}} />
            ))}
          </colgroup>
          <thead>
            <tr aria-rowindex={1}>
              {detail && (
                <th scope="col">
                  <span class="unseen">Details</span>
                </th>
              )}
              {columns.map((column) => (
                <Header
                  key={column.id}
                  column={column}
                  compact={compact}
                  name={column === nameColumn(columns)}
                  order={order.value}
                  onSort={() => {
                    order.value = nextOrder(order.value, column.id);
                  }}
                />
              ))}
            </tr>
          </thead>
          <tbody>
            {view.above > 0 && <Gap span={span} height={view.above} />}
            {items.slice(view.first, view.end).map((item, offset) => {
              const index = view.first + offset;
              const key = keyed(item);
              if (item.group)
                return <GroupHead key={key} group={item.group} columns={columns} compact={compact} spare={!!detail} />;
              const open = unfolded.value.has(key);
              const content = detail && (open ? detail(item.row) : undefined);
              return [
                <tr key={key} aria-rowindex={index + 2}>
                  {detail && (
                    <td class="fg-fold">
                      {detail(item.row) !== null && (
                        <button type="button" aria-expanded={open} onClick={() => toggle(key)}>
                          <span class="unseen">Details</span>
                        </button>
                      )}
                    </td>
                  )}
                  <Cells row={item.row} columns={columns} compact={compact} />
                </tr>,
                content && (
                  <Detail key={`${key} detail`} span={span} onHeight={(height) => measured(key, height)}>
                    {content}
                  </Detail>
                ),
              ];
            })}
            {view.below > 0 && <Gap span={span} height={view.below} />}
            {whole && view.end < items.length && (
              <tr>
                <td colSpan={span}>
                  And {plural(items.length - view.end, "further row")}, which the file shows on a screen.
                </td>
              </tr>
            )}
          </tbody>
          {pinned && (
            <tfoot>
              <tr aria-rowindex={items.length + 2}>
                {detail && <td />}
                <Cells row={pinned} columns={columns} compact={compact} />
              </tr>
            </tfoot>
          )}
        </table>
      </div>
      {few && <FewNote />}
    </>
  );
}

function tableClass(compact: Compact<never> | null, folds: boolean): string {
  if (!compact) return "fg-table";
  return `fg-table fg-compact${compact.labelled ? " fg-labelled" : ""}${folds ? " fg-folds" : ""}`;
}

function itemsOf<T>(
  rows: readonly T[],
  groups: readonly Group<T>[] | null,
  columns: readonly Column<T>[],
  order: Order | null,
): Item<T>[] {
  const column = order && columns.find((column) => column.id === order.column);
  const inOrder = (some: readonly T[]) => (column ? sorted(some, column.value, order.direction) : some);
  if (!groups) return inOrder(rows).map((row) => ({ row }));
  return groups.flatMap((group): Item<T>[] => [
    { group },
    ...inOrder(group.rows).map((row) => ({ row, within: group.key })),
  ]);
}

/** Made for what is shown only: keys of tens of thousands of rows cost more than their order. */
function itemKey<T>(item: Item<T>, keyOf: (row: T) => string): string {
  if (item.group) return `group ${item.group.key}`;
  return item.within === undefined ? keyOf(item.row) : `${item.within} ${keyOf(item.row)}`;
}

function extrasOf<T>(
  items: readonly Item<T>[],
  keyed: (item: Item<T>) => string,
  unfolded: ReadonlySet<string>,
  heights: ReadonlyMap<string, number>,
): Extra[] {
  if (unfolded.size === 0) return [];
  return items.flatMap((item, index) => {
    const key = keyed(item);
    return unfolded.has(key) && heights.has(key) ? [{ index, height: heights.get(key) ?? 0 }] : [];
  });
}

/** Follows the scrolling of the box and tells which rows are in sight. */
function useSight(count: number, rowHeight: number, extras: readonly Extra[]) {
  const box = useRef<HTMLDivElement>(null);
  const scroll = useSignal({ scrollTop: 0, height: 600 });
  const whole = count <= WHOLE || printing.value;
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || whole) return;
    const look = () => {
      // In steps of whole rows: most scroll events change nothing.
      const scrollTop = Math.floor(element.scrollTop / rowHeight) * rowHeight;
      const height = element.clientHeight || 600;
      const now = scroll.peek();
      if (now.scrollTop !== scrollTop || now.height !== height) scroll.value = { scrollTop, height };
    };
    look();
    element.addEventListener("scroll", look, { passive: true });
    const watcher = typeof ResizeObserver === "undefined" ? null : new ResizeObserver(look);
    watcher?.observe(element);
    return () => {
      element.removeEventListener("scroll", look);
      watcher?.disconnect();
    };
  }, [whole, rowHeight, scroll]);
  const view: Sight = whole
    ? { first: 0, end: printing.value ? Math.min(count, PAPER_ROWS) : count, above: 0, below: 0 }
    : sight({ count, rowHeight, ...scroll.value, spare: SPARE, extras });
  return { box, view, whole };
}

interface HeaderProps<T> {
  column: Column<T>;
  compact: Compact<T> | null;
  name: boolean;
  order: Order | null;
  onSort: () => void;
}

function Header<T>({ column, compact, name, order, onSort }: HeaderProps<T>) {
  if (compact?.before.includes(column)) return null;
  const direction = order?.column === column.id ? order.direction : undefined;
  const label = (compact && column.brief) || column.label;
  return (
    <th
      scope="col"
      class={`fg-${column.kind}${name ? " fg-name" : ""}`}
      aria-sort={direction ?? "none"}
      style={compact && (name || compact.texts.includes(column)) ? { gridColumn: headSpan(compact, column) } : {}}
    >
      {compact?.labelled || printing.value ? (
        // On paper nothing is pressed, and browsers repeat on each page only a head without controls.
        <span class="fg-label">{label}</span>
      ) : (
        <button type="button" title={column.help} onClick={onSort}>
          {label}
        </button>
      )}
    </th>
  );
}

/** On a phone the headers of wide columns share a line, and leave none of it to those of figures, which stand below. */
function headSpan<T>({ abreast, texts }: Compact<T>, column: Column<T>): string {
  const each = Math.floor(abreast / (texts.length + 1));
  if (texts.length === 0 || each === 0) return "1 / -1";
  const at = texts.indexOf(column) + 1;
  return `${at * each + 1} / ${at === texts.length ? -1 : (at + 1) * each + 1}`;
}

/** Where headers would stand too far from their figures, a chooser puts rows in order. */
function OrderChoice<T>({ columns, order }: { columns: readonly Column<T>[]; order: Signal<Order | null> }) {
  const { column, direction = "ascending" } = order.value ?? {};
  const choices = columns.map(({ id, label }) => ({ value: id, label }));
  return (
    <div class="fg-order">
      <Select
        label="Order by"
        choices={[{ value: "", label: "as it came" }, ...choices]}
        value={column ?? ""}
        onChange={(id) => {
          order.value = id ? { column: id, direction } : null;
        }}
      />
      {column && (
        <button
          type="button"
          class="button small"
          onClick={() => {
            order.value = { column, direction: direction === "ascending" ? "descending" : "ascending" };
          }}
        >
          {direction === "ascending" ? "least first" : "most first"}
        </button>
      )}
    </div>
  );
}

interface CellsProps<T> {
  row: T;
  columns: readonly Column<T>[];
  compact: Compact<T> | null;
}

function Cells<T>({ row, columns, compact }: CellsProps<T>) {
  const name = nameColumn(columns);
  return (
    <>
      {columns.map((column) => {
        if (compact?.before.includes(column)) return null;
        const tone = column.tone?.(row);
        const text = column.text(row);
        const content = column.cell ? column.cell(row) : text;
        return (
          <td
            key={column.id}
            class={`fg-${column.kind}${column === name ? " fg-name" : ""}${tone ? ` fg-${tone}` : ""}`}
            title={column.kind === "wide" ? text : undefined}
            style={compact && column.beginsLine ? { gridColumnStart: 1 } : undefined}
            data-label={compact?.labelled && column !== name ? (column.brief ?? column.label) : undefined}
          >
            {compact && column === name && <Before row={row} columns={compact.before} />}
            {compact?.texts.includes(column) && content ? (
              <span class="fg-clamp">{content}</span>
            ) : (
              <Few why={column.few?.(row)}>{content}</Few>
            )}
          </td>
        );
      })}
    </>
  );
}

function Before<T>({ row, columns }: { row: T; columns: readonly Column<T>[] }) {
  const text = columns
    .map((column) => column.text(row))
    .filter(Boolean)
    .join(" ");
  return text ? <span class="fg-quiet">{text} </span> : null;
}

function GroupHead<T>({ group, spare, ...rest }: { group: Group<T>; spare: boolean } & Omit<CellsProps<T>, "row">) {
  const { head } = group;
  if (head === null)
    return (
      <tr class="fg-group">
        <th scope="rowgroup" colSpan={rest.columns.length + (spare ? 1 : 0)}>
          {group.label}
        </th>
      </tr>
    );
  return (
    <tr class="fg-group">
      {spare && <td />}
      <Cells row={head} {...rest} />
    </tr>
  );
}

function Gap({ span, height }: { span: number; height: number }) {
  return (
    <tr class="fg-gap">
      <td colSpan={span} style={{ height: `${height}px` }} />
    </tr>
  );
}

function Detail(props: { span: number; onHeight: (height: number) => void; children: ComponentChildren }) {
  const row = useRef<HTMLTableRowElement>(null);
  useLayoutEffect(() => {
    if (row.current) props.onHeight(row.current.offsetHeight);
  });
  return (
    <tr ref={row} class="fg-detail">
      <td colSpan={props.span}>{props.children}</td>
    </tr>
  );
}
