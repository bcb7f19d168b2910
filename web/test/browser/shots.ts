// Screenshots of the start form, every tab, dialogs and the report of a real run, at three widths, dark and light:
// `npm run shots`, to be looked at. They go to target/screenshots, with the report printed as report.pdf.
import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import type { Page } from "playwright-core";
import type { StateReply } from "../../src/api/types.ts";
import { openBrowser } from "./chromium.ts";
import { type Engine, LOAD_TESTS, startEngine } from "./engine.ts";
import { openTabs, startRun, stopRun, TABS } from "./steps.ts";

const out = resolve(import.meta.dirname, "../../../target/screenshots");
const WIDTHS = [1440, 1024, 390];
const THEMES = ["light", "dark"] as const;

async function take(page: Page, name: string): Promise<void> {
  for (const width of WIDTHS)
    for (const colorScheme of THEMES) {
      await page.setViewportSize({ width, height: width < 500 ? 844 : 900 });
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(250);
      await page.screenshot({ path: resolve(out, `${name}-${width}-${colorScheme}.png`), fullPage: true });
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (beyond > 0) console.log(`${name} at ${width}: ${beyond} px wider than the window`);
    }
  await page.setViewportSize({ width: 1440, height: 900 });
}

/** The tabs that only a master has, over two workers that load the same target. */
async function distributed(page: Page, { url }: Engine): Promise<void> {
  const { host } = (await (await fetch(`${url}/api/v1/state`)).json()) as StateReply;
  const bind = ["--master-bind-host", "127.0.0.1", "--master-bind-port", "0"];
  const master = await startEngine(["--master", ...bind, "--host", String(host)]);
  const port = /Listening for workers at \S+:(\d+)/.exec(master.said())?.[1];
  if (!port) throw new Error(`the master told no port:\n${master.said()}`);
  const order = ["--worker", "--master-port", port, "--threads", "1", "--time-scale", "0.05"];
  const workers = [1, 2].map(() => spawn(LOAD_TESTS, order, { stdio: "ignore" }));
  try {
    await page.goto(master.url);
    await page.getByText("No worker is connected yet").waitFor({ state: "hidden" });
    await startRun(page, "20", "10");
    await page.getByRole("tab", { name: "Workers" }).click();
    await page.getByText("running").nth(2).waitFor();
    await page.waitForTimeout(5000);
    await take(page, "tab-workers");
    await openTabs(page, "logViewer");
    await take(page, "tab-logs-of-workers");
  } finally {
    await master.end();
    for (const worker of workers) worker.kill();
  }
}

export async function main(): Promise<void> {
  await mkdir(out, { recursive: true });
  const engine = await startEngine([
    "--demo",
    "--fault",
    "claims 3%: error 500",
    "--trace-url",
    "https://apm.example/{trace}",
  ]);
  const browser = await openBrowser();
  // Long pages on a machine that is busy with the load take their time.
  browser.context.setDefaultTimeout(120_000);
  try {
    const page = await browser.context.newPage();

    await page.goto(engine.url);
    await page.getByRole("button", { name: "Stages", exact: true }).click();
    await page.locator(".plan").waitFor();
    await take(page, "form");
    await page.getByRole("button", { name: "Steady users" }).click();
    await startRun(page, "50", "10");
    await page.waitForTimeout(20_000);
    for (const [id] of TABS) {
      await openTabs(page, id);
      await page.waitForTimeout(1200);
      await take(page, `tab-${id}`);
    }
    await page.getByRole("button", { name: "Edit" }).click();
    await take(page, "dialog-edit");
    await page.keyboard.press("Escape");
    await openTabs(page, "stats");
    await page.locator("button.fg-link").nth(2).click();
    await page.getByRole("dialog").locator("canvas").first().waitFor();
    await take(page, "dialog-row");
    await page.keyboard.press("Escape");
    await stopRun(page);
    await openTabs(page, "stats");
    await take(page, "stopped");
    await page.getByRole("button", { name: "New", exact: true }).click();
    await take(page, "form-after");
    await page.goto(`${engine.url}/stats/report`);
    await page.locator("canvas").first().waitFor();
    await take(page, "report");
    await page.emulateMedia({ colorScheme: "light" });
    await page.pdf({ path: resolve(out, "report.pdf"), preferCSSPageSize: true });
    await distributed(page, engine);
  } finally {
    await browser.close();
    await engine.end();
  }
  console.log(out);
}
