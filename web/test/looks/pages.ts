// Reports as the engine writes them, of made-up runs.
import { gzipSync } from "node:zlib";
import type { Comparison, Record_ } from "../../src/api/types";
import { comparison } from "../fixtures/comparison";
import { dayRecord, emptyRecord, largeRecord, smallRecord, suspectRecord } from "../fixtures/make";

export const records: Record<string, Record_ | Comparison> = {
  small: smallRecord(),
  suspect: suspectRecord(),
  day: dayRecord(),
  large: largeRecord(),
  empty: emptyRecord(),
  comparison: comparison(),
};

/** JSON that may stand inside a script element: no `<` can end it. */
export function inScript(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

/** Longer data are packed. */
const LONG = 2_000_000;

export function reportPage(template: string, name: string): string {
  const json = inScript(records[name]);
  const id = name === "comparison" ? "swarmer-comparison" : "swarmer-record";
  const data =
    json.length < LONG
      ? `<script type="application/json" id="${id}">${json}</script>`
      : `<script type="text/plain" id="${id}" data-encoding="gzip">${gzipSync(json).toString("base64")}</script>`;
  return template.replace("<!--boot-->", () => data);
}
