// The real page in Chromium against a real run: everything that a person does with it.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Browser, openBrowser, type Watch, watch } from "./chromium.ts";
import { type Engine, startEngine } from "./engine.ts";
import { FOLDER, figure, openTabs, startRun, stopRun, TABS } from "./steps.ts";

let engine: Engine;
let browser: Browser;
let page: Page;
let seen: Watch;

beforeAll(async () => {
  engine = await startEngine(["--demo", "--fault", "claims 3%: error 500"]);
  browser = await openBrowser({ acceptDownloads: true });
  page = await browser.context.newPage();
  seen = watch(page, engine.url);
});

afterAll(async () => {
  await browser?.close();
  await engine?.end();
});

const rows = (): Locator => page.getByRole("table", { name: "Request statistics" }).locator("tbody tr[aria-rowindex]");
const total = (): Promise<number> => figure(engine.url, (summary) => summary.total.requests);

test("the plan is drawn before the start, and follows the fields", async () => {
  await page.goto(engine.url);
  await page.getByRole("button", { name: "Stages", exact: true }).click();
  await page.getByRole("button", { name: "Edit as text" }).click();
  await page.getByRole("textbox", { name: "Stages" }).fill("10s:40, 20s:40, 5s:0");
  await expect.poll(() => page.locator(".plan figcaption").innerText()).toMatch(/^Reaches 40 users after 10\s?s/);
  const drawn = await page.locator(".plan path.line").getAttribute("d");
  expect(drawn?.split("L").length).toBeGreaterThan(2);
  await page.getByRole("button", { name: "Steady users" }).click();
  await page.getByLabel("Number of users").fill("minus one");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect.poll(() => page.getByRole("alert").first().isVisible()).toBe(true);
});

test("a run is started from the form, its figures rise, and it can be edited", async () => {
  await startRun(page, "20", "10");
  await expect.poll(total, { timeout: 30_000 }).toBeGreaterThan(50);
  const before = await total();
  await expect.poll(total, { timeout: 30_000 }).toBeGreaterThan(before);
  const shown = async () => (await page.locator(".glance dd").first().innerText()).trim();
  await expect.poll(shown, { timeout: 30_000 }).toBe("20");

  await page.getByRole("button", { name: "Edit" }).click();
  await page.getByRole("dialog").getByLabel("Number of users").fill("30");
  await page.getByRole("dialog").getByRole("button", { name: "Update" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await expect.poll(shown, { timeout: 30_000 }).toBe("30");
});

test("the statistics are sorted, searched, and a row opens its own charts", async () => {
  await openTabs(page, "stats");
  await rows().first().waitFor();
  const header = page.getByRole("columnheader", { name: "Name" });
  const names = async () => {
    const texts = await rows().locator(".fg-name").allInnerTexts();
    return texts.map((text) => text.trim()).slice(0, -1);
  };
  const sorted = (texts: string[]) => [...texts].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  await header.getByRole("button").click();
  const direction = await header.getAttribute("aria-sort");
  expect(direction).toMatch(/ascending|descending/);
  const once = await names();
  await header.getByRole("button").click();
  await expect.poll(() => header.getAttribute("aria-sort")).not.toBe(direction);
  const twice = await names();
  expect(twice.length).toBeGreaterThan(5);
  expect(twice[0]).not.toBe(once[0]);
  expect([sorted(once)[0], sorted(twice).at(-1)]).toContain(direction === "ascending" ? once[0] : twice[0]);

  const all = await rows().count();
  await page.getByRole("searchbox", { name: "Search names" }).fill("login");
  await expect.poll(() => rows().count()).toBeLessThan(all);
  await rows().first().locator("button.fg-link").click();
  const dialog = page.getByRole("dialog");
  await dialog.locator("canvas").first().waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("searchbox", { name: "Search names" }).fill("");
});

test("every tab opens by click and by address, and a reload comes back to it", async () => {
  for (const [id, label] of TABS) {
    await page.getByRole("tab", { name: label }).click();
    expect(new URL(page.url()).searchParams.get("tab") ?? "stats").toBe(id);
    await expect.poll(() => page.getByRole("tabpanel").innerText()).not.toBe("");
    await page.goto(`${engine.url}/?tab=${id}`);
    await expect.poll(() => page.getByRole("tab", { name: label }).getAttribute("aria-selected")).toBe("true");
  }
  await page.reload();
  const [id] = TABS.at(-1) ?? [];
  expect(new URL(page.url()).searchParams.get("tab")).toBe(id);
  await expect.poll(() => page.getByRole("tab", { selected: true }).getAttribute("id")).toBe(`view-tab-${id}`);
});

test("a chart is zoomed by brushing and comes back by the keyboard", async () => {
  await openTabs(page, "charts");
  const plot = page.locator(".fg-plot").first();
  const over = plot.locator(".u-over");
  await over.waitFor();
  // Time enough on the axis for a brush.
  await expect
    .poll(
      () =>
        page
          .evaluate(() => fetch("api/v1/history").then((reply) => reply.json()))
          .then(({ history }) => history.time.length),
      { timeout: 60_000 },
    )
    .toBeGreaterThan(8);
  const box = await over.boundingBox();
  if (!box) throw new Error("the chart is not in sight");
  const back = page.getByRole("button", { name: "Reset zoom" });
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * 0.2, y);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, y, { steps: 8 });
  await page.mouse.up();
  await back.first().waitFor();
  await plot.focus();
  await page.keyboard.press("Escape");
  await back.first().waitFor({ state: "detached" });
});

