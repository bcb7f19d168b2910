// What axe-core says of every view, dark and light: nothing serious, nothing critical.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Browser, openBrowser } from "./chromium.ts";
import { type Engine, startEngine } from "./engine.ts";
import { figure, openTabs, startRun, stopRun, TABS } from "./steps.ts";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

let engine: Engine;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  engine = await startEngine(["--demo", "--fault", "claims 3%: error 500"]);
  // axe is put into the page, which its content policy forbids to anybody else.
  browser = await openBrowser({ bypassCSP: true });
  page = await browser.context.newPage();
});

afterAll(async () => {
  await browser?.close();
  await engine?.end();
});

/** Faults of the page as it is now, in both themes. */
async function faults(view: string, of: Page = page): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await of.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await of.waitForTimeout(150);
    await of.addScriptTag({ path: AXE });
    const { violations } = await of.evaluate(() =>
      (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
    );
    for (const { id, impact, nodes } of violations)
      if (impact === "serious" || impact === "critical")
        found.push(
          `${view}, ${colorScheme}: ${id} (${impact}) at ${nodes.map(({ target }) => target.join(" ")).join("; ")}`,
        );
  }
  return found;
}

test("the start form", async () => {
  await page.goto(engine.url);
  await page.locator(".plan").waitFor();
  const found = await faults("form");
  await page.getByRole("button", { name: "Stages", exact: true }).click();
  found.push(...(await faults("stages")));
  await page.getByText("Custom parameters").click();
  found.push(...(await faults("custom parameters")));
  await page.getByRole("button", { name: "Steady users" }).click();
  expect(found).toEqual([]);
});

test("every tab, and the dialogs", async () => {
  await startRun(page, "30", "30");
  await expect.poll(() => figure(engine.url, ({ errors }) => errors.length), { timeout: 60_000 }).toBeGreaterThan(0);
  const found: string[] = [];
  for (const [id] of TABS) {
    await openTabs(page, id);
    await page.waitForTimeout(500);
    found.push(...(await faults(id)));
  }
  await openTabs(page, "stats");
  const openers = {
    edit: page.getByRole("button", { name: "Edit" }),
    reset: page.getByRole("button", { name: "Reset" }),
    about: page.getByRole("button", { name: "About" }),
    row: page.locator("button.fg-link").first(),
    health: page.locator(".health-light"),
  };
  for (const [name, button] of Object.entries(openers)) {
    await button.click();
    await page.getByRole("dialog").waitFor();
    found.push(...(await faults(name)));
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
  expect(found).toEqual([]);
});

test("the report", async () => {
  await stopRun(page);
  await page.goto(`${engine.url}/stats/report`);
  await page.locator("canvas").first().waitFor();
  expect(await faults("report")).toEqual([]);
});

test("the sign-in page", async () => {
  const folder = await mkdtemp(join(tmpdir(), "swarmer-users-"));
  const users = join(folder, "users");
  // As `swarmer hash-password guest` prints it.
  await writeFile(users, "guest:$2b$12$fxZ.82mwKdNqrle2dmxyzOk2PDzDwhcn2KSCH/AYKAkqLreFPLOx6\n");
  const locked = await startEngine(["--host", engine.url, "--web-users", users]);
  try {
    await page.goto(locked.url);
    await page.getByLabel("Password").waitFor();
    expect(await faults("sign-in")).toEqual([]);
  } finally {
    await locked.end();
    await rm(folder, { recursive: true });
  }
});
