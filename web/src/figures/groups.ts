// Two groups of users (segments) side by side: pure.
import type { Row, SegmentRow } from "../api/types";
import { failureRatio, percentileOf } from "./statsColumns";

export interface Pair {
  row: Row;
  a: SegmentRow | null;
  b: SegmentRow | null;
}

/** Every group that a row has figures of, by name. */
export function segmentNames(rows: readonly Row[]): string[] {
  const names = new Set(rows.flatMap((row) => row.segments.map(({ segment }) => segment)));
  return [...names].sort();
}

/** Rows in which at least one of two groups has figures. */
export function pairs(rows: readonly Row[], a: string, b: string): Pair[] {
  return rows.map((row) => pair(row, a, b)).filter((one) => one.a !== null || one.b !== null);
}

export function pair(row: Row, a: string, b: string): Pair {
  const find = (name: string) => row.segments.find(({ segment }) => segment === name) ?? null;
  return { row, a: find(a), b: find(b) };
}

/** A group's percentile of a row; null when it has none. */
export function timeOf(segment: SegmentRow | null, p: number): number | null {
  return segment && percentileOf(segment, p);
}

export function failuresOf(segment: SegmentRow | null): number | null {
  return segment && failureRatio(segment);
}

/** What B is more than A. */
export function difference(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : b - a;
}

/** The same as a share of A. */
export function relative(a: number | null, b: number | null): number | null {
  return a === null || b === null || a === 0 ? null : (b - a) / a;
}
