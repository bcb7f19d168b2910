// What several tests do on the page.
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { Summary } from "../../src/api/types.ts";

/** Where downloads of this process go. */
export const FOLDER = mkdtemp(join(tmpdir(), "swarmer-downloads-"));

/** The tabs of a run on one machine: address and label. */
export const TABS = [
  ["stats", "Statistics"],
  ["charts", "Charts"],
  ["journeys", "Journeys"],
  ["groups", "Groups"],
  ["samples", "Samples"],
  ["failures", "Failures"],
  ["exceptions", "Exceptions"],
  ["ratios", "Current Ratio"],
  ["reports", "Download Data"],
  ["logViewer", "Logs"],
] as const;

export type TabId = (typeof TABS)[number][0];

export async function openTabs(page: Page, tab: TabId): Promise<void> {
  const label = TABS.find(([id]) => id === tab)?.[1] ?? tab;
  await page.getByRole("tab", { name: label }).click();
}

export async function startRun(page: Page, users: string, rate: string): Promise<void> {
  await page.getByLabel("Number of users").fill(users);
  await page.getByLabel("Ramp up").fill(rate);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByRole("tablist", { name: "Views" }).waitFor();
}

export async function stopRun(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByRole("button", { name: "New", exact: true }).waitFor();
}

/** A figure as the engine has it, not as the page shows it. */
export async function figure<T>(url: string, pick: (summary: Summary) => T): Promise<T> {
  const reply = await fetch(`${url}/api/v1/summary`);
  return pick((await reply.json()) as Summary);
}
