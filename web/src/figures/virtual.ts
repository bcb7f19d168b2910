// Which rows of a long table are in sight: pure.

export interface Extra {
  /** The row below which it stands. */
  index: number;
  /** Pixels. */
  height: number;
}

export interface Sight {
  /** First row to render, and the one after the last. */
  first: number;
  end: number;
  /** Pixels of what is left out above and below. */
  above: number;
  below: number;
}

export interface Viewport {
  count: number;
  rowHeight: number;
  scrollTop: number;
  height: number;
  /** Rows rendered beyond what is in sight, so that scrolling does not show gaps. */
  spare: number;
  /** Unfolded details below rows, by ascending index. */
  extras?: readonly Extra[];
}

/** The stretch of rows to render. Rows have one height; unfolded details add theirs. */
export function sight({ count, rowHeight, scrollTop, height, spare, extras = [] }: Viewport): Sight {
  const topOf = (index: number) =>
    index * rowHeight + extras.reduce((sum, extra) => (extra.index < index ? sum + extra.height : sum), 0);
  const total = topOf(count);
  const top = Math.max(0, Math.min(scrollTop, total - height));
  const first = Math.max(0, rowAt(top, rowHeight, extras) - spare);
  const end = Math.min(count, rowAt(top + height, rowHeight, extras) + 1 + spare);
  return { first, end, above: topOf(first), below: total - topOf(end) };
}

/** The row that holds the pixel `y`; its unfolded details belong to it. */
function rowAt(y: number, rowHeight: number, extras: readonly Extra[]): number {
  let before = 0;
  for (const extra of extras) {
    const start = (extra.index + 1) * rowHeight + before;
    if (y < start) break;
    if (y < start + extra.height) return extra.index;
    before += extra.height;
  }
  return Math.floor((y - before) / rowHeight);
}
