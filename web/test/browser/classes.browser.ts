// What the start form decides about user classes and shapes, against real runs: the example `shape`, which has two classes
// and a shape, over two servers that count what they are asked for.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { HistoryReply, PlanReply, Tasks } from "../../src/api/types.ts";
import { type Browser, openBrowser, type Watch, watch } from "./chromium.ts";
import { type Engine, startProgram } from "./engine.ts";
import { figure, openTabs, startRun, stopRun } from "./steps.ts";
import { startTarget, type Target } from "./targets.ts";

const EXAMPLE = resolve(import.meta.dirname, "../../../target/debug/examples/shape");

let engine: Engine;
let common: Target;
/** Where only guests are sent. */
let own: Target;
let browser: Browser;
let page: Page;
let seen: Watch;

beforeAll(async () => {
  if (!existsSync(EXAMPLE)) throw new Error(`${EXAMPLE} is missing: cargo build --package swarmer --example shape`);
  [common, own] = await Promise.all([startTarget(), startTarget()]);
  engine = await startProgram(EXAMPLE, ["--class-picker", "--host", common.url]);
  browser = await openBrowser();
  page = await browser.context.newPage();
  seen = watch(page, engine.url);
});

afterAll(async () => {
  await browser?.close();
  await engine?.end();
  common?.close();
  own?.close();
});

const ask = async <T>(path: string): Promise<T> => (await fetch(`${engine.url}/${path}`)).json() as Promise<T>;
const users = (): Promise<Record<string, number>> => figure(engine.url, (summary) => summary.users);
const picker = (): Locator => page.getByRole("group", { name: "User classes" });
const choice = (name: string): Locator => picker().getByRole("checkbox", { name, exact: true });
/** What the picker says of a class: name, weight, share, tasks. */
const told = (name: string) =>
  picker().getByRole("row").filter({ hasText: name }).locator("th, td.number:not(:has(button))").allInnerTexts();

/** Whether this course of the load is the chosen one. */
const course = (name: string) => page.getByRole("button", { name, exact: true }).getAttribute("aria-pressed");

/** Names of the page's statistics: requests, journeys and their sum. */
async function namesOnPage(): Promise<string[]> {
  await openTabs(page, "stats");
  const names = page.getByRole("table", { name: "Request statistics" }).locator(":is(tbody, tfoot) .fg-name");
  return (await names.allInnerTexts()).map((text) => text.trim()).sort();
}

/** Changes some fields of a class's dialog. */
async function change(
  name: string,
  fields: Record<string, string>,
  off: string[] = [],
  on: string[] = [],
): Promise<void> {
  await page.getByRole("button", { name: `Settings of ${name}` }).click();
  const dialog = page.getByRole("dialog");
  for (const [label, value] of Object.entries(fields)) await dialog.getByLabel(label).fill(value);
  for (const task of off) await dialog.getByRole("checkbox", { name: task }).uncheck();
  for (const task of on) await dialog.getByRole("checkbox", { name: task }).check();
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
}

test("one class of several runs alone, with the host and the tasks that it was given", async () => {
  await page.goto(engine.url);
  expect(await told("Reader")).toEqual(["Reader", "1", "50.0\u202f%", "1"]);
  // The workload has a shape, which decides unless somebody wants something else.
  expect(await course("Waves")).toBe("true");
  await page.getByRole("button", { name: "Steady users", exact: true }).click();
  await choice("Reader").uncheck();
  await change("Guest", { Weight: "3", Host: own.url }, ["Ask"]);
  expect(await told("Guest")).toEqual(["Guest", "3", "100\u202f%", "1 of 2"]);
  // A run's host would beat it, as in Locust, and the form says so.
  await page.getByText("takes the place of the own host of Guest").waitFor();
  await page.getByLabel("Host").fill("");
  await startRun(page, "4", "20");

  await expect.poll(users, { timeout: 30_000 }).toEqual({ Guest: 4, Reader: 0 });
  await expect.poll(namesOnPage, { timeout: 30_000 }).toEqual(["Aggregated", "Look · Guest", "Pictures"]);
  const { stats } = await ask<{ stats: { name: string }[] }>("stats/requests");
  expect(stats.map(({ name }) => name).sort()).toEqual(["Aggregated", "Pictures"]);
  const tasks = await ask<Tasks>("tasks");
  for (const tree of [tasks.per_class, tasks.total]) {
    expect(Object.keys(tree)).toEqual(["Guest"]);
    expect(Object.keys(tree.Guest?.tasks ?? {})).toEqual(["Look"]);
  }
  await openTabs(page, "ratios");
  const ratios = page.getByRole("tabpanel").locator(".fg-tree-name");
  await expect.poll(() => ratios.allInnerTexts()).toEqual(["Guest", "Look", "Guest", "Look"]);
  await stopRun(page);
  expect([...own.asked.keys()]).toEqual(["/pictures"]);
  expect([...common.asked.keys()]).toEqual([]);
});

