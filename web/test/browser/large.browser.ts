// A run of 2,000 names, 20,000 errors and 500 workers in Chromium: only what is in sight is on the page.
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Browser, openBrowser, type Watch, watch } from "./chromium.ts";
import { type Pretended, pretend } from "./pretended.ts";

/** Rows of a high window, and those rendered beyond it. */
const IN_SIGHT = 70;

let engine: Pretended;
let browser: Browser;
let page: Page;
let seen: Watch;

beforeAll(async () => {
  engine = await pretend({ large: true });
  browser = await openBrowser();
  page = await browser.context.newPage();
  seen = watch(page, engine.url);
  await page.goto(engine.url);
});

afterAll(async () => {
  await browser?.close();
  await engine?.close();
});

async function open(tab: string, label: string): Promise<Locator> {
  await page.getByRole("tab", { name: tab, exact: true }).click();
  const table = page.getByRole("table", { name: label });
  await table.locator("tbody tr[aria-rowindex]").first().waitFor();
  return table;
}

const rows = (table: Locator) => table.locator("tbody tr");
const firstIndex = async (table: Locator) =>
  Number(await table.locator("tbody tr[aria-rowindex]").first().getAttribute("aria-rowindex"));

for (const [tab, label, least] of [
  ["Statistics", "Request statistics", 2000],
  ["Failures", "Failures", 20_000],
  ["Workers", "Workers", 500],
] as const)
  test(`${tab}: rows are rendered as they come into sight, whatever the order`, async () => {
    const table = await open(tab, label);
    expect(Number(await table.getAttribute("aria-rowcount"))).toBeGreaterThanOrEqual(least);
    expect(await rows(table).count()).toBeLessThan(IN_SIGHT);
    await table.locator("thead button").nth(1).click();
    expect(await table.locator("thead th[aria-sort=ascending]").count()).toBe(1);
    expect(await rows(table).count()).toBeLessThan(IN_SIGHT);
    await page
      .locator(".panel .fg-long")
      .first()
      .evaluate((box) => {
        box.scrollTop = box.scrollHeight / 2;
      });
    await expect.poll(() => firstIndex(table)).toBeGreaterThan(least / 3);
    expect(await rows(table).count()).toBeLessThan(IN_SIGHT);
  });

test("on a phone each row shows its figures without scrolling aside", async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  const table = await open("Statistics", "Request statistics");
  const labels = async () => (await table.locator("thead th").allInnerTexts()).map((text) => text.replace(/\s+/g, " "));
  await expect.poll(labels).toEqual(["Name", "# Requests", "# Fails", "Median", "95%ile", "Current RPS"]);
  expect(await rows(table).count()).toBeLessThan(IN_SIGHT);
  // Every cell of a row lies within the window, and all rows are of the height that scrolling counts with.
  const cells = await table.locator("tbody tr[aria-rowindex]").evaluateAll((all) =>
    all.map((row) => ({
      height: row.getBoundingClientRect().height,
      right: Math.max(...[...row.children].map((cell) => cell.getBoundingClientRect().right)),
    })),
  );
  expect(new Set(cells.map(({ height }) => height))).toEqual(new Set([56]));
  expect(Math.max(...cells.map(({ right }) => right))).toBeLessThanOrEqual(390);
  await page.setViewportSize({ width: 1440, height: 900 });
  await expect.poll(labels).toContain("99%ile");
});

test("nothing is complained of, and nobody else is asked", () => {
  expect(seen.problems).toEqual([]);
  expect(seen.foreign).toEqual([]);
});
