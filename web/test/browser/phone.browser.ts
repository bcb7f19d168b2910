// On a phone nothing is scrolled aside: every tab of a run, the start form, dialogs and reports at 390 pixels.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { records, reportPage } from "../looks/pages.ts";
import { type Browser, openBrowser } from "./chromium.ts";
import { type Pretended, pretend } from "./pretended.ts";
import { startRun, TABS } from "./steps.ts";

const PHONE = { width: 390, height: 844 };
const DIST = resolve(import.meta.dirname, "../../dist");

let small: Pretended;
let large: Pretended;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  // One after the other: what is pretended is told by the environment.
  small = await pretend({ workers: 3 });
  large = await pretend({ large: true });
  browser = await openBrowser({ viewport: PHONE });
  page = await browser.context.newPage();
});

afterAll(async () => {
  await browser?.close();
  await small?.close();
  await large?.close();
});

/** What is wider than its place, or cut where no ellipsis may stand. */
function aside(of: Page = page): Promise<string[]> {
  return of.evaluate((width) => {
    const found: string[] = [];
    const told = (element: Element) =>
      `${element.tagName} ${element.className} “${(element.textContent ?? "").slice(0, 40)}”`;
    const root = document.documentElement;
    if (root.scrollWidth > width) found.push(`the page is ${root.scrollWidth} px wide`);
    for (const element of document.querySelectorAll<HTMLElement>("body *")) {
      // What is folded away has no layout.
      if (!element.checkVisibility()) continue;
      const style = getComputedStyle(element);
      const { scrollWidth, clientWidth } = element;
      if (["auto", "scroll"].includes(style.overflowX) && scrollWidth > clientWidth)
        found.push(`${told(element)} scrolls: ${scrollWidth} in ${clientWidth}`);
      const box = element.getBoundingClientRect();
      const hidden = element.closest("thead, .unseen, .u-axis, .skip, .uplot");
      if (!hidden && box.width > 1 && (box.right > width + 0.5 || box.left < -0.5))
        found.push(`${told(element)} stands aside`);
      if (element.matches("td.fg-number, dd") && scrollWidth > clientWidth + 1)
        found.push(`${told(element)} is cut: ${scrollWidth} in ${clientWidth}`);
    }
    return found;
  }, PHONE.width);
}

/** Labels of the first table's columns, as they stand or in the places where a phone has them. */
const labels = (of: Page) => of.locator("table").first().locator("thead th").allTextContents();

test("the start form and the dialog of a class", async () => {
  await page.goto(small.url);
  await page.locator(".plan").waitFor();
  expect(await aside()).toEqual([]);
  await page.getByRole("button", { name: "Stages", exact: true }).click();
  expect(await aside()).toEqual([]);
  await page
    .getByRole("button", { name: /^Settings of/ })
    .first()
    .click();
  await page.getByRole("dialog").waitFor();
  expect(await aside()).toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Steady users" }).click();
});

test("every tab of a small run", async () => {
  await startRun(page, "40", "40");
  await page.waitForTimeout(4000);
  const found: Record<string, string[]> = {};
  for (const [, label] of [...TABS, ["workers", "Workers"] as const]) {
    const tab = page.getByRole("tab", { name: label });
    await tab.click();
    await page.waitForTimeout(400);
    for (const button of await page.getByRole("button", { name: /^Details/ }).all()) await button.click();
    for (const button of await page.getByRole("button", { name: /^Table of/ }).all()) await button.click();
    await page.waitForTimeout(200);
    const faults = await aside();
    if (faults.length > 0) found[label] = faults;
  }
  expect(found).toEqual({});
});

test("a row's own figures", async () => {
  await page.getByRole("tab", { name: "Statistics" }).click();
  await page.getByText("Columns", { exact: true }).click();
  expect(await aside()).toEqual([]);
  await page.keyboard.press("Escape");
  await page.locator("button.fg-link").first().click();
  await page.getByRole("dialog").locator("canvas").first().waitFor();
  expect(await aside()).toEqual([]);
  await page.keyboard.press("Escape");
});