test("who loads the page anew finds the form as the next run would be", async () => {
  await page.reload();
  await page.getByRole("button", { name: "New", exact: true }).click();
  expect([await course("Steady users"), await course("Waves")]).toEqual(["true", "false"]);
  expect([await choice("Guest").isChecked(), await choice("Reader").isChecked()]).toEqual([true, false]);
  expect(await told("Guest")).toEqual(["Guest", "3", "100\u202f%", "1 of 2"]);
  await page.getByRole("button", { name: "Settings of Guest" }).click();
  const dialog = page.getByRole("dialog");
  const tasks = ["Look", "Ask"].map((name) => dialog.getByRole("checkbox", { name }).isChecked());
  expect(await Promise.all(tasks)).toEqual([true, false]);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Back to the results" }).click();
});

test("counts and weights of classes decide how many users each of them has", async () => {
  await page.getByRole("button", { name: "New", exact: true }).click();
  // What was set before still holds, and what was switched off can be switched on.
  await choice("Reader").check();
  expect(await told("Guest")).toEqual(["Guest", "3", "75.0\u202f%", "1 of 2"]);
  await change("Guest", { "Fixed count": "2", Host: "" }, [], ["Ask"]);
  expect(await told("Guest")).toEqual(["Guest", "3", "2 fixed", "2"]);
  expect(await told("Reader")).toEqual(["Reader", "1", "100\u202f%", "1"]);
  await page.getByLabel("Host").fill(common.url);
  await startRun(page, "8", "20");
  await expect.poll(users, { timeout: 30_000 }).toEqual({ Guest: 2, Reader: 6 });
  await expect
    .poll(namesOnPage, { timeout: 30_000 })
    .toEqual(["Aggregated", "Ask · Guest", "Look · Guest", "Page", "Pictures", "Questions", "Read · Reader"]);
  await stopRun(page);
  expect([...common.asked.keys()].sort()).toEqual(["/page", "/pictures", "/questions"]);
  expect([...own.asked.keys()]).toEqual(["/pictures"]);

  await page.getByRole("button", { name: "New", exact: true }).click();
  await change("Guest", { "Fixed count": "0" });
  await startRun(page, "8", "20");
  await expect.poll(users, { timeout: 30_000 }).toEqual({ Guest: 6, Reader: 2 });
  await stopRun(page);
});

test("a run without any class is refused by the form", async () => {
  await page.getByRole("button", { name: "New", exact: true }).click();
  await choice("All user classes").uncheck();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect.poll(() => picker().getByRole("alert").innerText()).toBe("choose at least one");
  expect(await ask<{ state: string }>("stats/requests")).toMatchObject({ state: "stopped" });
  await choice("All user classes").check();
});

test("the chosen shape decides the number of users and ends the run", async () => {
  await page.getByRole("button", { name: "Waves", exact: true }).click();
  await expect.poll(() => page.getByLabel("Number of users").count()).toBe(0);
  await page.getByText("its course is drawn meanwhile").waitFor();
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await page.getByRole("tablist", { name: "Views" }).waitFor();
  // Until the page has heard of the new run it shows the end of the one before.
  await page.getByRole("button", { name: "Stop", exact: true }).waitFor();
  // Nobody stops it: a shape ends by itself.
  await page.getByRole("button", { name: "New", exact: true }).waitFor();

  const { history } = await ask<HistoryReply>("api/v1/history");
  const most = history.users.max.map((value) => value ?? 0);
  expect(Math.max(...most)).toBe(8);
  const trough = most.slice(most.indexOf(8)).indexOf(2);
  expect(trough, `the first wave ebbs: ${most}`).toBeGreaterThan(0);
  expect(most.slice(most.indexOf(8) + trough), `the second wave rises: ${most}`).toContain(8);
  const guests = (history.class_users.Guest ?? []).map((value) => value ?? 0);
  expect(
    guests.findIndex((count) => count > 0),
    "guests come with the second wave",
  ).toBeGreaterThan(most.indexOf(8) + trough);
  expect(await namesOnPage()).toEqual(expect.arrayContaining(["Look · Guest", "Read · Reader"]));
});

test("after a shape steady users hold until they are stopped", async () => {
  await page.getByRole("button", { name: "New", exact: true }).click();
  expect(await course("Waves")).toBe("true");
  await page.getByRole("button", { name: "Steady users", exact: true }).click();
  await startRun(page, "3", "20");
  const sum = async () => Object.values(await users()).reduce((a, b) => a + b, 0);
  await expect.poll(sum, { timeout: 30_000 }).toBe(3);
  const { duration } = await fetch(`${engine.url}/api/v1/plan`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  }).then((reply) => reply.json() as Promise<PlanReply>);
  expect(duration).toBeNull();
  await stopRun(page);
});

test("nobody else was asked for anything, and nothing was complained of", () => {
  expect(seen.foreign).toEqual([]);
  expect(seen.problems).toEqual([]);
});
