// Reports as the engine writes them, of made-up runs.
import { gzipSync } from "node:zlib";
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

/** Longer data are packed. */
const LONG = 2_000_000;

export function reportPage(template: string, name: string): string {
  const json = inScript(records[name]);
  const data =
    json.length < LONG
      ? `<script type="application/json" id="swarmer-record">${json}</script>`
      : `<script type="text/plain" id="swarmer-record" data-encoding="gzip">${gzipSync(json).toString("base64")}</script>`;
  return template.replace("<!--boot-->", () => data);
}