test("long tables, whose rows are of one height", async () => {
  await page.goto(large.url);
  for (const label of ["Statistics", "Failures", "Workers"]) {
    await page.getByRole("tab", { name: label, exact: true }).click();
    await page.locator(".panel tbody tr[aria-rowindex]").first().waitFor();
    const box = page.locator(".panel .fg-long").first();
    await box.evaluate((element) => {
      element.scrollTop = 20_000;
    });
    await page.waitForTimeout(300);
    expect(await aside(), label).toEqual([]);
    const heights = await page
      .locator(".panel .fg-long tbody tr[aria-rowindex]")
      .evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect().height));
    expect(new Set(heights).size, `${label}: ${heights}`).toBe(1);
    // What scrolling counts with is what stands there: the table is as high as all of its rows.
    const { all, count } = await box.evaluate((element) => ({
      all: element.querySelector("tbody")?.getBoundingClientRect().height ?? 0,
      count: Number(element.querySelector("table")?.getAttribute("aria-rowcount")) - 1,
    }));
    const rows = (await box.locator("tfoot").count()) > 0 ? count - 1 : count;
    expect(Math.abs(all - rows * (heights[0] ?? 0)), label).toBeLessThan(3);
  }
});

test("reports and the comparison of two runs", async () => {
  const folder = await mkdtemp(join(tmpdir(), "swarmer-phone-"));
  const template = await readFile(join(DIST, "report.html"), "utf8");
  const found: Record<string, string[]> = {};
  try {
    for (const name of ["small", "suspect", "comparison"]) {
      const file = join(folder, `${name}.html`);
      await writeFile(file, reportPage(template, name));
      await page.goto(`file://${file}`);
      await page.locator("main table").first().waitFor();
      for (const button of await page.getByRole("button", { name: "Details", exact: true }).all()) await button.click();
      await page.waitForTimeout(400);
      const faults = await aside();
      if (faults.length > 0) found[name] = faults;
    }
    expect(Object.keys(records)).toEqual(expect.arrayContaining(["small", "suspect", "comparison"]));
    expect(found).toEqual({});
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("no column is lost: a phone has every label of a screen", async () => {
  await page.goto(small.url);
  const onPhone: Record<string, string> = {};
  const tabs = ["Failures", "Exceptions", "Samples", "Workers"];
  for (const label of tabs) {
    await page.getByRole("tab", { name: label }).click();
    await page.locator(".panel table").first().waitFor();
    onPhone[label] = (await labels(page)).join("|");
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  for (const label of tabs) {
    await page.getByRole("tab", { name: label }).click();
    await page.locator(".panel table").first().waitFor();
    // The method stands before the name.
    const wide = (await labels(page)).filter((text) => !["Method", "Type"].includes(text));
    expect(onPhone[label], label).toBe(wide.join("|"));
  }
  await page.setViewportSize(PHONE);
});

test("on a small screen no figure is cut, and two groups stand side by side without scrolling", async () => {
  await page.setViewportSize({ width: 1024, height: 900 });
  await page.goto(small.url);
  const found: Record<string, string[]> = {};
  for (const label of ["Statistics", "Groups", "Samples", "Failures", "Workers"]) {
    await page.getByRole("tab", { name: label }).click();
    await page.locator(".panel table").first().waitFor();
    const cut = await page
      .locator(".panel :is(td.fg-number, td.fg-text)")
      .evaluateAll((cells) =>
        cells
          .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
          .map(({ textContent, scrollWidth, clientWidth }) => `${textContent}: ${scrollWidth} in ${clientWidth}`),
      );
    if (cut.length > 0) found[label] = cut;
  }
  expect(found).toEqual({});
  await page.getByRole("tab", { name: "Groups" }).click();
  const box = page.locator(".panel .fg-scroll").first();
  expect(await box.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0);
  await page.setViewportSize(PHONE);
});
