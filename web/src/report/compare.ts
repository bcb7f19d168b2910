// What a comparison comes to: pure.
import type { ComparedRow, ComparedRun, Difference } from "../api/types";

/** The figures by which a row is judged. The rate is none of them: it follows from the number of users. */
export const judged = (row: ComparedRow): Difference[] => [row.failure_ratio, row.mean, row.p50, row.p95, row.p99];

export function matters(row: ComparedRow): boolean {
  return judged(row).some((difference) => difference.matters);
}

export interface Tally {
  worse: number;
  better: number;
  same: number;
  /** Rows that only one of the runs has. */
  only: number;
}

/** A row with one figure that got worse is worse, whatever else got better. */
export function tally(rows: readonly ComparedRow[]): Tally {
  const found: Tally = { worse: 0, better: 0, same: 0, only: 0 };
  for (const row of rows) {
    const real = judged(row).filter((difference) => difference.matters);
    if (row.requests.a === 0 || row.requests.b === 0) found.only += 1;
    else if (real.some(({ better }) => better === false)) found.worse += 1;
    else if (real.length > 0) found.better += 1;
    else found.same += 1;
  }
  return found;
}

/** Options that were given differently; null where one was not given. */
export function settingsThatDiffer(
  a: ComparedRun,
  b: ComparedRun,
): { name: string; a: string | null; b: string | null }[] {
  const names = new Set([...Object.keys(a.settings), ...Object.keys(b.settings)]);
  return [...names]
    .sort()
    .map((name) => ({ name, a: a.settings[name] ?? null, b: b.settings[name] ?? null }))
    .filter((one) => one.a !== one.b);
}
