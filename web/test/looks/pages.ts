// Reports as the engine writes them, of made-up runs.
import type { Record_ } from "../../src/api/types";
import { dayRecord, emptyRecord, largeRecord, smallRecord, suspectRecord } from "../fixtures/make";

export const records: Record<string, Record_> = {
  small: smallRecord(),
  suspect: suspectRecord(),
  day: dayRecord(),
  large: largeRecord(),
  empty: emptyRecord(),
};

/** JSON that may stand inside a script element: no `<` can end it. */
export function inScript(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

export function reportPage(template: string, name: string): string {
  const data = `<script type="application/json" id="swarmer-record">${inScript(records[name])}</script>`;
  return template.replace("<!--boot-->", () => data);
}