test("the run is stopped, its figures stay, and every file can be taken away", async () => {
  await stopRun(page);
  await openTabs(page, "reports");
  const links = page.getByRole("tabpanel").locator("a[download]");
  const files = new Map<string, string>();
  for (const link of await links.all()) {
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    const path = join(await FOLDER, download.suggestedFilename());
    await download.saveAs(path);
    expect((await stat(path)).size, download.suggestedFilename()).toBeGreaterThan(10);
    files.set((await link.getAttribute("href")) ?? "", path);
  }
  expect(files.size).toBeGreaterThanOrEqual(5);

  const requests = [...files].find(([href]) => href.endsWith("/stats/requests/csv"))?.[1] ?? "";
  const asked = await fetch(`${engine.url}/stats/requests/csv`);
  expect(await readFile(requests, "utf8")).toBe(await asked.text());
  const summary = [...files].find(([href]) => href.includes("/api/v1/summary"))?.[1] ?? "";
  const record = JSON.parse(await readFile(summary, "utf8"));
  expect(JSON.stringify(record)).toContain("Aggregated");

  // The report, opened from disk: nothing is asked of anybody.
  const report = [...files].find(([href]) => href.includes("/stats/report"))?.[1] ?? "";
  expect((await stat(report)).size, "a small run's report").toBeLessThan(700_000);
  const paper = await browser.context.newPage();
  const own = watch(paper, `file://${report}`);
  const asks: string[] = [];
  paper.on("request", (request) => asks.push(request.url()));
  await paper.goto(`file://${report}`);
  await paper.locator("canvas").first().waitFor();
  expect(await paper.locator("h1").first().innerText()).not.toBe("");
  const requestsMade = await total();
  const text = await paper.locator("body").innerText();
  expect(text.replace(/[\s,.\u202f]/g, "")).toContain(String(requestsMade));
  expect(asks.filter((url) => !url.startsWith("file://") && !/^(data|blob):/.test(url))).toEqual([]);
  expect(own.problems).toEqual([]);
  await paper.close();
});

test("figures are set to zero, and a new run begins", async () => {
  await openTabs(page, "stats");
  await page.getByRole("button", { name: "Reset" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Reset figures" }).click();
  await expect.poll(total).toBe(0);
  // As in Locust, names stay, with nothing counted.
  const footer = () => page.locator("tfoot").first().innerText();
  await expect.poll(footer).toMatch(/Aggregated\s+0\s+0/);
  await page.getByRole("button", { name: "New", exact: true }).click();
  await startRun(page, "5", "5");
  await expect.poll(total, { timeout: 30_000 }).toBeGreaterThan(0);
});

test("a run that begins shows nothing of the one before", async () => {
  await expect.poll(total, { timeout: 30_000 }).toBeGreaterThan(50);
  await stopRun(page);
  const before = await total();
  await page.getByRole("button", { name: "New", exact: true }).click();
  // Every state of the page from now on in which a run goes on.
  await page.evaluate(() => {
    const shown: string[] = [];
    Object.assign(window, { shown });
    new MutationObserver(() => {
      const text = (selector: string) => document.querySelector(selector)?.textContent ?? "";
      if (/spawning|running/.test(text(".top .chip"))) shown.push(text("tfoot td:nth-child(3)"));
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
  await startRun(page, "1", "1");
  await page.waitForTimeout(2500);
  const shown = await page.evaluate(() => (window as unknown as { shown: string[] }).shown);
  const counts = shown.filter((text) => text !== "").map((text) => Number(text.replaceAll("\u202f", "")));
  expect(counts.length).toBeGreaterThan(0);
  expect(Math.max(...counts)).toBeLessThan(before);
});

test("a server that goes away is told of, and the page comes back with it", async () => {
  seen.away = true;
  await engine.end("SIGKILL");
  await page.getByText("Disconnected:").waitFor();
  const { port } = engine;
  engine = await startEngine(["--demo"], port);
  await page.getByText("Disconnected:").waitFor({ state: "detached", timeout: 40_000 });
  // Another process has no run yet.
  await page.getByRole("button", { name: "Start", exact: true }).waitFor();
  seen.away = false;
});

test("nobody else was asked for anything, and nothing was complained of", () => {
  expect(seen.foreign).toEqual([]);
  expect(seen.problems).toEqual([]);
});
