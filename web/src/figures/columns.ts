// What a table knows of a column: pure.
import type { ComponentChildren } from "preact";
import type { Sortable } from "./order";

export interface Column<T> {
  id: string;
  label: string;
  /** A sentence for those who point at the header. */
  help?: string;
  /** Numbers stand right; wide texts share what room is left and are cut with an ellipsis. */
  kind: "number" | "text" | "wide";
  /** What it is sorted by. */
  value: (row: T) => Sortable;
  /** The value as text. */
  text: (row: T) => string;
  /** The content of the cell, where it is more than the text. */
  cell?: (row: T) => ComponentChildren;
  tone?: (row: T) => "bad" | "quiet" | undefined;
  /** Why so few requests do not tell the figure; nothing where they do. */
  few?: (row: T) => string | undefined;
  /** Characters; found from the rows when not given. */
  width?: number;
  /** On a phone it stands before the name, not in a column of its own. */
  beforeName?: true;
  /** On a phone it is the first of its line. */
  beginsLine?: true;
  /** On a phone its figure takes two lines. */
  tall?: true;
  /** The label on a phone, where the other is long. */
  brief?: string;
}

const ROOM = 2.5;
const WIDE = 22;

/**
 * Widths in characters (0: takes its share of what is left). They come from all rows, not from those in sight, so that
 * scrolling and new figures do not move the columns.
 */
export function widths<T>(columns: readonly Column<T>[], rows: readonly T[]): number[] {
  return columns.map((column) => {
    if (column.kind === "wide") return 0;
    if (column.width !== undefined) return column.width;
    // A header breaks between words, not after its "#", and has room for the arrow of its order.
    const header =
      Math.max(
        ...column.label
          .replace("# ", "#\u00a0")
          .split(/ +/)
          .map((word) => word.length),
      ) + 2;
    return Math.max(header, Math.min(longest(column, rows), 40)) + ROOM;
  });
}

/** The least width of a table in characters. */
export function leastWidth(found: readonly number[]): number {
  return found.reduce((sum, width) => sum + (width || WIDE), 0);
}

function longest<T>(column: Column<T>, rows: readonly T[]): number {
  if (column.kind === "text") return rows.reduce((most, row) => Math.max(most, column.text(row).length), 0);
  // Formatting every number of a long table each second would cost more than showing it: the largest stand for all.
  let most: { size: number; row: T } | null = null;
  let length = 4;
  for (const row of rows) {
    const value = column.value(row);
    const size = typeof value === "number" ? Math.abs(value) : 0;
    if (most === null || size > most.size) most = { size, row };
  }
  if (most) length = Math.max(length, column.text(most.row).length);
  return length;
}
