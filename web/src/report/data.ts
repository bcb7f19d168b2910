// What the engine put into this file.
import type { Comparison, Record_, Tasks } from "../api/types";

export type Content =
  | { kind: "record"; record: Record_ }
  | { kind: "comparison"; comparison: Comparison }
  | { kind: "nothing"; why: string };

/** What this page was told beside its data: as Locust does, so that tools that read Locust's reports find it. */
export interface TemplateArgs {
  /** Null where nobody knows them. */
  tasks?: Tasks | null;
  show_download_link?: boolean;
}

declare global {
  interface Window {
    theme?: string;
  }
}

export function templateArgs(): TemplateArgs {
  return (window.templateArgs ?? {}) as TemplateArgs;
}

const EMPTY =
  "This is the empty page that reports are made of. The engine fills it: --html FILE writes one at the end of a run.";
const BROKEN = "inside this file cannot be read: it is damaged, or of another version.";

/**
 * Reads the data; what is missing or broken becomes a sentence. Data stand in a script element as JSON or, when they are
 * long, as gzip in Base64 with `data-encoding="gzip"`.
 */
export async function content(document: Document): Promise<Content> {
  const comparison = document.getElementById("swarmer-comparison");
  if (comparison) {
    const value = await read(comparison);
    if (isComparison(value)) return { kind: "comparison", comparison: value };
    return { kind: "nothing", why: `The comparison ${BROKEN}` };
  }
  const record = document.getElementById("swarmer-record");
  if (record) {
    const value = await read(record);
    if (isRecord(value)) return { kind: "record", record: value };
    return { kind: "nothing", why: `The record ${BROKEN}` };
  }
  return { kind: "nothing", why: EMPTY };
}

async function read(element: HTMLElement): Promise<unknown> {
  try {
    const text = element.textContent ?? "";
    return JSON.parse(element.dataset.encoding === "gzip" ? await unpacked(text) : text);
  } catch {
    return null;
  }
}

async function unpacked(base64: string): Promise<string> {
  const bytes = Uint8Array.from(atob(base64.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

function has(value: unknown, ...fields: string[]): boolean {
  return typeof value === "object" && value !== null && fields.every((field) => field in value);
}

function isRecord(value: unknown): value is Record_ {
  return has(value, "rows", "total", "history", "start", "at");
}

function isComparison(value: unknown): value is Comparison {
  return has(value, "a", "b", "rows", "total");
}
