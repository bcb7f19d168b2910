// A run as large as the page has to bear: 2,000 names, 20,000 distinct errors, 500 workers.
import type { Summary } from "../../src/api/types.ts";
import { largeRecord } from "../fixtures/make.ts";
import type { MockEngine } from "./engine.ts";

export const LARGE = { names: 2000, errors: 20_000, workers: 500 };

let made: ReturnType<typeof largeRecord> | null = null;

/** The summary of a large run in which every row has moved since the last one was asked for. */
export function largeSummary(engine: MockEngine): Summary {
  made ??= largeRecord();
  for (const row of made.rows) {
    row.requests += 1 + (row.order % 7);
    row.current.requests_per_second = 1 + (row.requests % 13);
  }
  for (const error of made.errors) error.occurrences += 1;
  const { history: _, row_histories: __, ...summary } = made;
  return { ...summary, at: Date.now() / 1000, workers: engine.workers(), marks: engine.marks };
}
